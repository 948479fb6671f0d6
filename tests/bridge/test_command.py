"""`prefect1-rsync migrate`: what it prints, writes and exits with."""

import builtins
import difflib
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from prefect1_rsync.cli import main
from prefect1_rsync.cli.migrate import _printable

OLD = "from prefect.tasks.airbyte import AirbyteConnectionTask\nAirbyteConnectionTask()()\n"
DROP_INS = OLD.replace("prefect.tasks.airbyte", "prefect1_rsync.legacy")
LEFT = "from prefect.tasks.airbyte import AirbyteConnectionTask\nprint(AirbyteConnectionTask)\n"
REPOSITORY = Path(__file__).parent / "repository"


def migrate(*arguments: object) -> Result:
    try:
        runner = CliRunner(mix_stderr=False)  # type: ignore[call-arg]
    except TypeError:  # click 8.2 never mixes them
        runner = CliRunner()
    return runner.invoke(main, ["migrate", *map(str, arguments)])


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "flow.py"
    path.write_text(OLD)
    return path


def test_it_lists_and_shows_and_writes_nothing(flow: Path) -> None:
    result = migrate("flow.py")
    assert result.exit_code == 0
    old, new = OLD.splitlines(), DROP_INS.splitlines()
    diff = difflib.unified_diff(old, new, "a/flow.py", "b/flow.py", lineterm="")
    assert result.stdout.splitlines() == [
        f"flow.py:1: {old[0]} -> {new[0]}",
        "flow.py:2: AirbyteConnectionTask -> prefect1_rsync.legacy.AirbyteConnectionTask",
        *diff,
        "1 file read, 1 to change, 0 places left to you",
    ]
    assert flow.read_text() == OLD


def test_it_writes_when_told_and_then_has_nothing_to_do(flow: Path) -> None:
    flow.chmod(0o640)
    assert "1 changed" in migrate("--write", flow).stdout
    assert flow.read_text() == DROP_INS
    assert flow.stat().st_mode & 0o777 == 0o640
    again = migrate("--write", flow)
    assert (again.exit_code, again.stdout) == (
        0,
        "1 file read, 0 changed, 0 places left to you\n",
    )


@pytest.mark.parametrize("target", ["legacy", "tasks"])
def test_check(flow: Path, target: str) -> None:
    assert migrate("--check", "--to", target, flow).exit_code == 1
    assert flow.read_text() == OLD
    assert migrate("--write", "--to", target, flow).exit_code == 0
    assert migrate("--check", "--to", target, flow).exit_code == 0


def test_check_minds_what_is_left(flow: Path) -> None:
    flow.write_text(LEFT)
    result = migrate("--check", "--to", "tasks", flow)
    assert result.exit_code == 1 and "flow.py:2: left: " in result.stdout
    assert migrate("--to", "tasks", flow).exit_code == 0


def test_check_and_write_exclude_each_other(flow: Path) -> None:
    result = migrate("--check", "--write", flow)
    assert result.exit_code == 2 and flow.read_text() == OLD


def test_it_goes_on_after_an_error(flow: Path) -> None:
    (flow.parent / "a.py").write_text("print 'canary' # airbyte\n")
    (flow.parent / "b.py").write_bytes(b"x = '\xff'\n")
    (flow.parent / "c.py").write_text(OLD + "s = " + " + ".join(["x"] * 600) + "\n")
    result = migrate("--write", "nowhere.py", ".")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "nowhere.py: error: No such file or directory",
        "./a.py: error: line 1: not Python that can be read",
        "./b.py: error: not in the encoding that it says, or not text",
        "./c.py: error: nested too deeply",
    ]
    assert flow.read_text() == DROP_INS
    assert (flow.parent / "a.py").read_text() == "print 'canary' # airbyte\n"
    assert "1 file read, 1 changed, 0 places left to you, 4 errors" in result.stdout


def test_a_file_that_can_not_be_written_is_said(
    flow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    result = migrate("--write", "flow.py")
    assert result.exit_code == 2
    assert result.stderr == "flow.py: error: it may not be written\n"
    assert "0 changed" in result.stdout and flow.read_text() == OLD


def test_a_file_named_twice_is_read_once(flow: Path) -> None:
    assert "1 file read" in migrate("flow.py", ".", flow).stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_comes_through_a_pipe_is_read(flow: Path) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=(OLD,), daemon=True)
    writer.start()
    assert "1 file read, 1 to change" in migrate("--to", "tasks", "pipe").stdout
    writer.join(timeout=5)


def test_line_ends_stay(flow: Path) -> None:
    flow.write_bytes(OLD.replace("\n", "\r\n").encode())
    result = migrate("--write", "--to", "tasks", flow)
    assert result.exit_code == 0 and "\r" not in result.stdout
    data = flow.read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n") == 2


def test_no_secret_is_printed() -> None:
    for target in ("legacy", "tasks"):
        result = migrate("--to", target, REPOSITORY)
        assert result.exit_code == 0
        assert "c4nary" not in result.stdout + result.stderr and "***" in result.stdout
        assert "10 files read" in result.stdout
    assert "store it as the Prefect secret HIGHTOUCH_API_KEY " in result.stdout


def test_a_name_that_a_later_file_uses_is_not_given_to_a_key(flow: Path) -> None:
    task = (
        "from prefect.tasks.hightouch import HightouchRunSync\nHightouchRunSync({}, sync_id=1)()\n"
    )
    (flow.parent / "a.py").write_text(task.format("api_key='canary-1'"))
    (flow.parent / "b.py").write_text(task.format("api_key_env_var='HIGHTOUCH_API_KEY'"))
    assert migrate("--write", "--to", "tasks", "a.py", "b.py").exit_code == 0
    assert 'api_key_secret="HIGHTOUCH_API_KEY_2"' in (flow.parent / "a.py").read_text()
    assert "api_key_secret='HIGHTOUCH_API_KEY'" in (flow.parent / "b.py").read_text()


def test_without_libcst_it_says_what_to_install(
    flow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.split(".")[0] == "libcst":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    result = migrate(flow)
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: libcst is missing: pip install '.[migrate]' in a checkout of prefect1-rsync\n"
    )


def test_a_poor_terminal_gets_escapes() -> None:
    class Poor:
        encoding = "ascii"

    assert _printable("jörg", Poor()) == "j\\xf6rg"


def test_a_path_is_needed() -> None:
    result = migrate()
    assert result.exit_code == 2 and "PATH" in result.stderr
