"""The sandbox itself: three vendors, a record of requests, a server that can be switched on."""

import time
from threading import RLock
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Union
from urllib.parse import parse_qs, unquote

from .airbyte import Airbyte, AirbyteState
from .census import Census, CensusState
from .core import Clock, whole
from .hightouch import Hightouch, HightouchState
from .http import Recorded, Response, Vendor

if TYPE_CHECKING:
    from .server import Server

__all__ = ["Sandbox"]


class Sandbox:
    """
    Census, Hightouch and Airbyte on 127.0.0.1, with state.

    Each vendor has a sync from the start, and says its addresses and credentials. A sandbox can
    be started again after `stop`, and many can run at once.

    Args:
        - port (int, optional): defaults to any that is free
        - clock (callable, optional): returns seconds; a clock that a test winds makes runs of
            hours take no time. Times in answers begin with the wall time of this call

    Attributes:
        - census (Census), hightouch (Hightouch), airbyte (Airbyte): the vendors

    Raises:
        - OSError: from `start`, if the port is taken

    Example:
    ```python
    with Sandbox() as sandbox:
        sandbox.census.script(1, duration=3, ends="failed", error_message="no such column")
        requests.post(sandbox.census.api_trigger(1))
    ```
    """

    def __init__(self, port: int = 0, clock: Callable[[], float] = time.monotonic):
        whole("port", port)
        if not callable(clock):
            raise ValueError("clock: expected a callable that returns seconds")
        self._port = port
        self._clock = Clock(clock)
        self._lock = RLock()
        self._requests: List[Recorded] = []
        self._server: Optional[Server] = None
        self.census = Census(CensusState(self._clock), self._lock, lambda: self.url)
        self.hightouch = Hightouch(HightouchState(self._clock), self._lock, lambda: self.url)
        self.airbyte = Airbyte(AirbyteState(self._clock), self._lock, lambda: self.url)
        self._vendors: Dict[str, Vendor[Any]] = {
            vendor.name: vendor for vendor in (self.census, self.hightouch, self.airbyte)
        }

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`; before `start` and after `stop` the port is the given one."""
        port = self._server.port if self._server else self._port
        return f"http://127.0.0.1:{port}"

    @property
    def requests(self) -> List[Recorded]:
        """All requests since the beginning or `reset`, oldest first."""
        with self._lock:
            return list(self._requests)

    def start(self) -> "Sandbox":
        """Serve, in a thread of its own. Does nothing if it serves already."""
        if self._server is None:
            # Tornado is imported here, so that the pytest plugin costs nothing when unused.
            from .server import Server

            self._server = Server(self.respond, self._port)
        return self

    def stop(self) -> None:
        """Close all connections and wait for the thread to end. Does nothing if it's stopped."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> "Sandbox":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def reset(self) -> None:
        """Forget requests, runs, scripts, faults and added syncs; credentials stay as set."""
        with self._lock:
            del self._requests[:]
            for vendor in self._vendors.values():
                vendor.reset()

    def respond(
        self,
        method: str,
        path_with_query: str,
        headers: Optional[Mapping[str, str]] = None,
        body: Union[bytes, str] = b"",
    ) -> Response:
        """
        Answer a request, without a socket. Faults that need one are fields of the answer.

        Args:
            - method (str): HTTP method
            - path_with_query (str): from the vendor on: `/census/api/v1/syncs?page=1`
            - headers (dict, optional): header fields
            - body (bytes or str, optional): body
        """
        path, _, query = path_with_query.partition("?")
        with self._lock:
            vendor = self._vendors.get(path.split("/")[1] if "/" in path else "")
            request = Recorded(
                vendor.name if vendor else "",
                method.upper(),
                unquote(path),
                parse_qs(query, keep_blank_values=True),
                {name.title(): value for name, value in (headers or {}).items()},
                body.encode("utf-8") if isinstance(body, str) else body,
                self._clock.now(),
            )
            answer = vendor.answer(request) if vendor else Response.of(404, "No vendor's path.")
            request.status = None if answer.drop else answer.status
            self._requests.append(request)
        return answer
