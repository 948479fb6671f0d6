"""What the demo shows: a flow that succeeds and a flow that fails, both watched, both checked."""

import contextlib
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any, Iterator, List, Optional, Tuple

from rich.console import Console

from ..engine.clock import Clock, RealClock
from ..engine.errors import SyncRunFailed
from ..sandbox import Sandbox
from .environment import pointing_at
from .progress import results, showing, styled

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
    console = console or Console(highlight=False)
    clock = clock or RealClock()
    with Sandbox(clock=clock.monotonic) as sandbox, pointing_at(sandbox):
        _say(console, "Census, Hightouch and Airbyte, as a sandbox at {}.", sandbox.url)
        _say(console, "No account is needed, and nothing leaves this machine.")
        with _prefect_kept_quiet():
            from . import flows

            _script(sandbox)
            _show_success(console, clock, flows.side_by_side(sandbox.airbyte.connection_id))
            _show_failure(console, clock, flows.bound_to_fail())
        _say(console, "")
        _say(console, "The code of both flows: {}", flows.__file__)


def _script(sandbox: Sandbox) -> None:
    """What the sandbox's syncs will do; the tasks look at them every 5 s."""
    sandbox.airbyte.script(
        sandbox.airbyte.connection_id,
        queued_for=6,
        duration=7.5,
        records_processed=250_000,
        bytes_synced=41_300_000,
    )
    sandbox.census.script(1, duration=8.4, records_processed=12_840, records_invalid=12)
    sandbox.hightouch.script(1, duration=11, records_processed=4_215, records_failed=3)
    sandbox.hightouch.add_sync(2)
    sandbox.hightouch.script(2, duration=4, ends="failed", error_message=_REASON)


def _show_success(console: Console, clock: Clock, flow: "Flow") -> None:
    _say(console, "\n[bold]1. A flow runs three syncs side by side[/]\n")
    with showing(console, clock, ["Airbyte", "Census", "Hightouch"]):
        state, outcomes = _run(flow, clock)
    if not state.is_successful():
        raise DemoFailed(f"the flow was to succeed, and is {_words(state, outcomes)}")
    _say(console, "\nThe flow is {}. What its tasks returned:", styled("completed", "Success"))
    results(console, [outcome.result for outcome in outcomes])


def _show_failure(console: Console, clock: Clock, flow: "Flow") -> None:
    _say(console, "\n[bold]2. A sync fails at the vendor[/]\n")
    with showing(console, clock, ["Hightouch"]):
        state, outcomes = _run(flow, clock)
    error = outcomes[0].result
    if not (state.is_failed() and isinstance(error, SyncRunFailed) and _REASON in str(error)):
        raise DemoFailed(f"the flow was to fail with the sync, and is {_words(state, outcomes)}")
    _say(console, "\nThe flow is {}. Its task says why:\n", styled("failed", "Failed"))
    console.print(str(error), markup=False, soft_wrap=True)


def _run(flow: "Flow", clock: Clock) -> "Tuple[State, List[State]]":
    """The flow's state, and those of its tasks in the order of their names."""
    tasks = sorted(flow.tasks, key=lambda task: str(task.name))
    for task in tasks:
        task._clock = clock
    state = flow.run()
    return state, [state.result[task] for task in tasks]


def _words(state: "State", outcomes: "List[State]") -> str:
    return "; ".join(f"{type(each).__name__}: {each.message}" for each in [state, *outcomes])


def _say(console: Console, text: str, *values: str) -> None:
    console.print(text.format(*values), soft_wrap=True)


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
        raise
    finally:
        logger.handlers = before


class _Kept(logging.Handler):
    """Keeps a log's lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: List[str] = []
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: Any) -> None:
        self.lines.append(self.format(record))
