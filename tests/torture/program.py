"""A flow with the three syncs, as a program of its own, so that it can be stopped and killed."""

import json
import sys
from typing import Any, Dict

from prefect import Flow
from prefect.executors import DaskExecutor, LocalDaskExecutor, LocalExecutor

from prefect1_rsync import AirbyteSyncTask, CensusSyncTask, HightouchSyncTask
from tests.tasks.fast import FastClock

# One worker is enough for all three syncs: after a kill, Dask may be slow to bring both back.
DASK = {"n_workers": 2, "threads_per_worker": 3, "dashboard_address": ":0"}
EXECUTORS = {
    "local": LocalExecutor,
    "local-dask-threads": lambda: LocalDaskExecutor(scheduler="threads", num_workers=3),
    "local-dask-processes": lambda: LocalDaskExecutor(scheduler="processes", num_workers=3),
    "dask-processes": lambda: DaskExecutor(cluster_kwargs=DASK),
}


def main(executor: str, connection: str, arguments: Dict[str, Any]) -> int:
    tasks = [
        CensusSyncTask(sync_id=1, **arguments),
        AirbyteSyncTask(connection, **arguments),
    ]
    if not arguments.get("cancel_remote_run"):
        tasks.append(HightouchSyncTask(sync_id=1, **arguments))
    with Flow("program") as flow:
        bound = []
        for task in tasks:
            task._clock = FastClock()
            bound.append(task())
    state = flow.run(executor=EXECUTORS[executor]())
    for task in bound:
        result = state.result[task].result
        if isinstance(result, dict):
            print(f"ended {result['vendor']} {result['run_id']} {result['status']}", flush=True)
    return 0 if state.is_successful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
