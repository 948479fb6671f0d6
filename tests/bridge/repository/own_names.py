"""We had a HightouchSyncTask of our own first."""

from prefect import Flow, Task
from prefect.tasks.hightouch import HightouchRunSync


class HightouchSyncTask(Task):
    """Looks the sync's id up by its name."""

    def run(self, name):
        return {"leads": 41}[name]


look_up = HightouchSyncTask()


def build(wait: bool = True) -> Flow:
    from prefect.tasks.airbyte import AirbyteConnectionTask

    with Flow("own names") as flow:
        sync: HightouchRunSync = HightouchRunSync(
            api_key_env_var="MARKETING_HIGHTOUCH_KEY", wait_for_completion=wait
        )
        started = sync(sync_id=look_up("leads"))
        AirbyteConnectionTask(airbyte_server_host="airbyte.internal")(
            connection_id="6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b11",
            upstream_tasks=[started],
        )
    return flow


flow = build()
