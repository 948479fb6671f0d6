"""The three vendors on one bench: a sandbox, a client, and the few words in which they differ."""

from typing import Any, List, NamedTuple, Optional

import requests

from prefect1_rsync.engine.model import SyncRequest, Vendor
from prefect1_rsync.engine.watch import SyncOptions, run_sync
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.vendors.airbyte import AirbyteClient, Credentials
from prefect1_rsync.vendors.census import CensusClient
from prefect1_rsync.vendors.hightouch import HightouchClient
from tests.clock import VirtualClock

SECRETS = ("census-sandbox", "hightouch-sandbox-key", "airbyte-sandbox-secret")


class HastySession(requests.Session):
    """Waits a moment only for an answer, so that a test of slow answers is a fast test."""

    def send(self, request: Any, **kwargs: Any) -> Any:
        kwargs["timeout"] = (2.0, 0.1)
        return super().send(request, **kwargs)


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
        - words (dict): the vendor's own words: success, failed, cancelled
    """

    sandbox: Sandbox
    server: Any
    client: Vendor
    request: SyncRequest
    clock: VirtualClock
    look: str
    success: str

    @property
    def sync(self) -> Any:
        return self.request.sync_id

    def script(self, **outcome: Any) -> Any:
        return self.server.script(self.sync, **outcome)

    def other(self, **outcome: Any) -> Any:
        return self.server.start_other_run(self.sync, **outcome)

    def run(self, listeners: Any = (), **options: Any) -> Any:
        options.setdefault("max_wait", 1800.0)
        return run_sync(self.client, self.request, SyncOptions(**options), self.clock, listeners)

    def asked(self, operation: str, method: Optional[str] = None) -> List[Any]:
        """The requests of this operation that came in."""
        return [
            request
            for request in self.sandbox.requests
            if request.operation == operation and method in (None, request.method)
        ]


def bench_of(name: str, sandbox: Sandbox, clock: VirtualClock, session: Any = None) -> Bench:
    server = getattr(sandbox, name)
    if name == "census":
        client: Any = CensusClient(server.token, server.base_url, clock=clock, session=session)
        return Bench(sandbox, server, client, SyncRequest("1"), clock, "run", "completed")
    if name == "hightouch":
        client = HightouchClient(
            server.api_key, server.base_url, "acme", clock=clock, session=session
        )
        return Bench(sandbox, server, client, SyncRequest("1"), clock, "runs", "success")
    credentials = Credentials(client_id=server.client_id, client_secret=server.client_secret)
    client = AirbyteClient(credentials, server.api_url, clock=clock, session=session)
    request = SyncRequest(server.connection_id)
    return Bench(sandbox, server, client, request, clock, "run", "succeeded")
