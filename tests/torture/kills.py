"""Workers killed by SIGKILL in mid-sync, for real: how many runs does the vendor see?

    python -m tests.torture.kills 10
"""

import os
import random
import subprocess
import sys
import time
from typing import Any, Dict, List, Set

import psutil

from prefect1_rsync.sandbox import Sandbox
from tests.tasks.fast import FACTOR, FastClock

VENDORS = ("census", "hightouch", "airbyte")
#: Seconds that a sync takes; about as long as two starts of a flow.
SYNC_SECONDS = 8.0
LIMIT_SECONDS = 120.0


def kill_once(executor: str, seed: int) -> Dict[str, Any]:
    """
    One flow run whose workers are killed once in mid-sync, and that is restarted if it fails.

    Args:
        - executor (str): `local-dask` (processes) or `dask` (worker processes)
        - seed (int): chooses the moment

    Returns:
        - dict: `killed` processes, `starts` of the flow, `accepted` triggers by vendor, `ended`
            lines of the flow that succeeded
    """
    chance = random.Random(seed)
    with Sandbox(clock=FastClock().monotonic) as sandbox:
        connection = sandbox.airbyte.connection_id
        for room, sync in zip(
            (sandbox.census, sandbox.hightouch, sandbox.airbyte), (1, 1, connection)
        ):
            room.script(sync, duration=SYNC_SECONDS * FACTOR)
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
        command = [sys.executable, "-m", "tests.torture.killed_flow", executor, connection]
        killed: Set[int] = set()
        end = time.monotonic() + LIMIT_SECONDS
        for starts in range(1, 4):
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            try:
                if not killed:
                    while sum(getattr(sandbox, vendor).accepted() for vendor in VENDORS) < 3:
                        assert time.monotonic() < end, "the syncs were not started"
                        assert process.poll() is None, process.communicate()[0].decode()[-2000:]
                        time.sleep(0.05)
                    time.sleep(chance.uniform(0.0, SYNC_SECONDS / 4))
                    killed = kill_workers(process.pid)
                    if executor == "local-dask":
                        # A multiprocessing.Pool never notices that a worker's task is lost: the
                        # flow would wait for ever, until somebody ends it. So do we.
                        time.sleep(1.0)
                        process.kill()
                output = process.communicate(timeout=max(1.0, end - time.monotonic()))[0].decode()
            finally:
                for child in children(process.pid):
                    child.kill()
                process.kill()
                process.wait()
            if process.returncode == 0:
                break
        return {
            "killed": len(killed),
            "starts": starts,
            "accepted": {vendor: getattr(sandbox, vendor).accepted() for vendor in VENDORS},
            "ended": sorted(line for line in output.splitlines() if line.startswith("ended")),
            "right": sorted(
                f"ended {vendor} {getattr(sandbox, vendor).runs[0].id} completed"
                for vendor in VENDORS
            ),
            "output": output,
        }


def children(pid: int) -> List[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def kill_workers(pid: int) -> Set[int]:
    """SIGKILL to every worker process of the flow; what keeps the books for them is spared."""
    killed = set()
    for child in children(pid):
        try:
            if not any("tracker" in part for part in child.cmdline()):
                child.kill()
                killed.add(child.pid)
        except psutil.NoSuchProcess:
            pass
    return killed


def main(times: int) -> int:
    wrong = 0
    for executor in ("local-dask", "dask"):
        started = kills = accepted = 0
        for seed in range(times):
            outcome = kill_once(executor, seed)
            kills += 1
            started += outcome["starts"]
            accepted += sum(outcome["accepted"].values())
            if outcome["ended"] != outcome["right"] or accepted != 3 * kills:
                wrong += 1
                print(outcome)
        print(
            f"{executor}: {kills} flow runs whose workers were killed, {started} starts of the "
            f"flow, {3 * kills} syncs, {accepted} runs started at the vendors"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
