"""How a vendor speaks HTTP here: routes, credentials, faults; without a socket."""

import dataclasses
import json
import re
from base64 import b64decode
from http import client
from threading import RLock
from typing import Any, Callable, Dict, Generic, List, Optional, Tuple, Type, TypeVar
from urllib.parse import parse_qs

from .core import Outcome, Run, State, seconds, whole

__all__ = ["Fault", "Recorded", "Refusal", "Response", "Vendor"]

_DROPS = (None, "before", "middle", "after")
_MALFORMED = (None, "html", "truncated", "empty", "wrong_type", "not_utf8", "deep", "huge")
_HUGE = 16 * 1024 * 1024
_REDIRECTS = (None, 301, 302, 303, 307, 308)


@dataclasses.dataclass
class Recorded:
    """
    A request as it came in, and what became of it.

    Args:
        - vendor (str): `census`, `hightouch`, `airbyte`, or empty if the path names none
        - method (str): HTTP method
        - path (str): without query
        - query (dict of lists): parameters
        - headers (dict): names In-This-Case
        - body (bytes): the body
        - at (float): on the sandbox's clock
        - operation (str): as in `fault`; empty if the vendor has no such path
        - status (int, optional): what was answered; None if the connection was dropped
        - fault (str, optional): what was broken
    """

    vendor: str
    method: str
    path: str
    query: Dict[str, List[str]]
    headers: Dict[str, str]
    body: bytes
    at: float
    operation: str = ""
    status: Optional[int] = None
    fault: Optional[str] = None

    @property
    def json(self) -> Any:
        """The body's JSON; None if it is none."""
        try:
            return json.loads(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            return None

    @property
    def fields(self) -> Dict[str, Any]:
        """The body's JSON object; empty if it is none."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def form(self) -> Dict[str, str]:
        """The fields of a form body; empty if it is none."""
        if "form-urlencoded" not in self.headers.get("Content-Type", ""):
            return {}
        return {name: values[0] for name, values in parse_qs(self.body.decode("latin-1")).items()}

    def get(self, name: str) -> Optional[str]:
        """The query parameter's first value; None if there is none."""
        return self.query.get(name, [None])[0]

    def credentials(self) -> Tuple[str, str, str]:
        """(bearer token, user, password), each empty if there is none."""
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return value.strip(), "", ""
        try:
            decoded = b64decode(value).decode("utf-8") if scheme.lower() == "basic" else ""
        except ValueError:
            decoded = ""
        user, _, password = decoded.partition(":")
        return "", user, password


@dataclasses.dataclass
class Response:
    """
    An answer.

    Args:
        - status (int): HTTP status
        - headers (dict): header fields
        - body (bytes): body
        - delay (float, optional): seconds to wait before answering
        - drip (float, optional): seconds between single bytes of the body
        - drop (str, optional): close the connection `before` or `after` the request is processed,
            or in the `middle` of the answer; nothing else is sent
    """

    status: int
    headers: Dict[str, str]
    body: bytes
    delay: float = 0.0
    drip: float = 0.0
    drop: Optional[str] = None

    @classmethod
    def of(cls, status: int, data: Any, content_type: Optional[str] = None) -> "Response":
        """An answer of text or bytes, or of JSON if `data` is anything else."""
        kind = "text/plain; charset=utf-8"
        if not isinstance(data, (str, bytes)):
            data, kind = json.dumps(data), "application/json"
        body = data.encode("utf-8") if isinstance(data, str) else data
        return cls(status, {"Content-Type": content_type or kind}, body)

    def json(self) -> Any:
        """The body's JSON; ValueError if it is none."""
        return json.loads(self.body.decode("utf-8"))


class Refusal(Exception):
    """A handler's way to answer with an error; arguments as for `Response.of`."""

    def __init__(self, status: int, data: Any, content_type: Optional[str] = None):
        super().__init__(status)
        self.response = Response.of(status, data, content_type)


@dataclasses.dataclass
class Fault:
    """
    Something that breaks. All matching faults count a request; the first that is due breaks it.

    Args:
        - operation (str): what to break, or `*`
        - times (int, optional): how often; None is always
        - after (int, optional): how many requests pass first
        - status (int, optional): answer with this, and without processing the request
        - headers (dict, optional): added to the answer
        - body (str, bytes or JSON, optional): instead of the answer's
        - content_type (str, optional): instead of the answer's
        - drop (str, optional): close the connection `before` processing, `after` it, or in the
            `middle` of the answer
        - delay (float, optional): seconds from processing to the answer
        - drip (float, optional): seconds between the body's bytes
        - malformed (str, optional): process, then spoil the body: `html`, `truncated`, `empty`,
            `wrong_type`, `not_utf8`, `deep` or `huge` (16 MiB, otherwise correct)
        - redirect (str, optional): answer 302, or `status`, to this URL
        - process (bool, optional): process the request even though `status` or `redirect` says
            otherwise, as a gateway's 504 does

    Raises:
        - ValueError: an argument makes no sense; the text names it
    """

    operation: str
    times: Optional[int] = 1
    after: int = 0
    status: Optional[int] = None
    headers: Optional[Dict[str, str]] = None
    body: Any = None
    content_type: Optional[str] = None
    drop: Optional[str] = None
    delay: float = 0.0
    drip: float = 0.0
    malformed: Optional[str] = None
    redirect: Optional[str] = None
    process: bool = False

    def __post_init__(self) -> None:
        whole("times", self.times, least=1, none=True)
        whole("after", self.after)
        seconds("delay", self.delay)
        seconds("drip", self.drip)
        whole("status", self.status, least=200, none=True)
        for name, known in (
            ("status", _REDIRECTS if self.redirect else (None, *range(200, 600))),
            ("drop", _DROPS),
            ("malformed", _MALFORMED),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: {getattr(self, name)!r} makes no sense here")
        if not self.name:
            raise ValueError("fault: say what breaks, for example status=503 or drop='before'")

    @property
    def name(self) -> str:
        """What breaks, in a few words."""
        words = ("status", "drop", "delay", "drip", "malformed", "redirect")
        parts = [f"{word} {getattr(self, word)}" for word in words if getattr(self, word)]
        changed = [w for w in ("headers", "body", "content_type") if getattr(self, w) is not None]
        return ", ".join(parts or changed)

    @property
    def processes(self) -> bool:
        """Whether the request reaches the state."""
        stops = self.status is not None or self.redirect or self.drop == "before"
        return self.process or self.drop == "after" or bool(self.malformed) or not stops

    def spoil(self, answer: Response) -> Response:
        """The answer as this fault leaves it."""
        status = self.status or (302 if self.redirect else answer.status)
        if (self.status or self.redirect) and not self.malformed:
            page = f"<html><h1>{status} {client.responses.get(status, 'Unknown')}</h1></html>"
            answer = Response.of(status, page, "text/html")
        if self.malformed:
            answer = _malformed(self.malformed, answer)
        if self.body is not None:
            answer = Response.of(status, self.body)
        if self.content_type is not None:
            answer.headers["Content-Type"] = self.content_type
        if self.redirect:
            answer.headers["Location"] = self.redirect
        headers = dict(answer.headers, **(self.headers or {}))
        return Response(status, headers, answer.body, self.delay, self.drip, self.drop)


Handler = Callable[..., Response]
Route = Tuple[str, str, str, Handler]
StateT = TypeVar("StateT", bound="State[Any]")
MadeT = TypeVar("MadeT", Outcome, Fault)


class Vendor(Generic[StateT]):
    """
    One vendor of the sandbox: what it holds, what it does next, and its API.

    Args:
        - state (State): its state machine
        - lock (RLock): held while anything looks at or changes the state
        - root (callable): returns the sandbox's URL
    """

    name: str

    def __init__(self, state: StateT, lock: "RLock", root: Callable[[], str]):
        self.state = state
        self._lock = lock
        self._root = root
        self._faults: List[Fault] = []
        self._routes = [
            (method, re.compile(pattern + "$"), operation, handler)
            for method, pattern, operation, handler in self.routes()
        ]
        #: names that `fault` knows
        self.operations = tuple(sorted({operation for _, _, operation, _ in self._routes}))
        self.furnish()

    @property
    def base_url(self) -> str:
        """What stands before the vendor's API paths."""
        return f"{self._root()}/{self.name}"

    @property
    def cancel_takes(self) -> float:
        """Seconds from a cancel request to its effect."""
        return self.state.cancel_takes

    @cancel_takes.setter
    def cancel_takes(self, value: float) -> None:
        seconds("cancel_takes", value)
        self.state.cancel_takes = value

    @property
    def runs(self) -> List[Run]:
        """All runs, oldest first."""
        with self._lock:
            return list(self.state.runs)

    def accepted(self, sync_id: Any = None) -> int:
        """How many runs API triggers have created, of one sync or of all (skipped ones, too)."""
        with self._lock:
            return self.state.accepted(sync_id)

    def script(self, sync_id: Any, **outcome: Any) -> Outcome:
        """
        Say what the sync's next run does. Several calls queue up; the last one repeats.

        Args:
            - sync_id (int or str): the sync
            - **outcome: fields of `Outcome`

        Raises:
            - ValueError: unknown sync, or an argument makes no sense; the text names it
        """
        with self._lock:
            scripted = _made(Outcome, outcome)
            self._known(sync_id).outcomes.append(scripted)
            return scripted

    def start_other_run(self, sync_id: Any, **outcome: Any) -> Run:
        """
        Start a run that isn't ours, as the vendor's schedule or a person does.

        Args:
            - sync_id (int or str): the sync
            - **outcome: fields of `Outcome`; the sync's script is not used up

        Raises:
            - ValueError: as for `script`
        """
        with self._lock:
            return self.state.start_other(self._known(sync_id), _made(Outcome, outcome))

    def fault(self, operation: str, **fault: Any) -> Fault:
        """
        Break the next requests of an operation.

        Args:
            - operation (str): one of `operations`, or `*` for any request
            - **fault: fields of `Fault`

        Raises:
            - ValueError: an argument makes no sense; the text names it
        """
        if operation not in ("*", *self.operations):
            raise ValueError(f"operation: {self.name} has {', '.join(self.operations)} and *")
        planned = _made(Fault, dict(fault, operation=operation))
        with self._lock:
            self._faults.append(planned)
        return planned

    def clear_faults(self) -> None:
        """Break nothing any more."""
        with self._lock:
            del self._faults[:]

    def reset(self) -> None:
        """Forget runs, scripts, faults and added syncs; credentials stay as they are set."""
        with self._lock:
            self.clear_faults()
            self.state.clear()
            self.furnish()

    # What a vendor fills in.

    def furnish(self) -> None:
        """Add the sync that is there from the start."""
        raise NotImplementedError

    def routes(self) -> List[Route]:
        """(method, pattern of the path, operation, handler of request and groups)."""
        raise NotImplementedError

    def authorize(self, request: Recorded) -> None:
        """Raise `Refusal` unless the request has the right credentials."""
        raise NotImplementedError

    def no_route(self, request: Recorded) -> Response:
        """The answer to a path that the vendor doesn't have."""
        raise NotImplementedError

    def answer(self, request: Recorded) -> Response:
        """The answer; call it with the lock held."""
        handler, groups = self._route(request)
        fault = self._due(request.operation)
        request.fault = fault.name if fault else None
        if fault and not fault.processes:
            return fault.spoil(Response.of(503, ""))
        try:
            self.authorize(request)
            answer = handler(request, *groups)
        except Refusal as refusal:
            answer = refusal.response
        return fault.spoil(answer) if fault else answer

    def _route(self, request: Recorded) -> Tuple[Handler, Tuple[Any, ...]]:
        for method, pattern, operation, handler in self._routes:
            match = pattern.match(request.path[len(self.name) + 1 :])
            if match and method == request.method:
                request.operation = operation
                return handler, match.groups()
        return self.no_route, ()

    def _known(self, sync_id: Any) -> Any:
        sync = self.state.find(sync_id)
        if sync is None:
            raise ValueError(f"sync_id: {self.name} has no sync {sync_id!r}")
        return sync

    def _due(self, operation: str) -> Optional[Fault]:
        due = None
        for fault in [f for f in self._faults if f.operation in ("*", operation)]:
            if fault.after:
                fault.after -= 1
            elif due is None:
                due = fault
        if due is not None and due.times is not None:
            due.times -= 1
            if not due.times:
                self._faults.remove(due)
        return due


def _made(kind: Type[MadeT], fields: Dict[str, Any]) -> MadeT:
    unknown = set(fields) - {field.name for field in dataclasses.fields(kind)}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: unknown here")
    return kind(**fields)


def _malformed(kind: str, answer: Response) -> Response:
    body = answer.body
    if kind == "huge":
        padding = b'{"padding": "' + b"x" * _HUGE + b'"'
        body = padding + (b", " + body[1:] if body[:1] == b"{" and body != b"{}" else b"}")
    bodies = {
        "html": b"<!doctype html><html><body>We'll be right back</body></html>",
        "truncated": body[: max(1, len(body) // 2)],
        "empty": b"",
        "wrong_type": b'["not", {"the": "object"}, null, 7]',
        "not_utf8": b'{"status": "\xff\xfe\xfa", "id": "\xc3\x28"}',
        "deep": b"[" * 100000 + b"]" * 100000,
        "huge": body,
    }
    kinds = "text/html" if kind == "html" else "application/json"
    return Response.of(answer.status, bodies[kind], kinds)
