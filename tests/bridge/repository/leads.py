"""Leads, by way of aliases."""

from prefect import Flow
from prefect.tasks.airbyte.airbyte import (
    AirbyteConnectionTask as Pull,  # from the forms
)
from prefect.tasks.hightouch.hightouch_tasks import HightouchRunSync as Push
from prefect.tasks.secrets import PrefectSecret

pull = Pull(airbyte_server_host="airbyte.internal", connection_id="6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b12")
push = Push(sync_id=41, wait_for_completion=True, max_wait_time=600)

with Flow("leads") as flow:
    pulled = pull(poll_interval_s=10)
    pushed = push(api_key=PrefectSecret("HIGHTOUCH_KEY"), upstream_tasks=[pulled])
