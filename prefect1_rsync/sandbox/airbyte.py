"""Airbyte: connections and jobs, public API and Config API of self-managed Airbyte 2."""

import dataclasses
import itertools
import json
import math
from base64 import urlsafe_b64encode
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional
from urllib.parse import urlencode
from uuid import UUID, uuid5

from .core import Run, State, Sync, merged, parse_iso
from .http import Refusal, Request, Response, Route, Vendor

__all__ = ["Airbyte", "AirbyteState"]

_SPACE = UUID("5a1dbc0c-5cd6-4bb6-9bb1-6a0c9b5a2b00")
_DAILY = {"scheduleType": "basic", "basicTiming": "Every 24 HOURS"}
_STATUSES = ("pending", "queued", "running", "incomplete", "failed", "succeeded", "cancelled")
_JOB_TYPES = ("sync", "reset", "refresh", "clear")
_SPA = '<!doctype html><html><head><title>Airbyte</title></head><body id="root"></body></html>'
_OPEN = ("health", "token", "instance_configuration")


@dataclasses.dataclass
class Connection(Sync):
    """A connection as its owner has set it up."""

    name: str = ""
    status: str = "active"
    workspace_id: str = ""
    schedule: Dict[str, str] = dataclasses.field(default_factory=lambda: dict(_DAILY))


class Conflict(Exception):
    """Why a connection can't be synced now: the problem's title and the text that goes with it."""

    def __init__(self, title: str, message: str):
        super().__init__(title, message)
        self.title, self.message = title, message


class AirbyteState(State[Connection]):
    """One job for a connection at a time."""

    succeeded = ("succeeded",)
    queued = "pending"
    cancelled = "cancelled"
    first_run_id = 1234

    def working(self, run: Run) -> str:
        return "running"

    def trigger(self, connection: Connection, kind: str = "sync") -> Run:
        """
        SchedulerHandler and TemporalClient of airbyte-platform: an inactive connection and a
        running job are conflicts, but a job that waits for capacity is handed out once more.
        """
        if connection.status != "active":
            raise Conflict("state-conflict", "Could not fulfill request")
        active = self.active(connection)
        if active and active.by_api and active.status == "queued":
            return active
        if active:
            raise Conflict("try-again-later", "A sync is already running for: " + connection.id)
        return self.start(connection, kind=kind)

    def cancel_connection(self, job: Run) -> None:
        """Cancel what the job's connection runs now, be it another job (submitCancellation)."""
        connection = self.find(job.sync_id)
        running = self.active(connection) if connection else None
        if running:
            self.cancel(running)

    def updated_at(self, run: Run) -> float:
        return min(self.clock.now(), run.finished_at)


class Airbyte(Vendor[AirbyteState]):
    """
    Airbyte on this sandbox; facts from the code of airbyte-platform as of August 2026.

    Attributes:
        - auth (str): `application` (tokens from client credentials, or `bearer_token`), `basic`
            (`username` and `password`, as at a proxy) or `none`
        - client_id, client_secret, bearer_token, username, password (str): the credentials
        - token_seconds (float): how long a token lives
        - available (bool): what the health endpoints say
        - next_root (str): what lists' `next` addresses begin with: on community installs not the
            address that the client used
        - connection_id, workspace_id (str): the connection that is there from the start, and the
            workspace of all
        - connection_updates (list): bodies of requests that changed a connection
    """

    name = "airbyte"
    auth = "application"
    client_id = "airbyte-sandbox-client"
    client_secret = "airbyte-sandbox-secret"
    bearer_token = "airbyte-sandbox-bearer"
    username = "airbyte"
    password = "password"
    token_seconds = 900.0
    available = True
    next_root = "http://localhost:8000/api/public/v1"
    connection_id = "9924bcd0-99be-453d-ba47-c2c9766f7da5"
    workspace_id = "18dccc91-0ab1-4f72-9ed7-0b8fc27c5826"

    @property
    def api_url(self) -> str:
        """The public API's root."""
        return self.base_url + "/api/public/v1"

    @property
    def config_api_url(self) -> str:
        """The Config API's root."""
        return self.base_url + "/api/v1"

    def add_sync(
        self,
        id: str,
        name: str = "Postgres to Snowflake",
        status: str = "active",
        schedule: Optional[Dict[str, str]] = None,
        overrides: Optional[Dict[str, Any]] = None,
    ) -> None:
        """
        Add a connection, or set it up anew.

        Args:
            - id (str): its UUID
            - name (str, optional): its name
            - status (str, optional): `active`, `inactive`, `locked` or `deprecated`
            - schedule (dict, optional): as in the public API, `{"scheduleType": "manual"}` or
                with `cronExpression` or `basicTiming`; defaults to every 24 hours
            - overrides (dict, optional): fields of its public JSON; `MISSING` removes

        Raises:
            - ValueError: an argument makes no sense; the text names it
        """
        if not _is_uuid(id):
            raise ValueError(f"id: Airbyte's connection ids are UUIDs, got {id!r}")
        if status not in ("active", "inactive", "locked", "deprecated"):
            raise ValueError(f"status: no status of a connection: {status!r}")
        if schedule is not None and schedule.get("scheduleType") not in ("manual", "cron", "basic"):
            raise ValueError("schedule: scheduleType must be manual, cron or basic")
        with self._lock:
            self.state.syncs[id.lower()] = Connection(
                id.lower(),
                dict(overrides or {}),
                self.state.clock.now(),
                name=name,
                status=status,
                workspace_id=self.workspace_id,
                schedule=dict(schedule or _DAILY),
            )

    def expire_tokens(self) -> None:
        """Refuse all tokens handed out so far."""
        with self._lock:
            self._tokens.clear()

    def furnish(self) -> None:
        self._tokens: Dict[str, float] = {}
        self._token_ids = itertools.count(1)
        self.connection_updates: List[Dict[str, Any]] = []
        self.add_sync(self.connection_id)

    def routes(self) -> List[Route]:
        public, config = "/api/public/v1", "/api/v1"
        job, connection = public + "/jobs/([^/]+)", public + "/connections/([^/]+)"
        routes: List[Route] = [
            ("POST", public + "/applications/token", "token", self._token),
            ("GET", public + "/health", "health", self._health),
            ("POST", public + "/jobs", "trigger", self._create_job),
            ("GET", public + "/jobs", "runs", self._jobs),
            ("GET", job, "run", self._job),
            ("DELETE", job, "cancel", self._cancel_job),
            ("GET", public + "/connections", "connections", self._connections),
            ("GET", connection, "connection", self._connection),
            ("PATCH", connection, "connection_update", self._update_connection),
            ("GET", public + "/workspaces", "workspaces", self._workspaces),
            ("GET", public + "/workspaces/([^/]+)", "workspace", self._workspace),
        ]
        # Trailing slashes work at the Config API: Prefect 1 sends them.
        for method, path, operation, handler in (
            ("POST", "/applications/token", "token", self._config_token),
            ("GET", "/health", "health", self._config_health),
            ("GET", "/instance_configuration", "instance_configuration", self._instance),
            ("POST", "/connections/get", "connection", self._config_connection),
            ("POST", "/connections/update", "connection_update", self._config_update),
            ("POST", "/connections/sync", "trigger", self._config_sync),
            ("POST", "/jobs/(get|get_without_logs|get_light)", "job_details", self._config_job),
            ("POST", "/jobs/list", "runs", self._config_jobs),
            ("POST", "/jobs/cancel", "cancel", self._config_cancel),
        ):
            routes.append((method, config + path + "/?", operation, handler))
        return routes

    def authorize(self, request: Request, operation: str) -> None:
        if self.auth == "basic":
            # The proxy of 0.40.16 to 0.63 guards everything, health included.
            if request.basic() != (self.username, self.password):
                page = "<html><h1>401 Authorization Required</h1></html>"
                refusal = Response.of(401, page, "text/html")
                refusal.headers["WWW-Authenticate"] = 'Basic realm="Welcome to Airbyte"'
                raise Refusal(refusal)
        elif self.auth == "application" and operation and operation not in _OPEN:
            token = request.bearer()
            if token is None or (token != self.bearer_token and not self._is_valid(token)):
                raise _problem(401, "invalid-api-key", "The API key or token is invalid.")

    def no_route(self, request: Request) -> Response:
        # Self-managed Airbyte serves its web app on every path that isn't its API's.
        return Response.of(200, _SPA, "text/html")

    # Public API.

    def _token(self, request: Request) -> Response:
        fields = request.form() or request.json()
        if self.auth == "none":
            return self.no_route(request)
        body = {"token_type": "Bearer", "expires_in": int(self.token_seconds)}
        return Response.of(200, dict(body, access_token=self._issue(fields)))

    def _health(self, request: Request) -> Response:
        if not self.available:
            raise _problem(503, "service-unavailable", "Airbyte is not available.")
        return Response.of(200, "Successful operation")

    def _create_job(self, request: Request) -> Response:
        fields = request.json()
        fields = fields if isinstance(fields, dict) else {}
        kind = fields.get("jobType")
        if kind not in _JOB_TYPES or not _is_uuid(fields.get("connectionId")):
            return Response.of(400, {"errorId": self._uuid("bad request")})
        if kind == "refresh":
            text = "Refreshes are not supported in the public API"
            raise _problem(422, "unprocessable-entity", text)
        connection = self.state.find(fields["connectionId"])
        if connection is None:  # Roles can't be resolved for an id that doesn't exist.
            raise _problem(403, "forbidden", "User does not have the required permissions")
        try:
            job = self.state.trigger(connection, kind)
        except Conflict as conflict:
            raise _problem(409, conflict.title, conflict.message) from None
        return Response.of(200, self._job_json(job, counts=False))

    def _job(self, request: Request, job_id: str) -> Response:
        return Response.of(200, self._job_json(self._find_job(job_id)))

    def _cancel_job(self, request: Request, job_id: str) -> Response:
        job = self._find_job(job_id, cancel=True)
        self.state.cancel_connection(job)
        return Response.of(200, self._job_json(job, counts=False))

    def _jobs(self, request: Request) -> Response:
        field, _, direction = (request.get("orderBy") or "createdAt|ASC").partition("|")
        status, kind = request.get("status"), request.get("jobType")
        known = field in ("createdAt", "updatedAt") and direction in ("ASC", "DESC")
        if not known or status not in (None, *_STATUSES) or kind not in (None, *_JOB_TYPES):
            raise _problem(400, "bad-request", "orderBy, status or jobType has no such value")
        wanted, workspaces = request.get("connectionId"), request.query.get("workspaceIds")
        jobs = [
            run
            for run in self.state.runs
            if wanted in (None, run.sync_id)
            and status in (None, run.status)
            and kind in (None, run.options.get("kind", "sync"))
            and (workspaces is None or self.workspace_id in ",".join(workspaces))
            and self._in_window(request.query, run)
        ]
        jobs.sort(key=self._sort_key(field), reverse=direction == "DESC")
        kept = ("jobType", "connectionId", "workspaceIds")
        return self._list(request, "/jobs", [self._job_json(run) for run in jobs], kept)

    def _connections(self, request: Request) -> Response:
        deleted = request.get("includeDeleted") == "true"
        workspaces = request.query.get("workspaceIds")
        connections = [
            self._connection_json(connection)
            for connection in self.state.syncs.values()
            if (deleted or connection.status != "deprecated")
            and (workspaces is None or connection.workspace_id in ",".join(workspaces))
        ]
        return self._list(request, "/connections", connections, ("workspaceIds",))

    def _connection(self, request: Request, connection_id: str) -> Response:
        return Response.of(200, self._connection_json(self._find_connection(connection_id)))

    def _update_connection(self, request: Request, connection_id: str) -> Response:
        connection = self._find_connection(connection_id)
        self._update(connection, request.json())
        return Response.of(200, self._connection_json(connection))

    def _workspaces(self, request: Request) -> Response:
        return self._list(request, "/workspaces", [self._workspace_json()], ())

    def _workspace(self, request: Request, workspace_id: str) -> Response:
        if workspace_id.lower() != self.workspace_id:
            raise _problem(404, "resource-not-found", "Could not find the workspace.")
        return Response.of(200, self._workspace_json())

    # Config API.

    def _config_token(self, request: Request) -> Response:
        if self.auth == "none":
            return self.no_route(request)
        return Response.of(200, {"access_token": self._issue(request.json())})

    def _config_health(self, request: Request) -> Response:
        return Response.of(200, {"available": self.available})

    def _instance(self, request: Request) -> Response:
        mode = "simple" if self.auth == "application" else "none"
        body = {
            "edition": "community",
            "version": "2.1.0",
            "licenseStatus": "pro",
            "auth": {"mode": mode},
            "airbyteUrl": "http://localhost:8000",
            "initialSetupComplete": True,
            "defaultUserId": self._uuid("user"),
            "defaultOrganizationId": self._uuid("organization"),
            "defaultOrganizationEmail": "sandbox@example.com",
            "defaultWorkspaceId": self.workspace_id,
            "trackingStrategy": "logging",
        }
        return Response.of(200, body)

    def _config_connection(self, request: Request) -> Response:
        return Response.of(200, self._config_connection_json(self._config_find(request)))

    def _config_update(self, request: Request) -> Response:
        connection = self._config_find(request)
        self._update(connection, request.json())
        return Response.of(200, self._config_connection_json(connection))

    def _config_sync(self, request: Request) -> Response:
        try:
            job = self.state.trigger(self._config_find(request))
        except Conflict as conflict:
            if conflict.title == "state-conflict":
                return Response.of(500, {"errorId": self._uuid("inactive")})
            body = {"message": conflict.message, "errorId": self._uuid("conflict")}
            return Response.of(409, body)
        return Response.of(200, self._job_info(job, logs=True))

    def _config_job(self, request: Request, detail: str) -> Response:
        job = self._config_find_job(request)
        if detail == "get_light":
            return Response.of(200, {"job": self._config_job_json(job, stats=True)})
        return Response.of(200, self._job_info(job, logs=detail == "get"))

    def _config_jobs(self, request: Request) -> Response:
        fields = request.json()
        fields = fields if isinstance(fields, dict) else {}
        if not fields.get("configTypes"):
            return Response.of(422, {"errorId": self._uuid("configTypes")})
        kinds = [kind.replace("reset_connection", "reset") for kind in fields["configTypes"]]
        jobs = [
            run
            for run in self.state.runs
            if run.options.get("kind", "sync") in kinds
            and fields.get("configId") in (None, run.sync_id)
            and (not fields.get("statuses") or run.status in fields["statuses"])
            and self._in_window({name: [str(value)] for name, value in fields.items()}, run)
        ]
        field = fields.get("orderByField") or "createdAt"
        jobs.sort(key=self._sort_key(field), reverse=fields.get("orderByMethod") != "ASC")
        page = fields.get("pagination") or {}
        offset, size = page.get("rowOffset") or 0, page.get("pageSize") or 200
        # Here attempts are flat, without the {"attempt": ...} of /jobs/get.
        shown = [
            {"job": self._config_job_json(run, stats=True), "attempts": self._attempts(run)}
            for run in jobs[offset : offset + size]
        ]
        return Response.of(200, {"jobs": shown, "totalJobCount": len(jobs)})

    def _config_cancel(self, request: Request) -> Response:
        job = self._config_find_job(request)
        self.state.cancel_connection(job)
        return Response.of(200, self._job_info(job, logs=True))

    # Helpers.

    def _issue(self, fields: Any) -> str:
        given = fields if isinstance(fields, dict) else {}
        if (given.get("client_id"), given.get("client_secret")) != (
            self.client_id,
            self.client_secret,
        ):
            raise Refusal(Response.of(401, {"errorId": self._uuid("credentials")}))
        now = self.state.clock.now()
        wall = int(self.state.clock.wall(now))
        claims = {
            "iss": "http://localhost:8000",
            "sub": self._uuid("user"),
            "jti": next(self._token_ids),
            "iat": wall,
            "exp": wall + int(self.token_seconds),
        }
        # The Config API gives no expires_in: a client reads the JWT's exp.
        parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, claims)]
        signed = [urlsafe_b64encode(part).rstrip(b"=").decode() for part in [*parts, b"sandbox"]]
        token = ".".join(signed)
        self._tokens[token] = now + self.token_seconds
        return token

    def _is_valid(self, token: str) -> bool:
        return self.state.clock.now() < self._tokens.get(token, -math.inf)

    def _uuid(self, name: str) -> str:
        return str(uuid5(_SPACE, name))

    def _find_connection(self, connection_id: str) -> Connection:
        connection = self.state.find(connection_id)
        if connection is None:
            raise _problem(404, "resource-not-found", "Could not find the connection.")
        return connection

    def _find_job(self, job_id: str, cancel: bool = False) -> Run:
        run = self.state.find_run(job_id)
        if run is not None:
            return run
        if self.auth == "application":  # Roles can't be resolved for an id that doesn't exist.
            raise _problem(403, "forbidden", "User does not have the required permissions")
        if cancel:
            raise _problem(409, "state-conflict", "Job is not currently running")
        raise _problem(404, "resource-not-found", "Could not find the job.")

    def _config_find(self, request: Request) -> Connection:
        fields = request.json()
        wanted = fields.get("connectionId") if isinstance(fields, dict) else None
        connection = self.state.find(wanted)
        if connection is None:
            error = {"errorId": self._uuid("not found")}
            if self.auth == "application":
                raise Refusal(Response.of(403, dict(error, message="Forbidden")))
            raise Refusal(Response.of(404, error))
        return connection

    def _config_find_job(self, request: Request) -> Run:
        fields = request.json()
        run = self.state.find_run(fields.get("id")) if isinstance(fields, dict) else None
        if run is None:
            error = {"errorId": self._uuid("not found")}
            if self.auth == "application":
                raise Refusal(Response.of(403, dict(error, message="Forbidden")))
            raise Refusal(Response.of(500, error))
        return run

    def _update(self, connection: Connection, fields: Any) -> None:
        fields = fields if isinstance(fields, dict) else {}
        self.connection_updates.append(dict(fields, connectionId=connection.id))
        connection.name = fields.get("name", connection.name)
        connection.status = fields.get("status", connection.status)
        if isinstance(fields.get("schedule"), dict) and "scheduleType" in fields["schedule"]:
            connection.schedule = fields["schedule"]
        elif fields.get("scheduleType") == "manual":
            connection.schedule = {"scheduleType": "manual"}

    def _in_window(self, query: Dict[str, List[str]], run: Run) -> bool:
        clock = self.state.clock
        times = {"createdAt": run.created, "updatedAt": self.state.updated_at(run)}
        for name, at in times.items():
            wall = int(clock.wall(at))
            try:
                since = parse_iso(query.get(name + "Start", ["1970-01-01T00:00:00Z"])[0])
                until = parse_iso(query.get(name + "End", ["9999-01-01T00:00:00Z"])[0])
            except ValueError:
                raise _problem(400, "bad-request", name + ": no RFC 3339 time") from None
            if not since <= wall <= until:
                return False
        return True

    def _sort_key(self, field: str) -> Any:
        by_update = field == "updatedAt"
        return lambda run: (self.state.updated_at(run) if by_update else run.created, run.id)

    def _list(self, request: Request, path: str, items: List[Any], kept: Any) -> Response:
        try:
            limit, offset = int(request.get("limit") or 20), int(request.get("offset") or 0)
        except ValueError:
            limit, offset = 0, 0
        if not 1 <= limit <= 100 or offset < 0:
            raise _problem(400, "bad-request", "limit must be 1 to 100, offset 0 or more")
        page = items[offset : offset + limit]

        def link(start: int) -> str:
            # PaginationMapper keeps these parameters alone: order, status and dates get lost.
            query: List[Any] = [("limit", limit), ("offset", start)]
            for name in kept:
                if name in request.query:
                    query.append((name, ",".join(request.query[name])))
            return f"{self.next_root}{path}?{urlencode(query)}"

        previous = link(max(0, offset - limit)) if offset else ""
        following = link(offset + limit) if page else ""
        return Response.of(200, {"data": page, "previous": previous, "next": following})

    def _workspace_json(self) -> Dict[str, Any]:
        names = {"name": "Sandbox", "dataResidency": "auto", "notifications": {}}
        return dict(names, workspaceId=self.workspace_id)

    def _connection_json(self, connection: Connection) -> Dict[str, Any]:
        stream = {"name": "users", "syncMode": "full_refresh_overwrite"}
        fields = {
            "connectionId": connection.id,
            "name": connection.name,
            "sourceId": self._uuid("source"),
            "destinationId": self._uuid("destination"),
            "workspaceId": connection.workspace_id,
            "status": connection.status,
            "schedule": connection.schedule,
            "nonBreakingSchemaUpdatesBehavior": "ignore",
            "namespaceDefinition": "destination",
            "prefix": "",
            "configurations": {"streams": [stream]},
            "createdAt": int(self.state.clock.wall(connection.created)),
            "tags": [],
        }
        return merged(fields, connection.overrides)

    def _config_connection_json(self, connection: Connection) -> Dict[str, Any]:
        schedule = connection.schedule
        config = {"syncMode": "full_refresh", "destinationSyncMode": "overwrite", "selected": True}
        stream = {"name": "users", "jsonSchema": {"type": "object"}}
        fields: Dict[str, Any] = {
            "connectionId": connection.id,
            "name": connection.name,
            "sourceId": self._uuid("source"),
            "destinationId": self._uuid("destination"),
            "workspaceId": connection.workspace_id,
            "status": connection.status,
            "scheduleType": schedule["scheduleType"],
            "namespaceDefinition": "destination",
            "prefix": "",
            "syncCatalog": {"streams": [{"stream": stream, "config": config}]},
            "breakingChange": False,
            "tags": [],
        }
        if schedule["scheduleType"] == "basic":
            words = schedule.get("basicTiming", "Every 24 HOURS").split()
            basic = {"units": int(words[1]), "timeUnit": words[2].lower()}
            fields.update(schedule=basic, scheduleData={"basicSchedule": basic})
        elif schedule["scheduleType"] == "cron":
            expression, _, zone = schedule.get("cronExpression", "0 0 * * * ? UTC").rpartition(" ")
            cron = {"cronExpression": expression, "cronTimeZone": zone}
            fields["scheduleData"] = {"cron": cron}
        return fields

    def _job_json(self, run: Run, counts: bool = True) -> Dict[str, Any]:
        """The public API's job: null fields are left out, as the server does (NON_ABSENT)."""
        clock, status = self.state.clock, run.status
        created, updated = (int(clock.wall(at)) for at in (run.created, self.state.updated_at(run)))
        fields: Dict[str, Any] = {
            "jobId": run.id,
            "status": status,
            "jobType": run.options.get("kind", "sync"),
            "connectionId": run.sync_id,
            "startTime": _java_time(created),
        }
        if status != "pending":
            fields["duration"] = _java_duration(updated - created)
        if run.finished:
            fields["lastUpdatedAt"] = _java_time(updated)
        if counts and self._attempts(run):
            fields["bytesSynced"], fields["rowsSynced"] = self._committed(run)
        return merged(fields, run.outcome.overrides)

    def _committed(self, run: Run) -> Any:
        """Bytes and records that the destination has: known at the end."""
        done = run.finished and not run.cancelled
        outcome = run.outcome
        return (outcome.bytes_synced or 0, outcome.records_updated or 0) if done else (0, 0)

    def _stats(self, run: Run) -> Dict[str, Any]:
        size, records = self._committed(run)
        done = run.finished and not run.cancelled
        return {
            "recordsEmitted": int((run.outcome.records_processed or 0) * run.share),
            "bytesEmitted": int((run.outcome.bytes_synced or 0) * run.share),
            "recordsCommitted": records,
            "bytesCommitted": size,
            "recordsRejected": (run.outcome.records_failed or 0) if done else 0,
        }

    def _config_job_json(self, run: Run, stats: bool) -> Dict[str, Any]:
        clock = self.state.clock
        kind = run.options.get("kind", "sync")
        fields: Dict[str, Any] = {
            "id": run.id,
            "configType": "reset_connection" if kind == "reset" else kind,
            "configId": run.sync_id,
            "enabledStreams": [{"name": "users"}],
            "createdAt": int(clock.wall(run.created)),
            "updatedAt": int(clock.wall(self.state.updated_at(run))),
            "status": run.status,
        }
        if run.started:
            fields["startedAt"] = int(clock.wall(run.started_at))
            if stats:
                fields["aggregatedStats"] = self._stats(run)
                fields["streamAggregatedStats"] = [dict(self._stats(run), streamName="users")]
        return merged(fields, run.outcome.overrides)

    def _job_info(self, run: Run, logs: bool) -> Dict[str, Any]:
        """JobInfoRead; with logs it lacks the job's stats, without them the attempts'."""
        attempts: List[Dict[str, Any]] = [{"attempt": part} for part in self._attempts(run, logs)]
        if logs:
            lines = [{"timestamp": 1, "level": "info", "message": "sandbox"}]
            for attempt in attempts:
                attempt.update(logType="structured", logs={"events": lines, "version": "1"})
        return {"job": self._config_job_json(run, stats=not logs), "attempts": attempts}

    def _attempts(self, run: Run, stats: bool = True) -> List[Dict[str, Any]]:
        """The attempts that have begun, sharing the run's duration; only the last can succeed."""
        if not run.started:
            return []
        clock, outcome = self.state.clock, run.outcome
        share = outcome.duration / outcome.attempts
        until = min(clock.now(), run.finished_at)
        attempts = []
        for number in range(outcome.attempts):
            begins = run.started_at + (share * number if number else 0)
            if begins > until:
                break
            last = number == outcome.attempts - 1 or begins + share > until
            ended = run.finished if last else True
            ends = until if last else begins + share
            good = last and not run.cancelled and outcome.ends in self.state.succeeded
            attempt: Dict[str, Any] = {
                "id": number,
                "status": "running" if not ended else "succeeded" if good else "failed",
                "createdAt": int(clock.wall(begins)),
                "updatedAt": int(clock.wall(ends)),
            }
            if ended:
                attempt["endedAt"] = int(clock.wall(ends))
                if stats and last:
                    attempt["bytesSynced"], attempt["recordsSynced"] = self._committed(run)
                    totals = dict(self._stats(run))
                    del totals["bytesCommitted"]  # No converter of the vendor's fills it in here.
                    attempt["totalStats"] = totals
                    attempt["streamStats"] = [{"streamName": "users", "stats": totals}]
                if not good:
                    attempt["failureSummary"] = self._failure(run, last and run.cancelled, ends)
            attempts.append(attempt)
        attempts[-1] = merged(attempts[-1], outcome.attempt_overrides)
        return attempts

    def _failure(self, run: Run, cancelled: bool, at: float) -> Dict[str, Any]:
        outcome = run.outcome
        message = outcome.error_message or "Something went wrong in the connector"
        failure = {
            "failureOrigin": "airbyte_platform" if cancelled else outcome.failure_origin,
            "failureType": "manual_cancellation" if cancelled else outcome.failure_type,
            "externalMessage": "Sync was cancelled by a user" if cancelled else message,
            "internalMessage": "java.lang.RuntimeException: " + message,
            "stacktrace": f"java.lang.RuntimeException: {message}\n\tat Sandbox",
            "retryable": False,
            "timestamp": int(self.state.clock.wall(at) * 1000),
        }
        return {"failures": [failure], "partialSuccess": outcome.partial_success}


def _problem(status: int, title: str, message: str) -> Refusal:
    """The public API's error, whose useful text is in data.message."""
    problem = {
        "status": status,
        "type": "https://reference.airbyte.com/reference/errors#" + title,
        "title": title,
        "detail": title.replace("-", " ").capitalize() + ".",
        "data": {"message": message},
    }
    return Refusal(Response.of(status, problem))


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == 36 and bool(UUID(value))
    except ValueError:
        return False


def _java_time(wall: int) -> str:
    """OffsetDateTime.toString: seconds are left out when they are zero."""
    moment = datetime.fromtimestamp(wall, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ" if moment.second else "%Y-%m-%dT%H:%MZ")


def _java_duration(total: int) -> str:
    """Duration.toString: PT8H6M12S."""
    hours, minutes, rest = total // 3600, total % 3600 // 60, total % 60
    parts = [(hours, "H"), (minutes, "M"), (rest, "S")]
    return "PT" + ("".join("{}{}".format(*part) for part in parts if part[0]) or "0S")
