"""Census (Fivetran Activations): workspace syncs and runs, API v1 and v2."""

import dataclasses
from typing import Any, Dict, List, Optional
from urllib.parse import quote, urlencode

from .core import Outcome, Run, State, Sync, merged, whole
from .http import Recorded, Refusal, Response, Route, Vendor

__all__ = ["Census", "CensusState"]


@dataclasses.dataclass
class CensusSync(Sync):
    """A sync as its owner has set it up."""

    label: Optional[str] = None
    paused: bool = False


class CensusState(State[CensusSync]):
    """One run at a time; a trigger during a run makes a run that is skipped."""

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
        skipped = Outcome(duration=0, ends="skipped") if self.active(sync) else None
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
        whole("id", id, least=1)
        with self._lock:
            now = self.state.clock.now()
            self.state.syncs[str(id)] = CensusSync(id, now, overrides, label=label, paused=paused)

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
        root = self.base_url.replace("://", f"://bearer:{token}@")
        return f"{root}/api/v{version}/syncs/{sync_id}/trigger"

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

    def authorize(self, request: Recorded) -> None:
        # Bearer, or Basic with the user "bearer", as in trigger URLs.
        bearer, user, password = request.credentials()
        good = [self.personal_access_token]
        if "/api/v2/" not in request.path:
            good.append(self.token)
        if (bearer or (password if user == "bearer" else "")) not in good:
            raise Refusal(401, "HTTP Basic: Access denied.\n")

    def no_route(self, request: Recorded) -> Response:
        return Response.of(404, {"status": 404})

    def _syncs(self, request: Recorded) -> Response:
        return self._page(request, [self._sync_json(sync) for sync in self.state.syncs.values()])

    def _sync(self, request: Recorded, sync_id: str) -> Response:
        return _success(self._sync_json(_found(self.state.find(sync_id))))

    def _trigger(self, request: Recorded, sync_id: str) -> Response:
        full = (request.get("force_full_sync") or "").lower() in ("true", "1")
        return _success(
            {"sync_run_id": self.state.trigger(_found(self.state.find(sync_id)), full).id}
        )

    def _runs(self, request: Recorded, sync_id: str) -> Response:
        runs = self.state.runs_of(_found(self.state.find(sync_id)))
        return self._page(request, [self._run_json(run) for run in runs])

    def _run(self, request: Recorded, run_id: str) -> Response:
        return _success(self._run_json(_found(self.state.find_run(run_id))))

    def _cancel(self, request: Recorded, run_id: str) -> Response:
        self.state.cancel(_found(self.state.find_run(run_id)))
        return Response.of(200, {"status": "cancelled", "data": {}})

    def _page(self, request: Recorded, items: List[Dict[str, Any]]) -> Response:
        """A page of the items, which come oldest first."""
        try:
            page = max(1, int(request.get("page") or 1))
            size = min(100, max(1, int(request.get("per_page") or 25)))
        except ValueError:
            message = "page and per_page must be numbers"
            raise Refusal(400, {"status": "error", "message": message}) from None
        if request.get("order") != "asc":
            items = items[::-1]
        last = max(1, -(-len(items) // size))
        following = page + 1 if page < last else None
        link = f"{self._root()}{request.path}?" + urlencode({"page": page + 1, "per_page": size})
        answer: Dict[str, Any] = {
            "status": "success",
            "data": items[(page - 1) * size : page * size],
            "next": link if following else None,
        }
        if self.form != "2023":  # The pagination object was documented from August 2023 on.
            answer["pagination"] = {
                "total_records": len(items), "per_page": size, "last_page": last, "page": page,
                "prev_page": page - 1 if page > 1 else None, "next_page": following,
            }  # fmt: skip
        return Response.of(200, answer)

    def _sync_json(self, sync: CensusSync) -> Dict[str, Any]:
        runs = self.state.runs_of(sync)
        failing = bool(runs) and runs[-1].failed
        stamp = self.state.clock.iso(sync.created)
        fields = {
            "id": sync.id,
            "label": sync.label,
            "status": "failing" if failing else "up to date" if runs else "ready",
            "paused": sync.paused,
            "created_at": stamp,
            "updated_at": stamp,
            "operation": "upsert",
            "source_attributes": {"connection_id": 1, "object": {"type": "table"}},
            "destination_attributes": {"connection_id": 2, "object": "contact"},
            "mappings": [],
            "mode": {"type": "triggered", "triggers": {"schedule": {"frequency": "never"}}},
            "alert_attributes": [],
        }
        return merged(fields, sync.overrides)

    def _run_json(self, run: Run) -> Dict[str, Any]:
        clock, known = self.state.clock, run.outcome if run.ended else Outcome()
        processed, invalid = known.records_processed, known.records_invalid
        source = None if processed is None else processed + (invalid or 0)
        cause = "API" if run.by_api else "Schedule"
        fields: Dict[str, Any] = {
            "id": run.id,
            "sync_id": run.sync_id,
            "source_record_count": source,
            "records_processed": processed,
            "records_updated": known.records_updated,
            "records_failed": known.records_failed,
            "created_at": clock.iso(run.created),
            "updated_at": clock.iso(min(clock.now(), run.finished_at)),
            # Null in the vendor's example of a failed run.
            "completed_at": clock.iso(run.finished_at) if run.ended and not run.failed else None,
            "scheduled_execution_time": None,
            "error_code": "SANDBOX_ERROR" if run.failed and known.ends == "failed" else None,
            "error_message": known.error_message or f"Ended {known.ends}" if run.failed else None,
            "error_detail": None,
            "status": run.status,
            "canceled": run.finished and (run.outcome.canceled or not run.ended),
            "full_sync": bool(run.options.get("full")),
            "sync_trigger_reason": {"ui_tag": cause, "ui_detail": "Triggered by " + cause},
        }
        if self.form == "2023":
            fields["records_invalid"] = invalid
        else:
            fields["source_record_updates"] = processed
            fields["source_record_deletes"] = None if processed is None else 0
            fields["source_record_invalids"] = invalid
        if run.started and not run.finished:
            fields["current_step"] = "Running sync"
        return merged(fields, run.outcome.overrides)


def _found(thing: Any) -> Any:
    if thing is None:
        raise Refusal(404, {"status": 404})
    return thing


def _success(data: Dict[str, Any]) -> Response:
    return Response.of(200, {"status": "success", "data": data})
