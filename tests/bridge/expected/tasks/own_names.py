"""We had a HightouchSyncTask of our own first."""

from prefect import Flow, Task
from prefect1_rsync import HightouchSyncTask as RsyncHightouchSyncTask


class HightouchSyncTask(Task):
    """Looks the sync's id up by its name."""

    def run(self, name):
        return {"leads": 41}[name]


look_up = HightouchSyncTask()


def build(wait: bool = True) -> Flow:
    from prefect1_rsync import AirbyteSyncTask

    with Flow("own names") as flow:
        sync: RsyncHightouchSyncTask = RsyncHightouchSyncTask(
            api_key_secret="MARKETING_HIGHTOUCH_KEY", wait_for_completion=wait, max_wait_seconds=None
        )
        started = sync(sync_id=look_up("leads"))
        AirbyteSyncTask(api_url="http://airbyte.internal:8000/api/public/v1", max_wait_seconds=None)(
            connection_id="6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b11",
            upstream_tasks=[started],
        )
    return flow


flow = build()
