"""Hightouch: API v1 (the legacy one is called v2).

Vendor facts rest on the vendor's OpenAPI document (served at `/api/swagger.json` of its API
host) and on its API guide, https://hightouch.com/docs/developer-tools/api-guide, unless said
otherwise.
"""

from typing import Any, Dict, List, Optional, Tuple

import requests

from ..engine import answers
from ..engine.answers import as_dict, as_id, as_int, as_text, as_time, as_word, listed, total
from ..engine.clock import Clock, RealClock
from ..engine.errors import SyncApiError, SyncNotFound, SyncRunDisabled
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
from ..engine.urls import parse_base_url, require_encryption

BASE_URL = "https://api.hightouch.com"
WEB = "https://app.hightouch.com"

TRIGGER_READ_SECONDS = 120.0

_STATUSES = {
    "success": COMPLETED,
    "warning": COMPLETED,
    "failed": FAILED,
    "cancelled": CANCELLED,
    "interrupted": FAILED,
    "queued": WORKING,
    "querying": WORKING,
    "processing": WORKING,
    "reporting": WORKING,
}
_PAGE = 100
_MAX_PAGE = 4096


class HightouchClient:
    """
    Hightouch's API, for the engine and for people. See `prefect1_rsync.engine.model.Vendor`.

    Args:
        - api_key (str): the workspace's API key
        - base_url (str, optional): what stands before `/api/v1`
        - workspace_slug (str, optional): the workspace's name in links to the web app; the API
            does not tell it
        - clock (Clock, optional): the time
        - session (requests.Session, optional): another transport, for tests

    Raises:
        - ValueError: an argument is wrong
    """

    name = "hightouch"
    title = "Hightouch"
    when_running = QUEUES

    def __init__(
        self,
        api_key: str,
        base_url: str = BASE_URL,
        workspace_slug: Optional[str] = None,
        clock: Optional[Clock] = None,
        session: Optional[requests.Session] = None,
    ) -> None:
        check_credential(api_key, "api_key")
        base = parse_base_url(base_url, "base_url")
        require_encryption(base, "base_url")
        self._workspace_slug = workspace_slug
        self._clock = clock or RealClock()
        self._http = HttpClient(
            f"{base}/api/v1",
            self.title,
            BearerAuth(api_key),
            Redactor([api_key]),
            self._clock,
            session,
        )

    def __repr__(self) -> str:
        return f"HightouchClient({self._http.base_url!r})"

    def close(self) -> None:
        """Gives the connections back; the client can be used again."""
        self._http.close()

    def prepare(self, request: SyncRequest) -> SyncRequest:
        """
        Finds the id of a sync that is given by its slug: runs are listed by id alone.

        Raises:
            - SyncNotFound: no sync has this slug
            - SyncRunDisabled: it is switched off
        """
        if request.sync_id:
            return request
        slug = request.sync_slug or ""
        answer = self._http.get("/syncs", {"slug": slug, "limit": str(_PAGE)})
        for sync in listed(answer, "Hightouch's list of syncs"):
            sync_id = as_id(sync.get("id"))
            if sync.get("slug") == slug and sync_id:
                if sync.get("disabled") is True:
                    raise SyncRunDisabled("the sync is switched off in Hightouch")
                return request._replace(sync_id=sync_id)
        raise SyncNotFound("Hightouch has no sync with this slug", status_code=200)

    def start(self, request: SyncRequest) -> RunHandle:
        """
        Triggers a run. If one is going on, Hightouch queues ours behind it.

        Args:
            - request (SyncRequest): which sync; `full_resync` is sent as `fullResync`, and no
                flag is sent that was not asked for

        Returns:
            - RunHandle: the run

        Raises:
            - SyncApiError: no run was started, or none that we could name
        """
        flags: Dict[str, bool] = {"fullResync": True} if request.full_resync else {}
        answer = self._http.request(
            "POST",
            f"/syncs/{request.sync_id}/trigger",
            json=flags,
            read_seconds=TRIGGER_READ_SECONDS,
        )
        # The vendor's document allows the body of a validation error inside a 200.
        run_id = as_id(as_dict(answer).get("id"))
        if run_id is None:
            raise SyncApiError(
                "Hightouch's answer to the trigger names no run ({})".format(
                    answers.reason_in(answer) or "no reason given"
                )
            )
        return self._handle(request.sync_id, run_id)

    def look(self, handle: RunHandle) -> RunReport:
        """Looks at the run, once. It may not be listed yet: see `RunReport.listed`."""
        return parse_runs(
            self._http.get(
                f"/syncs/{handle.sync_id}/runs",
                {"runId": handle.run_id, "limit": str(_PAGE)},
            ),
            handle.run_id,
        )

    def recent(self, request: SyncRequest) -> List[Sighting]:
        """
        The newest runs of the sync, the newest first.

        Not by the filter `after`: it is on the start of the work, and a run that waits in the
        queue has none yet. And the order of the list is documented nowhere.
        """
        runs, more = self._page(request, 0)
        ids = [as_int(run.get("id")) or 0 for run in runs]
        if more and ids != sorted(ids, reverse=True):
            runs = runs + self._last_page(request)
        found = {as_id(run.get("id")): run for run in runs}
        sightings = [
            Sighting(self._handle(request.sync_id, run_id), _report(run))
            for run_id, run in found.items()
            if run_id
        ]
        return sorted(sightings, key=lambda it: as_int(it.handle.run_id) or 0, reverse=True)

    def _last_page(self, request: SyncRequest) -> List[Dict[str, Any]]:
        """Nobody tells how many pages there are: double the distance, then halve it."""
        below, above = 0, 1
        runs, more = self._page(request, above)
        while more and above < _MAX_PAGE:
            below, above = above, above * 2
            runs, more = self._page(request, above)
        while above - below > 1 and not runs:
            middle = (below + above) // 2
            found, more = self._page(request, middle)
            if more:
                below = middle
            else:
                above, runs = middle, found
        return runs

    def _page(self, request: SyncRequest, number: int) -> Tuple[List[Dict[str, Any]], bool]:
        """A page of runs, and whether there are more behind it."""
        answer = self._http.get(
            f"/syncs/{request.sync_id}/runs",
            {"limit": str(_PAGE), "offset": str(number * _PAGE), "orderBy": "id"},
        )
        runs = listed(answer, "Hightouch's list of sync runs")
        return runs, as_dict(answer).get("hasMore") is True

    def cancel(self, handle: RunHandle) -> None:
        """Hightouch's API can't cancel a run."""
        raise SyncApiError("Hightouch's API has no way to cancel a run")

    def _handle(self, sync_id: str, run_id: str) -> RunHandle:
        url = WEB
        if self._workspace_slug:
            url = f"{WEB}/{self._workspace_slug}/syncs/{sync_id}/runs/{run_id}"
        return RunHandle(self.name, sync_id, run_id, url)


def parse_runs(answer: Any, run_id: str) -> RunReport:
    """
    Reads an answer to "list sync runs" that was asked for one run.

    Args:
        - answer (Any): the JSON
        - run_id (str): the run; ids are compared as text, for the trigger's answer has a text
            and the list has a number

    Returns:
        - RunReport: the run; `listed` is False where the list does not have it (yet)

    Raises:
        - SyncApiError: if this is not a list of runs; transient, for a good answer may follow
    """
    for run in listed(answer, "Hightouch's list of sync runs"):
        if as_id(run.get("id")) == run_id:
            return _report(run)
    return RunReport(WORKING, listed=False, raw=answer)


def _report(run: Dict[str, Any]) -> RunReport:
    word = as_word(run.get("status"))
    status = _STATUSES.get(word or "", WORKING)
    failed = _rows(run.get("failedRows"))
    updated = _rows(run.get("successfulRows"))
    error = run.get("error")
    return RunReport(
        status=status,
        vendor_status=word,
        known=word is None or word in _STATUSES,
        interrupted=word == "interrupted",
        error_message=as_text(error) or answers.reason_in(error),
        # Planned rows also count what a cancelled run never came to.
        records_processed=total(updated, failed),
        records_updated=updated,
        records_failed=failed,
        warning=word == "warning",
        created_at=as_time(run.get("createdAt")),
        started_at=as_time(run.get("startedAt")),
        finished_at=as_time(run.get("finishedAt")),
        raw=run,
    )


def _rows(counts: Any) -> Optional[int]:
    counts = as_dict(counts)
    return total(
        *(as_int(counts.get(key)) for key in ("addedCount", "changedCount", "removedCount"))
    )
