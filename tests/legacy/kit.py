"""The old classes and the drop-ins under the same names, and what both ask for on the wire."""

import functools
import time
from typing import Any, Callable, Dict, List, NamedTuple

import prefect.tasks.airbyte.airbyte
import prefect.tasks.census.census
import prefect.tasks.hightouch.hightouch_tasks
import prefect.tasks.hightouch.hightouch_utils
import responses

import prefect1_rsync.legacy.airbyte
import prefect1_rsync.legacy.census
import prefect1_rsync.legacy.hightouch

TOKEN = "canary-3141592653"
SYNC = 52
TRIGGER = f"https://bearer:secret-token:{TOKEN}@app.getcensus.com/api/v1/syncs/{SYNC}/trigger"
CENSUS_RUN = f"https://bearer:secret-token:{TOKEN}@app.getcensus.com/api/v1/sync_runs/94"

KEY = "canary-2718281828"
HIGHTOUCH_RUN = f"https://api.hightouch.io/api/v2/rest/run/{SYNC}"
HIGHTOUCH_SYNC = f"https://api.hightouch.io/api/v2/rest/sync/{SYNC}"

CONNECTION = "749c19dc-4f97-4f30-bb0f-126e53506960"
AIRBYTE = "http://localhost:8000/api/v1"


class Names(NamedTuple):
    """What is imported; only where from differs."""

    census: Any
    hightouch: Any
    hightouch_client: Any
    airbyte: Any


PREFECT = Names(
    prefect.tasks.census.census,
    prefect.tasks.hightouch.hightouch_tasks,
    prefect.tasks.hightouch.hightouch_utils,
    prefect.tasks.airbyte.airbyte,
)
DROP_IN = Names(
    prefect1_rsync.legacy.census,
    prefect1_rsync.legacy.hightouch,
    prefect1_rsync.legacy.hightouch,
    prefect1_rsync.legacy.airbyte,
)
BOTH = {"prefect": PREFECT, "drop-in": DROP_IN}


class ForEver(BaseException):
    """It sleeps and sleeps."""


class Sleeps(List[float]):
    """Put in the place of `sleep`, as tests of the old tasks do; ends what never ends."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        if len(self) > 1000:
            self.clear()
            raise ForEver


def patched(monkeypatch: Any, old: Names) -> Sleeps:
    """No time passes from here on."""
    sleeps = Sleeps()
    monkeypatch.setattr(time, "sleep", sleeps)
    monkeypatch.setattr(old.airbyte, "sleep", sleeps)
    return sleeps


def census(*statuses: Any, **fields: Any) -> None:
    """Census answers a trigger, and each look with the next status (a number: an HTTP status)."""
    responses.add("POST", TRIGGER, json={"data": {"sync_run_id": 94}})
    for status in statuses:
        if isinstance(status, int):
            responses.add("GET", CENSUS_RUN, status=status)
        else:
            responses.add("GET", CENSUS_RUN, json={"data": {"status": status, **fields}})


def hightouch(*statuses: Any, **fields: Any) -> None:
    """The same for Hightouch."""
    responses.add("POST", HIGHTOUCH_RUN, json={"message": "Sync run requested"})
    for status in statuses:
        if isinstance(status, int):
            responses.add("GET", HIGHTOUCH_SYNC, status=status)
        else:
            body = {"id": SYNC, "sync": {"sync_status": status}, **fields}
            responses.add("GET", HIGHTOUCH_SYNC, json=body)


def job(status: str, **more: Any) -> Dict[str, Any]:
    return {"job": {"id": 7, "status": status, "createdAt": 11, "updatedAt": 22}, **more}


def airbyte(*statuses: Any, connection: str = "active", **fields: Any) -> None:
    """The same for Airbyte."""
    responses.add("GET", f"{AIRBYTE}/health/", json={"available": True})
    responses.add("POST", f"{AIRBYTE}/connections/get/", json={"status": connection, **fields})
    responses.add("POST", f"{AIRBYTE}/connections/sync/", json=job("pending"))
    for status in statuses:
        if isinstance(status, int):
            responses.add("POST", f"{AIRBYTE}/jobs/get/", status=status, json={})
        else:
            responses.add("POST", f"{AIRBYTE}/jobs/get/", json=job(status))


def asked() -> List[str]:
    """What was requested, in order."""
    return [f"{call.request.method} {call.request.url}" for call in responses.calls]


def task_of(old: Names, vendor: str, **more: Any) -> Callable[[], Any]:
    """The `run()` of a task that waits."""
    if vendor == "census":
        return functools.partial(old.census.CensusSyncTask(**more).run, api_trigger=TRIGGER)
    if vendor == "hightouch":
        more = {"wait_for_completion": True, **more}
        return old.hightouch.HightouchRunSync(api_key=KEY, sync_id=SYNC, **more).run
    return old.airbyte.AirbyteConnectionTask(connection_id=CONNECTION, **more).run
