"""The three vendors on one bench: a sandbox, a client, and the few words in which they differ."""

from typing import Any, Callable, List, NamedTuple, Optional

import requests
import urllib3

from prefect1_rsync.engine.model import SyncRequest, Vendor
from prefect1_rsync.engine.watch import SyncOptions, run_sync
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.vendors.airbyte import AirbyteClient, Credentials
from prefect1_rsync.vendors.census import CensusClient
from prefect1_rsync.vendors.hightouch import HightouchClient
from tests import wire
from tests.clock import VirtualClock

SECRETS = ("census-sandbox", "hightouch-sandbox-key", "airbyte-sandbox-secret")


class UnreachableSession(requests.Session):
    """
    Refuses the connection where the test says so, and passes everything else on.

    Args:
        - inner (requests.Session): what reaches the sandbox
        - refuses (callable): told the method and the URL; True refuses
    """

    def __init__(self, inner: requests.Session, refuses: Callable[[str, str], bool]) -> None:
        super().__init__()
        self._inner, self._refuses = inner, refuses

    def send(self, request: Any, **kwargs: Any) -> Any:
        if self._refuses(request.method, request.url):
            refusal = urllib3.exceptions.NewConnectionError(None, "Connection refused")
            raise requests.ConnectionError(refusal)
        return self._inner.send(request, **kwargs)


class Requests:
    """Stands for a client's `HttpClient`: notes what is asked of it, and answers in turn."""

    base_url = "http://h.example/v1"

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), []  # type: ignore

    def get(self, path: str, params: Any = None) -> Any:
        return self.request("GET", path, params)

    def request(
        self,
        method: str,
        path: str,
        params: Any = None,
        json: Any = None,
        read_seconds: float = 60.0,
        reveal: bool = False,
    ) -> Any:
        self.asked.append((method, path, params, json, read_seconds, reveal))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Bench(NamedTuple):
    """
    One vendor, ready for a sync.

    Args:
        - sandbox (Sandbox): all of it
        - server (object): the sandbox's vendor
        - client (Vendor): ours
        - request (SyncRequest): its sync
        - clock (VirtualClock): the time of both
        - look (str): the sandbox's word for what a look requests
        - success (str): the vendor's own word for it
        - session (requests.Session): the transport of the client
    """

    sandbox: Sandbox
    server: Any
    client: Vendor
    request: SyncRequest
    clock: VirtualClock
    look: str
    success: str
    session: requests.Session

    @property
    def sync(self) -> Any:
        return self.request.sync_id

    def script(self, **outcome: Any) -> Any:
        return self.server.script(self.sync, **outcome)

    def other(self, **outcome: Any) -> Any:
        return self.server.start_other_run(self.sync, **outcome)

    def run(
        self, listeners: Any = (), record: Any = None, remember: Any = None, **options: Any
    ) -> Any:
        """`run_sync` with these options; a bound on the wait where the test sets none."""
        options.setdefault("max_wait", 1800.0)
        return run_sync(
            self.client,
            self.request,
            SyncOptions(**options),
            self.clock,
            listeners,
            record,
            remember,
        )

    def asked(self, operation: str, method: Optional[str] = None) -> List[Any]:
        """The requests of this operation that came in."""
        return [
            request
            for request in self.sandbox.requests
            if request.operation == operation and method in (None, request.method)
        ]


def sandbox_of(clock: VirtualClock) -> Sandbox:
    """A sandbox that is not started: requests reach it in memory, under `wire.HOST`."""
    sandbox = Sandbox(port=1, clock=clock.monotonic)
    assert sandbox.url == wire.HOST
    return sandbox


def bench_of(
    name: str,
    sandbox: Sandbox,
    clock: VirtualClock,
    session: Optional[requests.Session] = None,
) -> Bench:
    """
    Args:
        - name (str): the vendor
        - sandbox (Sandbox): started or not
        - clock (VirtualClock): the sandbox's
        - session (requests.Session, optional): the transport; default: in memory
    """
    server = getattr(sandbox, name)
    session = session or wire.session(sandbox, clock)
    request, look, success = SyncRequest("1"), "run", "completed"
    if name == "census":
        client: Any = CensusClient(server.token, server.base_url, clock=clock, session=session)
    elif name == "hightouch":
        look, success = "runs", "success"
        client = HightouchClient(
            server.api_key, server.base_url, "acme", clock=clock, session=session
        )
    else:
        request, success = SyncRequest(server.connection_id), "succeeded"
        credentials = Credentials(client_id=server.client_id, client_secret=server.client_secret)
        client = AirbyteClient(credentials, server.api_url, clock=clock, session=session)
    return Bench(sandbox, server, client, request, clock, look, success, session)
