"""The vendors as the ten flow files know them, without a socket, on time that only sleeping winds.

Whoever asks (Prefect's own tasks, the drop-ins or the new ones) is answered by the same sandbox.
It does not have Hightouch's legacy endpoint and Airbyte's export: those are here.
"""

import json
import runpy
import time
from pathlib import Path
from typing import Any, ContextManager, Dict, List, Tuple
from urllib.parse import urlsplit

import prefect
import prefect.tasks.airbyte.airbyte
import requests
from prefect import Flow
from prefect.engine.state import State

import prefect1_rsync.legacy.airbyte
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.tasks.base import SyncTask
from tests.clock import VirtualClock
from tests.wire import all_that_is_sent

TOKEN = "secret-token:c4nary-census"
KEY = "c4nary-hightouch"
TRIGGER = "https://bearer:{}@app.getcensus.com/api/v1/syncs/{}/trigger"
CONNECTIONS = ["6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b1" + digit for digit in "123"]
#: What the flows' owners have stored, and what `migrate` tells them to store.
SECRETS = {
    "CENSUS_CONTACTS_TRIGGER": TRIGGER.format(TOKEN, 52),
    "CENSUS_TRIGGER_URL_52": TRIGGER.format(TOKEN, 52),
    "CENSUS_TRIGGER_URL_53": TRIGGER.format(TOKEN, 53),
    "FOLDER": "attic",
    "HIGHTOUCH_API_KEY": KEY,
    "HIGHTOUCH_KEY": KEY,
}
ENVIRONMENT = {"MARKETING_HIGHTOUCH_KEY": KEY}
SECONDS = 12.0


class World:
    """
    All three vendors.

    Attributes:
        - started (list of tuple): vendor and sync of every run, in order
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.sandbox = Sandbox(port=8000, clock=clock.monotonic)
        self.sandbox.census.token = TOKEN
        self.sandbox.hightouch.api_key = KEY
        self.sandbox.airbyte.auth = "none"
        for sync_id in (52, 53):
            self.sandbox.census.add_sync(sync_id)
            self.sandbox.census.script(sync_id, duration=SECONDS, records_processed=7)
        for sync_id in (41, 42):
            self.sandbox.hightouch.add_sync(sync_id)
            self.sandbox.hightouch.script(sync_id, duration=SECONDS)
        for connection in CONNECTIONS:
            self.sandbox.airbyte.add_sync(connection)
            self.sandbox.airbyte.script(connection, duration=SECONDS)
        self._legacy_ends: Dict[int, float] = {}
        self._legacy: List[Tuple[str, str]] = []
        self.exports = 0

    @property
    def started(self) -> List[Tuple[str, str]]:
        """Vendor and sync of all runs, sorted: mapped children come in any order."""
        runs = [
            (name, str(run.sync_id))
            for name in ("airbyte", "census", "hightouch")
            for run in getattr(self.sandbox, name).runs
        ]
        return sorted(runs + self._legacy)

    def on_the_wire(self) -> ContextManager[None]:
        """All that `requests` sends anywhere arrives here."""
        return all_that_is_sent(self._answer)

    def _answer(self, request: requests.PreparedRequest) -> Tuple[int, Dict[str, str], bytes]:
        url = urlsplit(str(request.url))
        path = f"{url.path}?{url.query}" if url.query else url.path
        if url.hostname == "api.hightouch.io":
            return self._legacy_hightouch(request, url.path)
        if url.path == "/api/v1/deployment/export/":
            self.exports += 1
            return 200, {}, b"settings"
        vendors = {
            "app.getcensus.com": "census",
            "api.hightouch.com": "hightouch",
            "airbyte.internal": "airbyte",
        }
        got = self.sandbox.respond(
            str(request.method),
            f"/{vendors[str(url.hostname)]}{path}",
            dict(request.headers),
            request.body or b"",
        )
        return got.status, dict(got.headers), got.body

    def _legacy_hightouch(
        self, request: requests.PreparedRequest, path: str
    ) -> Tuple[int, Dict[str, str], bytes]:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        sync_id = int(path.rsplit("/", 1)[1])
        if "/rest/run/" in path:
            self._legacy.append(("hightouch", str(sync_id)))
            self._legacy_ends[sync_id] = self._clock.monotonic() + SECONDS
            return 200, {}, b'{"message": "Sync run requested"}'
        done = self._clock.monotonic() >= self._legacy_ends[sync_id]
        status = "success" if done else "querying"
        return 200, {}, json.dumps({"id": sync_id, "sync": {"sync_status": status}}).encode()


def run_file(path: Path, monkeypatch: Any) -> Tuple[World, Flow, State]:
    """Imports a flow file and runs its flow."""
    clock = VirtualClock()
    world = World(clock)
    monkeypatch.setattr(SyncTask, "_clock", clock)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(prefect.tasks.airbyte.airbyte, "sleep", clock.sleep)
    monkeypatch.setattr(prefect1_rsync.legacy.airbyte, "sleep", clock.sleep)
    # Prefect's Census task looks at the time too, but for its log alone.
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with world.on_the_wire(), prefect.context(secrets=SECRETS):
        namespace = runpy.run_path(str(path))
        flow = namespace["flow"]
        state = flow.run()
    assert clock.sleeps or world.started == []
    return world, flow, state
