"""How syncs get on, for people: a live table in a terminal, plain lines anywhere else."""

import contextlib
from typing import Any, Dict, Iterator, NamedTuple, Optional, Sequence, Union

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..engine.clock import Clock
from ..engine.events import Event, listening
from ..engine.model import RunReport

#: The statuses of the stats in colour.
STYLES = {
    "completed": "green",
    "working": "yellow",
    "failed": "bold red",
    "cancelled": "magenta",
    "skipped": "magenta",
}
_REFRESHES_PER_SECOND = 4


@contextlib.contextmanager
def showing(console: Console, clock: Clock, vendors: Sequence[str]) -> Iterator[None]:
    """
    Shows what the syncs of this process do meanwhile; one sync a vendor.

    Args:
        - console (Console): where; a terminal gets a live table, anything else a line an event
        - clock (Clock): the time on which the syncs run
        - vendors (sequence of str): the vendors' names for people, in the table's order
    """
    if console.is_terminal and not console.is_dumb_terminal:
        table = LiveTable(clock, vendors)
        live = Live(
            get_renderable=table.render,
            console=console,
            refresh_per_second=_REFRESHES_PER_SECOND,
        )
        with live, listening(table.hear):
            yield
    else:
        with listening(PlainLines(console).hear):
            yield


class PlainLines:
    """
    Prints each event that tells something new, as one line.

    Args:
        - console (Console): where
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def hear(self, event: Event) -> None:
        """Takes an event; called in the thread of its sync."""
        if event.kind == "looked" and event.report is not None and event.report.ended:
            return  # `ended` follows at once, with the same words.
        say(self._console, f"{event.seconds:5.1f} s  {event.message}")


class LiveTable:
    """
    A table that is always of now: the times in it go on between two events.

    Args:
        - clock (Clock): the time
        - vendors (sequence of str): one row for each
    """

    def __init__(self, clock: Clock, vendors: Sequence[str]) -> None:
        self._clock = clock
        self._vendors = vendors
        # Written by the syncs' threads, read by the screen's. A row is put in its place whole.
        self._rows: Dict[str, _Row] = {}

    def hear(self, event: Event) -> None:
        """Takes an event; called in the thread of its sync."""
        began = self._clock.monotonic() - event.seconds
        ended = event.seconds if event.kind == "ended" else None
        given_up = event.error is not None and not (event.report and event.report.ended)
        self._rows[event.vendor] = _Row(event.report, began, ended, given_up)

    def render(self) -> Table:
        """The table as of now."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        # Wide enough from the start, so that the columns stay where they are.
        table.add_column("Vendor", min_width=10)
        table.add_column("Status", min_width=10)
        table.add_column("In the vendor's words", min_width=22)
        table.add_column("Elapsed", justify="right", min_width=8)
        table.add_column("Records", justify="right", min_width=9)
        for vendor in self._vendors:
            table.add_row(vendor, *self._cells(self._rows.get(vendor)))
        return table

    def _cells(self, row: "Optional[_Row]") -> "Sequence[Union[str, Text]]":
        if row is None or row.report is None:
            return ("starting", "", "", "")
        seconds = self._clock.monotonic() - row.began if row.ended is None else row.ended
        return (
            styled("failed", "given up") if row.given_up else styled(row.report.status),
            Text(row.report.vendor_status or ""),
            f"{seconds:.0f} s",
            number(row.report.records_processed, unknown=""),
        )


class _Row(NamedTuple):
    report: Optional[RunReport]
    began: float  # on the clock's monotonic time
    ended: Optional[float]  # seconds since it began
    given_up: bool  # ended by an error of the wait, not by the end of the run


def results(console: Console, all_stats: Sequence[Dict[str, Any]]) -> None:
    """
    Prints what came out of some syncs as a table, and their links below it.

    Args:
        - console (Console): where
        - all_stats (sequence of dicts): the stats that the tasks returned
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Vendor")
    table.add_column("Status")
    for heading in ("Processed", "Updated", "Rejected", "Duration"):
        table.add_column(heading, justify="right")
    for stats in all_stats:
        rejected = [stats[name] for name in ("records_failed", "records_invalid")]
        known = [count for count in rejected if count is not None]
        duration = stats["duration_seconds"]
        table.add_row(
            stats["vendor"].capitalize(),
            styled(stats["status"]),
            number(stats["records_processed"]),
            number(stats["records_updated"]),
            number(sum(known) if known else None),
            "unknown" if duration is None else f"{duration:.1f} s",
        )
    console.print(table)
    say(console, "Each run's page at its vendor (a sandbox has no pages):")
    for stats in all_stats:
        say(console, f"{stats['vendor'].capitalize():10}  {stats['run_url']}")


def say(console: Console, *parts: Union[str, Text]) -> None:
    """
    Prints a line as it is: nothing in it is taken for markup, and a link is never broken into
    lines (a terminal may fold it, and can still open it).
    """
    console.print(Text.assemble(*parts), highlight=False, soft_wrap=True)


def styled(status: str, word: Optional[str] = None) -> Text:
    """The status, or another word for it, in its colour."""
    return Text(word or status, STYLES[status])


def number(count: Optional[int], unknown: str = "unknown") -> str:
    """A count for people; what is unknown is not 0."""
    return unknown if count is None else f"{count:,}"
