"""What watching a sync costs, and how soon its end is seen: our tasks beside Prefect 1.4.1's own.

`python -m tests.benchmarks.polling` prints three tables; no time passes but on a virtual clock.
Ours talk to the sandbox, Prefect's own to a stub of the vendors' endpoints of 2022 that they call
(they know no others). Both without a socket, so that CPU time compares; requests are counted where
they arrive.
"""

import json
import logging
import statistics
import time
from contextlib import contextmanager
from typing import (
    Any,
    Callable,
    ContextManager,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)
from unittest import mock
from urllib.parse import urlsplit

import requests
from prefect.tasks.airbyte import airbyte as prefect_airbyte
from prefect.tasks.census import census as prefect_census
from prefect.tasks.hightouch import hightouch_utils as prefect_hightouch
from prefect.tasks.hightouch.hightouch_tasks import HightouchRunSync

from prefect1_rsync import AirbyteSyncTask, CensusSyncTask, HightouchSyncTask
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.tasks.base import SyncTask
from tests.clock import VirtualClock
from tests.wire import all_that_is_sent

VENDORS = ("census", "hightouch", "airbyte")
#: Seconds that a sync takes at the vendor.
DURATIONS = (10.0, 60.0, 600.0, 3600.0)
#: Seconds between looks of Prefect's own tasks, if nothing is said.
PREFECT_INTERVALS = {"census": 60.0, "hightouch": 10.0, "airbyte": 15.0}

OURS, OURS_AT_THEIRS, PREFECT = "ours", "ours, Prefect's interval", "Prefect 1.4.1"
TOOLS = (OURS, OURS_AT_THEIRS, PREFECT)

#: Added to a duration, these meet every interval in every phase: all intervals divide 60.
PHASES = tuple(2.5 + 5.0 * n for n in range(12))

#: How a run of the old endpoints ends. With another word, two of Prefect's tasks would never end.
ENDS = {"census": "completed", "hightouch": "success", "airbyte": "succeeded"}
#: No tool may look on for longer than this after the end; one that does would do so for ever.
PATIENCE_SECONDS = 600.0
MAX_REQUESTS = 10000

Answer = Tuple[int, Dict[str, str], bytes]


class Row(NamedTuple):
    """
    One sync, watched by one tool.

    Args:
        - vendor (str): one of `VENDORS`
        - duration (float): seconds from the trigger to the run's end at the vendor
        - tool (str): one of `TOOLS`
        - requests (float): how many the vendor got, all told
        - looks (float): how many of them asked how the run stands
        - delay (float): seconds from the run's end to the end of the task
        - cpu_seconds (float): CPU time of the task's `run()`, the vendor's part taken off
    """

    vendor: str
    duration: float
    tool: str
    requests: float
    looks: float
    delay: float
    cpu_seconds: float


class Cost(NamedTuple):
    """CPU time of one tool: seconds per look, and for the whole sync (None: does not apply)."""

    vendor: str
    tool: str
    looks: float
    per_look: float
    whole: Optional[float]


def measure(durations: Sequence[float] = DURATIONS, vendors: Sequence[str] = VENDORS) -> List[Row]:
    """Each vendor, duration and tool, once: nothing is left to chance but the CPU time."""
    return [
        watch(vendor, duration, tool)
        for vendor in vendors
        for duration in durations
        for tool in TOOLS
    ]


def measure_averages(
    durations: Sequence[float] = (60.0, 600.0, 3600.0), vendors: Sequence[str] = VENDORS
) -> List[Row]:
    """The same, on average over 12 syncs that take a few seconds more, up to a minute."""
    rows = []
    for vendor in vendors:
        for duration in durations:
            for tool in TOOLS:
                seen = [watch(vendor, duration + phase, tool) for phase in PHASES]
                means = [statistics.mean(column) for column in list(zip(*seen))[3:]]
                rows.append(Row(vendor, duration, tool, *means))
    return rows


def measure_costs(
    duration: float = 3600.0, repeats: int = 5, vendors: Sequence[str] = VENDORS
) -> List[Cost]:
    """CPU time of each tool, and of a bare `requests` call: the medians of interleaved repeats."""
    costs = []
    for vendor in vendors:
        runs: Dict[str, List[Row]] = {tool: [] for tool in TOOLS}
        bare = []
        for _ in range(repeats):
            for tool in TOOLS:
                runs[tool].append(watch(vendor, duration, tool))
            bare.append(bare_look_seconds(vendor))
        for tool in TOOLS:
            whole = statistics.median(row.cpu_seconds for row in runs[tool])
            looks = runs[tool][0].looks
            costs.append(Cost(vendor, tool, looks, whole / looks, whole))
        costs.append(Cost(vendor, "requests alone", 1, statistics.median(bare), None))
    return costs


def watch(vendor: str, duration: float, tool: str) -> Row:
    """
    Lets a tool start a sync of that duration and watch it to its end.

    Raises:
        - AssertionError: the tool did not see the end, or saw it before it came
    """
    clock = VirtualClock()
    server: Server
    if tool == PREFECT:
        server = OldEndpoints(vendor, duration, clock)
        run = prefect_run(vendor, clock)
    else:
        server = SandboxServer(vendor, duration, clock)
        every = PREFECT_INTERVALS[vendor] if tool == OURS_AT_THEIRS else None
        run = our_run(vendor, server.sandbox, clock, every)
    latest = clock.monotonic() + duration + PATIENCE_SECONDS

    def stop_a_runaway(_: float) -> None:
        assert clock.monotonic() <= latest, f"{vendor}, {tool}: still looking long after the end"

    clock.on_sleep = stop_a_runaway
    with quiet(), server.on_the_wire():
        began = time.process_time()
        status = run()
        cpu_seconds = time.process_time() - began - server.cpu_seconds
    delay = clock.monotonic() - server.ended_at
    assert status in ("completed", "success", "succeeded"), (vendor, tool, status)
    assert delay >= 0, (vendor, tool, delay)
    return Row(vendor, duration, tool, server.requests, server.looks, delay, cpu_seconds)


def bare_look_seconds(vendor: str, times: int = 100) -> float:
    """CPU time of our look's request, sent by `requests` and nothing else, and its `json()`."""
    clock = VirtualClock()
    server = SandboxServer(vendor, 10.0, clock)
    with quiet(), server.on_the_wire(), requests.Session() as session:
        our_run(vendor, server.sandbox, clock, None)()
        look, before = server.last_look, server.cpu_seconds
        assert look is not None and look.url is not None
        began = time.process_time()
        for _ in range(times):
            session.get(look.url, headers=look.headers).json()
        return (time.process_time() - began - (server.cpu_seconds - before)) / times


# --- the tools --------------------------------------------------------------------------------


def our_run(
    vendor: str, sandbox: Sandbox, clock: VirtualClock, every: Optional[float]
) -> Callable[[], str]:
    """Our task as it comes, but without a bound: an hour is longer than two of the defaults."""
    task: SyncTask
    if vendor == "census":
        task = CensusSyncTask(
            sync_id=1,
            api_token=sandbox.census.personal_access_token,
            base_url=sandbox.census.base_url,
            poll_status_every_n_seconds=every,
            max_wait_seconds=None,
        )
    elif vendor == "hightouch":
        task = HightouchSyncTask(
            sync_id=1,
            api_key=sandbox.hightouch.api_key,
            base_url=sandbox.hightouch.base_url,
            poll_status_every_n_seconds=every,
            max_wait_seconds=None,
        )
    else:
        task = AirbyteSyncTask(
            connection_id=sandbox.airbyte.connection_id,
            client_id=sandbox.airbyte.client_id,
            client_secret=sandbox.airbyte.client_secret,
            api_url=sandbox.airbyte.api_url,
            config_api_url=sandbox.airbyte.config_api_url,
            poll_status_every_n_seconds=every,
            max_wait_seconds=None,
        )
    task._clock = clock
    return lambda: str(task.run()["status"])


def prefect_run(vendor: str, clock: VirtualClock) -> Callable[[], str]:
    """Prefect's own task at its defaults, but waiting; its module's `sleep` winds the clock."""
    if vendor == "census":
        url = "https://bearer:secret-token:stub@app.getcensus.com/api/v1/syncs/1/trigger"
        census = prefect_census.CensusSyncTask(api_trigger=url)
        # The module uses no more of `time` than the clock has: sleep() and time().
        with_clock = mock.patch.object(prefect_census, "time", clock)
        return with_clock(lambda: str(census.run()["status"]))
    if vendor == "hightouch":
        hightouch = HightouchRunSync(api_key="stub", sync_id=1, wait_for_completion=True)
        with_clock = mock.patch.object(prefect_hightouch, "time", clock)
        return with_clock(lambda: str(hightouch.run()["sync"]["sync_status"]))
    airbyte = prefect_airbyte.AirbyteConnectionTask(
        connection_id="9924bcd0-99be-453d-ba47-c2c9766f7da5"
    )
    with_clock = mock.patch.object(prefect_airbyte, "sleep", clock.sleep)
    return with_clock(lambda: str(airbyte.run()["job_status"]))


# --- the vendors ------------------------------------------------------------------------------


class Server:
    """A vendor behind `requests`: counts what arrives, and the CPU time that answers take."""

    def __init__(self) -> None:
        self.requests = self.looks = 0
        self.cpu_seconds = 0.0
        self.last_look: Optional[requests.PreparedRequest] = None

    @property
    def ended_at(self) -> float:
        """When the one run ends, on the virtual clock."""
        raise NotImplementedError

    def answer(self, request: requests.PreparedRequest) -> Answer:
        raise NotImplementedError

    def is_look(self, request: requests.PreparedRequest) -> bool:
        """Whether the request that was just answered asked how the run stands."""
        raise NotImplementedError

    def on_the_wire(self) -> ContextManager[None]:
        """All that `requests` sends anywhere arrives here."""
        return all_that_is_sent(self._receive, content_type="application/json")

    def _receive(self, request: requests.PreparedRequest) -> Answer:
        began = time.process_time()
        self.requests += 1
        assert self.requests <= MAX_REQUESTS, "requests without end"
        answer = self.answer(request)
        if self.is_look(request):
            self.looks += 1
            self.last_look = request
        self.cpu_seconds += time.process_time() - began
        return answer


class SandboxServer(Server):
    """The sandbox, asked without a socket."""

    def __init__(self, vendor: str, duration: float, clock: VirtualClock) -> None:
        super().__init__()
        self.sandbox = Sandbox(port=8000, clock=clock.monotonic)  # never started: a mere name
        self._vendor = getattr(self.sandbox, vendor)
        self._look = "runs" if vendor == "hightouch" else "run"
        sync_id = self.sandbox.airbyte.connection_id if vendor == "airbyte" else 1
        self._vendor.script(sync_id, duration=duration)

    @property
    def ended_at(self) -> float:
        (run,) = self._vendor.state.runs
        return float(run.finished_at)

    def answer(self, request: requests.PreparedRequest) -> Answer:
        url = urlsplit(str(request.url))
        path = f"{url.path}?{url.query}" if url.query else url.path
        got = self.sandbox.respond(
            str(request.method), path, dict(request.headers), request.body or b""
        )
        return got.status, {}, got.body

    def is_look(self, request: requests.PreparedRequest) -> bool:
        last = self.sandbox.requests[-1]
        # At Hightouch, a look and the list of the newest runs are the same operation.
        return last.operation == self._look and ("runId" in last.query or self._look == "run")


class OldEndpoints(Server):
    """What Prefect 1.4.1's tasks call, as they expect it: one run, which ends well in time."""

    _LOOKS = ("/api/v1/sync_runs/7", "/api/v2/rest/sync/1", "/api/v1/jobs/get/")

    def __init__(self, vendor: str, duration: float, clock: VirtualClock) -> None:
        super().__init__()
        self._vendor, self._duration, self._clock = vendor, duration, clock
        self._triggered_at: Optional[float] = None

    @property
    def ended_at(self) -> float:
        assert self._triggered_at is not None, "no run was started"
        return self._triggered_at + self._duration

    def is_look(self, request: requests.PreparedRequest) -> bool:
        return urlsplit(str(request.url)).path in self._LOOKS

    def answer(self, request: requests.PreparedRequest) -> Answer:
        path = urlsplit(str(request.url)).path
        handlers: Dict[str, Callable[[], Any]] = {
            "POST /api/v1/syncs/1/trigger": self._trigger,
            "GET /api/v1/sync_runs/7": lambda: {"data": {"status": self._word("working")}},
            "POST /api/v2/rest/run/1": self._trigger,
            "GET /api/v2/rest/sync/1": lambda: {"sync": {"sync_status": self._word("querying")}},
            "GET /api/v1/health/": lambda: {"available": True},
            "POST /api/v1/connections/get/": lambda: {"status": "active", "syncCatalog": {}},
            "POST /api/v1/connections/sync/": self._trigger,
            "POST /api/v1/jobs/get/": self._job,
        }
        return 200, {}, json.dumps(handlers[f"{request.method} {path}"]()).encode()

    def _trigger(self) -> Dict[str, Any]:
        assert self._triggered_at is None, "started twice"
        self._triggered_at = self._clock.monotonic()
        if self._vendor == "census":
            return {"data": {"sync_run_id": 7}}
        return {"message": "OK"} if self._vendor == "hightouch" else self._job()

    def _job(self) -> Dict[str, Any]:
        return {
            "job": {"id": 7, "status": self._word("running"), "createdAt": 1, "updatedAt": 1},
            "attempts": [],
        }

    def _word(self, working: str) -> str:
        return ENDS[self._vendor] if self._clock.monotonic() >= self.ended_at else working


@contextmanager
def quiet() -> Iterator[None]:
    """No tool logs a line: writing them is none of its costs."""
    logger = logging.getLogger("prefect")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


# --- on paper ---------------------------------------------------------------------------------


def ratio(ours: float, theirs: float) -> str:
    """`0.35`; a number divided by nothing is no number, and says so."""
    return f"{ours / theirs:.2f}" if theirs else f"{ours:.1f}/0 undef."


def polling_table(rows: Sequence[Row]) -> str:
    """The rows, with the ratios of ours to Prefect's."""
    theirs = {(row.vendor, row.duration): row for row in rows if row.tool == PREFECT}
    lines: List[Tuple[str, ...]] = [
        ("vendor", "sync s", "tool", "requests", "seen after s", "requests ratio", "delay ratio")
    ]
    for row in rows:
        other = theirs[row.vendor, row.duration]
        own = row.tool == PREFECT
        lines.append(
            (
                row.vendor,
                f"{row.duration:.0f}",
                row.tool,
                f"{row.requests:.4g}",
                f"{row.delay:.1f}",
                "" if own else ratio(row.requests, other.requests),
                "" if own else ratio(row.delay, other.delay),
            )
        )
    return _aligned(lines)


def cost_table(costs: Sequence[Cost]) -> str:
    """The costs, with the ratios of ours to Prefect's."""
    theirs = {cost.vendor: cost for cost in costs if cost.tool == PREFECT}
    lines: List[Tuple[str, ...]] = [
        ("vendor", "looks", "tool", "ms per look", "ms in all", "per look ratio", "in all ratio")
    ]
    for cost in costs:
        other = theirs[cost.vendor]
        own = cost.tool == PREFECT
        assert other.whole is not None
        lines.append(
            (
                cost.vendor,
                f"{cost.looks:.0f}",
                cost.tool,
                f"{cost.per_look * 1000:.2f}",
                "" if cost.whole is None else f"{cost.whole * 1000:.0f}",
                "" if own else ratio(cost.per_look, other.per_look),
                "" if own or cost.whole is None else ratio(cost.whole, other.whole),
            )
        )
    return _aligned(lines)


def _aligned(lines: Sequence[Tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = []
    for line in lines:
        cells = [
            cell.ljust(width) if number in (0, 2) else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths))
        ]
        text.append("  ".join(cells).rstrip())
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text)


NOTES = """\
Ratios are ours / Prefect's (in the second table: of the averages); under 1.00 is less than theirs.
"undef.": Prefect's task looked in the very second in which the sync ended, so there is nothing to
divide by. That is luck of round numbers: all these durations are multiples of its interval, but for
the 10 s at Census and Airbyte. In the second table the syncs end in every phase of every interval.
Ours have max_wait_seconds=None here: the defaults, 900 s at Hightouch and 1800 s at Airbyte, would
give up before an hour has passed. Prefect's Hightouch task waits only because it is told to.
Ours read the list of the newest runs before they start one, Prefect's do not.
At Airbyte, ours log in (a token, and a new one before it expires), read the connection and, at the
end, the rejected records; Prefect's send no login, and ask for health and the connection first."""

COST_NOTES = """\
CPU time of the task's run(), start and end included, divided by its looks; the vendor's part is
taken off. Not in it: sockets and TLS. (Prefect's Census task opens a new connection for every look,
all others use theirs again.) In Prefect's favour: its stub answers with no more than the fields
that it reads, the sandbox with whole objects. "requests alone" is our look's request, sent by
requests.Session over the same wire, and json(): what ours have above it is the engine, the start
and the end."""


def main() -> None:
    print("Requests, and seconds from the sync's end until the task knows\n")
    print(polling_table(measure()))
    print("\nThe same on average over 12 syncs that take 2.5, 7.5, ... 57.5 s longer\n")
    print(polling_table(measure_averages()))
    print("\n" + NOTES)
    print("\nCPU time over a sync of an hour (medians of 5, interleaved)\n")
    print(cost_table(measure_costs()))
    print("\n" + COST_NOTES)


if __name__ == "__main__":
    main()
