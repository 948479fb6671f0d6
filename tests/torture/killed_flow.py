"""A flow with the three syncs, as a program of its own, so that its workers can be killed."""

import sys

from prefect import Flow
from prefect.executors import DaskExecutor, LocalDaskExecutor

from prefect1_rsync import AirbyteSyncTask, CensusSyncTask, HightouchSyncTask
from tests.tasks.fast import FastClock


def main(executor: str, connection: str) -> int:
    tasks = (
        CensusSyncTask(sync_id=1, resume=True),
        HightouchSyncTask(sync_id=1, resume=True),
        AirbyteSyncTask(connection, resume=True),
    )
    with Flow("killed") as flow:
        bound = []
        for task in tasks:
            task._clock = FastClock()
            bound.append(task())
    if executor == "dask":
        kwargs = {"n_workers": 2, "threads_per_worker": 2, "dashboard_address": None}
        state = flow.run(executor=DaskExecutor(cluster_kwargs=kwargs))
    else:
        state = flow.run(executor=LocalDaskExecutor(scheduler="processes", num_workers=3))
    for task in bound:
        result = state.result[task].result
        print(f"ended {result['vendor']} {result['run_id']} {result['status']}", flush=True)
    return 0 if state.is_successful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
