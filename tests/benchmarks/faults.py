"""What becomes of a sync when something goes wrong: our tasks beside Prefect 1.4.1's own.

`python -m tests.benchmarks.faults` prints the tables of docs/exactly-once.md; no time passes but on
a virtual clock. Both tools talk to the same sandbox, without a socket: the same runs, the same
faults at the same moments. Prefect's own call endpoints of 2022. Those of Census and Airbyte are
in the sandbox; Hightouch's are put in front of it here.
"""

import datetime as dt
import json
import re
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
from unittest import mock
from urllib.parse import urlsplit

import requests
import urllib3
from prefect import Flow, Task
from prefect.executors import LocalExecutor
from prefect.tasks.airbyte import airbyte as prefect_airbyte
from prefect.tasks.census import census as prefect_census
from prefect.tasks.hightouch.hightouch_tasks import HightouchRunSync

from prefect1_rsync import AirbyteSyncTask, CensusSyncTask, HightouchSyncTask
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.sandbox.core import Run
from prefect1_rsync.tasks.base import SyncTask
from tests.benchmarks.polling import OURS, PREFECT, VENDORS, quiet
from tests.benchmarks.prefects import time_of_prefects_tasks
from tests.clock import VirtualClock
from tests.wire import all_that_is_sent

TOOLS = (OURS, PREFECT)
SUCCESS, FAILED, NEVER_ENDS = "Success", "Failed", "never ends"

RETRIES: Dict[str, Any] = {"max_retries": 2, "retry_delay": dt.timedelta(0)}
EPOCH = 1_800_000_000.0
#: A task that takes longer, or asks more often, is stopped: it never ends.
MAX_HOURS = 2
MAX_REQUESTS = 5000

#: Seconds that a run takes. Every tool looks at it more than twice in that time.
DURATION = 300.0
#: The bound on the wait where a run never ends, for every task that has such an argument.
PATIENCE_SECONDS = 1800

SYNC, NO_SYNC = 1, 77
NO_CONNECTION = "00000000-0000-4000-8000-000000000077"

Fault = Dict[str, Any]


class Situation(NamedTuple):
    """
    What goes wrong, said once for both tools.

    Args:
        - name (str): in the table
        - outcome (dict, optional): what each run of ours does, as the sandbox's `Outcome` has it;
            a dict as a value is by vendor, and None there leaves the field out
        - on_trigger (dict, optional): the fault that hits the first trigger
        - on_look (dict, optional): the fault that hits the second look at a run
        - earlier (dict, optional): a run that somebody else has started before
        - idle (float, optional): seconds from that to our task
        - wrong_credential (bool, optional): the vendor does not know our credential
        - wrong_sync (bool, optional): the vendor does not know our sync
        - bounded (bool, optional): the tasks are given `PATIENCE_SECONDS`
    """

    name: str
    outcome: Dict[str, Any] = {}
    on_trigger: Optional[Fault] = None
    on_look: Optional[Fault] = None
    earlier: Optional[Dict[str, Any]] = None
    idle: float = 0.0
    wrong_credential: bool = False
    wrong_sync: bool = False
    bounded: bool = False


_WORKING = {"census": "working", "hightouch": "processing", "airbyte": "running"}


def _at_first(word: str) -> Dict[str, Any]:
    return {"statuses": {name: [(0, word), (90, _WORKING[name])] for name in VENDORS}}


SITUATIONS = (
    Situation("nothing goes wrong"),
    Situation("each run fails", {"ends": "failed"}),
    Situation(
        "each run is cancelled at the vendor",
        {
            "ends": {"census": "completed", "hightouch": "cancelled", "airbyte": "cancelled"},
            "canceled": {"census": True},
        },
    ),
    Situation(
        "the run succeeds, 3 of 100 records are rejected",
        {"ends": {"hightouch": "warning"}, "records_processed": 100, "records_failed": 3},
    ),
    Situation("status `queued` for the first 90 s", _at_first("queued")),
    Situation("a status that nobody knows for the first 90 s", _at_first("warming_up")),
    Situation("a look is answered 503", on_look={"status": 503}),
    Situation("a look's connection is dropped", on_look={"drop": "before"}),
    Situation(
        "a look is answered 429, `Retry-After: 120`",
        on_look={"status": 429, "headers": {"Retry-After": "120"}},
    ),
    Situation("a look is answered with a web page", on_look={"malformed": "html"}),
    Situation("the trigger is carried out, its answer lost", on_trigger={"drop": "after"}),
    Situation("the trigger is dropped, nothing is started", on_trigger={"drop": "before"}),
    Situation(
        "the trigger is carried out and answered 502", on_trigger={"status": 502, "process": True}
    ),
    Situation("the credential is wrong (401)", wrong_credential=True),
    Situation("there is no such sync (404)", wrong_sync=True),
    Situation("another run of the sync is going on", earlier={"duration": DURATION}),
    Situation(
        "the run before was a success, each of ours fails",
        {"ends": "failed", "visible_after": {"hightouch": 3.0}},
        earlier={"duration": 10.0},
        idle=3600.0,
    ),
    Situation("the run never ends, the task has 30 minutes", {"duration": 1e9}, bounded=True),
)

#: What can't be tried, and why.
NOT_APPLICABLE = {
    (SITUATIONS[-1].name, "census", PREFECT): "the task has no argument that bounds its wait",
    (SITUATIONS[-1].name, "airbyte", PREFECT): "the task has no argument that bounds its wait",
}


class Row(NamedTuple):
    """
    What one tool made of one situation.

    Args:
        - situation (str): its name
        - vendor (str): one of `VENDORS`
        - tool (str): one of `TOOLS`
        - state (str): how the task ended: `SUCCESS`, `FAILED` or `NEVER_ENDS`
        - true (bool): whether that is what became of our runs (see `is_true`)
        - runs (int): how many runs of ours the vendor has carried out, or begun to
        - needless (int): how many of them were started while one of ours was still going on, or
            after one had ended well
        - requests (int): how many the vendor got, up to the end or to the stop
    """

    situation: str
    vendor: str
    tool: str
    state: str
    true: bool
    runs: int
    needless: int
    requests: int


def measure(
    situations: Sequence[Situation] = SITUATIONS, vendors: Sequence[str] = VENDORS
) -> List[Row]:
    """Each situation, vendor and tool, once: nothing is left to chance."""
    return [
        play(situation, vendor, tool)
        for situation in situations
        for vendor in vendors
        for tool in TOOLS
        if (situation.name, vendor, tool) not in NOT_APPLICABLE
    ]


class NeverEnds(BaseException):
    """Stops a task. No `Exception`, so that no retry follows."""


def play(situation: Situation, vendor: str, tool: str) -> Row:
    """Lets a tool's task run in a flow, in this situation."""
    clock = VirtualClock(EPOCH)
    with mock.patch("prefect1_rsync.sandbox.core.time", lambda: EPOCH):
        sandbox = Sandbox(port=8000, clock=clock.monotonic)  # never started: a mere name
    room = getattr(sandbox, vendor)
    sync = sandbox.airbyte.connection_id if vendor == "airbyte" else SYNC
    if situation.earlier is not None:
        room.start_other_run(sync, **situation.earlier)
        clock.wind(situation.idle)
    room.script(sync, **_outcome_at(vendor, situation.outcome))
    wire = Wire(sandbox, vendor, situation)
    latest = clock.monotonic() + MAX_HOURS * 3600

    def stop_a_runaway(_: float) -> None:
        if clock.monotonic() > latest or wire.requests > MAX_REQUESTS:
            raise NeverEnds

    clock.on_sleep = stop_a_runaway
    make = our_flow if tool == OURS else prefect_flow
    with quiet(), wire.on(), time_of_prefects_tasks(clock):
        flow, task = make(situation, vendor, sandbox, clock)
        try:
            ended = flow.run(executor=LocalExecutor(), run_on_schedule=False).result[task]
            state = SUCCESS if ended.is_successful() else FAILED
        except NeverEnds:
            state = NEVER_ENDS
    assert wire.broken == bool(situation.on_look or situation.on_trigger), "the fault hit nothing"
    # A run that Census skips does nothing.
    runs = [run for run in room.runs if run.by_api and run.outcome.ends != "skipped"]
    return Row(
        situation.name,
        vendor,
        tool,
        state,
        is_true(state, runs, situation.bounded),
        len(runs),
        sum(_is_needless(run, runs[:number]) for number, run in enumerate(runs)),
        wire.requests,
    )


def is_true(state: str, runs: Sequence[Run], bounded: bool) -> bool:
    """
    Whether a task's end is what became of its runs at the vendor.

    Success: the last of our runs is over and has ended well. Failed: none has ended well, and
    none is going on (but one that never ends, which nobody can wait for).
    """
    if state == SUCCESS:
        return bool(runs) and runs[-1].finished and _is_good(runs[-1])
    if state == FAILED:
        return not any(_is_good(run) or not (run.finished or bounded) for run in runs)
    return False


def _is_good(run: Run) -> bool:
    """Whether it ends well, be it now or later."""
    endless = run.outcome.duration > MAX_HOURS * 3600
    return run.outcome.ends in run.state.succeeded and not run.outcome.canceled and not endless


def _is_needless(run: Run, before: Sequence[Run]) -> bool:
    return any(_is_good(one) or one.finished_at > run.created for one in before)


def _outcome_at(vendor: str, outcome: Dict[str, Any]) -> Dict[str, Any]:
    fields = {
        name: value.get(vendor) if isinstance(value, dict) else value
        for name, value in outcome.items()
    }
    fields.setdefault("duration", DURATION)
    return {name: value for name, value in fields.items() if value is not None}


# --- the tools --------------------------------------------------------------------------------


def our_flow(
    situation: Situation, vendor: str, sandbox: Sandbox, clock: VirtualClock
) -> Tuple[Flow, Task]:
    """Our task as it comes."""
    arguments: Dict[str, Any] = dict(RETRIES)
    if situation.bounded:
        arguments["max_wait_seconds"] = PATIENCE_SECONDS
    wrong = "wrong" if situation.wrong_credential else None
    task: SyncTask
    if vendor == "census":
        task = CensusSyncTask(
            sync_id=NO_SYNC if situation.wrong_sync else SYNC,
            api_token=wrong or sandbox.census.personal_access_token,
            base_url=sandbox.census.base_url,
            **arguments,
        )
    elif vendor == "hightouch":
        task = HightouchSyncTask(
            sync_id=NO_SYNC if situation.wrong_sync else SYNC,
            api_key=wrong or sandbox.hightouch.api_key,
            base_url=sandbox.hightouch.base_url,
            **arguments,
        )
    else:
        task = AirbyteSyncTask(
            connection_id=NO_CONNECTION if situation.wrong_sync else sandbox.airbyte.connection_id,
            client_id=sandbox.airbyte.client_id,
            client_secret=wrong or sandbox.airbyte.client_secret,
            api_url=sandbox.airbyte.api_url,
            config_api_url=sandbox.airbyte.config_api_url,
            **arguments,
        )
    task._clock = clock
    with Flow("ours") as flow:
        bound = task()
    return flow, bound


def prefect_flow(
    situation: Situation, vendor: str, sandbox: Sandbox, clock: VirtualClock
) -> Tuple[Flow, Task]:
    """Prefect's own task as documented and at its defaults, but waiting."""
    sync = NO_SYNC if situation.wrong_sync else SYNC
    with Flow("Prefect's") as flow:
        if vendor == "census":
            token = "secret-token:wrong" if situation.wrong_credential else sandbox.census.token
            url = f"https://bearer:{token}@app.getcensus.com/api/v1/syncs/{sync}/trigger"
            # Given to the constructor, it would have to be given here once more.
            bound = prefect_census.CensusSyncTask(**RETRIES)(api_trigger=url)
        elif vendor == "hightouch":
            key = "wrong" if situation.wrong_credential else sandbox.hightouch.api_key
            bound = HightouchRunSync(
                api_key=key,
                sync_id=sync,
                wait_for_completion=True,
                max_wait_time=PATIENCE_SECONDS if situation.bounded else None,
                **RETRIES,
            )()
        else:
            # It can't get a token: no login is asked for, but where ours have a wrong credential.
            sandbox.airbyte.auth = "application" if situation.wrong_credential else "none"
            connection = NO_CONNECTION if situation.wrong_sync else sandbox.airbyte.connection_id
            bound = prefect_airbyte.AirbyteConnectionTask(connection_id=connection, **RETRIES)()
    return flow, bound


# --- the vendors ------------------------------------------------------------------------------

_TRIGGER = re.compile(r"POST .*(/trigger|/rest/run/\d+|/public/v1/jobs|/connections/sync/)")
_LOOK = re.compile(
    r"GET .*(/sync_runs/\d+|/syncs/1/runs|/rest/sync/\d+|/public/v1/jobs/\d+)|POST .*/jobs/get/"
)

Answer = Union[Exception, Tuple[int, Dict[str, str], bytes]]


class Wire:
    """
    Brings whatever `requests` sends to the sandbox, and breaks what the situation wants broken.

    Args:
        - sandbox (Sandbox): whom to ask
        - vendor (str): who it is
        - situation (Situation): what goes wrong

    Attributes:
        - requests (int): how many came
        - broken (bool): whether something was broken
    """

    def __init__(self, sandbox: Sandbox, vendor: str, situation: Situation) -> None:
        self.requests = 0
        self.broken = False
        self._sandbox, self._room = sandbox, getattr(sandbox, vendor)
        self._situation = situation
        self._triggers = self._looks = 0

    def on(self) -> ContextManager[None]:
        """From here on, all that is sent anywhere arrives here."""
        return all_that_is_sent(self._receive)

    def _receive(self, request: requests.PreparedRequest) -> Answer:
        self.requests += 1
        url = urlsplit(str(request.url))
        self._break(f"{request.method} {url.path}")
        path = f"{url.path}?{url.query}" if url.query else url.path
        if url.hostname == "app.getcensus.com":
            path = "/census" + path
        elif url.hostname == "localhost":
            path = "/airbyte" + path
        elif url.hostname == "api.hightouch.io":
            # The API of 2022, as Prefect's task knows it, is today's in other words.
            path = path.replace("/api/v2/rest/sync/", "/hightouch/api/v1/syncs/")
            path = re.sub(r"^/api/v2/rest/run/(\d+)", r"/hightouch/api/v1/syncs/\1/trigger", path)
        got = self._sandbox.respond(
            str(request.method), path, dict(request.headers), request.body or b""
        )
        if got.drop:
            broken = urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError())
            return requests.ConnectionError(broken)
        body = got.body
        if url.hostname == "api.hightouch.io" and got.headers["Content-Type"] == "application/json":
            answer = got.json()
            if "status" in answer:
                body = json.dumps({"sync": {"sync_status": answer["status"]}}).encode()
        return got.status, got.headers, body

    def _break(self, what: str) -> None:
        """The script counts from the trigger on, so that it hits both tools alike."""
        fault = None
        if _TRIGGER.fullmatch(what):
            self._triggers += 1
            fault = self._situation.on_trigger if self._triggers == 1 else None
        elif self._triggers and _LOOK.fullmatch(what):
            self._looks += 1
            fault = self._situation.on_look if self._looks == 2 else None
        if fault is not None:
            self._room.fault("*", **fault)
            self.broken = True


# --- on paper ---------------------------------------------------------------------------------

_FOUR = ("state", "true", "runs", "requests")
HEADING = ("situation", "vendor", *_FOUR, *(f"Prefect's {word}" for word in _FOUR))
TOTALS_HEADING = ("tool", "tried", "wrong outcomes", "never ends", "needless starts")


def rows_on_paper(rows: Sequence[Row]) -> List[List[str]]:
    """The table: a line for a situation and a vendor. Bold: what should not be."""
    known = {(row.situation, row.vendor, row.tool): row for row in rows}
    places = list(dict.fromkeys((row.situation, row.vendor) for row in rows))
    return [
        [*place, *(cell for tool in TOOLS for cell in _cells(known.get((*place, tool))))]
        for place in places
    ]


def _cells(row: Optional[Row]) -> List[str]:
    if row is None:
        return ["n/a", "", "", ""]
    runs = f"**{row.runs}**" if row.needless else str(row.runs)
    return [row.state, "yes" if row.true else "**no**", runs, str(row.requests)]


def totals_on_paper(rows: Sequence[Row]) -> List[List[str]]:
    """What goes wrong, counted."""
    totals = []
    for tool in TOOLS:
        own = [row for row in rows if row.tool == tool]
        endless = sum(row.state == NEVER_ENDS for row in own)
        wrong = sum(not row.true for row in own) - endless
        needless = sum(row.needless for row in own)
        totals.append([tool, *map(str, (len(own), wrong, endless, needless))])
    return totals


def markdown(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As a page has it."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| {} |".format(" | ".join(line)) for line in lines)


def main() -> None:
    rows = measure()
    print(markdown(HEADING, rows_on_paper(rows)))
    for (situation, vendor, tool), why in NOT_APPLICABLE.items():
        print(f"\nn/a: {situation}, {vendor}, {tool}: {why}")
    print("\n" + markdown(TOTALS_HEADING, totals_on_paper(rows)))


if __name__ == "__main__":
    main()
