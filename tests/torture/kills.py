"""Workers killed and flows stopped, for real: what becomes of the runs at the vendors?

python -m tests.torture.kills 10     # SIGKILL in mid-sync, ten times on each executor
python -m tests.torture.kills stops  # a table: who gets to cancel, on which executor
"""

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List

import psutil

from prefect1_rsync.sandbox import Sandbox
from tests.tasks.fast import FACTOR, FastClock
from tests.torture.program import EXECUTORS

VENDORS = ("census", "hightouch", "airbyte")
#: Seconds that a sync takes; longer than the start of a flow.
SYNC_SECONDS = 8.0
LIMIT_SECONDS = 120.0


def kill_once(executor: str, seed: int) -> Dict[str, Any]:
    """
    One flow run whose workers are killed once in mid-sync, and that is restarted if it fails.

    Args:
        - executor (str): one that has worker processes
        - seed (int): chooses the moment

    Returns:
        - dict: `killed` processes, `starts` of the flow, `accepted` triggers by vendor, `ended`
            lines of the flow that succeeded, and the lines that would be `right`
    """
    chance = random.Random(seed)
    killed: List[int] = []
    starts = 0
    # They end when their watcher is back, and no task gives up before: however long a busy machine
    # takes to start it again.
    arguments = {"resume": True, "max_wait_seconds": LIMIT_SECONDS * FACTOR}
    with vendors(math.inf) as sandbox:
        for _ in range(3):
            starts += 1
            with program(sandbox, executor, arguments) as process:
                if not killed:
                    await_triggers(sandbox, process, len(VENDORS))
                    time.sleep(chance.uniform(0.0, SYNC_SECONDS / 4))
                    killed = kill_workers(process.pid)
                    if executor == "local-dask-processes":
                        # A multiprocessing.Pool never notices that a worker's task is lost: the
                        # flow would wait for ever, until somebody ends it. So do we.
                        time.sleep(1.0)
                        process.kill()
                        process.wait()
                        continue
                await_looks(sandbox, process)
                output = process.communicate(timeout=LIMIT_SECONDS)[0].decode()
            if process.returncode == 0:
                break
        rooms = [getattr(sandbox, vendor) for vendor in VENDORS]
        return {
            "killed": len(killed),
            "starts": starts,
            "accepted": sum(room.accepted() for room in rooms),
            "ended": sorted(line for line in output.splitlines() if line.startswith("ended")),
            "right": sorted(f"ended {room.name} {room.runs[0].id} completed" for room in rooms),
            "output": output,
        }


def stop_once(executor: str, how: str) -> Dict[str, Any]:
    """
    One flow run with `cancel_remote_run=True` that is stopped in mid-sync.

    Args:
        - executor (str): which
        - how (str): `SIGINT` to the flow's process (as Prefect's cancellation does), or `timeout`
            (Prefect's own `Task(timeout=2)`)

    Returns:
        - dict: `cancelled` (how many of the two runs), `seconds` from the stop until then
    """
    arguments: Dict[str, Any] = {"cancel_remote_run": True}
    if how == "timeout":
        arguments["timeout"] = 2
    with vendors() as sandbox, program(sandbox, executor, arguments) as process:
        # One after the other on the local executor, side by side on the others.
        await_triggers(sandbox, process, 1 if executor == "local" else 2)
        time.sleep(1.0)
        begin = time.monotonic()
        if how == "SIGINT":
            process.send_signal(signal.SIGINT)
        else:
            begin += 1.0
        runs = list(sandbox.census.runs + sandbox.airbyte.runs)
        while time.monotonic() - begin < SYNC_SECONDS - 2.0:
            if all(run.cancelled_at < float("inf") for run in runs):
                break
            time.sleep(0.02)
        return {
            "runs": len(runs),
            "cancelled": sum(run.cancelled_at < float("inf") for run in runs),
            "seconds": time.monotonic() - begin,
        }


@contextmanager
def vendors(seconds: float = SYNC_SECONDS) -> Iterator[Sandbox]:
    """A sandbox whose syncs take their time."""
    with Sandbox(clock=FastClock().monotonic) as sandbox:
        for vendor, sync in zip(VENDORS, (1, 1, sandbox.airbyte.connection_id)):
            getattr(sandbox, vendor).script(sync, duration=seconds * FACTOR)
        yield sandbox


@contextmanager
def program(
    sandbox: Sandbox, executor: str, arguments: Dict[str, Any]
) -> "Iterator[subprocess.Popen[bytes]]":
    """The flow as a process, and nothing of it left behind."""
    environment = dict(
        os.environ,
        CENSUS_BASE_URL=sandbox.census.base_url,
        CENSUS_API_TOKEN=sandbox.census.personal_access_token,
        HIGHTOUCH_BASE_URL=sandbox.hightouch.base_url,
        HIGHTOUCH_API_KEY=sandbox.hightouch.api_key,
        AIRBYTE_API_URL=sandbox.airbyte.api_url,
        AIRBYTE_CLIENT_ID=sandbox.airbyte.client_id,
        AIRBYTE_CLIENT_SECRET=sandbox.airbyte.client_secret,
    )
    connection, given = sandbox.airbyte.connection_id, json.dumps(arguments)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.torture.program", executor, connection, given],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A shell that runs us in the background has switched SIGINT off, for our children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        left = children(process.pid)
        process.kill()
        for child in left:
            child.kill()
        process.communicate()


def await_triggers(sandbox: Sandbox, process: "subprocess.Popen[bytes]", number: int) -> None:
    """Waits until so many syncs have been started at the vendors."""
    end = time.monotonic() + LIMIT_SECONDS
    while sum(getattr(sandbox, vendor).accepted() for vendor in VENDORS) < number:
        assert time.monotonic() < end, "the syncs were not started"
        assert process.poll() is None, process.communicate()[0].decode()[-2000:]
        time.sleep(0.05)


def await_looks(sandbox: Sandbox, process: "subprocess.Popen[bytes]") -> None:
    """Waits until every run is watched again, and lets it end then."""
    since = FastClock().monotonic()
    end = time.monotonic() + LIMIT_SECONDS
    waiting = set(VENDORS)
    while waiting:
        assert time.monotonic() < end, f"nobody looks at {waiting}"
        assert process.poll() is None, process.communicate()[0].decode()[-2000:]
        waiting -= {it.vendor for it in sandbox.requests if it.at > since and "run" in it.operation}
        time.sleep(0.05)
    for vendor in VENDORS:
        for run in getattr(sandbox, vendor).runs:
            run.outcome.duration = FastClock().monotonic() - run.started_at


def children(pid: int) -> List[psutil.Process]:
    """All processes below this one."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def kill_workers(pid: int) -> List[int]:
    """SIGKILL to every worker process of the flow; what keeps the books for them is spared."""
    killed = []
    for child in children(pid):
        try:
            if not any("resource_tracker" in part for part in child.cmdline()):
                child.kill()
                killed.append(child.pid)
        except psutil.NoSuchProcess:
            pass
    return killed


def print_kills(times: int) -> int:
    """Prints the counts; returns how many flow runs went wrong."""
    wrong = 0
    for executor in ("local-dask-processes", "dask-processes"):
        outcomes = [kill_once(executor, seed) for seed in range(times)]
        wrong += sum(
            o["ended"] != o["right"] or o["accepted"] != 3 or not o["killed"] for o in outcomes
        )
        print(
            f"{executor}: {times} flow runs, {sum(o['killed'] for o in outcomes)} of their workers "
            "killed in mid-sync, "
            f"{sum(o['starts'] for o in outcomes)} starts of the flow, {3 * times} syncs, "
            f"{sum(o['accepted'] for o in outcomes)} runs started at the vendors",
            flush=True,
        )
    return wrong


def print_stops() -> int:
    """Prints who gets to cancel."""
    for how in ("SIGINT", "timeout"):
        for executor in EXECUTORS:
            outcome = stop_once(executor, how)
            print(
                f"{how:8} {executor:22} {outcome['cancelled']} of {outcome['runs']} cancelled"
                + (f" after {outcome['seconds']:.1f} s" if outcome["cancelled"] else ""),
                flush=True,
            )
    return 0


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else "10"
    sys.exit(print_stops() if what == "stops" else print_kills(int(what)))
