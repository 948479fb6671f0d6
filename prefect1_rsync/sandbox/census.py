"""Census (Fivetran Activations): workspace syncs and runs, API v1 and v2."""

import dataclasses
from typing import Any, Dict, List, Optional
from urllib.parse import quote, urlencode

from .core import Outcome, Run, State, Sync, merged
from .http import Refusal, Request, Response, Route, Vendor

__all__ = ["Census", "CensusState"]


@dataclasses.dataclass
class CensusSync(Sync):
    """A sync as its owner has set it up."""

    label: Optional[str] = None
    paused: bool = False


class CensusState(State[CensusSync]):
    """Runs one after the other; a trigger in between makes a run that is skipped."""

    succeeded = ("completed",)
    queued = "queued"
    # What a cancelled run's status reads is undocumented; the vendor's only example
    # (observability guide) shows "completed" with `canceled` true.
    cancelled = "completed"
    first_run_id = 324399613

    def working(self, run: Run) -> str:
        return "working"

    def trigger(self, sync: CensusSync, full: bool = False) -> Run:
        """
        What the vendor's docs of the run status `skipped` say: "an earlier instance of the sync
        is still running". That the trigger itself answers 200 then is an inference.
        """
        busy = self.active(sync)
        skipped = Outcome(duration=0, ends="skipped") if busy else None
        return self.start(sync, skipped, full=full)


class Census(Vendor[CensusState]):
    """
    Census on this sandbox; facts from the vendor's documentation of 2023 to 2026.

    Attributes:
        - token (str): workspace key, good for v1
        - personal_access_token (str): good for v1 and v2
        - form (str): `2024` or `2023`, the names of a run's counters and of a page's fields
    """

    name = "census"
    token = "secret-token:census-sandbox"
    personal_access_token = "census_pat_sandbox"
    form = "2024"

    def add_sync(
        self,
        id: int,
        label: Optional[str] = None,
        paused: bool = False,
        overrides: Optional[Dict[str, Any]] = None,
    ) -> None:
        """
        Add a sync, or set it up anew.

        Args:
            - id (int): its id
            - label (str, optional): its name
            - paused (bool, optional): shown only: triggering a paused sync works here
            - overrides (dict, optional): fields of its JSON; `MISSING` removes

        Raises:
            - ValueError: an argument makes no sense; the text names it
        """
        if isinstance(id, bool) or not isinstance(id, int) or id < 1:
            raise ValueError(f"id: Census's sync ids are positive numbers, got {id!r}")
        with self._lock:
            now = self.state.clock.now()
            sync = CensusSync(id, dict(overrides or {}), now, label=label, paused=paused)
            self.state.syncs[str(id)] = sync

    def api_trigger(self, sync_id: int, version: int = 1) -> str:
        """
        The sync's trigger URL, credentials included, as the vendor's page shows it.

        Args:
            - sync_id (int): the sync
            - version (int, optional): API version, 1 or 2

        Raises:
            - ValueError: no such version
        """
        if version not in (1, 2):
            raise ValueError(f"version: expected 1 or 2, got {version!r}")
        token = quote(self.token if version == 1 else self.personal_access_token, safe=":")
        scheme, _, rest = self.base_url.partition("://")
        address = "{}://bearer:{}@{}/api/v{}/syncs/{}/trigger"
        return address.format(scheme, token, rest, version, sync_id)

    @property
    def canceled_status(self) -> str:
        """The status word of a run that was cancelled by request; undocumented, so settable."""
        return self.state.cancelled

    @canceled_status.setter
    def canceled_status(self, word: str) -> None:
        self.state.cancelled = word

    def furnish(self) -> None:
        self.add_sync(1, label="Demo sync")

    def routes(self) -> List[Route]:
        api = "/api/v[12]"
        return [
            ("GET", api + "/syncs", "syncs", self._syncs),
            ("GET", api + "/syncs/([^/]+)", "sync", self._sync),
            ("POST", api + "/syncs/([^/]+)/trigger", "trigger", self._trigger),
            ("GET", api + "/syncs/([^/]+)/sync_runs", "runs", self._runs),
            ("GET", api + "/sync_runs/([^/]+)", "run", self._run),
            ("POST", api + "/sync_runs/([^/]+)/cancel", "cancel", self._cancel),
        ]

    def authorize(self, request: Request, operation: str) -> None:
        # Bearer, or Basic with the user "bearer", as in trigger URLs.
        user, password = request.basic()
        given = request.bearer() or (password if user == "bearer" else None)
        good = [self.personal_access_token]
        if not request.path.startswith("/api/v2/"):
            good.append(self.token)
        if given not in good:
            raise Refusal(Response.of(401, "HTTP Basic: Access denied.\n"))

    def no_route(self, request: Request) -> Response:
        return Response.of(404, {"status": 404})

    def _syncs(self, request: Request) -> Response:
        syncs = sorted(self.state.syncs.values(), key=lambda sync: (sync.created, sync.id))
        return self._page(request, [self._sync_json(sync) for sync in syncs])

    def _sync(self, request: Request, sync_id: str) -> Response:
        return _success(self._sync_json(self._find(sync_id)))

    def _trigger(self, request: Request, sync_id: str) -> Response:
        full = (request.get("force_full_sync") or "").lower() in ("true", "1")
        return _success({"sync_run_id": self.state.trigger(self._find(sync_id), full).id})

    def _runs(self, request: Request, sync_id: str) -> Response:
        runs = self.state.runs_of(self._find(sync_id))
        return self._page(request, [self._run_json(run) for run in runs])

    def _run(self, request: Request, run_id: str) -> Response:
        return _success(self._run_json(self._find_run(run_id)))

    def _cancel(self, request: Request, run_id: str) -> Response:
        self.state.cancel(self._find_run(run_id))
        return Response.of(200, {"status": "cancelled", "data": {}})

    def _find(self, sync_id: str) -> CensusSync:
        sync = self.state.find(sync_id)
        if sync is None:
            raise Refusal(Response.of(404, {"status": 404}))
        return sync

    def _find_run(self, run_id: str) -> Run:
        run = self.state.find_run(run_id)
        if run is None:
            raise Refusal(Response.of(404, {"status": 404}))
        return run

    def _page(self, request: Request, items: List[Dict[str, Any]]) -> Response:
        """A page of the items, which come oldest first."""
        try:
            page = max(1, int(request.get("page") or 1))
            size = min(100, max(1, int(request.get("per_page") or 25)))
        except ValueError:
            message = {"status": "error", "message": "page and per_page must be numbers"}
            return Response.of(400, message)
        if request.get("order") != "asc":
            items = items[::-1]
        last = max(1, -(-len(items) // size))
        following = page + 1 if page < last else None
        query = urlencode({"page": page + 1, "per_page": size})
        answer: Dict[str, Any] = {
            "status": "success",
            "data": items[(page - 1) * size : page * size],
            "next": f"{self.base_url}{request.path}?{query}" if following else None,
        }
        if self.form != "2023":  # The pagination object was documented from August 2023 on.
            answer["pagination"] = {
                "total_records": len(items),
                "per_page": size,
                "prev_page": page - 1 if page > 1 else None,
                "page": page,
                "next_page": following,
                "last_page": last,
            }
        return Response.of(200, answer)

    def _sync_json(self, sync: CensusSync) -> Dict[str, Any]:
        runs = self.state.runs_of(sync)
        failing = bool(runs) and runs[-1].status == "failed"
        stamp = self.state.clock.iso(sync.created)
        fields = {
            "id": sync.id,
            "label": sync.label,
            "status": "failing" if failing else "up to date" if runs else "ready",
            "operation": "upsert",
            "paused": sync.paused,
            "created_at": stamp,
            "updated_at": stamp,
            "source_attributes": {"connection_id": 1, "object": {"type": "table"}},
            "destination_attributes": {"connection_id": 2, "object": "contact"},
            "mappings": [],
            "mode": {"type": "triggered", "triggers": {"schedule": {"frequency": "never"}}},
            "alert_attributes": [],
        }
        return merged(fields, sync.overrides)

    def _run_json(self, run: Run) -> Dict[str, Any]:
        clock, outcome, ended = self.state.clock, run.outcome, run.finished
        natural = ended and not run.cancelled
        failed = natural and outcome.ends not in self.state.succeeded
        counts: Dict[str, Any] = {
            name: getattr(outcome, name) if natural else None
            for name in ("records_processed", "records_updated", "records_failed")
        }
        invalid = outcome.records_invalid if natural else None
        source = outcome.records_processed if natural else None
        if source is not None:
            source += invalid or 0
        if self.form == "2023":
            counts.update(source_record_count=source, records_invalid=invalid)
        else:
            counts.update(
                source_record_count=source,
                source_record_updates=counts["records_processed"],
                source_record_deletes=None if source is None else 0,
                source_record_invalids=invalid,
            )
        reason = (outcome.error_message or "The run ended: " + run.status) if failed else None
        touched = min(clock.now(), run.finished_at)
        fields = {
            "id": run.id,
            "sync_id": run.sync_id,
            "created_at": clock.iso(run.created),
            "updated_at": clock.iso(touched),
            "completed_at": clock.iso(run.finished_at) if natural and not failed else None,
            "scheduled_execution_time": None,
            "error_code": "SANDBOX_ERROR" if failed and run.status == "failed" else None,
            "error_message": reason,
            "error_detail": None,
            "status": run.status,
            "canceled": ended and (run.cancelled or outcome.canceled),
            "full_sync": bool(run.options.get("full")),
            "sync_trigger_reason": {
                "ui_tag": "API" if run.by_api else "Schedule",
                "ui_detail": "Triggered via API" if run.by_api else "Triggered by schedule",
            },
        }
        if run.started and not ended:
            fields["current_step"] = "Running sync"
        return merged(dict(fields, **counts), outcome.overrides)


def _success(data: Dict[str, Any]) -> Response:
    return Response.of(200, {"status": "success", "data": data})
