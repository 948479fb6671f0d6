"""Hightouch: syncs and their runs, API v1."""

import dataclasses
import math
from typing import Any, Dict, List, Optional

from .core import Outcome, Run, State, Sync, merged, parse_iso
from .http import Refusal, Request, Response, Route, Vendor

__all__ = ["Hightouch", "HightouchState"]

_FLAGS = ("fullResync", "resetCDC", "clearAndFill")


@dataclasses.dataclass
class HightouchSync(Sync):
    """A sync as its owner has set it up."""

    slug: str = ""
    disabled: bool = False


class HightouchState(State[HightouchSync]):
    """Runs one after the other: a trigger during a run queues the next one."""

    succeeded = ("success", "warning")
    queued = "queued"
    cancelled = "cancelled"
    first_run_id = 693970492

    def working(self, run: Run) -> str:
        return "querying" if run.share < 0.25 else "processing" if run.share < 0.9 else "reporting"

    def trigger(self, sync: HightouchSync, **flags: Any) -> Run:
        """The API description: if one is in progress, this run is executed right after it."""
        return self.start(sync, after=self.active(sync), **flags)

    def start_other(self, sync: HightouchSync, outcome: Outcome) -> Run:
        return self.start(sync, outcome, by_api=False, after=self.active(sync))

    def visible(self, sync: HightouchSync) -> List[Run]:
        """The runs that lists show already, oldest first."""
        now = self.clock.now()
        return [r for r in self.runs_of(sync) if now >= r.created + r.outcome.visible_after]

    def sync_status(self, sync: HightouchSync) -> str:
        """That of the latest run, which may not yet be the one just triggered."""
        runs = self.visible(sync)
        return "disabled" if sync.disabled else runs[-1].status if runs else "pending"


class Hightouch(Vendor[HightouchState]):
    """
    Hightouch on this sandbox; facts from the vendor's OpenAPI description of August 2026.

    Attributes:
        - api_key (str): the workspace's API key
    """

    name = "hightouch"
    api_key = "hightouch-sandbox-key"

    def add_sync(
        self,
        id: int,
        slug: Optional[str] = None,
        disabled: bool = False,
        overrides: Optional[Dict[str, Any]] = None,
    ) -> None:
        """
        Add a sync, or set it up anew.

        Args:
            - id (int): its id
            - slug (str, optional): its name in addresses; defaults to `sync-<id>`
            - disabled (bool, optional): shown only: what the vendor does with a trigger is unknown,
                here it works
            - overrides (dict, optional): fields of its JSON; `MISSING` removes

        Raises:
            - ValueError: an argument makes no sense; the text names it
        """
        if isinstance(id, bool) or not isinstance(id, int) or id < 1:
            raise ValueError(f"id: Hightouch's sync ids are positive numbers, got {id!r}")
        slug = f"sync-{id}" if slug is None else slug
        with self._lock:
            if any(s.slug == slug and s.id != id for s in self.state.syncs.values()):
                raise ValueError(f"slug: {slug!r} is taken")
            now = self.state.clock.now()
            sync = HightouchSync(id, dict(overrides or {}), now, slug=slug, disabled=disabled)
            self.state.syncs[str(id)] = sync

    def furnish(self) -> None:
        self.add_sync(1, slug="demo-sync")

    def routes(self) -> List[Route]:
        return [
            ("GET", "/api/v1/syncs", "syncs", self._syncs),
            ("POST", "/api/v1/syncs/trigger", "trigger", self._trigger_any),
            ("GET", "/api/v1/syncs/([^/]+)", "sync", self._sync),
            ("GET", "/api/v1/syncs/([^/]+)/runs", "runs", self._runs),
            ("POST", "/api/v1/syncs/([^/]+)/trigger", "trigger", self._trigger),
        ]

    def authorize(self, request: Request, operation: str) -> None:
        # Before path and method, and with these words: anonymous probes of August 2026.
        if request.bearer() != self.api_key:
            missing = "Authorization" not in request.headers
            details = "No authorization header found" if missing else "Token is invalid"
            body = {"message": "Authentication error", "details": details}
            raise Refusal(Response.of(401, body))

    def no_route(self, request: Request) -> Response:
        return Response.of(404, {"message": "Not found"})

    def _syncs(self, request: Request) -> Response:
        slug, wanted = request.get("slug"), _number(request, "modelId")
        syncs = [
            self._sync_json(sync)
            for sync in self.state.syncs.values()
            if slug in (None, sync.slug) and wanted in (None, 1)
        ]
        syncs = [s for s in syncs if _within(request, s["lastRunAt"], None)]
        return _list(request, syncs, ("id", "name", "slug", "createdAt", "updatedAt"))

    def _sync(self, request: Request, sync_id: str) -> Response:
        return Response.of(200, self._sync_json(self._find(sync_id)))

    def _trigger(self, request: Request, sync_id: str) -> Response:
        flags = _flags(_fields(request))
        return Response.of(200, {"id": str(self.state.trigger(self._find(sync_id), **flags).id)})

    def _trigger_any(self, request: Request) -> Response:
        fields = _fields(request)
        flags = _flags(fields)
        sync_id, slug = fields.get("syncId"), fields.get("syncSlug")
        if sync_id is not None and not (isinstance(sync_id, str) and sync_id.isdigit()):
            raise _invalid("body.syncId", "Not match in '^[0-9]+$'", sync_id)
        if slug is not None and not isinstance(slug, str):
            raise _invalid("body.syncSlug", "invalid string value", slug)
        # Both and neither are undefined; refusing them shows a client's mistake.
        if (sync_id is None) == (slug is None):
            raise _invalid("body", "syncId or syncSlug expected", fields)
        by_slug = {sync.slug: sync for sync in self.state.syncs.values()}
        sync = by_slug.get(slug) if slug is not None else self.state.find(int(str(sync_id)))
        if sync is None:
            return Response.of(404, {"message": "Not found"})
        return Response.of(200, {"id": str(self.state.trigger(sync, **flags).id)})

    def _runs(self, request: Request, sync_id: str) -> Response:
        runs = self.state.visible(self._find(sync_id))
        run_id = _number(request, "runId")
        runs = [run for run in runs if run_id in (None, run.id)]
        wall = self.state.clock.wall(self.state.clock.now())
        shown = [self._run_json(run) for run in runs]
        shown = [run for run in shown if _within(request, run.get("startedAt"), wall)]
        return _list(request, shown, ("id", "createdAt", "startedAt", "finishedAt"))

    def _find(self, sync_id: str) -> HightouchSync:
        if not sync_id.isdigit():
            raise _invalid("syncId", "invalid float number", sync_id)
        sync = self.state.find(sync_id)
        if sync is None:
            raise Refusal(self.no_route(Request("", "", {}, {}, b"")))
        return sync

    def _sync_json(self, sync: HightouchSync) -> Dict[str, Any]:
        clock, runs = self.state.clock, self.state.visible(sync)
        fields = {
            "id": sync.id,
            "slug": sync.slug,
            "workspaceId": 1,
            "createdAt": clock.iso(sync.created),
            "updatedAt": clock.iso(sync.created),
            "destinationId": 1,
            "modelId": 1,
            "configuration": {"mode": "upsert", "object": "contacts"},
            "schedule": None,
            "status": self.state.sync_status(sync),
            "disabled": sync.disabled,
            "lastRunAt": clock.iso(runs[-1].created) if runs else None,
            "referencedColumns": ["email", "name"],
            "primaryKey": "id",
            "externalSegment": {},
            "tags": {},
        }
        return merged(fields, sync.overrides)

    def _run_json(self, run: Run) -> Dict[str, Any]:
        clock, outcome = self.state.clock, run.outcome
        ended = run.finished and not run.cancelled
        failed = ended and outcome.ends not in self.state.succeeded
        planned = run.started and run.share >= 0.25
        updated = (outcome.records_updated or 0) * run.share
        fields = {
            "id": run.id,
            "createdAt": clock.iso(run.created),
            "startedAt": clock.iso(run.started_at) if run.started else None,
            "finishedAt": clock.iso(run.finished_at) if run.finished else None,
            "querySize": outcome.records_processed if planned else None,
            "status": run.status,
            "completionRatio": 1 if ended else round(run.share, 2),
            "plannedRows": _rows(outcome.records_processed if planned else 0),
            "successfulRows": _rows(outcome.records_updated if ended else int(updated)),
            "failedRows": _rows(outcome.records_failed if ended else 0),
            "error": (outcome.error_message or "The run " + run.status) if failed else None,
        }
        return merged(fields, outcome.overrides)


def _rows(count: Optional[int]) -> Dict[str, int]:
    return {"addedCount": count or 0, "changedCount": 0, "removedCount": 0}


def _fields(request: Request) -> Dict[str, Any]:
    """The body's fields. The vendor is lenient: the Airflow provider sends a form, and works."""
    body = request.form() or request.json()
    if body is None and request.body.strip():
        raise Refusal(Response.of(400, {"message": "Bad request"}))
    if not isinstance(body, (dict, type(None))):
        # As Kestra's plugin learnt with a JSON string for a body.
        raise Refusal(Response.of(500, b'"Internal Server Error"', "application/json"))
    return body or {}


def _flags(fields: Dict[str, Any]) -> Dict[str, bool]:
    words = {"True": True, "true": True, "False": False, "false": False}
    given = {name: fields[name] for name in _FLAGS if name in fields}
    for name, value in given.items():
        if not isinstance(value, (bool, str)) or str(value) not in words:
            raise _invalid("body." + name, "invalid boolean value", value)
    return {name: words[str(value)] for name, value in given.items()}


def _number(request: Request, name: str, default: Optional[float] = None) -> Optional[float]:
    given = request.get(name)
    if given is None:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise _invalid(name, "invalid float number", given)
    return value


def _within(request: Request, stamp: Optional[str], wall: Optional[float]) -> bool:
    """Whether the time fits `after` and `before`, and is in the last `within` minutes."""
    try:
        after, before = (
            None if given is None else parse_iso(given)
            for given in (request.get("after"), request.get("before"))
        )
    except ValueError:
        raise _invalid("after", "invalid ISO 8601 datetime format", request.query) from None
    minutes = _number(request, "within") if wall is not None else None
    if after is None and before is None and minutes is None:
        return True
    if stamp is None:
        return False
    at = parse_iso(stamp)
    fits = (after is None or at > after) and (before is None or at < before)
    return fits and (minutes is None or wall is None or at >= wall - 60 * minutes)


def _list(request: Request, items: List[Dict[str, Any]], orders: Any) -> Response:
    """Ascending: the vendor documents no direction, its example is ascending."""
    order = request.get("orderBy") or "id"
    if order not in orders:
        raise _invalid("orderBy", f"should be one of the following; {orders}", order)
    items = sorted(items, key=lambda item: (item.get(order) is None, item.get(order) or 0))
    offset, limit = int(_number(request, "offset", 0) or 0), _number(request, "limit", 100)
    end = offset + int(limit or 0)
    return Response.of(200, {"data": items[offset:end], "hasMore": end < len(items)})


def _invalid(name: str, message: str, value: Any) -> Refusal:
    details = {name: {"message": message, "value": value}}
    return Refusal(Response.of(422, {"message": "Validation failed", "details": details}))
