"""The words that engine, vendors and tasks share: what is asked for, what runs, how it stands."""

import sys
from typing import Any, Dict, List, NamedTuple, Optional

from .answers import seconds_between, total

if sys.version_info >= (3, 8):
    from typing import Protocol
else:
    from typing_extensions import Protocol

#: The statuses of the stats, the same for all vendors.
COMPLETED = "completed"
WORKING = "working"
FAILED = "failed"
CANCELLED = "cancelled"
SKIPPED = "skipped"

#: How a vendor takes a trigger while an earlier run of the same sync is going on.
REFUSES = "refuses"  # Airbyte: 409
SKIPS = "skips"  # Census: the new run ends as skipped
QUEUES = "queues"  # Hightouch: the new run waits for the earlier one


class SyncRequest(NamedTuple):
    """
    What is asked for.

    Args:
        - sync_id (str): the vendor's id of the sync; empty where only the slug is known yet
        - sync_slug (str, optional): the sync's readable name (Hightouch)
        - full_resync (bool): sync every record, not only what changed
        - workspace (str, optional): the vendor's id of the workspace, for links
    """

    sync_id: str
    sync_slug: Optional[str] = None
    full_resync: bool = False
    workspace: Optional[str] = None


class RunHandle(NamedTuple):
    """
    One run at one vendor: all that is needed to look at it again, from anywhere.

    Args:
        - vendor (str): the vendor's name
        - sync_id (str): the vendor's id of the sync
        - run_id (str): the vendor's id of the run
        - run_url (str, optional): where a person can see it
    """

    vendor: str
    sync_id: str
    run_id: str
    run_url: Optional[str] = None


class RunReport(NamedTuple):
    """
    How a run stood at one look.

    Args:
        - status (str): one of `completed`, `working`, `failed`, `cancelled`, `skipped`
        - vendor_status (str, optional): the vendor's own word
        - known (bool): whether `vendor_status` is a word that we know
        - listed (bool): False while the vendor does not list the run that it accepted
        - interrupted (bool): the vendor broke the run off, and goes on in another
        - error_message (str, optional): the vendor's reason
        - records_processed, records_updated, records_failed, records_invalid, bytes_synced (int,
            optional): counts; None where the vendor does not tell
        - warning (bool): the vendor says that records were rejected, counted or not
        - created_at (str, optional): when the vendor took the trigger; ISO 8601, UTC
        - started_at, finished_at (str, optional): ISO 8601, UTC
        - duration_seconds (float, optional): the vendor's own figure where it has one
        - raw (Any): the vendor's answer, credentials removed
    """

    status: str
    vendor_status: Optional[str] = None
    known: bool = True
    listed: bool = True
    interrupted: bool = False
    error_message: Optional[str] = None
    records_processed: Optional[int] = None
    records_updated: Optional[int] = None
    records_failed: Optional[int] = None
    records_invalid: Optional[int] = None
    bytes_synced: Optional[int] = None
    warning: bool = False
    created_at: Optional[str] = None
    started_at: Optional[str] = None
    finished_at: Optional[str] = None
    duration_seconds: Optional[float] = None
    raw: Any = None

    @property
    def ended(self) -> bool:
        """Whether the run is over. Only a status that we know can be an end."""
        return self.status != WORKING

    @property
    def rejected(self) -> Optional[int]:
        """How many records were rejected, or None where the vendor does not tell."""
        return total(self.records_failed, self.records_invalid)


class Sighting(NamedTuple):
    """A run as a list of runs shows it."""

    handle: RunHandle
    report: RunReport


class Vendor(Protocol):
    """What a vendor's room must offer to the engine. All calls may raise `SyncError`."""

    #: The name in the stats: `census`, `hightouch`, `airbyte`.
    name: str
    #: The name for people: `Census`, `Hightouch`, `Airbyte`.
    title: str
    #: How it takes a trigger while a run is going on: `REFUSES`, `SKIPS` or `QUEUES`.
    when_running: str

    def prepare(self, request: SyncRequest) -> SyncRequest:
        """Looks up what `start` needs. Only reads, so the engine may repeat it."""

    def start(self, request: SyncRequest) -> RunHandle:
        """Starts a run by one POST request, which is never repeated here."""

    def look(self, handle: RunHandle) -> RunReport:
        """Looks at the run, once."""

    def recent(self, request: SyncRequest) -> List[Sighting]:
        """The newest runs of the sync, whoever started them, the newest first."""

    def cancel(self, handle: RunHandle) -> None:
        """Asks the vendor to cancel the run; that it was asked is no proof that it stops."""

    def close(self) -> None:
        """Gives the connections back."""


def stats_of(
    vendor: str, request: SyncRequest, handle: Optional[RunHandle], report: RunReport
) -> Dict[str, Any]:
    """
    The stats: one shape for all vendors, plain values that JSON can hold.

    Args:
        - vendor (str): the vendor's name
        - request (SyncRequest): what was asked for
        - handle (RunHandle, optional): the run, if one was started
        - report (RunReport): the last look at it

    Returns:
        - dict: the stats, as the contract has them; unknown is None, never 0
    """
    duration = report.duration_seconds
    if duration is None:
        duration = seconds_between(report.started_at, report.finished_at)
    return {
        "status": report.status,
        "error_message": report.error_message,
        "records_processed": report.records_processed,
        "records_updated": report.records_updated,
        "records_failed": report.records_failed,
        "records_invalid": report.records_invalid,
        "bytes_synced": report.bytes_synced,
        "vendor": vendor,
        "vendor_status": report.vendor_status,
        "sync_id": handle.sync_id if handle else request.sync_id or None,
        "run_id": handle.run_id if handle else None,
        "run_url": handle.run_url if handle else None,
        "started_at": report.started_at,
        "finished_at": report.finished_at,
        "duration_seconds": duration,
        "raw": report.raw,
    }
