"""The drop-ins for `prefect.tasks.airbyte`: Airbyte's Config API, without login or with Basic."""

import logging
import re
import uuid
from time import sleep
from typing import Any, Callable, Dict, List, Optional, Tuple, Union
from urllib.parse import unquote, urlsplit

import requests
from prefect import Task
from prefect.engine.signals import FAIL

# Prefect's own classes, so that whoever still catches those catches ours.
from prefect.tasks.airbyte.airbyte import (
    AirbyteExportConfigurationFailed,
    AirbyteServerNotHealthyException,
    AirbyteSyncJobFailed,
    ConnectionNotFoundException,
    JobNotFoundException,
)
from prefect.utilities.tasks import defaults_from_attrs
from urllib3.util import parse_url

from ..engine.answers import as_dict, as_id, as_list, as_text, as_word
from ..engine.clock import RealClock
from ..engine.errors import (
    SyncAlreadyRunning,
    SyncApiError,
    SyncError,
    SyncNotFound,
    SyncRunCancelled,
    SyncRunFailed,
)
from ..engine.http import (
    CONNECT_SECONDS,
    Auth,
    BasicAuth,
    HttpClient,
    NoAuth,
    check_credential,
)
from ..engine.model import QUEUES, REFUSES, RunHandle, RunReport, Sighting, SyncRequest, Vendor
from ..engine.redact import Redactor
from ..engine.urls import BaseUrl, parse_base_url
from ..vendors.airbyte import add_details, parse_job
from .base import LegacyTask, LoginInUrl, Reticent, asks, ends

__all__ = [
    "AirbyteClient",
    "AirbyteConfigurationExport",
    "AirbyteConnectionTask",
    "AirbyteExportConfigurationFailed",
    "AirbyteServerNotHealthyException",
    "AirbyteSyncJobFailed",
    "ConnectionNotFoundException",
    "JobNotFoundException",
]

#: The server answers a trigger when the job runs, and sets itself no limit (its HTTP server, 5
#: minutes without a byte).
TRIGGER_READ_SECONDS = 600.0
EXPORT_READ_SECONDS = 600.0

_JOBS_LOOKED_THROUGH = 20
# A dot behind a name says that it is the whole one: no search domain is put behind it.
_DOT_BEHIND_NAME = re.compile(r"^([a-z]+://[^/:]*[^/:.])\.(?=[:/]|$)", re.I)
# Trouble that long logs make: `/jobs/get` sends them all with every answer.
_LOGS_TOO_LONG = (None, 500, 502, 504)
_NO_LOGIN = (
    "; this task sends no login but the user:password@ of airbyte_server_host, "
    "prefect1_rsync.AirbyteSyncTask can send others"
)


class AirbyteConnectionTask(LegacyTask):
    """
    Prefect's own Airbyte task, on this package's engine: syncs a connection and watches the job
    to its end. It never touches the connection's schedule.

    For new flows there is `prefect1_rsync.AirbyteSyncTask`, which knows every login, and can do
    more.

    Args:
        - airbyte_server_host (str, optional): the server; with `https://` before it, if that is
            how it is reached, and with `user:password@`, if it asks for HTTP Basic
        - airbyte_server_port (int, optional): its port
        - airbyte_api_version (str, optional): version of the Config API
        - connection_id (str, optional): the connection's UUID
        - stream_output (bool, int or str, optional): level at which the server's answers are
            logged; True: `INFO`
        - **kwargs (dict, optional): keyword arguments of `prefect.Task`, and those that all
            tasks of `prefect1_rsync` share (`raise_on_failure`, `max_wait_seconds`, ...)

    Raises:
        - TypeError: `stream_output` is no level
        - ValueError: an argument that all tasks share is wrong
    """

    # Connection statuses
    CONNECTION_STATUS_ACTIVE = "active"
    CONNECTION_STATUS_INACTIVE = "inactive"
    CONNECTION_STATUS_DEPRECATED = "deprecated"

    # Job statuses
    JOB_STATUS_SUCCEEDED = "succeeded"
    JOB_STATUS_FAILED = "failed"
    JOB_STATUS_PENDING = "pending"

    _own = ("airbyte_server_host", "airbyte_server_port", "airbyte_api_version", "connection_id")
    _pace_argument = "poll_interval_s to run()"

    def __init__(
        self,
        airbyte_server_host: str = "localhost",
        airbyte_server_port: int = 8000,
        airbyte_api_version: str = "v1",
        connection_id: Optional[str] = None,
        stream_output: Union[bool, int, str] = False,
        **kwargs: Any,
    ) -> None:
        self.airbyte_server_host = airbyte_server_host
        self.airbyte_server_port = airbyte_server_port
        self.airbyte_api_version = airbyte_api_version
        self.connection_id = connection_id
        if isinstance(stream_output, str):
            level = logging.getLevelName(stream_output)
            if not isinstance(level, int):
                raise TypeError(f"'stream_output': {level} is not a valid log level")
            stream_output = level
        self.stream_output: int = logging.INFO if stream_output is True else stream_output
        super().__init__(**kwargs)

    @defaults_from_attrs(
        "airbyte_server_host", "airbyte_server_port", "airbyte_api_version", "connection_id"
    )
    def run(
        self,
        airbyte_server_host: Optional[str] = None,
        airbyte_server_port: Optional[int] = None,
        airbyte_api_version: Optional[str] = None,
        connection_id: Optional[str] = None,
        poll_interval_s: int = 15,
    ) -> Dict[str, Any]:
        """
        Runs the sync.

        Args:
            - airbyte_server_host, airbyte_server_port, airbyte_api_version, connection_id
                (optional): see the constructor; None means "the constructor's"
            - poll_interval_s (int, optional): seconds between looks at the job

        Returns:
            - dict: `connection_id`, `status` (of the connection), `job_status`,
                `job_created_at`, `job_updated_at`

        Raises:
            - ValueError: an argument is missing or wrong
            - AirbyteServerNotHealthyException: the server is not there, or not well
            - ConnectionNotFoundException, JobNotFoundException: it knows no such thing
            - prefect.engine.signals.FAIL: the connection may not be synced
            - AirbyteSyncJobFailed: the job failed or was cancelled
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        connection_id = self.connection_id if connection_id is None else connection_id
        if not connection_id:
            raise ValueError("Value for parameter `connection_id` *must* be provided.")
        try:
            uuid.UUID(str(connection_id))
        except ValueError:
            raise ValueError(
                "Parameter `connection_id` *must* be a valid UUID i.e. 32 hex characters, "
                "including hyphens."
            ) from None
        every = 15 if poll_interval_s is None else poll_interval_s
        one, stats = self._as_before(given, lambda: sleep, 0.0, every)
        job = as_dict(as_dict(stats["raw"]).get("job"))
        return {
            "connection_id": connection_id,
            "status": one._client.connection_status,
            "job_status": job.get("status"),
            "job_created_at": job.get("createdAt"),
            "job_updated_at": job.get("updatedAt"),
        }

    def _plan(
        self, arguments: Dict[str, Any], resolve: bool
    ) -> Tuple[Optional[Vendor], SyncRequest]:
        if arguments["full_resync"]:
            raise ValueError("full_resync: Airbyte's API can't do that")
        if not resolve:
            return None, SyncRequest("")
        url = _base_url(*(arguments[name] for name in self._own[:3]))
        self._client = _Vendor(self.logger, url)
        self._client._asks = asks(arguments)
        if not self._client._asks:
            # The engine does not look whether another job is going on: the server will say so.
            self._client.when_running = QUEUES
        self._client.listener = self._stream
        return self._client, SyncRequest(str(arguments["connection_id"]))

    def _stream(self, answer: Any) -> None:
        # Also at level 0, as before: it is below what any logger lets through.
        self.logger.log(level=self.stream_output, msg=answer)

    def _translated(self, exc: SyncError) -> BaseException:
        stats = exc.stats or {}
        run_id, reason = stats.get("run_id"), stats.get("error_message")
        if isinstance(exc, (SyncRunFailed, SyncRunCancelled)):
            how = "failed" if isinstance(exc, SyncRunFailed) else "was cancelled"
            return AirbyteSyncJobFailed(f"Job {run_id} {how}." + (f" {reason}" if reason else ""))
        if isinstance(exc, SyncNotFound) and run_id:
            return JobNotFoundException(f"Job {run_id} not found...")
        if isinstance(exc, SyncApiError) and not isinstance(exc, SyncAlreadyRunning):
            return AirbyteServerNotHealthyException(str(exc))
        # What was a TypeError, or an endless wait.
        return exc


class AirbyteConfigurationExport(Task):
    """
    Prefect's own task that exports the configuration of an Airbyte server before 0.40.5, which
    removed the endpoint.

    Args:
        - airbyte_server_host (str, optional): the server; with `https://` before it, if that is
            how it is reached, and with `user:password@`, if it asks for HTTP Basic
        - airbyte_server_port (int, optional): its port
        - airbyte_api_version (str, optional): version of the Config API
        - **kwargs (dict, optional): keyword arguments of `prefect.Task`
    """

    def __init__(
        self,
        airbyte_server_host: str = "localhost",
        airbyte_server_port: int = 8000,
        airbyte_api_version: str = "v1",
        **kwargs: Any,
    ) -> None:
        self.airbyte_server_host = airbyte_server_host
        self.airbyte_server_port = airbyte_server_port
        self.airbyte_api_version = airbyte_api_version
        super().__init__(**kwargs)

    @defaults_from_attrs("airbyte_server_host", "airbyte_server_port", "airbyte_api_version")
    def run(
        self,
        airbyte_server_host: Optional[str] = None,
        airbyte_server_port: Optional[int] = None,
        airbyte_api_version: Optional[str] = None,
    ) -> bytes:
        """
        Exports the configuration.

        Args: those of the constructor; None means "the constructor's".

        Returns:
            - bytes: a compressed archive

        Raises:
            - ValueError: an argument is wrong
            - AirbyteServerNotHealthyException: the server is not there, or not well
            - AirbyteExportConfigurationFailed: it exported nothing
        """
        url = _base_url(
            airbyte_server_host or self.airbyte_server_host,
            airbyte_server_port or self.airbyte_server_port,
            airbyte_api_version or self.airbyte_api_version,
        )
        client = _Vendor(self.logger, url)
        try:
            client.check_health()
        except SyncError as exc:
            error: BaseException = exc.args[-1]
        else:
            self.logger.info("Initiating export of Airbyte configuration")
            return client.export()
        finally:
            client.close()
        raise error


class AirbyteClient(Reticent):
    """
    Airbyte's Config API, as a vendor for the engine (see `prefect1_rsync.engine.model.Vendor`).
    Without trailing slashes it would answer as well; the old task sent them.

    Args:
        - logger (logging.Logger): hears the answer about the server's health
        - airbyte_base_url (str): the API's root, as in `http://localhost:8000/api/v1`; with
            `user:password@` before the host, HTTP Basic is sent

    Attributes:
        - airbyte_base_url (str): the API's root, without user and password
        - connection_status (str): what the server said of the connection
        - listener (callable, optional): told each answer about connection and job
    """

    name = "airbyte"
    title = "Airbyte"
    when_running = REFUSES

    def __init__(self, logger: Any, airbyte_base_url: str) -> None:
        super().__init__(asks=False)
        self.airbyte_base_url, userinfo = _apart(airbyte_base_url)
        self.logger = logger
        self.connection_status = AirbyteConnectionTask.CONNECTION_STATUS_ACTIVE
        self.listener: Optional[Callable[[Any], None]] = None
        self._auth, self._redactor = _login(userinfo)
        self._session = LoginInUrl(userinfo)
        self._http = HttpClient(
            self.airbyte_base_url,
            self.title,
            self._auth,
            self._redactor,
            RealClock(),
            self._session,
        )
        if isinstance(self._auth, BasicAuth) and _is_readable(self.airbyte_base_url):
            logger.warning(
                "airbyte_server_host: %s is plain http; everyone on the way can read the password "
                "and the data. Put https in front of Airbyte",
                self.airbyte_base_url,
            )

    def close(self) -> None:
        """Gives the connections back; the client can be used again."""
        self._http.close()

    def check_health(self) -> None:
        """
        Asks whether the server is well.

        Raises:
            - SyncApiError: there was no answer, or one that does not say
        """
        answer = as_dict(self._http.get("/health/"))
        self.logger.debug("Health check response: %s", answer)
        health = answer.get("available", answer.get("db"))
        if not health:
            raise SyncApiError(f"Airbyte Server health status: {health}", had_no_effect=True)

    def prepare(self, request: SyncRequest) -> SyncRequest:
        """Asks for the server's health and the connection's status; changes nothing."""
        self.check_health()
        connection = as_dict(self._post("/connections/get/", {"connectionId": request.sync_id}))
        status = as_word(connection.get("status"))
        if status is None:
            raise SyncApiError("Airbyte's answer is not about a connection", had_no_effect=True)
        self.connection_status = status
        return request._replace(workspace=as_text(connection.get("workspaceId")))

    def start(self, request: SyncRequest) -> RunHandle:
        """
        Starts a job of the connection.

        Raises:
            - SyncAlreadyRunning: another job of the connection is going on
            - SyncApiError: no job was started, or none that we could name
        """
        try:
            answer = self._post(
                "/connections/sync/", {"connectionId": request.sync_id}, TRIGGER_READ_SECONDS
            )
        except SyncApiError as exc:
            if exc.status_code != 409:
                raise
            raise SyncAlreadyRunning(str(exc), status_code=409, had_no_effect=True) from None
        job_id = as_id(as_dict(as_dict(answer).get("job")).get("id"))
        if job_id is None:
            raise SyncApiError("Airbyte's answer to the trigger names no job")
        return self._handle(request, job_id)

    def look(self, handle: RunHandle) -> RunReport:
        """Looks at the job, once; once more, without its logs, where these may be the trouble."""
        body = {"id": _job_id(handle)}
        try:
            answer = self._post("/jobs/get/", body)
        except SyncApiError as exc:
            if exc.status_code not in _LOGS_TOO_LONG:
                raise
            try:
                answer = self._post("/jobs/get_light/", body)
            except SyncApiError:
                raise exc from None
        return _report(answer)

    def recent(self, request: SyncRequest) -> List[Sighting]:
        """The newest jobs of the connection, the newest first."""
        self._hold_back()
        answer = self._post(
            "/jobs/list/",
            {
                # The types that every server since 2021 knows.
                "configTypes": ["sync", "reset_connection"],
                "configId": request.sync_id,
                "pagination": {"pageSize": _JOBS_LOOKED_THROUGH, "rowOffset": 0},
            },
        )
        found = []
        for item in as_list(as_dict(answer).get("jobs")):
            job = as_dict(as_dict(item).get("job"))
            job_id = as_id(job.get("id"))
            if job_id and as_word(job.get("status")):
                found.append(Sighting(self._handle(request, job_id), _report(item)))
        return found

    def cancel(self, handle: RunHandle) -> None:
        """Asks for the job to be cancelled, if it is still going on."""
        # Airbyte cancels whatever the connection runs now, not the job that is named.
        if not self.look(handle).ended:
            self._post("/jobs/cancel/", {"id": _job_id(handle)})

    def _handle(self, request: SyncRequest, job_id: str) -> RunHandle:
        url = None
        if request.workspace:
            root = re.sub(r"/api/[^/]+$", "", self.airbyte_base_url)
            url = f"{root}/workspaces/{request.workspace}/connections/{request.sync_id}"
        return RunHandle(self.name, request.sync_id, job_id, url)

    def _post(self, path: str, body: Any, read_seconds: float = 60.0) -> Any:
        answer = self._http.request("POST", path, json=body, read_seconds=read_seconds)
        if self.listener is not None:
            self.listener(answer)
        return answer


class _Vendor(AirbyteClient):
    """The Config API, with the old errors where no job was started."""

    def export(self) -> bytes:
        """The configuration of the server, which answers with an archive instead of JSON."""
        url = f"{self.airbyte_base_url}/deployment/export/"
        try:
            response = self._session.post(
                url,
                auth=self._auth,
                timeout=(CONNECT_SECONDS, EXPORT_READ_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as exc:
            trouble = self._redactor.text(str(exc))
        else:
            if response.status_code == 200:
                return response.content
            trouble = (
                f"Airbyte answered {response.status_code} to POST {url} "
                "(servers since 0.40.5 can't export their configuration)"
            )
        # Raised out here, and of a text: the error of `requests` holds the request, and with it
        # the password.
        raise AirbyteExportConfigurationFailed(trouble)

    def check_health(self) -> None:
        try:
            super().check_health()
        except SyncApiError as exc:
            raise _unhealthy(exc) from None

    def prepare(self, request: SyncRequest) -> SyncRequest:
        try:
            request = super().prepare(request)
        except SyncApiError as exc:
            raise _unhealthy(exc) from None
        status, name = self.connection_status, f"Connection {request.sync_id}"
        if status != AirbyteConnectionTask.CONNECTION_STATUS_ACTIVE:
            text = {
                AirbyteConnectionTask.CONNECTION_STATUS_INACTIVE: (
                    f"Please enable the {name} in Airbyte Server."
                ),
                AirbyteConnectionTask.CONNECTION_STATUS_DEPRECATED: f"{name} is deprecated.",
            }.get(status, f"{name} is {status}: it can't be synced.")
            raise ends(SyncApiError(text, had_no_effect=True), FAIL)
        return request

    def start(self, request: SyncRequest) -> RunHandle:
        try:
            return super().start(request)
        except SyncApiError as exc:
            if exc.status_code == 404:
                text = (
                    f"Connection {request.sync_id} not found, please double check the "
                    "connection_id ..."
                )
                raise ends(exc, lambda _: ConnectionNotFoundException(text)) from None
            if exc.status_code is None and exc.transient:
                raise ends(exc, AirbyteServerNotHealthyException) from None
            # The old task ended in a TypeError: no error that anyone wanted.
            raise self._refused(exc) from None


def _unhealthy(exc: SyncApiError) -> SyncError:
    """The end of a wait that has not begun, as the old task named it."""
    old = exc.args[-1]
    if isinstance(old, AirbyteServerNotHealthyException):
        return exc
    hint = _NO_LOGIN if exc.status_code in (401, 403) else ""
    # Nothing but questions were asked so far.
    sure = SyncApiError(str(exc) + hint, status_code=exc.status_code, had_no_effect=True)
    return ends(sure, AirbyteServerNotHealthyException)


def _base_url(host: object, port: object, version: object) -> str:
    """
    The root of the Config API; a user and password in the host stay there.

    Raises:
        - ValueError: an argument is wrong
    """
    text, userinfo = _apart(str(host) if "://" in str(host) else f"http://{host}")
    bare = _DOT_BEHIND_NAME.sub(r"\1", text)
    try:
        url = parse_base_url(bare, "airbyte_server_host")
    except ValueError:
        raise ValueError(
            "airbyte_server_host: give a host name, or a plain URL such as "
            "https://host.example:8443/prefix; with user:password@ before the host, HTTP Basic is "
            "sent (what is special in URLs is percent-encoded there)"
        ) from None
    given = re.match(r"[^/]*//[^/]+:([0-9]+)(/|$)", bare)
    port = given.group(1) if given else str(port)
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) <= 65535:
        raise ValueError("airbyte_server_port: must be a number from 1 to 65535")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", str(version)):
        raise ValueError("airbyte_api_version: must be a word such as v1")
    login, dot = f"{userinfo}@" if userinfo else "", "." if bare != text else ""
    return f"{url.scheme}://{login}{url.host}{dot}:{port}{url.path}/api/{version}"


def _apart(url: str) -> Tuple[str, str]:
    """A URL without user and password, and these, written as `requests` writes them."""
    scheme, mark, rest = url.partition("://")
    authority = re.split(r"[\\/?#]", rest, maxsplit=1)[0]
    userinfo, at, _ = authority.rpartition("@")
    written = parse_url(f"http://{userinfo}@host").auth if userinfo else ""
    return scheme + mark + rest[len(userinfo + at) :], written or ""


def _login(userinfo: str) -> Tuple[Auth, Redactor]:
    """
    What `requests` makes of user and password in a URL, and who hides them.

    Raises:
        - ValueError: they hold control characters; they are not quoted
    """
    redactor = Redactor([userinfo])
    username, colon, password = userinfo.partition(":")
    username, password = unquote(username), unquote(password)
    # A user alone is no login, as in `requests`.
    if not colon or not (username or password):
        return NoAuth(), redactor
    for name, value in (("user", username), ("password", password)):
        if value:
            check_credential(value, f"airbyte_server_host: the {name}", basic=True)
    redactor.add_basic(username, password)
    return BasicAuth(username, password), redactor


def _is_readable(url: str) -> bool:
    """Whether the URL is plain http to another machine."""
    parts = urlsplit(url)
    host = BaseUrl(parts.scheme, parts.hostname or "", None, "")
    return host.scheme == "http" and not host.is_loopback


def _job_id(handle: RunHandle) -> Union[int, str]:
    return int(handle.run_id) if handle.run_id.isdigit() else handle.run_id


def _report(answer: Any) -> RunReport:
    job = as_dict(as_dict(answer).get("job"))
    times = {"startTime": job.get("createdAt"), "lastUpdatedAt": job.get("updatedAt")}
    report = parse_job({"status": job.get("status"), **times})
    return add_details(report, answer)._replace(raw=answer)
