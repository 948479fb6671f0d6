# Audiences to the ad networks.
from prefect import Flow, Parameter
from prefect.tasks.hightouch import HightouchRunSync

run_sync = HightouchRunSync(
    api_key_env_var="MARKETING_HIGHTOUCH_KEY",
    wait_for_completion=True,
    wait_time_between_api_calls=20,
    max_retries=0
)

with Flow("audiences") as flow:
    sync_id = Parameter("sync_id", default=41)
    max_wait = Parameter("max_wait", default=1800)
    first = run_sync(sync_id=sync_id, max_wait_time=max_wait)
    # The second needs what the first has written.
    second = run_sync(sync_id=42, upstream_tasks=[first])
