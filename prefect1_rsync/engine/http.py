"""One HTTP exchange with a vendor: bounded in time and size, never redirected, never leaking."""

import base64
import email.utils
import json as json_module
import math
import platform
import re
import time
from typing import Any, Dict, List, NoReturn, Optional, Tuple, Type

import requests
import urllib3
from requests.auth import AuthBase

from .._version import __version__
from .answers import as_text, reason_in
from .clock import Clock
from .errors import SyncApiError, SyncNotFound, SyncUnauthorized
from .redact import Redactor

CONNECT_SECONDS = 10.0
#: Enough for a look at a run; a trigger may need more (see the vendors).
READ_SECONDS = 60.0
#: The largest answer that is read. A page of 100 Census syncs is about 5 MB.
MAX_BYTES = 16 * 1024 * 1024
#: No `Retry-After` holds us longer than this.
MAX_RETRY_AFTER_SECONDS = 3600.0

_CHUNK = 65536
_FEW, _SOME = 16, 128
_FAST_SECONDS = 0.1
# Worth asking again: the request came too early, too often, or hit trouble at the vendor's.
_TRANSIENT_CODES = (408, 425, 429)
# What a credential may be, and how that is told.
_BEARER = re.compile(r"[!-~]+"), "of printable ASCII characters without spaces"
# What is no Unicode, such as a byte of another encoding in an environment variable, can't be sent.
_BASIC = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+"), "in UTF-8 without control characters"
USER_AGENT = f"prefect1-rsync/{__version__} (Python {platform.python_version()})"


class Auth(AuthBase):
    """
    How a request is authenticated: changes the request, keeps the secret to itself.

    An object of this class is passed with every request, also where there is no credential:
    without one, `requests` would look for a password in the user's .netrc and send that.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request

    def renew(self) -> bool:
        """After a 401: whether there is a new credential with which to try once more."""
        return False

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class NoAuth(Auth):
    """No credential at all."""


class BearerAuth(Auth):
    """A token in the `Authorization` header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = "Bearer " + self._token
        return request


class BasicAuth(Auth):
    """User name and password."""

    def __init__(self, username: str, password: str) -> None:
        self._username, self._password = username, password

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        pair = f"{self._username}:{self._password}".encode()
        request.headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        return request


def check_credential(text: object, argument: str, basic: bool = False) -> str:
    """
    Checks that a text can be a credential.

    Args:
        - text (str): the credential
        - argument (str): the argument's name, for the error
        - basic (bool, optional): whether it is a user name or password of HTTP Basic, which may
            hold all of Unicode but control characters; others may hold what a header can

    Returns:
        - str: the text

    Raises:
        - ValueError: if it is no text, or empty, or holds anything else; it is not quoted
    """
    pattern, words = _BASIC if basic else _BEARER
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{argument}: must be a text {words}")
    return text


class HttpClient:
    """
    Talks JSON with one vendor's API.

    Args:
        - base_url (str): what stands before every path; must hold no credential
        - vendor (str): the vendor's name, for messages
        - auth (Auth): how requests are authenticated
        - redactor (Redactor): takes the secrets out of answers and messages
        - clock (Clock): the time, for `Retry-After` dates
        - session (requests.Session, optional): another transport, for tests
    """

    def __init__(
        self,
        base_url: str,
        vendor: str,
        auth: Auth,
        redactor: Redactor,
        clock: Clock,
        session: Optional[requests.Session] = None,
    ) -> None:
        self.base_url = base_url
        self._vendor = vendor
        self._auth = auth
        self._redactor = redactor
        self._clock = clock
        self._session = session or requests.Session()
        # Even where redirects are not followed, requests parses their address and reads their
        # body whole; a bad address then raises what is no RequestException.
        self._session.get_redirect_target = lambda response: None  # type: ignore

    def __repr__(self) -> str:
        return f"HttpClient({self.base_url!r})"

    def close(self) -> None:
        """Gives the connections back."""
        self._session.close()

    def get(self, path: str, params: Optional[Dict[str, str]] = None) -> Any:
        """A GET request; see `request`."""
        return self.request("GET", path, params=params)

    def request(
        self,
        method: str,
        path: str,
        params: Optional[Dict[str, str]] = None,
        json: Any = None,
        read_seconds: float = READ_SECONDS,
        reveal: bool = False,
    ) -> Any:
        """
        Sends one request and reads its answer. It is never repeated here, but once where a 401
        came and the credential could be renewed (a 401 has changed nothing at the vendor).

        Args:
            - method (str): the HTTP method
            - path (str): the path behind the base URL
            - params (dict, optional): the query
            - json (Any, optional): the body, as JSON
            - read_seconds (float, optional): the longest silence, and the longest duration, of
                the answer
            - reveal (bool, optional): leave secrets in the answer (for token requests alone)

        Returns:
            - Any: the answer's JSON, secrets removed; None for an empty answer

        Raises:
            - SyncUnauthorized: 401, 403
            - SyncNotFound: 404, 410
            - SyncApiError: everything else that isn't 2xx with JSON; `transient` says whether
                asking again may help
        """
        status, headers, body = self._exchange(method, path, params, json, read_seconds)
        if status == 401 and self._auth.renew():
            status, headers, body = self._exchange(method, path, params, json, read_seconds)
        where = f"{method} {self.base_url}{path}"
        if 200 <= status < 300:
            return self._parse(body, headers, status, where, reveal)
        return self._refuse(status, headers, body, where)

    def _exchange(
        self,
        method: str,
        path: str,
        params: Optional[Dict[str, str]],
        json: Any,
        read_seconds: float,
    ) -> Tuple[int, "requests.structures.CaseInsensitiveDict[str]", bytes]:
        try:
            response = self._session.request(
                method,
                self.base_url + path,
                params=params,
                json=json,
                auth=self._auth,
                headers={"Accept": "application/json", "User-Agent": USER_AGENT},
                timeout=(CONNECT_SECONDS, read_seconds),
                allow_redirects=False,
                stream=True,
            )
            try:
                body = _read(response, read_seconds)
            finally:
                response.close()
            return response.status_code, response.headers, body
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            trouble, sent = _trouble(exc), _was_sent(exc)
        # Raised out here, so that the error does not carry requests' own as its context: that
        # one holds the request, and the request holds the credential.
        raise SyncApiError(
            self._redactor.text(
                f"{self._vendor} could not be reached at {method} {self.base_url}{path}: {trouble}"
            ),
            transient=True,
            had_no_effect=not sent,
        )

    def _parse(
        self,
        body: bytes,
        headers: "requests.structures.CaseInsensitiveDict[str]",
        status: int,
        where: str,
        reveal: bool,
    ) -> Any:
        if not body.strip():
            return None
        try:
            answer = _loads(body.decode("utf-8"))
        except (ValueError, RecursionError):
            answer = body
        if answer is body:
            kind = (headers.get("Content-Type") or "no content type").split(";")[0]
            raise SyncApiError(
                self._redactor.text(
                    f"{self._vendor} answered {status} to {where} with something that is "
                    f"not JSON ({as_text(kind)})"
                ),
                status_code=status,
                transient=True,
            )
        return answer if reveal else self._redactor.value(answer)

    def _refuse(
        self,
        status: int,
        headers: "requests.structures.CaseInsensitiveDict[str]",
        body: bytes,
        where: str,
    ) -> NoReturn:
        # Redacted first, and cut then: a cut through a secret would leave a part of it.
        text = self._redactor.text(body.decode("utf-8", "replace"))
        reason: Optional[str]
        try:
            reason = reason_in(self._redactor.value(_loads(text)))
        except (ValueError, RecursionError):
            # An HTML page tells nobody anything.
            reason = None if "<" in text[:200] else as_text(text[:500])
        kind: Type[SyncApiError] = SyncApiError
        hint = ""
        if status in (401, 403):
            kind, hint = SyncUnauthorized, "check the credential and what it may do"
        elif status in (404, 410):
            kind, hint = SyncNotFound, "check the id, and that the credential belongs to it"
        elif 300 <= status < 400:
            hint = "a redirect, which is not followed; give the right address as the base URL"
        message = f"{self._vendor} answered {status} to {where}"
        if reason:
            message += ": " + reason
        if hint:
            message += f" ({hint})"
        raise kind(
            self._redactor.text(message),
            status_code=status,
            transient=status >= 500 or status in _TRANSIENT_CODES,
            retry_after=_retry_after(headers.get("Retry-After"), self._clock.time()),
            had_no_effect=300 <= status < 500 and status != 408,
        )


def _loads(text: str) -> Any:
    """JSON without what only Python takes for JSON: our stats must be JSON themselves."""
    return json_module.loads(text, parse_constant=lambda _: None, parse_float=_finite)


def _finite(text: str) -> Optional[float]:
    number = float(text)
    return number if math.isfinite(number) else None


def _read(response: requests.Response, seconds: float) -> bytes:
    """
    The whole body. A server that sends a byte now and then never trips a socket timeout, and
    one that sends without end fills the memory: both are bounded here. (The header lines are
    not: http.client reads up to 100 of them, each byte within the socket's timeout.)
    """
    # Time for real: this is the patience of a socket, not of the engine.
    begin = time.monotonic()
    chunks: List[bytes] = []
    size, some = 0, _FEW
    while True:
        asked = time.monotonic()
        if hasattr(response.raw, "read1"):
            chunk = bytes(response.raw.read1(_CHUNK, decode_content=True))
        else:
            # urllib3 before 2.2 (Python 3.7) blocks until it has all that it is asked for: ask
            # for more only while it comes fast.
            chunk = bytes(response.raw.read(some, decode_content=True))
        now = time.monotonic()
        some = min(some * 2, _SOME) if now - asked < _FAST_SECONDS else _FEW
        # urllib3 1.26 also returns nothing while its decoder waits for more.
        if not chunk and response.raw.isclosed():
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BYTES:
            raise requests.RequestException(f"the answer is larger than {MAX_BYTES} bytes")
        if now - begin > seconds:
            raise requests.Timeout(f"the answer was not complete after {seconds:.0f} s")


def _trouble(exc: BaseException) -> str:
    """What happened, in words, without an object's address and without the URL."""
    if isinstance(exc, requests.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS:.0f} s"
    if isinstance(exc, (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        return "no answer in time"
    if isinstance(exc, requests.exceptions.SSLError):
        return "the TLS certificate was not accepted, or TLS failed"
    if isinstance(exc, requests.exceptions.ProxyError):
        return "the proxy did not answer"
    inner = _innermost(exc)
    if isinstance(inner, urllib3.exceptions.NewConnectionError):
        # The operating system's own word for it: "Connection refused", "Name or service...".
        inner = inner.__cause__ or inner.__context__ or inner
    if isinstance(inner, OSError) and inner.strerror:
        return str(inner.strerror)
    if type(exc) in (requests.RequestException, requests.Timeout, OSError) and exc.args:
        # Our own words, or those of requests on a REQUESTS_CA_BUNDLE that is not there.
        return str(exc)
    return f"the connection broke ({type(inner).__name__})"


def _was_sent(exc: BaseException) -> bool:
    """Whether the request may have reached the vendor."""
    if isinstance(exc, requests.ConnectTimeout):
        return False
    inner = _innermost(exc)
    return not isinstance(
        inner,
        (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError),
    ) and not isinstance(inner, ConnectionRefusedError)


def _innermost(exc: BaseException) -> BaseException:
    """The error that requests and urllib3 wrapped, one in the other."""
    for _ in range(10):
        reason = getattr(exc, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        for arg in getattr(exc, "args", ()):
            if inner is None and isinstance(arg, BaseException):
                inner = arg
        if inner is None:
            break
        exc = inner
    return exc


def _retry_after(text: Optional[str], now: float) -> Optional[float]:
    """`Retry-After` in seconds, given as a number or as a date."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - now
        except (ValueError, TypeError, IndexError, OverflowError, OSError):
            return None
    if seconds != seconds:
        return None
    return min(max(0.0, seconds), MAX_RETRY_AFTER_SECONDS)
