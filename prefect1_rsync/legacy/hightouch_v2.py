"""Hightouch's API of 2021, called v2; where that is gone, today's, in the old one's words.

Nothing documents it any more. What is known of it rests on Prefect 1.4.1's own task and on
airflow-provider-hightouch 2.1.0, and is in docs/from-prefects-own-tasks.md.
"""

from typing import Any, Dict, List, Optional

import requests

from ..engine.answers import as_dict, as_id, as_text, as_time, as_word
from ..engine.clock import Clock
from ..engine.errors import SyncApiError
from ..engine.http import BearerAuth, HttpClient, check_credential
from ..engine.model import (
    CANCELLED,
    COMPLETED,
    FAILED,
    QUEUES,
    WORKING,
    RunHandle,
    RunReport,
    Sighting,
    SyncRequest,
)
from ..engine.redact import Redactor
from ..vendors import hightouch
from .base import Reticent

BASE_URL = "https://api.hightouch.io/api/v2/rest"

_STATUSES = {
    "success": COMPLETED,
    "warning": COMPLETED,
    "failed": FAILED,
    "interrupted": FAILED,
    # Switched off: no run will follow.
    "disabled": FAILED,
    "cancelled": CANCELLED,
    "aborted": CANCELLED,
    "pending": WORKING,
    "queued": WORKING,
    "querying": WORKING,
    "processing": WORKING,
    "reporting": WORKING,
}
# A shorter key is a test's, and blotting it out would maim the answers that the task returns.
_MIN_KEY_LENGTH = 8
# The run's id is not told: it is "the one after this", or just the latest.
_AFTER, _LATEST = "after ", "latest"


class HightouchV2(Reticent):
    """
    The old API as a vendor for the engine. See `prefect1_rsync.engine.model.Vendor`.

    Args:
        - api_key (str): the API key
        - asks (bool): see `Reticent`
        - clock (Clock): the time
        - session (requests.Session, optional): the transport to the old API

    Attributes:
        - started (Any): the answer to the trigger
    """

    name = "hightouch"
    title = "Hightouch"
    when_running = QUEUES

    def __init__(
        self, api_key: str, asks: bool, clock: Clock, session: Optional[requests.Session] = None
    ) -> None:
        super().__init__(asks)
        check_credential(api_key, "api_key")
        secrets = [api_key] if len(api_key) >= _MIN_KEY_LENGTH else []
        self.started: Any = None
        self._http = HttpClient(
            BASE_URL, self.title, BearerAuth(api_key), Redactor(secrets), clock, session
        )
        self._today = hightouch.HightouchClient(api_key, clock=clock)

    def close(self) -> None:
        """Gives the connections back; the client can be used again."""
        self._http.close()
        self._today.close()

    def prepare(self, request: SyncRequest) -> SyncRequest:
        """Nothing needs to be looked up."""
        return request

    def start(self, request: SyncRequest) -> RunHandle:
        """Triggers a run; at today's API, if the old one is not there (any more)."""
        try:
            answer = self._http.request(
                "POST",
                f"/run/{request.sync_id}",
                read_seconds=hightouch.TRIGGER_READ_SECONDS,
            )
        except SyncApiError as exc:
            unreachable = exc.status_code is None and exc.had_no_effect
            if exc.status_code not in (404, 410) and not unreachable:
                raise
            return self._start_today(request, exc)
        self.started = answer
        # Not our run, but the one before: the next one is ours.
        before = as_id(as_dict(answer).get("latest_sync_run_id"))
        return self._handle(request.sync_id, _AFTER + before if before else _LATEST)

    def _start_today(self, request: SyncRequest, gone: SyncApiError) -> RunHandle:
        try:
            handle = self._today.start(request)
        except SyncApiError as exc:
            raise SyncApiError(
                f"{gone}; {exc}", None, gone.status_code, False, None, exc.had_no_effect
            ) from None
        self.started = {"id": handle.run_id}
        return handle

    def look(self, handle: RunHandle) -> RunReport:
        """Looks at the run, once."""
        if handle.run_id.isdigit():
            report = self._today.look(handle)
            return report._replace(raw=_in_old_words(handle.sync_id, report))
        before = handle.run_id[len(_AFTER) :] if handle.run_id.startswith(_AFTER) else None
        return parse_sync(self.sync(handle.sync_id, before), before)

    def sync(self, sync_id: str, before: Optional[str] = None) -> Any:
        """The answer about a sync: its run after the one given, else its latest."""
        params = {"latest_sync_run_id": before} if before else None
        return self._http.get(f"/sync/{sync_id}", params)

    def recent(self, request: SyncRequest) -> List[Sighting]:
        """The latest run: the old API lists no others."""
        self._hold_back()
        report = parse_sync(self.sync(request.sync_id), None)
        return [Sighting(self._handle(request.sync_id, _LATEST), report)]

    def cancel(self, handle: RunHandle) -> None:
        """Hightouch's API can't cancel a run."""
        raise SyncApiError("Hightouch's API has no way to cancel a run")

    def _handle(self, sync_id: str, run_id: str) -> RunHandle:
        return RunHandle(self.name, sync_id, run_id, hightouch.WEB)


def parse_sync(answer: Any, before: Optional[str]) -> RunReport:
    """
    Reads an answer about a sync.

    Args:
        - answer (Any): the JSON
        - before (str, optional): the run before ours. While the answer is about that one, or
            about none (as it is while an earlier run is going on), ours has not begun

    Returns:
        - RunReport: our run

    Raises:
        - SyncApiError: if this is not about a sync; transient, for a good answer may follow
    """
    sync = as_dict(as_dict(answer).get("sync"))
    word = as_word(sync.get("sync_status"))
    if word is None:
        raise SyncApiError("Hightouch's answer is not about a sync", transient=True)
    run = as_dict(as_dict(answer).get("last_sync_run"))
    # An answer without this part tells no runs apart: then its status is all there is.
    told = before is not None and "last_sync_run" in as_dict(answer)
    if told and as_id(run.get("sync_run_id")) in (None, before) and word != "disabled":
        return RunReport(WORKING, raw=answer)
    status = _STATUSES.get(word, WORKING)
    return RunReport(
        status=status,
        vendor_status=word,
        known=word in _STATUSES,
        interrupted=word == "interrupted",
        error_message=as_text(run.get("sync_run_error")),
        warning=word == "warning",
        created_at=as_time(run.get("sync_run_created_at")),
        started_at=as_time(run.get("sync_run_created_at")),
        finished_at=as_time(run.get("sync_run_finished_at")) if status != WORKING else None,
        raw=answer,
    )


def _in_old_words(sync_id: str, report: RunReport) -> Dict[str, Any]:
    """What the old API would have answered of a run at today's."""
    run = as_dict(report.raw)
    return {
        "id": sync_id,
        "sync": {
            "sync_id": sync_id,
            "sync_status": report.vendor_status,
            "last_run_at": report.created_at,
        },
        "last_sync_run": {
            "sync_run_id": as_id(run.get("id")),
            "sync_run_created_at": report.created_at,
            "sync_run_finished_at": report.finished_at,
            "sync_run_error": report.error_message,
        },
    }
