"""`prefect1-rsync demo`."""

import io
import logging
import os
import re
import sys

import pytest
from click.testing import CliRunner
from rich.console import Console

from prefect1_rsync.cli import main, progress, show
from prefect1_rsync.cli.environment import pointing_at
from prefect1_rsync.engine.errors import SyncRunTimedOut
from prefect1_rsync.engine.events import Event
from prefect1_rsync.engine.model import RunReport
from prefect1_rsync.sandbox import Sandbox
from tests.clock import VirtualClock

from .kit import process

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
TABLE = [
    "Airbyte completed 250,000 250,000 0 13.0 s",
    "Census completed 12,840 12,840 12 8.4 s",
    "Hightouch completed 4,215 4,212 3 11.0 s",
]
FAILURE = (
    "SyncRunFailed('Hightouch sync 2, run 693970493: failed: the destination refused the API key "
    "(401 Unauthorized) (https://app.hightouch.com/demo/syncs/2/runs/693970493)')"
)


def assert_is_whole(text):
    lines = [" ".join(line.replace("|", " ").split()) for line in text.splitlines()]
    assert [line for line in lines if line in TABLE] == TABLE
    assert "The flow is Success" in text and "The flow is Failed" in text
    assert FAILURE in text


def run(monkeypatch, **console):
    """The demo on a clock that takes no time."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    out = io.StringIO()
    show.show(Console(file=out, width=80, **console), VirtualClock())
    return out.getvalue()


def test_in_a_log(monkeypatch):
    text = run(monkeypatch)
    assert_is_whole(text)
    assert not CONTROL.search(text)
    # Every sync's start and end, and something in between.
    for vendor in ("Airbyte", "Census", "Hightouch"):
        assert re.search(rf"^ +[\d.]+ s  {vendor} sync .+: started \(http", text, re.M)
        assert len(re.findall(rf"^ +[\d.]+ s  {vendor} sync .+: completed\b", text, re.M)) == 1
    assert text.rstrip().endswith(os.path.join("cli", "flows.py"))


def test_in_a_terminal(monkeypatch):
    text = run(monkeypatch, force_terminal=True)
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text)
    assert_is_whole(shown)
    assert "\x1b[" in text and "In the vendor's words" in shown
    assert not re.search(r"^ +0\.0 s", shown, re.M)
    # Links are whole, on a line of their own; nothing else is wider than the terminal.
    assert re.search(r"^Airbyte +http://\S+/connections/\S+/timeline$", shown, re.M)
    wide = [line for line in re.split("[\r\n]", shown) if len(line) > 80 and "://" not in line]
    assert [line for line in wide if "flows.py" not in line] == []


def test_in_a_terminal_that_can_do_nothing(monkeypatch):
    monkeypatch.setattr(Console, "is_dumb_terminal", True)
    assert re.search(r"^ +0\.0 s", run(monkeypatch, force_terminal=True, no_color=True), re.M)


def test_the_log_of_prefect_is_left_as_it_was(monkeypatch):
    handlers = list(logging.getLogger("prefect").handlers)
    run(monkeypatch)
    assert logging.getLogger("prefect").handlers == handlers


def test_the_command(monkeypatch):
    monkeypatch.setattr(show, "RealClock", VirtualClock)
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 0, result.output
    assert_is_whole(result.output)


def test_a_first_flow_that_fails_is_a_failed_demo(monkeypatch):
    def script(sandbox):
        sandbox.census.script(1, ends="failed", error_message="no such column")

    monkeypatch.setattr(show, "_script", script)
    monkeypatch.setattr(show, "RealClock", VirtualClock)
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 1
    assert "\nError: the demo went wrong: the flow was to succeed, and is Failed: " in result.output
    assert "SyncRunFailed('Census sync 1" in result.output
    # What Prefect logged is no longer held back.
    assert "ERROR prefect" in result.output and "Traceback" not in result.output.split("Error:")[-1]


@pytest.mark.parametrize(
    "outcome",
    [{}, {"ends": "cancelled"}, {"ends": "failed", "error_message": "another reason"}],
    ids=["success", "cancelled", "another reason"],
)
def test_a_second_flow_that_ends_otherwise_is_a_failed_demo(monkeypatch, outcome):
    original = show._script

    def script(sandbox):
        original(sandbox)
        sandbox.hightouch.reset()
        sandbox.hightouch.add_sync(2)
        sandbox.hightouch.script(2, **outcome)

    monkeypatch.setattr(show, "_script", script)
    with pytest.raises(show.DemoFailed, match="the flow was to fail with its sync, and is"):
        run(monkeypatch)


def test_a_flow_that_can_not_even_run_is_a_failed_demo(monkeypatch):
    from prefect import Flow
    from prefect.engine.state import Failed

    monkeypatch.setattr(Flow, "run", lambda self: Failed("no threads left"))
    with pytest.raises(show.DemoFailed, match="is Failed: no threads left"):
        run(monkeypatch)


def test_after_ctrl_c_the_log_stays_quiet():
    """The syncs' threads are stopped a little later than the command, and would write over it."""
    logger = logging.getLogger("prefect")
    before = logger.handlers
    try:
        with pytest.raises(KeyboardInterrupt), show._prefect_kept_quiet():
            raise KeyboardInterrupt
        assert logger.handlers != before
    finally:
        logger.handlers = before


def test_without_rich(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 1
    assert result.output == (
        "Error: the demo needs rich: pip install '.[cli]' in a checkout of prefect1-rsync\n"
    )


def test_the_users_own_settings_are_put_aside(monkeypatch):
    monkeypatch.setenv("AIRBYTE_BEARER_TOKEN", "of-the-real-airbyte")
    monkeypatch.setenv("HIGHTOUCH_API_KEY", "of-the-real-hightouch")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    before = dict(os.environ)
    with Sandbox() as sandbox, pytest.raises(RuntimeError), pointing_at(sandbox):
        assert "AIRBYTE_BEARER_TOKEN" not in os.environ
        assert os.environ["HIGHTOUCH_API_KEY"] == sandbox.hightouch.api_key
        assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "127.0.0.1"
        raise RuntimeError
    assert dict(os.environ) == before


def cells(table):
    console = Console(file=io.StringIO(), width=80)
    console.print(table)
    lines = console.file.getvalue().splitlines()
    return [
        re.split(r" {2,}", line.strip()) for line in lines if re.match(" +(Census|Hight)", line)
    ]


def test_the_live_table_goes_on_between_two_looks():
    clock = VirtualClock()
    table = progress.LiveTable(clock, ["Census", "Hightouch"])
    assert cells(table.render()) == [["Census", "starting"], ["Hightouch", "starting"]]

    def tell(kind, seconds, error=None, **report):
        table.hear(Event(kind, "Census", "1", "7", None, seconds, RunReport(**report), error, ""))

    clock.wind(1)
    tell("started", 1.0, status="working")
    clock.wind(2)
    assert cells(table.render())[0] == ["Census", "working", "3 s"]
    tell("looked", 3.0, status="working", vendor_status="[bold]odd", records_processed=1234)
    clock.wind(4)
    assert cells(table.render())[0] == ["Census", "working", "[bold]odd", "7 s", "1,234"]
    tell("ended", 7.0, status="failed", vendor_status="failed", records_processed=0)
    clock.wind(60)
    assert cells(table.render())[0] == ["Census", "failed", "failed", "7 s", "0"]
    # Given up on, while the run goes on at the vendor.
    tell("ended", 9.0, SyncRunTimedOut("too long"), status="working", vendor_status="queued")
    assert cells(table.render())[0] == ["Census", "given up", "queued", "9 s"]


def test_what_is_unknown_is_called_so():
    console = Console(file=io.StringIO(), width=80)
    stats = {
        "vendor": "census",
        "status": "completed",
        "records_processed": None,
        "records_updated": 0,
        "records_failed": None,
        "records_invalid": None,
        "duration_seconds": None,
        "run_url": "https://example.com/[1]",
    }
    progress.results(console, [stats])
    text = console.file.getvalue()
    assert re.search("Census +completed +unknown +0 +unknown +unknown", text)
    assert "Census      https://example.com/[1]\n" in text


@pytest.mark.slow
def test_for_real():
    """As `make demo` runs it, on the machine's clock: about 20 s."""
    with process("demo", PYTHONIOENCODING="ascii") as running:
        text, errors = running.communicate()
    assert (running.returncode, errors) == (0, "")
    assert_is_whole(text)
    assert not CONTROL.search(text)
    # Between start and end each vendor was seen at work, in its own words.
    assert "working (pending)" in text and "working (processing)" in text
