"""Leads, by way of aliases."""

from prefect import Flow
from prefect1_rsync import (
    AirbyteSyncTask as Pull,  # from the forms
)
from prefect1_rsync import HightouchSyncTask as Push
from prefect.tasks.secrets import PrefectSecret

pull = Pull(api_url="http://airbyte.internal:8000/api/public/v1", connection_id="6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b12", max_wait_seconds=None)
push = Push(sync_id=41, wait_for_completion=True, max_wait_seconds=600)

with Flow("leads") as flow:
    pulled = pull(poll_status_every_n_seconds=10)
    pushed = push(api_key=PrefectSecret("HIGHTOUCH_KEY"), upstream_tasks=[pulled])
