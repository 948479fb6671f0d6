"""Airbyte: connections and jobs, public API and Config API of self-managed Airbyte 2."""

import dataclasses
import itertools
import json
import math
import re
from base64 import urlsafe_b64encode
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import urlencode
from uuid import UUID, uuid5

from .core import Run, State, Sync, merged, parse_iso
from .http import Recorded, Refusal, Response, Route, Vendor

__all__ = ["Airbyte", "AirbyteState"]

_DAILY = {"scheduleType": "basic", "basicTiming": "Every 24 HOURS"}
_CONNECTION_STATUSES = ("active", "inactive", "deprecated", "locked")
_JOB_STATUSES = ("pending", "queued", "running", "incomplete", "failed", "succeeded", "cancelled")
_JOB_TYPES = ("sync", "reset", "refresh", "clear")
_SPA = '<!doctype html><html><head><title>Airbyte</title></head><body id="root"></body></html>'
_OPEN = ("", "health", "token", "instance_configuration")


@dataclasses.dataclass
class Connection(Sync):
    """A connection as its owner has set it up."""

    name: str = ""
    status: str = "active"
    schedule: Dict[str, str] = dataclasses.field(default_factory=dict)


class Conflict(Exception):
    """Why a connection can't be synced now: the problem's title and the text that goes with it."""


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

    def times(self, run: Run) -> Dict[str, int]:
        """When the job was created and last changed, in whole seconds since 1970."""
        updated = min(self.clock.now(), run.finished_at)
        wall = self.clock.wall
        return {"createdAt": int(wall(run.created)), "updatedAt": int(wall(updated))}

    def attempts(self, run: Run) -> List[Tuple[float, float, str]]:
        """
        (begin, end, status) of the attempts that have begun. They share the run's duration, and
        all but the last fail. A cancelled job's attempt is `failed`: AttemptRead has no other word.
        """
        share = run.outcome.duration / run.outcome.attempts
        until = min(self.clock.now(), run.finished_at)
        attempts = []
        for number in range(run.outcome.attempts if run.started else 0):
            begin = run.started_at + (share * number if number else 0)
            last = number == run.outcome.attempts - 1 or begin + share > until
            good = last and run.ended and not run.failed
            status = "running" if last and not run.finished else "succeeded" if good else "failed"
            if begin <= until:
                attempts.append((begin, until if last else begin + share, status))
        return attempts


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
        if status not in _CONNECTION_STATUSES:
            raise ValueError(f"status: no status of a connection: {status!r}")
        planned = dict(_DAILY if schedule is None else schedule)
        if not _is_schedule(planned):
            raise ValueError(f"schedule: not one of the public API's: {schedule!r}")
        with self._lock:
            now, key = self.state.clock.now(), id.lower()
            self.state.syncs[key] = Connection(
                key, now, overrides, name=name, status=status, schedule=planned
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
        public = "/api/public/v1"
        job, connection = public + "/jobs/([^/]+)", public + "/connections/([^/]+)"
        config = "/api/v1/{}/?"  # Trailing slashes work at the Config API: Prefect 1 sends them.
        info = config.format("jobs/(get|get_without_logs|get_light)")
        return [
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
            ("POST", config.format("applications/token"), "token", self._config_token),
            ("GET", config.format("health"), "health", self._config_health),
            (
                "GET",
                config.format("instance_configuration"),
                "instance_configuration",
                self._instance,
            ),
            ("POST", config.format("connections/get"), "connection", self._config_connection),
            ("POST", config.format("connections/update"), "connection_update", self._config_update),
            ("POST", config.format("connections/sync"), "trigger", self._config_sync),
            ("POST", info, "job_details", self._config_job),
            ("POST", config.format("jobs/list"), "runs", self._config_jobs),
            ("POST", config.format("jobs/cancel"), "cancel", self._config_cancel),
        ]

    def authorize(self, request: Recorded) -> None:
        bearer, user, password = request.credentials()
        if self.auth == "basic" and (user, password) != (self.username, self.password):
            # The proxy of 0.40.16 to 0.63 guards everything, health included.
            raise Refusal(401, "<html><h1>401 Authorization Required</h1></html>", "text/html")
        if self.auth == "application" and request.operation not in _OPEN:
            alive = self.state.clock.now() < self._tokens.get(bearer, -math.inf)
            if not alive and bearer != self.bearer_token:
                raise _problem(401, "invalid-api-key", "The API key or token is invalid.")

    def no_route(self, request: Recorded) -> Response:
        # Self-managed Airbyte serves its web app on every path that isn't its API's.
        return Response.of(200, _SPA, "text/html")

    # Public API.

    def _token(self, request: Recorded) -> Response:
        if self.auth == "none":
            return self.no_route(request)
        token = self._issue(request.form or request.fields)
        body = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(self.token_seconds),
        }
        return Response.of(200, body)

    def _health(self, request: Recorded) -> Response:
        if not self.available:
            raise _problem(503, "service-unavailable", "Airbyte is not available.")
        return Response.of(200, "Successful operation")

    def _create_job(self, request: Recorded) -> Response:
        kind, wanted = request.fields.get("jobType"), request.fields.get("connectionId")
        if kind not in _JOB_TYPES or not _is_uuid(wanted):
            raise Refusal(400, {"errorId": _uuid("bad request")})
        if kind == "refresh":
            text = "Refreshes are not supported in the public API"
            raise _problem(422, "unprocessable-entity", text)
        connection = self.state.find(wanted)
        if connection is None:  # Roles can't be resolved for an id that doesn't exist.
            raise _problem(403, "forbidden", "User does not have the required permissions")
        try:
            job = self.state.trigger(connection, kind)
        except Conflict as conflict:
            raise _problem(409, *conflict.args) from None
        return Response.of(200, self._job_json(job, counts=False))

    def _job(self, request: Recorded, job_id: str) -> Response:
        return Response.of(200, self._job_json(self._find_job(job_id)))

    def _cancel_job(self, request: Recorded, job_id: str) -> Response:
        job = self._find_job(job_id, cancel=True)
        self.state.cancel_connection(job)
        return Response.of(200, self._job_json(job, counts=False))

    def _jobs(self, request: Recorded) -> Response:
        field, _, direction = (request.get("orderBy") or "createdAt|ASC").partition("|")
        status, kind = request.get("status"), request.get("jobType")
        known = field in ("createdAt", "updatedAt") and direction in ("ASC", "DESC")
        if not known or status not in (None, *_JOB_STATUSES) or kind not in (None, *_JOB_TYPES):
            raise _problem(400, "bad-request", "orderBy, status or jobType has no such value")
        wanted = request.get("connectionId")
        jobs = [
            job
            for job in self._in_window({name: values[0] for name, values in request.query.items()})
            if wanted in (None, job.sync_id)
            and status in (None, job.status)
            and kind in (None, job.options.get("kind", "sync"))
            and self._has_workspace(request)
        ]
        jobs.sort(
            key=lambda job: (self.state.times(job)[field], job.id), reverse=direction == "DESC"
        )
        kept = ("jobType", "connectionId", "workspaceIds")
        return self._list(request, "/jobs", [self._job_json(job) for job in jobs], kept)

    def _connections(self, request: Recorded) -> Response:
        deleted = request.get("includeDeleted") == "true"
        connections = [
            self._connection_json(connection)
            for connection in self.state.syncs.values()
            if (deleted or connection.status != "deprecated") and self._has_workspace(request)
        ]
        return self._list(request, "/connections", connections, ("workspaceIds",))

    def _connection(self, request: Recorded, connection_id: str) -> Response:
        return Response.of(200, self._connection_json(self._find_connection(connection_id)))

    def _update_connection(self, request: Recorded, connection_id: str) -> Response:
        connection = self._find_connection(connection_id)
        self._update(connection, request.fields)
        return Response.of(200, self._connection_json(connection))

    def _workspaces(self, request: Recorded) -> Response:
        return self._list(request, "/workspaces", [self._workspace_json()], ())

    def _workspace(self, request: Recorded, workspace_id: str) -> Response:
        if workspace_id.lower() != self.workspace_id:
            raise _problem(404, "resource-not-found", "Could not find the workspace.")
        return Response.of(200, self._workspace_json())

    # Config API.

    def _config_token(self, request: Recorded) -> Response:
        if self.auth == "none":
            return self.no_route(request)
        return Response.of(200, {"access_token": self._issue(request.fields)})

    def _config_health(self, request: Recorded) -> Response:
        return Response.of(200, {"available": self.available})

    def _instance(self, request: Recorded) -> Response:
        body = {
            "edition": "community",
            "version": "2.1.0",
            "licenseStatus": "pro",
            "auth": {"mode": "simple" if self.auth == "application" else "none"},
            "airbyteUrl": "http://localhost:8000",
            "initialSetupComplete": True,
            "defaultUserId": _uuid("user"),
            "defaultOrganizationId": _uuid("organization"),
            "defaultOrganizationEmail": "sandbox@example.com",
            "defaultWorkspaceId": self.workspace_id,
            "trackingStrategy": "logging",
        }
        return Response.of(200, body)

    def _config_connection(self, request: Recorded) -> Response:
        return Response.of(200, self._config_connection_json(self._config_find(request)))

    def _config_update(self, request: Recorded) -> Response:
        connection = self._config_find(request)
        self._update(connection, request.fields)
        return Response.of(200, self._config_connection_json(connection))

    def _config_sync(self, request: Recorded) -> Response:
        try:
            job = self.state.trigger(self._config_find(request))
        except Conflict as conflict:
            title, message = conflict.args
            error = {"errorId": _uuid(title)}
            if title == "state-conflict":
                raise Refusal(500, error) from None
            raise Refusal(409, dict(error, message=message)) from None
        return Response.of(200, self._job_info(job, logs=True))

    def _config_job(self, request: Recorded, detail: str) -> Response:
        job = self._config_find_job(request)
        if detail == "get_light":
            return Response.of(200, {"job": self._config_job_json(job, stats=True)})
        return Response.of(200, self._job_info(job, logs=detail == "get"))

    def _config_jobs(self, request: Recorded) -> Response:
        fields = request.fields
        types, statuses = fields.get("configTypes"), fields.get("statuses") or []
        field, page = fields.get("orderByField") or "createdAt", fields.get("pagination") or {}
        lists = isinstance(types, list) and types and isinstance(statuses, list)
        known = isinstance(page, dict) and field in ("createdAt", "updatedAt")
        slice_of: List[Any] = [""]
        if known:
            slice_of = [page.get("rowOffset") or 0, page.get("pageSize") or 200]
        if not lists or not all(isinstance(number, int) for number in slice_of):
            raise Refusal(422, {"errorId": _uuid("invalid input")})
        kinds = [str(kind).replace("reset_connection", "reset") for kind in types or ()]
        jobs = [
            job
            for job in self._in_window(fields)
            if job.options.get("kind", "sync") in kinds
            and fields.get("configId") in (None, job.sync_id)
            and (not statuses or job.status in statuses)
        ]
        falling = fields.get("orderByMethod") != "ASC"  # The public API's lists rise.
        jobs.sort(key=lambda job: (self.state.times(job)[field], job.id), reverse=falling)
        offset, size = slice_of
        # Here attempts are flat, without the {"attempt": ...} of /jobs/get.
        shown = [
            {"job": self._config_job_json(job, True), "attempts": self._attempts_json(job, True)}
            for job in jobs[offset : offset + size]
        ]
        return Response.of(200, {"jobs": shown, "totalJobCount": len(jobs)})

    def _config_cancel(self, request: Recorded) -> Response:
        job = self._config_find_job(request)
        self.state.cancel_connection(job)
        return Response.of(200, self._job_info(job, logs=True))

    # Helpers.

    def _issue(self, fields: Dict[str, Any]) -> str:
        given = fields.get("client_id"), fields.get("client_secret")
        if given != (self.client_id, self.client_secret):
            raise Refusal(401, {"errorId": _uuid("credentials")})
        now = self.state.clock.now()
        issued = int(self.state.clock.wall(now))
        claims = {"jti": next(self._token_ids), "iat": issued}
        # The Config API gives no expires_in: a client reads the JWT's exp.
        claims["exp"] = issued + int(self.token_seconds)
        parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, claims)]
        encoded = [urlsafe_b64encode(part).rstrip(b"=") for part in [*parts, b"sandbox"]]
        token = b".".join(encoded).decode()
        self._tokens[token] = now + self.token_seconds
        return token

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

    def _config_find(self, request: Recorded) -> Connection:
        connection = self.state.find(request.fields.get("connectionId"))
        if connection is None:
            raise self._config_unknown(404)
        return connection

    def _config_find_job(self, request: Recorded) -> Run:
        run = self.state.find_run(request.fields.get("id"))
        if run is None:
            raise self._config_unknown(500)
        return run

    def _config_unknown(self, status: int) -> Refusal:
        error = {"errorId": _uuid("not found")}
        if self.auth == "application":
            return Refusal(403, dict(error, message="Forbidden"))
        return Refusal(status, error)

    def _update(self, connection: Connection, fields: Dict[str, Any]) -> None:
        self.connection_updates.append(dict(fields, connectionId=connection.id))
        connection.name = fields.get("name", connection.name)
        if fields.get("status") in _CONNECTION_STATUSES:
            connection.status = fields["status"]
        schedule = fields.get("schedule")
        if _is_schedule(schedule):
            connection.schedule = fields["schedule"]
        elif fields.get("scheduleType") == "manual":
            connection.schedule = {"scheduleType": "manual"}

    def _has_workspace(self, request: Recorded) -> bool:
        # The server's own `next` addresses join ids with commas.
        return self.workspace_id in ",".join(request.query.get("workspaceIds", [self.workspace_id]))

    def _in_window(self, query: Dict[str, Any]) -> List[Run]:
        """The jobs within createdAtStart, createdAtEnd, updatedAtStart and updatedAtEnd."""
        jobs = self.state.runs
        for field in ("createdAt", "updatedAt"):
            try:
                since = parse_iso(str(query.get(field + "Start", "1970-01-01T00:00:00Z")))
                until = parse_iso(str(query.get(field + "End", "9999-01-01T00:00:00Z")))
            except ValueError:
                raise _problem(400, "bad-request", field + ": no RFC 3339 time") from None
            jobs = [job for job in jobs if since <= self.state.times(job)[field] <= until]
        return list(jobs)

    def _list(
        self, request: Recorded, path: str, items: List[Any], kept: Tuple[str, ...]
    ) -> Response:
        try:
            limit, offset = int(request.get("limit") or 20), int(request.get("offset") or 0)
        except ValueError:
            limit, offset = 0, 0
        if not 1 <= limit <= 100 or offset < 0:
            raise _problem(400, "bad-request", "limit must be 1 to 100, offset 0 or more")
        # PaginationMapper keeps these parameters alone: order, status and dates get lost.
        query = [(name, ",".join(request.query[name])) for name in kept if name in request.query]

        def link(start: int) -> str:
            pairs = [("limit", str(limit)), ("offset", str(start)), *query]
            return f"{self.next_root}{path}?{urlencode(pairs)}"

        page = items[offset : offset + limit]
        previous = link(max(0, offset - limit)) if offset else ""
        following = link(offset + limit) if page else ""
        return Response.of(200, {"data": page, "previous": previous, "next": following})

    def _workspace_json(self) -> Dict[str, Any]:
        identity = {"workspaceId": self.workspace_id, "name": "Sandbox"}
        return dict(identity, dataResidency="auto", notifications={})

    def _connection_fields(self, connection: Connection) -> Dict[str, Any]:
        return {
            "connectionId": connection.id,
            "name": connection.name,
            "status": connection.status,
            "workspaceId": self.workspace_id,
            "sourceId": _uuid("source"),
            "destinationId": _uuid("destination"),
            "namespaceDefinition": "destination",
            "prefix": "",
            "tags": [],
        }

    def _connection_json(self, connection: Connection) -> Dict[str, Any]:
        stream = {"name": "users", "syncMode": "full_refresh_overwrite"}
        fields = dict(
            self._connection_fields(connection),
            schedule=connection.schedule,
            nonBreakingSchemaUpdatesBehavior="ignore",
            configurations={"streams": [stream]},
            createdAt=int(self.state.clock.wall(connection.created)),
        )
        return merged(fields, connection.overrides)

    def _config_connection_json(self, connection: Connection) -> Dict[str, Any]:
        schedule = connection.schedule
        config = {"syncMode": "full_refresh", "destinationSyncMode": "overwrite", "selected": True}
        stream = {"name": "users", "jsonSchema": {"type": "object"}}
        fields = dict(
            self._connection_fields(connection),
            scheduleType=schedule["scheduleType"],
            syncCatalog={"streams": [{"stream": stream, "config": config}]},
            breakingChange=False,
        )
        # The keys `schedule` and `scheduleData` are absent when manual (PrefectHQ/prefect#5878).
        if schedule["scheduleType"] == "basic":
            _, units, unit = schedule.get("basicTiming", "Every 24 HOURS").split()
            basic = {"units": int(units), "timeUnit": unit.lower()}
            fields.update(schedule=basic, scheduleData={"basicSchedule": basic})
        elif schedule["scheduleType"] == "cron":
            expression, _, zone = schedule["cronExpression"].rpartition(" ")
            fields["scheduleData"] = {"cron": {"cronExpression": expression, "cronTimeZone": zone}}
        return fields

    def _job_json(self, run: Run, counts: bool = True) -> Dict[str, Any]:
        """The public API's job: null fields are left out, as the server does (NON_ABSENT)."""
        times, status = self.state.times(run), run.status
        fields: Dict[str, Any] = {
            "jobId": run.id,
            "status": status,
            "jobType": run.options.get("kind", "sync"),
            "connectionId": run.sync_id,
            "startTime": _java_time(times["createdAt"]),
        }
        if status != "pending":
            fields["duration"] = _java_duration(times["updatedAt"] - times["createdAt"])
        if run.finished:
            fields["lastUpdatedAt"] = _java_time(times["updatedAt"])
        if counts and run.started:
            stats = self._stats(run)
            fields["bytesSynced"] = stats["bytesCommitted"]
            fields["rowsSynced"] = stats["recordsCommitted"]
        return merged(fields, run.outcome.overrides)

    def _stats(self, run: Run) -> Dict[str, int]:
        """What is emitted grows; what is committed and rejected is known at the end."""
        outcome, done = run.outcome, int(run.ended)
        return {
            "recordsEmitted": int((outcome.records_processed or 0) * run.share),
            "bytesEmitted": int((outcome.bytes_synced or 0) * run.share),
            "recordsCommitted": (outcome.records_updated or 0) * done,
            "bytesCommitted": (outcome.bytes_synced or 0) * done,
            "recordsRejected": (outcome.records_failed or 0) * done,
        }

    def _config_job_json(self, run: Run, stats: bool) -> Dict[str, Any]:
        kind = run.options.get("kind", "sync")
        fields: Dict[str, Any] = {
            "id": run.id,
            "configType": "reset_connection" if kind == "reset" else kind,
            "configId": run.sync_id,
            "enabledStreams": [{"name": "users"}],
            "status": run.status,
        }
        fields.update(self.state.times(run))
        if run.started:
            fields["startedAt"] = int(self.state.clock.wall(run.started_at))
            if stats:
                fields["aggregatedStats"] = self._stats(run)
                fields["streamAggregatedStats"] = [dict(self._stats(run), streamName="users")]
        return merged(fields, run.outcome.overrides)

    def _job_info(self, run: Run, logs: bool) -> Dict[str, Any]:
        """JobInfoRead; with logs it lacks the job's stats, without them the attempts'."""
        attempts: List[Dict[str, Any]] = [{"attempt": a} for a in self._attempts_json(run, logs)]
        if logs:
            at = int(self.state.clock.wall(run.created) * 1000)
            line = {"timestamp": at, "level": "info", "message": "Hello", "logSource": "platform"}
            for attempt in attempts:
                attempt.update(logType="structured", logs={"events": [line], "version": "1"})
        return {"job": self._config_job_json(run, stats=not logs), "attempts": attempts}

    def _attempts_json(self, run: Run, stats: bool) -> List[Dict[str, Any]]:
        wall, attempts = self.state.clock.wall, []
        for number, (begin, end, status) in enumerate(self.state.attempts(run)):
            times = {"createdAt": int(wall(begin)), "updatedAt": int(wall(end))}
            attempt: Dict[str, Any] = dict(times, id=number, status=status)
            if status != "running":
                attempt["endedAt"] = times["updatedAt"]
            if status == "failed":
                attempt["failureSummary"] = self._failure(run, end)
            attempts.append(attempt)
        if attempts:
            if stats and run.finished:
                totals = self._stats(run)
                # The vendor never fills this into an attempt's stats.
                attempt["bytesSynced"] = totals.pop("bytesCommitted")
                attempt["recordsSynced"] = totals["recordsCommitted"]
                attempt["totalStats"] = totals
                attempt["streamStats"] = [{"streamName": "users", "stats": totals}]
            attempts[-1] = merged(attempt, run.outcome.attempt_overrides)
        return attempts

    def _failure(self, run: Run, at: float) -> Dict[str, Any]:
        outcome = run.outcome
        message = outcome.error_message or "Something went wrong in the connector"
        origin, kind = outcome.failure_origin, outcome.failure_type
        if run.finished and not run.ended:
            message, origin = "Sync was cancelled by a user", "airbyte_platform"
            kind = "manual_cancellation"
        failure = {
            "failureOrigin": origin,
            "failureType": kind,
            "externalMessage": message,
            "internalMessage": "java.lang.RuntimeException: " + message,
            "retryable": False,
            "timestamp": int(self.state.clock.wall(at) * 1000),
        }
        return {"failures": [failure], "partialSuccess": outcome.partial_success}


def _problem(status: int, title: str, message: str) -> Refusal:
    """The public API's error, whose useful text is in data.message."""
    kind = "https://reference.airbyte.com/reference/errors#" + title
    detail = title.replace("-", " ").capitalize() + "."
    problem = {"status": status, "type": kind, "title": title, "detail": detail}
    return Refusal(status, dict(problem, data={"message": message}))


def _uuid(name: str) -> str:
    return str(uuid5(UUID(Airbyte.workspace_id), name))


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def _is_schedule(value: Any) -> bool:
    fields = value if isinstance(value, dict) else {}
    kind, timing = fields.get("scheduleType"), fields.get("basicTiming", "Every 24 HOURS")
    cron = isinstance(fields.get("cronExpression"), str)
    basic = bool(re.match(r"Every \d+ \w+$", str(timing)))
    return kind == "manual" or (kind == "cron" and cron) or (kind == "basic" and basic)


def _java_time(wall: int) -> str:
    """OffsetDateTime.toString: seconds are left out when they are zero."""
    moment = datetime.fromtimestamp(wall, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ" if moment.second else "%Y-%m-%dT%H:%MZ")


def _java_duration(total: int) -> str:
    """Duration.toString: PT8H6M12S."""
    parts = ((total // 3600, "H"), (total % 3600 // 60, "M"), (total % 60, "S"))
    return "PT" + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0S")
