"""Ten flow files as somebody may have them: rewritten for both targets, run before and after."""

import re
import sys
from pathlib import Path
from typing import List

import pytest
from prefect import Task

from prefect1_rsync.bridge.arguments import SecretNames
from prefect1_rsync.bridge.rewrite import rewrite
from tests.bridge.world import CONNECTIONS, run_file

HERE = Path(__file__).parent
BEFORE = HERE / "repository"
FILES = sorted(path.name for path in BEFORE.glob("*.py"))
TARGETS = ("legacy", "tasks")
every_file = pytest.mark.parametrize("name", FILES)
every_target = pytest.mark.parametrize("target", TARGETS)

FIRST, SECOND, THIRD = (("airbyte", connection) for connection in CONNECTIONS)
CENSUS, CENSUS_TOO = ("census", "52"), ("census", "53")
LEADS, OTHERS = ("hightouch", "41"), ("hightouch", "42")
#: The runs that each file's flow starts, whoever's tasks it uses.
RUNS = {
    "audiences.py": [LEADS, OTHERS],
    "careful_airbyte.py": [FIRST, THIRD, CENSUS],
    "contacts_to_crm.py": [CENSUS],
    "housekeeping.py": [],
    "leads.py": [SECOND, LEADS],
    "nightly.py": [FIRST],
    "orders_to_warehouse.py": [FIRST, SECOND],
    "own_names.py": [FIRST, LEADS],
    "quick_fix.py": [CENSUS, CENSUS, CENSUS_TOO, LEADS, OTHERS],
    "registry.py": [FIRST, OTHERS],
}
#: Files in which something is left, with the lines.
LEFT = {
    "careful_airbyte.py": [11, 23, 28, 39],
    "nightly.py": [15],
    "registry.py": [8, 9],
}


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def test_there_are_ten() -> None:
    assert len(FILES) == 10 and sorted(RUNS) == FILES
    for target in TARGETS:
        assert sorted(path.name for path in (HERE / "expected" / target).glob("*.py")) == FILES


@every_target
@every_file
def test_the_new_text_is_the_expected_one(name: str, target: str) -> None:
    result = rewrite(text_of(BEFORE / name), target)
    assert result.text == text_of(HERE / "expected" / target / name)


@every_target
@every_file
def test_a_second_time_changes_nothing(name: str, target: str) -> None:
    once = rewrite(text_of(BEFORE / name), target)
    again = rewrite(once.text, target)
    assert again.text == once.text
    assert [found for found in again.findings if found.kind == "changed"] == []


@every_file
def test_the_way_by_the_drop_ins_leads_to_the_same_tasks(name: str) -> None:
    """First --to legacy, and later --to tasks."""
    by_legacy = rewrite(text_of(HERE / "expected" / "legacy" / name), "tasks").text
    direct = text_of(HERE / "expected" / "tasks" / name)

    def without_imports(text: str) -> List[str]:
        return [line for line in text.splitlines() if "import" not in line]

    assert without_imports(by_legacy) == without_imports(direct)


@every_file
def test_what_is_left_is_said(name: str) -> None:
    assert [
        found for found in rewrite(text_of(BEFORE / name)).findings if found.kind == "left"
    ] == []
    left = [found.line for found in rewrite(text_of(BEFORE / name), "tasks").findings
            if found.kind == "left"]  # fmt: skip
    assert left == LEFT.get(name, [])


@every_file
def test_every_comment_is_kept(name: str) -> None:
    comments = [line.partition("#")[2] for line in text_of(BEFORE / name).splitlines()]
    for target in TARGETS:
        new = rewrite(text_of(BEFORE / name), target).text
        assert all(comment in new for comment in comments)


@every_file
def test_no_secret_is_shown(name: str) -> None:
    for target in TARGETS:
        result = rewrite(text_of(BEFORE / name), target)
        shown = [result.shown(text_of(BEFORE / name)), result.shown(result.text)]
        assert "c4nary" not in "\n".join(shown)
        assert "c4nary" not in repr(result.findings)
        if name == "quick_fix.py" and target == "tasks":
            # Left where it is a constant, and said.
            assert result.text.count("c4nary") == 1
            assert any("line 5 still holds it" in found.text for found in result.findings)


@every_file
@pytest.mark.parametrize("version", ["before", *TARGETS])
def test_the_flow_runs(name: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = BEFORE if version == "before" else HERE / "expected" / version
    world, flow, state = run_file(folder / name, monkeypatch)
    assert state.is_successful(), {task: state.result[task].message for task in flow.tasks}
    assert world.started == sorted(RUNS[name])
    assert world.exports == (name == "nightly.py")
    modules = {type(task).__module__ for task in flow.tasks if isinstance(task, Task)}
    if version != "before" and name not in LEFT:
        assert not any(
            module.startswith(f"prefect.tasks.{vendor}")
            for module in modules
            for vendor in ("census", "hightouch", "airbyte")
        )
    if name == "contacts_to_crm.py":
        (report,) = flow.get_tasks("report")
        assert state.result[report].result == "completed"


def test_secrets_have_the_same_name_in_all_files() -> None:
    names = SecretNames()
    key = (
        "from prefect.tasks.hightouch import HightouchRunSync\nHightouchRunSync({!r})(sync_id=1)\n"
    )
    texts = [rewrite(key.format(each), "tasks", names).text for each in ("one", "two", "one")]
    assert [text.partition("api_key_secret=")[2].partition(",")[0] for text in texts] == [
        '"HIGHTOUCH_API_KEY"',
        '"HIGHTOUCH_API_KEY_2"',
        '"HIGHTOUCH_API_KEY"',
    ]


KEY_AND_NAME = """\
from prefect.tasks.hightouch import HightouchRunSync
HightouchRunSync(api_key_env_var="HIGHTOUCH_API_KEY", sync_id=1)()
HightouchRunSync(api_key="other-key", sync_id=2)()
HightouchRunSync(api_key="third-key", sync_id=3)()
"""


def named(text: str) -> List[str]:
    return re.findall('api_key_secret="(.*?)"', text)


def test_a_name_that_the_file_uses_is_not_given_to_a_key() -> None:
    """With one name for two keys, the second sync would run with the first one's."""
    expected = ["HIGHTOUCH_API_KEY", "HIGHTOUCH_API_KEY_2", "HIGHTOUCH_API_KEY_3"]
    assert named(rewrite(KEY_AND_NAME, "tasks").text) == expected
    taken = KEY_AND_NAME + "environ['HIGHTOUCH_API_KEY_2'] = x\n"
    assert named(rewrite(taken, "tasks").text) == [
        "HIGHTOUCH_API_KEY",
        "HIGHTOUCH_API_KEY_3",
        "HIGHTOUCH_API_KEY_4",
    ]
    # A variable is no name of a secret.
    text = KEY_AND_NAME.replace('api_key_env_var="HIGHTOUCH_API_KEY"', "api_key=HIGHTOUCH_API_KEY")
    assert named(rewrite(text, "tasks").text) == ["HIGHTOUCH_API_KEY", "HIGHTOUCH_API_KEY_2"]


def test_a_trigger_does_not_get_a_name_in_use_either() -> None:
    url = "https://bearer:secret-token:canary@app.getcensus.com/api/v1/syncs/7/trigger"
    text = (
        "from prefect.tasks.census import CensusSyncTask\n"
        f"CensusSyncTask({url!r})()\nCensusSyncTask()(PrefectSecret('CENSUS_TRIGGER_URL_7'))\n"
    )
    assert '"CENSUS_TRIGGER_URL_7_2"' in rewrite(text, "tasks").text


def test_rewriting_needs_no_prefect() -> None:
    import subprocess

    code = (
        "import sys\n"
        "from prefect1_rsync.bridge.rewrite import rewrite\n"
        "rewrite('from prefect.tasks.census import CensusSyncTask\\n')\n"
        "sys.exit('prefect' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
