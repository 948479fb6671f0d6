"""The sandbox's socket: a tornado server on an event loop in a daemon thread."""

import asyncio
import socket
import threading
from http import client
from typing import Any, Callable

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler

from .http import Response

__all__ = ["Server"]

Respond = Callable[[str, str, Any, bytes], Response]


class Server:
    """
    Serves until `stop`.

    Args:
        - respond (callable): answers (method, path with query, headers, body)
        - port (int): 0 is any that is free

    Raises:
        - OSError: the port is taken
    """

    def __init__(self, respond: Respond, port: int):
        self._respond = respond
        # Bound here, so that a port that is taken is the caller's error. Not by tornado's
        # bind_sockets, which leaves its socket open then.
        self._socket = socket.socket()
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._socket.listen(128)
        self.port: int = self._socket.getsockname()[1]
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="sandbox", daemon=True
        )
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Close the socket and all connections, and wait for the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_event_loop()
        self._stopping = asyncio.Event()
        arguments = {"respond": self._respond, "stopping": self._stopping}
        # Tornado's own access log would be noise in the caller's.
        application = Application([(".*", _Handler, arguments)], log_function=lambda _: None)
        server = HTTPServer(application)
        server.add_sockets([self._socket])
        self._ready.set()
        await self._stopping.wait()
        server.stop()
        await server.close_all_connections()


class _Handler(RequestHandler):
    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS")

    def initialize(self, respond: Respond, stopping: asyncio.Event) -> None:
        self._respond, self._stopping = respond, stopping

    def compute_etag(self) -> None:
        return None

    async def get(self) -> None:
        asked = self.request
        answer = self._respond(asked.method or "", asked.uri or "", asked.headers, asked.body)
        if await self._stopped_within(answer.delay) or answer.drop in ("before", "after"):
            self.detach().close()
            return
        self.set_status(answer.status, client.responses.get(answer.status, "Unknown"))
        for name, value in answer.headers.items():
            self.set_header(name, value)
        if answer.status in (204, 304):
            self.clear_header("Content-Type")
            return
        self.set_header("Content-Length", str(len(answer.body)))
        try:
            if answer.drop == "middle":
                self.write(answer.body[: len(answer.body) // 2])
                await self.flush()
                self.detach().close()
            elif answer.drip:
                await self._drip(answer)
            else:
                self.write(answer.body)
                await self.finish()
        except StreamClosedError:
            pass  # The client has given up, which is what such a fault is for.

    head = post = delete = patch = put = options = get

    async def _drip(self, answer: Response) -> None:
        for position in range(len(answer.body)):
            self.write(answer.body[position : position + 1])
            await self.flush()
            if await self._stopped_within(answer.drip):
                self.detach().close()
                return
        await self.finish()

    async def _stopped_within(self, pause: float) -> bool:
        """Pause; True if the server stops meanwhile."""
        if not pause:
            return False
        try:
            await asyncio.wait_for(self._stopping.wait(), pause)
        except asyncio.TimeoutError:
            return False
        return True
