"""Twenty situations on Prefect 1.4.1's own tasks and on the drop-ins, side by side.

`python -m tests.benchmarks.legacy` prints the table of docs/from-prefects-own-tasks.md. Both are
told by the same stub of the endpoints of 2022, each in a flow of its own, on a virtual clock.
"""

import datetime as dt
import json
from typing import (
    Any,
    ContextManager,
    Dict,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)
from urllib.parse import urlsplit

import requests
from prefect import Flow, Task
from prefect.executors import LocalExecutor
from prefect.tasks.airbyte import airbyte as prefect_airbyte
from prefect.tasks.census import census as prefect_census
from prefect.tasks.hightouch.hightouch_tasks import HightouchRunSync as PrefectHightouch

from prefect1_rsync.legacy import AirbyteConnectionTask, CensusSyncTask, HightouchRunSync
from tests.benchmarks.polling import quiet
from tests.benchmarks.prefects import time_of_prefects_tasks
from tests.clock import VirtualClock
from tests.wire import all_that_is_sent

VENDORS = ("census", "hightouch", "airbyte")
PREFECT, DROP_IN = "Prefect 1.4.1", "drop-in"
TOOLS = (PREFECT, DROP_IN)
NEVER_ENDS = "never ends"

EPOCH = 1_800_000_000.0
MAX_HOURS = 2
CANARY = "canary-3141592653"
TRIGGER = f"https://bearer:secret-token:{CANARY}@app.getcensus.com/api/v1/syncs/1/trigger"
CONNECTION = "749c19dc-4f97-4f30-bb0f-126e53506960"
RETRIES: Dict[str, Any] = {"max_retries": 2, "retry_delay": dt.timedelta(0)}

WORKING = {"census": "working", "hightouch": "processing", "airbyte": "running"}
GOOD = {"census": "completed", "hightouch": "success", "airbyte": "succeeded"}

HTML, DROPPED = "web page", "dropped"
#: A look's answer: a status of the run, an HTTP status, or one of the two above.
Look = Union[str, int]


class Situation(NamedTuple):
    """
    What happens at the vendor.

    Args:
        - name (str): in the table
        - vendors (tuple of str, optional): where it can happen
        - looks (list, optional): what the looks at the first run find, by vendor or for all; the
            last one is found ever after. `good` and `working` are the vendor's own words
        - fields (dict, optional): what else the run says
        - trigger (int, optional): HTTP status of the answer to the trigger, always
        - first (int, optional): HTTP status of the answer to the first request, always
        - good (bool, optional): whether the task should succeed
        - stale (bool, optional): Hightouch shows an earlier run's success twice
        - busy (bool, optional): another job is going on at first (Airbyte: 409)
        - connection (str, optional): status of the connection (Airbyte)
        - schedule (bool, optional): whether the connection has one (Airbyte)
        - retries (bool, optional): the task has two
    """

    name: str
    vendors: Tuple[str, ...] = VENDORS
    looks: Union[List[Look], Dict[str, List[Look]]] = ["working", "good"]
    fields: Dict[str, Any] = {}
    trigger: Optional[int] = None
    first: Optional[int] = None
    good: bool = False
    stale: bool = False
    busy: bool = False
    connection: str = "active"
    schedule: bool = False
    retries: bool = False


def _in_mid_poll(look: Look) -> List[Look]:
    return ["working", look, "working", "good"]


SITUATIONS = (
    Situation("the run ends well", good=True),
    Situation("it fails", looks=["working", "failed"]),
    Situation("it is cancelled", looks=["working", "cancelled"]),
    Situation(
        "it is skipped (Census), interrupted (Hightouch)",
        ("census", "hightouch"),
        {"census": ["skipped"], "hightouch": ["working", "interrupted"]},
    ),
    Situation(
        "it ends with a warning: 3 records were rejected",
        ("census", "hightouch"),
        {"census": ["working", "good"], "hightouch": ["working", "warning"]},
        {"records_failed": 3},
        good=True,
    ),
    Situation("it waits in a queue first", looks=["queued", "working", "good"], good=True),
    Situation(
        "it has a status first that nobody knows",
        looks=["warming_up", "working", "good"],
        good=True,
    ),
    Situation(
        "it fails, an earlier run's success is shown first",
        ("hightouch",),
        ["working", "failed"],
        stale=True,
    ),
    Situation("401 to the first request", first=401),
    Situation("404 to the trigger", trigger=404),
    Situation("409 to the trigger: another job is going on", ("airbyte",), busy=True, good=True),
    Situation("500 to the trigger", trigger=500),
    Situation("one 503 in mid-poll", looks=_in_mid_poll(503), good=True),
    Situation("one 429 in mid-poll", looks=_in_mid_poll(429), good=True),
    Situation("one web page in mid-poll", looks=_in_mid_poll(HTML), good=True),
    Situation("one dropped connection in mid-poll", looks=_in_mid_poll(DROPPED), good=True),
    Situation("404 in mid-poll", looks=["working", 404]),
    Situation("the connection is locked", ("airbyte",), connection="locked"),
    Situation("the connection has a schedule", ("airbyte",), schedule=True, good=True),
    Situation("one 503 in mid-poll, two retries", looks=_in_mid_poll(503), good=True, retries=True),
)


class Row(NamedTuple):
    """
    What a tool made of a situation.

    Args:
        - situation (str): its name
        - vendor (str): one of `VENDORS`
        - tool (str): one of `TOOLS`
        - state (str): `Success`, `Failed` or `NEVER_ENDS`
        - what (str): the run's status in the result, or the class of the error
        - right (bool): whether that state is what should be, and nothing else is amiss
        - amiss (tuple of str): what else is: the token is shown, a schedule removed...
        - starts (int): how many runs were started
    """

    situation: str
    vendor: str
    tool: str
    state: str
    what: str
    right: bool
    amiss: Tuple[str, ...]
    starts: int


class NeverEnds(BaseException):
    """Stops a task. No `Exception`, so that no retry follows."""


def measure(situations: Sequence[Situation] = SITUATIONS) -> List[Row]:
    """Each situation, at each vendor where it can happen, with both tools."""
    return [
        play(situation, vendor, tool)
        for situation in situations
        for vendor in situation.vendors
        for tool in TOOLS
    ]


def play(situation: Situation, vendor: str, tool: str) -> Row:
    """Lets a tool's task run in a flow, in this situation."""
    clock = VirtualClock(EPOCH)
    latest = clock.monotonic() + MAX_HOURS * 3600

    def stop_a_runaway(_: float) -> None:
        if clock.monotonic() > latest:
            raise NeverEnds

    clock.on_sleep = stop_a_runaway
    stub = Stub(situation, vendor)
    result: Any = None
    with quiet(), stub.on_the_wire(), time_of_prefects_tasks(clock):
        flow, task = flow_of(situation, vendor, tool, clock)
        try:
            ended = flow.run(executor=LocalExecutor(), run_on_schedule=False).result[task]
            state, result = ("Success" if ended.is_successful() else "Failed"), ended.result
        except NeverEnds:
            state = NEVER_ENDS
    what = _what(state, result)
    amiss = []
    if state == "Failed" and CANARY in str(ended.message):
        amiss.append("token in the message")
    if state == "Failed" and isinstance(result, (KeyError, TypeError)):
        amiss.append("which says nothing of the cause")
    if state == "Success" and what in ("queued", "warming_up"):
        amiss.append("before the run's end")
    if stub.schedule_removed:
        amiss.append("schedule removed")
    should = "Success" if situation.good else "Failed"
    return Row(
        situation.name,
        vendor,
        tool,
        state,
        what,
        state == should and not amiss and stub.starts <= 1,
        tuple(amiss),
        stub.starts,
    )


def _what(state: str, result: Any) -> str:
    if state == "Failed":
        return type(result).__name__
    if not isinstance(result, dict):
        return "" if state == NEVER_ENDS else str(result)
    return str(
        result.get("job_status") or result.get("sync", {}).get("sync_status") or result["status"]
    )


def flow_of(situation: Situation, vendor: str, tool: str, clock: VirtualClock) -> Tuple[Flow, Task]:
    """The same call of the same name; only where it is imported from differs."""
    ours = tool == DROP_IN
    given: Dict[str, Any] = RETRIES if situation.retries else {}
    task: Any
    call: Dict[str, Any] = {}
    if vendor == "census":
        task = (CensusSyncTask if ours else prefect_census.CensusSyncTask)(**given)
        call = {"api_trigger": TRIGGER}
    elif vendor == "hightouch":
        kind = HightouchRunSync if ours else PrefectHightouch
        task = kind(api_key=CANARY, sync_id=1, wait_for_completion=True, **given)
    else:
        kind = AirbyteConnectionTask if ours else prefect_airbyte.AirbyteConnectionTask
        task = kind(connection_id=CONNECTION, **given)
    if ours:
        task._clock = clock
    with Flow("old") as flow:
        bound = task(**call)
    return flow, bound


# --- the vendors ------------------------------------------------------------------------------

Answer = Tuple[int, Dict[str, str], str]


class Stub:
    """
    The endpoints that the old tasks know, and the lists of runs beside them.

    Args:
        - situation (Situation): what happens
        - vendor (str): where

    Attributes:
        - starts (int): how many runs were started
        - schedule_removed (bool): whether somebody has updated the connection
    """

    def __init__(self, situation: Situation, vendor: str) -> None:
        self.starts = 0
        self.schedule_removed = False
        self._situation, self._vendor = situation, vendor
        looks = situation.looks
        self._looks = list(looks[vendor] if isinstance(looks, dict) else looks)
        self._stale = 2 if situation.stale else 0
        self._busy = 2 if situation.busy else 0

    def on_the_wire(self) -> ContextManager[None]:
        """All that `requests` sends anywhere arrives here."""
        return all_that_is_sent(self._receive)

    def _receive(self, request: requests.PreparedRequest) -> Union[Answer, Exception]:
        if self._situation.first is not None:
            return self._situation.first, {}, "{}"
        path = urlsplit(str(request.url)).path
        if path.endswith(("/trigger", "/rest/run/1", "/connections/sync/")):
            answer = self._trigger()
        elif path.endswith(("/sync_runs/7", "/rest/sync/1")):
            answer = self._look()
        elif path.endswith("/jobs/get/"):
            other = json.loads(request.body or b"{}").get("id") == 5
            answer = self._other_job() if other else self._look()
        else:
            answer = self._rest(path)
        if isinstance(answer, Exception):
            return answer
        status, body = answer
        return status, {}, body if isinstance(body, str) else json.dumps(body)

    def _trigger(self) -> Tuple[int, Any]:
        if self._situation.trigger is not None:
            return self._situation.trigger, {}
        if self._busy:
            return 409, {"message": "A sync is already running"}
        self.starts += 1
        if self._vendor == "census":
            return 200, {"data": {"sync_run_id": 7}}
        if self._vendor == "hightouch":
            return 200, {"message": "requested", "latest_sync_run_id": 6}
        return 200, self._job("pending")

    def _look(self) -> Union[Tuple[int, Any], Exception]:
        if self._stale:
            self._stale -= 1
            return 200, self._run("good", run_id=6)
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if look == DROPPED:
            return requests.ConnectionError("Connection aborted.")
        if look == HTML:
            return 200, "<html>Please wait</html>"
        return (look, {}) if isinstance(look, int) else (200, self._run(look))

    def _run(self, word: str, run_id: int = 7) -> Any:
        word = {"good": GOOD, "working": WORKING}.get(word, {}).get(self._vendor, word)
        if self._vendor == "census":
            return {"data": {"status": word, **self._situation.fields}}
        if self._vendor == "hightouch":
            return {"sync": {"sync_status": word}, "last_sync_run": {"sync_run_id": run_id}}
        return self._job(word)

    def _job(self, word: str, job_id: int = 7) -> Any:
        return {"job": {"id": job_id, "status": word, "createdAt": 1, "updatedAt": 1}}

    def _other_job(self) -> Tuple[int, Any]:
        self._busy -= 1
        return 200, self._job("running" if self._busy else "succeeded", 5)

    def _rest(self, path: str) -> Tuple[int, Any]:
        if path.endswith("/health/"):
            return 200, {"available": True}
        if path.endswith("/connections/get/"):
            connection = {"status": self._situation.connection, "syncCatalog": {}}
            if self._situation.schedule:
                connection["schedule"] = {"units": 1, "timeUnit": "days"}
            return 200, connection
        if path.endswith("/connections/update/"):
            self.schedule_removed = True
            return 200, {}
        if path.endswith("/jobs/list/"):
            return 200, {"jobs": [self._job("running", 5)] if self._busy else []}
        if path.endswith("/sync_runs"):
            return 200, {"data": []}
        return 404, {}


# --- on paper ---------------------------------------------------------------------------------

HEADING = ("situation", "vendor", *TOOLS)
TOTALS_HEADING = ("", *TOOLS)


def rows_on_paper(rows: Sequence[Row]) -> List[List[str]]:
    """A line for a situation and a vendor. Bold: what should not be."""
    known = {(row.situation, row.vendor, row.tool): row for row in rows}
    places = list(dict.fromkeys((row.situation, row.vendor) for row in rows))
    return [[*place, *(_cell(known[(*place, tool)]) for tool in TOOLS)] for place in places]


def _cell(row: Row) -> str:
    parts = [f"{row.state}: `{row.what}`" if row.what else row.state, *row.amiss]
    if row.starts > 1:
        parts.append(f"{row.starts} runs started")
    text = ", ".join(parts)
    return text if row.right else f"**{text}**"


def totals_on_paper(rows: Sequence[Row]) -> List[List[str]]:
    """What goes wrong, counted."""
    own = {tool: [row for row in rows if row.tool == tool] for tool in TOOLS}
    counts = {
        "tried": lambda row: True,
        "right": lambda row: row.right,
        "wrong": lambda row: not row.right and row.state != NEVER_ENDS,
        NEVER_ENDS: lambda row: row.state == NEVER_ENDS,
    }
    return [
        [name, *(str(sum(map(counted, own[tool]))) for tool in TOOLS)]
        for name, counted in counts.items()
    ]


def markdown(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As a page has it."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| {} |".format(" | ".join(line)) for line in lines)


def main() -> None:
    rows = measure()
    print(markdown(HEADING, rows_on_paper(rows)))
    print("\n" + markdown(TOTALS_HEADING, totals_on_paper(rows)))


if __name__ == "__main__":
    main()
