"""The sandbox without sockets: `requests` speaks to it in memory, on the test's own clock."""

import io
import re
from contextlib import contextmanager
from typing import Any, Callable, Iterator
from urllib.parse import urlsplit

import requests
import responses
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from prefect1_rsync.sandbox import Sandbox
from tests.clock import VirtualClock

HOST = "http://127.0.0.1:1"


class Wire(BaseAdapter):
    """
    A transport for `requests` that asks a sandbox which is not started.

    Args:
        - sandbox (Sandbox): whom to ask
        - clock (VirtualClock): an answer that is late lets it go on
    """

    def __init__(self, sandbox: Sandbox, clock: VirtualClock) -> None:
        super().__init__()
        self._sandbox, self._clock = sandbox, clock

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        path = parts.path + ("?" + parts.query if parts.query else "")
        headers = dict(request.headers)
        answer = self._sandbox.respond(request.method or "", path, headers, request.body or b"")
        limit = kwargs["timeout"][1]
        lasts = answer.delay + answer.drip * len(answer.body)
        if lasts:
            self._clock.sleep(min(lasts, limit))
        if lasts > limit:
            raise requests.ReadTimeout("too late")
        if answer.drop:
            raise requests.ConnectionError(
                urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError())
            )
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response.raw = urllib3.HTTPResponse(
            io.BytesIO(answer.body), headers=answer.headers, preload_content=False
        )
        response.request = request
        response.url = request.url or ""
        return response

    def close(self) -> None:
        pass


def session(sandbox: Sandbox, clock: VirtualClock) -> requests.Session:
    """A session that reaches the sandbox under `HOST`, and nothing else."""
    made = requests.Session()
    made.trust_env = False
    for prefix in ("http://", "https://"):
        made.mount(prefix, Wire(sandbox, clock))
    return made


def client(sandbox: Sandbox, vendor: str, clock: VirtualClock) -> Any:
    """A vendor's client that speaks to the sandbox in memory."""
    from prefect1_rsync.vendors.airbyte import AirbyteClient, Credentials
    from prefect1_rsync.vendors.census import CensusClient
    from prefect1_rsync.vendors.hightouch import HightouchClient

    wire = session(sandbox, clock)
    if vendor == "census":
        return CensusClient(sandbox.census.token, HOST + "/census", clock=clock, session=wire)
    if vendor == "hightouch":
        url = HOST + "/hightouch"
        return HightouchClient(sandbox.hightouch.api_key, url, clock=clock, session=wire)
    credentials = Credentials(sandbox.airbyte.client_id, sandbox.airbyte.client_secret)
    url = HOST + "/airbyte/api/public/v1"
    return AirbyteClient(credentials, url, clock=clock, session=wire)


@contextmanager
def all_that_is_sent(
    receive: Callable[[requests.PreparedRequest], Any], content_type: str = "text/plain"
) -> Iterator[None]:
    """Brings whatever `requests` sends anywhere to a function that answers it."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        for method in ("GET", "POST"):
            wire.add_callback(
                method, re.compile("https?://"), callback=receive, content_type=content_type
            )
        yield
