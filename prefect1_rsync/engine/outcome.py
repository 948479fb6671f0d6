"""How a run that is over counts: as a success, or as which error."""

from typing import Callable, Dict, Optional

from .errors import (
    SyncRunCancelled,
    SyncRunError,
    SyncRunFailed,
    SyncRunInterrupted,
    SyncRunSkipped,
)
from .model import CANCELLED, COMPLETED, FAILED, SKIPPED, RunReport


def judged(report: RunReport, fail_on_warning: bool) -> RunReport:
    """
    The report as it counts: with `fail_on_warning`, rejected records make a run a failure.

    Args:
        - report (RunReport): a run
        - fail_on_warning (bool): whether rejected records count

    Returns:
        - RunReport: the same, or one that failed and says why
    """
    rejected = report.rejected
    if report.status != COMPLETED or not fail_on_warning or not (report.warning or rejected):
        return report
    how_many = {None: "some records were", 0: "some records were", 1: "1 record was"}.get(
        rejected, f"{rejected} records were"
    )
    reason = f": {report.error_message}" if report.error_message else ""
    return report._replace(status=FAILED, error_message=f"{how_many} rejected{reason}")


def error_for(report: RunReport) -> Optional[Callable[..., SyncRunError]]:
    """The error that says how a run ended; None if it ended well or is not over."""
    if report.interrupted:
        return SyncRunInterrupted
    errors: Dict[str, Callable[..., SyncRunError]] = {
        FAILED: SyncRunFailed,
        CANCELLED: SyncRunCancelled,
        SKIPPED: SyncRunSkipped,
    }
    return errors.get(report.status)
