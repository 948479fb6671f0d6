"""Every block of the pages is run: Python against a sandbox, on time that passes by sleeping.

A page can say more about a Python block, in comments right above it:

    <!-- sandbox: CODE -->        run first, with `sandbox` and `CONNECTION`
    <!-- environment: NAMES -->   environment variables that the block's reader has set
    <!-- fails: ERROR -->         the block's flow fails, one of its tasks with this error
    <!-- own sandbox -->          the block starts a sandbox itself
    <!-- no requests -->          the block asks no vendor for anything

A `text` block below it is what it prints; the sandbox's addresses are the vendors' there.
"""

import functools
import logging
import os
import re
import subprocess
import sys
from typing import Any, Callable, Dict, Iterator, List, Tuple

import prefect
import pytest
import requests
from click.testing import CliRunner
from prefect import Flow
from prefect.engine.state import State

import prefect1_rsync.sandbox
from prefect1_rsync.cli import main
from prefect1_rsync.sandbox import Sandbox, pytest_plugin
from prefect1_rsync.tasks.base import SyncTask
from tests.clock import VirtualClock
from tests.docs.pages import PAGES, ROOT, Block, blocks_of

pytest_plugins = ["pytester"]

CONNECTION = "4b2a1d5e-6f30-4c1b-9a57-0c6f5a8d2e11"
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
DIRECTIVES = {"sandbox", "environment", "fails", "own sandbox", "no requests"}

#: Shell lines that are not tried here, and why.
NOT_TRIED = {
    "pip install .": "it installs; the matrix does that on every Python",
}


def of(language: str) -> Any:
    found = [block for block in BLOCKS if kind_of(block) == language]
    return pytest.mark.parametrize("block", found, ids=lambda block: block.name)


def kind_of(block: Block) -> str:
    """A Python block of tests is for pytest."""
    return "pytest" if "\ndef test_" in block.code else block.language


def test_every_block_is_of_a_kind_that_is_run() -> None:
    languages = [block.language for block in BLOCKS]
    assert set(languages) == {"python", "sh"}, "and `text` only for what a block above prints"
    assert languages.count("python") > 20
    for block in BLOCKS:
        assert set(block.directives) <= DIRECTIVES, block.name
        if block.language == "sh":
            assert block.output is None and not block.directives, block.name


# --- Python ---


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    """Time for the tasks, the engine, and every sandbox, also one that a block makes."""
    clock = VirtualClock()
    monkeypatch.setattr(SyncTask, "_clock", clock)
    monkeypatch.setattr("prefect1_rsync.engine.watch.RealClock", lambda: clock)
    timed = functools.partial(Sandbox, clock=clock.monotonic)
    monkeypatch.setattr(prefect1_rsync.sandbox, "Sandbox", timed)
    return clock


@pytest.fixture
def sandbox(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The vendors with the syncs that the pages use; Census' own host leads here too."""
    with Sandbox(clock=clock.monotonic) as sandbox:
        sandbox.census.add_sync(52)
        sandbox.hightouch.add_sync(41, slug="new-leads")
        sandbox.airbyte.add_sync(CONNECTION)
        request = requests.Session.request

        def at_home(session: requests.Session, method: str, url: str, **kwargs: Any) -> Any:
            here = url.replace("https://app.getcensus.com", sandbox.census.base_url)
            return request(session, method, here, **kwargs)

        monkeypatch.setattr(requests.Session, "request", at_home)
        yield sandbox


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> List[Tuple[Flow, State]]:
    """All flows that ran, with their states; Prefect's log is kept off stdout."""
    seen: List[Tuple[Flow, State]] = []
    run: Callable[..., State] = Flow.run

    def recorded(flow: Flow, *args: Any, **kwargs: Any) -> State:
        state = run(flow, *args, **kwargs)
        seen.append((flow, state))
        return state

    monkeypatch.setattr(Flow, "run", recorded)
    monkeypatch.setattr(logging.getLogger("prefect"), "handlers", [logging.NullHandler()])
    return seen


def addresses(sandbox: Sandbox) -> Dict[str, str]:
    return {
        "CENSUS_BASE_URL": sandbox.census.base_url,
        "HIGHTOUCH_BASE_URL": sandbox.hightouch.base_url,
        "AIRBYTE_API_URL": sandbox.airbyte.api_url,
    }


def credentials(sandbox: Sandbox) -> Dict[str, str]:
    token = sandbox.census.personal_access_token
    return {
        "CENSUS_API_TOKEN": token,
        "CENSUS_TRIGGER_URL": f"https://bearer:{token}@app.getcensus.com/api/v2/syncs/52/trigger",
        "HIGHTOUCH_API_KEY": sandbox.hightouch.api_key,
        "AIRBYTE_CLIENT_ID": sandbox.airbyte.client_id,
        "AIRBYTE_CLIENT_SECRET": sandbox.airbyte.client_secret,
        "AIRBYTE_BEARER_TOKEN": sandbox.airbyte.bearer_token,
        "AIRBYTE_USERNAME": sandbox.airbyte.username,
        "AIRBYTE_PASSWORD": sandbox.airbyte.password,
    }


@of("python")
def test_python(
    block: Block,
    sandbox: Sandbox,
    states: List[Tuple[Flow, State]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: "pytest.CaptureFixture[str]",
) -> None:
    # Credentials are Prefect secrets. Where the page says that the environment has them, they
    # are there alone, so that an example can't work for another reason than it says.
    secrets = credentials(sandbox)
    named = block.directives.get("environment", "").split()
    for name, value in {**secrets, **addresses(sandbox)}.items():
        if name in named or name not in secrets:
            monkeypatch.setenv(name, value)
    exec(block.directives.get("sandbox", ""), {"sandbox": sandbox, "CONNECTION": CONNECTION})
    # As many empty lines before it as the page has, so that a traceback names the page's line.
    code = compile("\n" * (block.line - 1) + block.code, str(block.page), "exec")
    namespace: Dict[str, Any] = {"__name__": "__main__"}
    with prefect.context(secrets={} if named else secrets):
        exec(code, namespace)
        for flow in [value for value in namespace.values() if isinstance(value, Flow)]:
            if all(flow is not ran for ran, _ in states):
                flow.run()
    check_states(block, states)
    assert bool(sandbox.requests) is not bool({"own sandbox", "no requests"} & {*block.directives})
    assert as_printed(capsys.readouterr().out, sandbox) == (block.output or "")


def check_states(block: Block, states: List[Tuple[Flow, State]]) -> None:
    error = block.directives.get("fails")
    for flow, state in states:
        results = {task.name: state.result[task].result for task in flow.tasks}
        assert state.is_failed() is (error is not None), results
        if error is not None:
            assert error in [type(result).__name__ for result in results.values()]
    assert states or error is None


def as_printed(text: str, sandbox: Sandbox) -> str:
    """What a reader would see, who has accounts."""
    text = text.replace(sandbox.census.base_url, "https://app.getcensus.com")
    return text.replace(sandbox.airbyte.base_url, "https://airbyte.example")


@of("pytest")
def test_pytest(
    block: Block,
    clock: VirtualClock,
    pytester: pytest.Pytester,
    pytestconfig: pytest.Config,
) -> None:
    """A block of tests is run by pytest, which finds the fixture if the package is installed."""
    found = pytestconfig.pluginmanager.is_registered(pytest_plugin)
    path = pytester.makepyfile(block.code)
    result = pytester.runpytest_inprocess(
        path, *([] if found else ["-p", pytest_plugin.__name__]), "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=block.code.count("\ndef test_"))


# --- shell ---


@of("sh")
def test_shell(block: Block) -> None:
    for line in block.code.splitlines():
        check_line(line)


def check_line(line: str) -> None:
    if line in NOT_TRIED:
        return
    command, *words = line.split()
    if command == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        (target,) = words
        assert re.search(rf"^{target}: \.venv", makefile, flags=re.M), f"no target {target}"
    elif command == "prefect1-rsync":
        assert 'prefect1-rsync = prefect1_rsync.cli:main"' in (ROOT / "setup.py").read_text("utf-8")
        name, *options = words
        shown = CliRunner().invoke(main, [name, "--help"])
        assert shown.exit_code == 0, shown.output
        for option in options:
            assert not option.startswith("-") or option in shown.output, option
    elif command == "export":
        check_export(words)
    else:
        raise AssertionError(f"{line!r} is neither tried nor in NOT_TRIED")


def check_export(words: List[str]) -> None:
    """A variable that Prefect reads: a fresh Prefect has the secret, as text."""
    (assignment,) = words
    name, _, value = assignment.partition("=")
    secret = name.split("PREFECT__CONTEXT__SECRETS__")[1]
    code = f"from prefect.client import Secret; print(repr(Secret({secret!r}).get()))"
    shown = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, name: value.strip("'")},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    assert shown.stdout.strip() == repr(value.strip("'\""))


@pytest.mark.parametrize(
    "line", ["make coffee", "prefect1-rsync fly", "prefect1-rsync sandbox --colour", "rm -rf ."]
)
def test_a_wrong_shell_line_is_noticed(line: str) -> None:
    with pytest.raises(AssertionError):
        check_line(line)


def test_what_is_not_tried_is_in_the_pages() -> None:
    lines = {line for block in BLOCKS for line in block.code.splitlines()}
    assert set(NOT_TRIED) <= lines
