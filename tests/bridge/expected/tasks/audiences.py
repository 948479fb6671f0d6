# Audiences to the ad networks.
from prefect import Flow, Parameter
from prefect1_rsync import HightouchSyncTask

run_sync = HightouchSyncTask(
    api_key_secret="MARKETING_HIGHTOUCH_KEY",
    wait_for_completion=True,
    poll_status_every_n_seconds=20,
    max_retries=0,
    max_wait_seconds=None
)

with Flow("audiences") as flow:
    sync_id = Parameter("sync_id", default=41)
    max_wait = Parameter("max_wait", default=1800)
    first = run_sync(sync_id=sync_id, max_wait_seconds=max_wait)
    # The second needs what the first has written.
    second = run_sync(sync_id=42, upstream_tasks=[first])
