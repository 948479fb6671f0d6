"""Airbyte: the public API on Cloud and self-managed, and of the Config API the reasons.

Vendor facts rest on Airbyte's API documentation (https://reference.airbyte.com, and
docs/developers/api-documentation.md in github.com/airbytehq/airbyte) and on the server's source
(github.com/airbytehq/airbyte-platform, August 2026) unless said otherwise.
"""

import re
import threading
import uuid
from typing import Any, Dict, List, NamedTuple, Optional

import requests

from ..engine.answers import (
    as_dict,
    as_id,
    as_int,
    as_list,
    as_text,
    as_time,
    as_word,
    listed,
)
from ..engine.clock import Clock, RealClock
from ..engine.errors import (
    SyncAlreadyRunning,
    SyncApiError,
    SyncError,
    SyncRunDisabled,
)
from ..engine.http import Auth, BasicAuth, BearerAuth, HttpClient, NoAuth, check_credential
from ..engine.model import (
    CANCELLED,
    COMPLETED,
    FAILED,
    REFUSES,
    WORKING,
    RunHandle,
    RunReport,
    Sighting,
    SyncRequest,
)
from ..engine.redact import Redactor
from ..engine.urls import parse_base_url

CLOUD_API = "https://api.airbyte.com/v1"
CLOUD_CONFIG_API = "https://cloud.airbyte.com/api/v1"
CLOUD_WEB = "https://cloud.airbyte.com"

#: Servers before July 2026 answer a trigger only when the job runs; with a handful of triggers
#: at once, 130 s were seen (github.com/apache/airflow/pull/71092).
TRIGGER_READ_SECONDS = 240.0
#: Reasons and rejected records are worth a request, but not a long wait.
DETAILS_READ_SECONDS = 20.0
#: A token is renewed this long before it expires.
TOKEN_MARGIN_SECONDS = 60.0
#: A token's life where the server does not tell it: the shortest that Airbyte ever had.
TOKEN_SECONDS = 180.0

_STATUSES = {
    "succeeded": COMPLETED,
    "failed": FAILED,
    "cancelled": CANCELLED,
    "pending": WORKING,
    "running": WORKING,
    # Waiting for capacity (since 2026).
    "queued": WORKING,
    # An attempt failed, and another may follow: not an end.
    "incomplete": WORKING,
}
_PUBLIC_SUFFIX = "/api/public/v1"
_JOBS_LOOKED_THROUGH = 20
_DURATION = re.compile(
    r"PT(?:(?P<h>[0-9]{1,9})H)?(?:(?P<m>[0-9]{1,9})M)?(?:(?P<s>[0-9]{1,9}(?:\.[0-9]{1,9})?)S)?"
)


class Credentials(NamedTuple):
    """
    How to log in: client id and secret, or a bearer token, or user and password, or nothing.

    Args:
        - client_id, client_secret (str, optional): of an application; tokens are got with them
        - bearer_token (str, optional): a token that somebody else got
        - username, password (str, optional): HTTP Basic, as a proxy before Airbyte asks for
    """

    client_id: Optional[str] = None
    client_secret: Optional[str] = None
    bearer_token: Optional[str] = None
    username: Optional[str] = None
    password: Optional[str] = None

    def __repr__(self) -> str:
        given = [name for name, value in zip(self._fields, self) if value is not None]
        return "Credentials({})".format(", ".join(given))

    def check(self) -> None:
        """
        Checks that they are of one kind, and whole.

        Raises:
            - ValueError: if they are not; no value is quoted
        """
        kinds = [
            ("client_id", "client_secret"),
            ("bearer_token",),
            ("username", "password"),
        ]
        given = []
        for names in kinds:
            values = [getattr(self, name) for name in names]
            if any(value is not None for value in values):
                given.append(" and ".join(names))
                for name, value in zip(names, values):
                    if value is None:
                        raise ValueError("{} must be given together".format(" and ".join(names)))
                    check_credential(value, name, basic=name in ("username", "password"))
                    if name == "username" and ":" in value:
                        raise ValueError("username: HTTP Basic allows no colon in it")
        if len(given) > 1:
            raise ValueError(
                "{}: give one kind of credential, not several".format(" / ".join(given))
            )


class AirbyteClient:
    """
    Airbyte's API, for the engine and for people. See `prefect1_rsync.engine.model.Vendor`.

    Args:
        - credentials (Credentials, optional): how to log in; default: no login
        - api_url (str, optional): the root of the public API: Cloud's, or `.../api/public/v1`
        - config_api_url (str, optional): the root of the Config API; default: derived from
            `api_url` where that is possible. It is asked for the reasons of failures alone
        - clock (Clock, optional): the time
        - session (requests.Session, optional): another transport, for tests

    Raises:
        - ValueError: an argument is wrong
    """

    name = "airbyte"
    title = "Airbyte"
    when_running = REFUSES

    def __init__(
        self,
        credentials: Optional[Credentials] = None,
        api_url: str = CLOUD_API,
        config_api_url: Optional[str] = None,
        clock: Optional[Clock] = None,
        session: Optional[requests.Session] = None,
    ) -> None:
        credentials = credentials or Credentials()
        credentials.check()
        clock = clock or RealClock()
        session = session or requests.Session()
        root = str(parse_base_url(api_url, "api_url"))
        config_root = (
            derived_config_api_url(root)
            if config_api_url is None
            else str(parse_base_url(config_api_url, "config_api_url"))
        )
        redactor = Redactor([credentials.client_secret, credentials.bearer_token])
        auth: Auth = NoAuth()
        if credentials.client_id is not None and credentials.client_secret is not None:
            tokens = HttpClient(root, self.title, NoAuth(), redactor, clock, session)
            auth = ClientCredentialsAuth(
                tokens, credentials.client_id, credentials.client_secret, redactor, clock
            )
        elif credentials.bearer_token is not None:
            auth = BearerAuth(credentials.bearer_token)
        elif credentials.username is not None and credentials.password is not None:
            redactor.add_basic(credentials.username, credentials.password)
            auth = BasicAuth(credentials.username, credentials.password)
        self._http = HttpClient(root, self.title, auth, redactor, clock, session)
        self._config: Optional[HttpClient] = None
        if config_root is not None:
            self._config = HttpClient(config_root, self.title, auth, redactor, clock, session)
        self._web = web_url(root)

    def __repr__(self) -> str:
        return f"AirbyteClient({self._http.base_url!r})"

    def close(self) -> None:
        """Gives the connections back; the client can be used again."""
        self._http.close()

    def prepare(self, request: SyncRequest) -> SyncRequest:
        """
        Reads the connection: whether it may run, and where a person can see it.

        Raises:
            - SyncRunDisabled: it is inactive, locked or deleted
            - SyncNotFound, SyncUnauthorized, SyncApiError: it can't be read
        """
        connection = self._connection(request.sync_id)
        return request._replace(workspace=as_text(connection.get("workspaceId")))

    def start(self, request: SyncRequest) -> RunHandle:
        """
        Triggers a job of the connection.

        Args:
            - request (SyncRequest): which connection

        Returns:
            - RunHandle: the job

        Raises:
            - SyncAlreadyRunning: another job of the connection is going on
            - SyncRunDisabled: the connection is inactive, locked or deleted
            - SyncApiError: no job was started, or none that we could name
        """
        try:
            answer = self._http.request(
                "POST",
                "/jobs",
                json={"connectionId": request.sync_id, "jobType": "sync"},
                read_seconds=TRIGGER_READ_SECONDS,
            )
        except SyncApiError as exc:
            if exc.status_code != 409:
                raise
            raise self._why_refused(request, exc) from None
        job_id = as_int(as_dict(answer).get("jobId"))
        if job_id is None:
            raise SyncApiError("Airbyte's answer to the trigger names no job")
        return self._handle(request, str(job_id))

    def look(self, handle: RunHandle) -> RunReport:
        """Looks at the job, once; once more, for the reasons, when it is over."""
        report = parse_job(self._http.get(f"/jobs/{handle.run_id}"))
        return self._with_details(handle, report) if report.ended else report

    def recent(self, request: SyncRequest) -> List[Sighting]:
        """The newest jobs of the connection, of whatever type, the newest first."""
        answer = self._http.get(
            "/jobs",
            {
                "connectionId": request.sync_id,
                "limit": str(_JOBS_LOOKED_THROUGH),
                # The default is the oldest first.
                "orderBy": "createdAt|DESC",
            },
        )
        found = []
        for job in listed(answer, "Airbyte's list of jobs"):
            job_id = as_id(job.get("jobId"))
            if job_id and as_word(job.get("status")):
                found.append(Sighting(self._handle(request, job_id), parse_job(job)))
        return found

    def cancel(self, handle: RunHandle) -> None:
        """
        Asks Airbyte to cancel the job, if it is still going on.

        Airbyte cancels whatever the connection runs now, not the job that is named: so the job
        is read again first.
        """
        if not parse_job(self._http.get(f"/jobs/{handle.run_id}")).ended:
            self._http.request("DELETE", f"/jobs/{handle.run_id}")

    def _why_refused(self, request: SyncRequest, refusal: SyncApiError) -> SyncError:
        """One code, several meanings, and a message that hides them: ask the connection."""
        try:
            self._connection(request.sync_id)
        except SyncRunDisabled as exc:
            return exc
        except SyncApiError:
            pass
        # A server that waited in vain for the job to appear also answers 409, in other words:
        # then the job may appear all the same.
        sure = "already running" in str(refusal).lower()
        return SyncAlreadyRunning(str(refusal), status_code=409, had_no_effect=sure)

    def _connection(self, connection_id: str) -> Dict[str, Any]:
        try:
            answer = self._http.get(f"/connections/{connection_id}")
        except SyncApiError as exc:
            raise self._explained(exc) from None
        connection = as_dict(answer)
        if as_id(connection.get("connectionId")) is None:
            raise SyncApiError("Airbyte's answer is not about a connection", transient=True)
        status = as_word(connection.get("status"))
        if status in ("inactive", "locked", "deprecated"):
            what = {
                "inactive": "is switched off; switch it on in Airbyte",
                "locked": "is locked; see Airbyte's page of the connection for the reason",
                "deprecated": "was deleted",
            }[status]
            raise SyncRunDisabled(f"the connection {what} (status {status})")
        return connection

    def _explained(self, exc: SyncApiError) -> SyncApiError:
        """The error of a first request, with what it may mean beyond its words."""
        root = self._http.base_url
        if exc.status_code == 200 and "text/html" in str(exc):
            # A self-managed server answers every path that it does not know with its web page.
            return SyncApiError(
                f"{root} is not the API root: it answered with a web page. For a self-managed "
                f"Airbyte, api_url ends in {_PUBLIC_SUFFIX}",
                status_code=200,
                had_no_effect=True,
            )
        hint = {
            403: "Airbyte also answers so for an id that it does not know",
            404: f"or {root} is not the root of the public API",
        }.get(exc.status_code or 0)
        return type(exc)(f"{exc}; {hint}", *exc.args[1:]) if hint else exc

    def _with_details(self, handle: RunHandle, report: RunReport) -> RunReport:
        """The public API has no reasons and no rejected records; the Config API does."""
        if self._config is None:
            return report
        try:
            answer = self._config.request(
                "POST",
                "/jobs/get_without_logs",
                json={"id": int(handle.run_id)},
                read_seconds=DETAILS_READ_SECONDS,
            )
        except SyncError:
            # The verdict stands without it; the Config API may be closed to this credential.
            return report
        return add_details(report, answer)

    def _handle(self, request: SyncRequest, job_id: str) -> RunHandle:
        url = None
        if request.workspace:
            url = (
                f"{self._web}/workspaces/{request.workspace}/connections/{request.sync_id}/timeline"
            )
        return RunHandle(self.name, request.sync_id, job_id, url)


class ClientCredentialsAuth(Auth):
    """
    Gets tokens with client id and secret, and gets a new one before the old one expires.

    Args:
        - http (HttpClient): talks to the API without login
        - client_id (str): the application's id
        - client_secret (str): the application's secret
        - redactor (Redactor): is told each token
        - clock (Clock): the time
    """

    def __init__(
        self, http: HttpClient, client_id: str, client_secret: str, redactor: Redactor, clock: Clock
    ) -> None:
        self._http = http
        self._client_id = client_id
        self._client_secret = client_secret
        self._redactor = redactor
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Optional[str] = None
        self._renew_at = 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = "Bearer " + self._valid_token()
        return request

    def renew(self) -> bool:
        with self._lock:
            self._token = None
        return True

    def _valid_token(self) -> str:
        with self._lock:
            if self._token is None or self._clock.monotonic() >= self._renew_at:
                self._token = self._get_token()
            return self._token

    def _get_token(self) -> str:
        # As JSON: several self-managed versions answer 401 to the form that the SDKs send
        # (github.com/airbytehq/airbyte-api-python-sdk/issues/126).
        try:
            answer = self._http.request(
                "POST",
                "/applications/token",
                json={"client_id": self._client_id, "client_secret": self._client_secret},
                reveal=True,
            )
        except SyncApiError as exc:
            # The request that needs the token has not been sent.
            raise _unsent(exc) from None
        try:
            token = check_credential(as_dict(answer).get("access_token"), "access_token")
        except ValueError:
            raise SyncApiError(
                "Airbyte's answer to the token request holds no token", had_no_effect=True
            ) from None
        self._redactor.add(token)
        life = as_int(as_dict(answer).get("expires_in")) or TOKEN_SECONDS
        margin = min(TOKEN_MARGIN_SECONDS, life / 3.0)
        self._renew_at = self._clock.monotonic() + life - margin
        return token


def _unsent(exc: SyncApiError) -> SyncApiError:
    """The same error, of a request that surely had no effect."""
    return type(exc)(
        str(exc), exc.stats, exc.status_code, exc.transient, exc.retry_after, had_no_effect=True
    )


def derived_config_api_url(api_url: str) -> Optional[str]:
    """The root of the Config API that belongs to a public API, or None where that is unknown."""
    if api_url == CLOUD_API:
        return CLOUD_CONFIG_API
    if api_url.endswith(_PUBLIC_SUFFIX):
        return api_url[: -len(_PUBLIC_SUFFIX)] + "/api/v1"
    return None


def web_url(api_url: str) -> str:
    """The root of the web app that belongs to a public API."""
    if api_url == CLOUD_API:
        return CLOUD_WEB
    if api_url.endswith(_PUBLIC_SUFFIX):
        return api_url[: -len(_PUBLIC_SUFFIX)]
    return api_url


def check_connection_id(value: object, argument: str) -> str:
    """
    Checks that a value is a UUID.

    Returns:
        - str: in the form that Airbyte writes

    Raises:
        - ValueError: if it is none
    """
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise ValueError(
            f"{argument}: must be the connection's UUID, as in the address of its page"
        ) from None


def parse_job(answer: Any) -> RunReport:
    """
    Reads a job of the public API.

    Fields without a value are left out by the server, and the counts are those of the records
    that were committed.

    Args:
        - answer (Any): the JSON

    Returns:
        - RunReport: the job

    Raises:
        - SyncApiError: if this is not about a job; transient, for a good answer may follow
    """
    job = as_dict(answer)
    word = as_word(job.get("status"))
    if word is None:
        raise SyncApiError("Airbyte's answer is not about a job", transient=True)
    status = _STATUSES.get(word, WORKING)
    over = status != WORKING
    # Zero says nothing before the first records are committed.
    rows, size = (
        count if over or count else None
        for count in (as_int(job.get("rowsSynced")), as_int(job.get("bytesSynced")))
    )
    return RunReport(
        status=status,
        vendor_status=word,
        known=word in _STATUSES,
        records_processed=rows,
        records_updated=rows,
        bytes_synced=size,
        # Not the start of the work: the server calls the job's creation so.
        created_at=as_time(job.get("startTime")),
        started_at=as_time(job.get("startTime")),
        finished_at=as_time(job.get("lastUpdatedAt")) if over else None,
        duration_seconds=_duration(job.get("duration")) if over else None,
        raw=answer,
    )


def add_details(report: RunReport, answer: Any) -> RunReport:
    """
    Adds what the Config API knows of a job: rejected records and the reason of a failure.

    Args:
        - report (RunReport): the job as the public API tells it
        - answer (Any): the JSON of the Config API's job

    Returns:
        - RunReport: with what was found; whatever can't be read is left as it was
    """
    stats = as_dict(as_dict(as_dict(answer).get("job")).get("aggregatedStats"))
    rejected = as_int(stats.get("recordsRejected"))
    reason = report.error_message
    if report.status != COMPLETED:
        reason = _failure_reason(answer) or reason
    return report._replace(records_failed=rejected, error_message=reason)


def _failure_reason(answer: Any) -> Optional[str]:
    """What the last attempt that failed says, in the words that are meant for people."""
    attempts = as_list(as_dict(answer).get("attempts"))
    for item in reversed(attempts):
        # Nested in some endpoints, flat in others.
        attempt = as_dict(as_dict(item).get("attempt")) or as_dict(item)
        summary = as_dict(attempt.get("failureSummary"))
        reasons: List[str] = []
        for failure in as_list(summary.get("failures")):
            failure = as_dict(failure)
            text = as_text(failure.get("externalMessage")) or as_text(
                failure.get("internalMessage")
            )
            origin = as_text(failure.get("failureOrigin"))
            if text:
                text = f"{origin}: {text}" if origin else text
                if text not in reasons:
                    reasons.append(text)
        if reasons:
            if summary.get("partialSuccess") is True:
                reasons.append("some records were committed")
            return "; ".join(reasons)[:2000]
    return None


def _duration(value: Any) -> Optional[float]:
    """`PT8H6M12S` in seconds."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match or not any(match.groups()):
        return None
    hours, minutes, seconds = (float(part or 0) for part in match.group("h", "m", "s"))
    return hours * 3600 + minutes * 60 + seconds
