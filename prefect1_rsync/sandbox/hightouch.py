"""Hightouch: syncs and their runs, API v1."""

import dataclasses
import math
from typing import Any, Dict, List, Optional, Tuple

from .core import Outcome, Run, State, Sync, merged, parse_iso, whole
from .http import Recorded, Refusal, Response, Route, Vendor

__all__ = ["Hightouch", "HightouchState"]

_NOT_FOUND = {"message": "Not found"}  # The API's description gives 404 no body.


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
        whole("id", id, least=1)
        slug = f"sync-{id}" if slug is None else slug
        with self._lock:
            if any(s.slug == slug and s.id != id for s in self.state.syncs.values()):
                raise ValueError(f"slug: {slug!r} is taken")
            sync = HightouchSync(
                id, self.state.clock.now(), overrides, slug=slug, disabled=disabled
            )
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

    def authorize(self, request: Recorded) -> None:
        # Before path and method, and with these words: anonymous probes of August 2026.
        if request.credentials()[0] != self.api_key:
            missing = "Authorization" not in request.headers
            details = "No authorization header found" if missing else "Token is invalid"
            raise Refusal(401, {"message": "Authentication error", "details": details})

    def no_route(self, request: Recorded) -> Response:
        return Response.of(404, _NOT_FOUND)

    def _syncs(self, request: Recorded) -> Response:
        slug, model = request.get("slug"), _number(request, "modelId", 1)
        syncs = [s for s in self.state.syncs.values() if slug in (None, s.slug) and model == 1]
        return self._list(
            request,
            [self._sync_json(sync) for sync in syncs],
            ("id", "name", "slug", "createdAt", "updatedAt"),
            time="lastRunAt",
        )

    def _sync(self, request: Recorded, sync_id: str) -> Response:
        return Response.of(200, self._sync_json(self._find(sync_id)))

    def _trigger(self, request: Recorded, sync_id: str) -> Response:
        flags = _flags(_body(request))
        return Response.of(200, {"id": str(self.state.trigger(self._find(sync_id), **flags).id)})

    def _trigger_any(self, request: Recorded) -> Response:
        fields = _body(request)
        sync_id, slug = fields.get("syncId"), fields.get("syncSlug")
        if sync_id is not None and not (isinstance(sync_id, str) and sync_id.isdigit()):
            raise _invalid("body.syncId", "Not match in '^[0-9]+$'", sync_id)
        if slug is not None and not isinstance(slug, str):
            raise _invalid("body.syncSlug", "invalid string value", slug)
        # Both and neither are undefined; refusing them shows a client's mistake.
        if (sync_id is None) == (slug is None):
            raise _invalid("body", "syncId or syncSlug expected", fields)
        ids = {sync.slug: str(sync.id) for sync in self.state.syncs.values()}
        return self._trigger(request, ids.get(slug, "0") if slug is not None else str(sync_id))

    def _runs(self, request: Recorded, sync_id: str) -> Response:
        runs, run_id = self.state.visible(self._find(sync_id)), _number(request, "runId", -1)
        return self._list(
            request,
            [self._run_json(run) for run in runs if run_id in (-1, run.id)],
            ("id", "createdAt", "startedAt", "finishedAt"),
            time="startedAt",
        )

    def _find(self, sync_id: str) -> HightouchSync:
        if not sync_id.isdigit():
            raise _invalid("syncId", "invalid float number", sync_id)
        sync = self.state.find(int(sync_id))
        if sync is None:
            raise Refusal(404, _NOT_FOUND)
        return sync

    def _list(
        self, request: Recorded, items: List[Dict[str, Any]], orders: Tuple[str, ...], time: str
    ) -> Response:
        """Ascending: the vendor documents no direction, its example is ascending."""
        order = request.get("orderBy") or "id"
        if order not in orders:
            raise _invalid("orderBy", f"should be one of {orders}", order)
        since, until = -math.inf, math.inf
        try:
            since = parse_iso(request.query["after"][0]) if "after" in request.query else since
            until = parse_iso(request.query["before"][0]) if "before" in request.query else until
        except ValueError:
            raise _invalid("after, before", "invalid ISO 8601 datetime format", None) from None
        if time == "startedAt":
            wall = self.state.clock.wall(self.state.clock.now())
            since = max(since, wall - 60 * _number(request, "within", math.inf))
        if (since, until) != (-math.inf, math.inf):
            items = [item for item in items if _between(since, item.get(time), until)]
        items = sorted(items, key=lambda item: (item.get(order) is None, item.get(order) or 0))
        offset = int(_number(request, "offset", 0))
        end = offset + int(_number(request, "limit", 100))
        return Response.of(200, {"data": items[offset:end], "hasMore": end < len(items)})

    def _sync_json(self, sync: HightouchSync) -> Dict[str, Any]:
        clock, runs = self.state.clock, self.state.visible(sync)
        fields = {
            "id": sync.id,
            "slug": sync.slug,
            "status": self.state.sync_status(sync),
            "disabled": sync.disabled,
            "lastRunAt": clock.iso(runs[-1].created) if runs else None,
            "createdAt": clock.iso(sync.created),
            "updatedAt": clock.iso(sync.created),
            "workspaceId": 1,
            "destinationId": 1,
            "modelId": 1,
            "configuration": {"mode": "upsert", "object": "contacts"},
            "schedule": None,
            "referencedColumns": ["email", "name"],
            "primaryKey": "id",
            "externalSegment": {},
            "tags": {},
        }
        return merged(fields, sync.overrides)

    def _run_json(self, run: Run) -> Dict[str, Any]:
        clock, outcome = self.state.clock, run.outcome
        planned = run.share >= 0.25  # The query is through.
        fields = {
            "id": run.id,
            "createdAt": clock.iso(run.created),
            "startedAt": clock.iso(run.started_at) if run.started else None,
            "finishedAt": clock.iso(run.finished_at) if run.finished else None,
            "querySize": outcome.records_processed if planned else None,
            "status": run.status,
            "completionRatio": round(run.share, 2),
            "plannedRows": _rows(outcome.records_processed if planned else 0),
            "successfulRows": _rows(int((outcome.records_updated or 0) * run.share)),
            "failedRows": _rows(outcome.records_failed if run.ended else 0),
            "error": (outcome.error_message or "The run " + run.status) if run.failed else None,
        }
        return merged(fields, outcome.overrides)


def _rows(count: Optional[int]) -> Dict[str, int]:
    return {"addedCount": count or 0, "changedCount": 0, "removedCount": 0}


def _body(request: Recorded) -> Dict[str, Any]:
    """The body's fields. The vendor is lenient: the Airflow provider sends a form, and works."""
    body = request.form or request.json
    if body is None and request.body.strip():
        raise Refusal(400, {"message": "Bad request"})
    if not isinstance(body, (dict, type(None))):
        # As Kestra's plugin learnt with a JSON string for a body.
        raise Refusal(500, '"Internal Server Error"', "application/json")
    return body or {}


def _flags(fields: Dict[str, Any]) -> Dict[str, bool]:
    names = ("fullResync", "resetCDC", "clearAndFill")
    given = {name: fields[name] for name in names if name in fields}
    for name, value in given.items():
        # Shipyard sends texts, and works.
        if value is not True and value is not False and value not in ("true", "false"):
            raise _invalid("body." + name, "invalid boolean value", value)
    return {name: value in (True, "true") for name, value in given.items()}


def _number(request: Recorded, name: str, default: float) -> float:
    given = request.get(name)
    try:
        value = default if given is None else float(given)
    except ValueError:
        value = math.nan
    if given is not None and not 0 <= value < math.inf:
        raise _invalid(name, "invalid float number", given)
    return value


def _between(since: float, stamp: Optional[str], until: float) -> bool:
    return stamp is not None and since < parse_iso(stamp) < until


def _invalid(name: str, message: str, value: Any) -> Refusal:
    details = {name: {"message": message, "value": value}}
    return Refusal(422, {"message": "Validation failed", "details": details})
