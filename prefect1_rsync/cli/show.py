"""What the demo shows: a flow that succeeds and a flow that fails, both watched, both checked."""

import contextlib
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any, Iterator, List, Optional, Tuple

from rich.console import Console
from rich.text import Text

from ..engine.clock import Clock, RealClock
from ..engine.errors import SyncRunFailed
from ..sandbox import Sandbox
from .environment import pointing_at
from .progress import results, say, showing, styled

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.engine.state import State

_REASON = "the destination refused the API key (401 Unauthorized)"


class DemoFailed(Exception):
    """The demo did not go as it should; the text says how."""


def show(console: Optional[Console] = None, clock: Optional[Clock] = None) -> None:
    """
    Runs the demo.

    Args:
        - console (Console, optional): where it is shown; default: stdout
        - clock (Clock, optional): another time than the machine's, for the tasks and the sandbox

    Raises:
        - DemoFailed: a flow did not end as it should
    """
    console = console or Console()
    clock = clock or RealClock()
    with Sandbox(clock=clock.monotonic) as sandbox, pointing_at(sandbox):
        say(console, f"Census, Hightouch and Airbyte, as a sandbox at {sandbox.url}.")
        say(console, "No account is needed, and nothing leaves this machine.")
        with _prefect_kept_quiet():
            from . import flows

            _script(sandbox)
            _show_success(console, clock, flows.side_by_side(sandbox.airbyte.connection_id))
            _show_failure(console, clock, flows.bound_to_fail())
        say(console, f"\nThe code of both flows: {flows.__file__}")


def _script(sandbox: Sandbox) -> None:
    """What the sandbox's syncs will do; the tasks look at them every 5 s."""
    sandbox.airbyte.script(
        sandbox.airbyte.connection_id,
        queued_for=6,
        duration=7,
        records_processed=250_000,
        bytes_synced=41_300_000,
    )
    sandbox.census.script(1, duration=8.4, records_processed=12_840, records_invalid=12)
    sandbox.hightouch.script(1, duration=11, records_processed=4_215, records_failed=3)
    sandbox.hightouch.add_sync(2)
    sandbox.hightouch.script(2, duration=4, ends="failed", error_message=_REASON)


def _show_success(console: Console, clock: Clock, flow: "Flow") -> None:
    say(console, Text("\n1. A flow runs three syncs side by side\n", "bold"))
    with showing(console, clock, ["Airbyte", "Census", "Hightouch"]):
        state, outcomes = _run(flow, clock)
    if not state.is_successful():
        raise DemoFailed(f"the flow was to succeed, and is {_words(state, outcomes)}")
    say(console, "\nThe flow is ", styled("completed", "Success"), ". What its tasks returned:")
    results(console, [outcome.result for outcome in outcomes])


def _show_failure(console: Console, clock: Clock, flow: "Flow") -> None:
    say(console, Text("\n2. A sync fails at the vendor, and with it the flow\n", "bold"))
    with showing(console, clock, ["Hightouch"]):
        state, outcomes = _run(flow, clock)
    error = outcomes[0].result if outcomes else None
    if not (state.is_failed() and isinstance(error, SyncRunFailed) and _REASON in str(error)):
        raise DemoFailed(f"the flow was to fail with its sync, and is {_words(state, outcomes)}")
    say(console, "\nThe flow is ", styled("failed", "Failed"), ". What its task's state says:\n")
    say(console, outcomes[0].message or "")


def _run(flow: "Flow", clock: Clock) -> "Tuple[State, List[State]]":
    """The flow's state, and those of its tasks in the order of their names."""
    from ..tasks.base import SyncTask

    tasks = sorted(flow.tasks, key=lambda task: str(task.name))
    for task in tasks:
        if isinstance(task, SyncTask):
            task._clock = clock
    state = flow.run()
    assert state is not None, "so Prefect types it, for flows that run elsewhere"
    # Where the flow itself could not be run, there is no state of a task.
    states = state.result if isinstance(state.result, dict) else {}
    return state, [states[task] for task in tasks if task in states]


def _words(state: "State", outcomes: "List[State]") -> str:
    return "; ".join(f"{type(each).__name__}: {each.message}" for each in [state, *outcomes])


@contextlib.contextmanager
def _prefect_kept_quiet() -> Iterator[None]:
    """
    Keeps Prefect's log and warnings off the screen, where they would say all of it twice and
    tear the live table. If the demo fails, the log is printed to stderr.
    """
    with warnings.catch_warnings():
        if not sys.warnoptions:
            # Importing Prefect 1 on a Python that is younger than it.
            warnings.simplefilter("ignore")
        import prefect  # noqa: F401
    logger = logging.getLogger("prefect")
    before, kept = logger.handlers, _Kept()
    logger.handlers = [kept]
    try:
        yield
    except Exception:
        print("\n".join(kept.lines), file=sys.stderr)
        logger.handlers = before
        raise
    # Not after Ctrl-C: the syncs' threads learn of it late, and would log over the prompt.
    logger.handlers = before


class _Kept(logging.Handler):
    """Keeps a log's lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: List[str] = []
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: Any) -> None:
        self.lines.append(self.format(record))
