"""The demo's flows. Copy them: addresses and credentials come from the environment."""

from prefect import Flow
from prefect.executors import LocalDaskExecutor

from prefect1_rsync import AirbyteSyncTask, CensusSyncTask, HightouchSyncTask


def side_by_side(connection_id: str) -> Flow:
    """Three syncs of three vendors at the same time."""
    with Flow("three syncs side by side") as flow:
        AirbyteSyncTask(connection_id=connection_id)()
        CensusSyncTask(sync_id=1)()
        HightouchSyncTask(sync_id=1, workspace_slug="demo")()
    flow.executor = LocalDaskExecutor(scheduler="threads", num_workers=3)
    return flow


def bound_to_fail() -> Flow:
    """One sync, of which the vendor will say that it failed: so does the flow."""
    with Flow("a sync that fails") as flow:
        HightouchSyncTask(sync_id=2, workspace_slug="demo")()
    return flow
