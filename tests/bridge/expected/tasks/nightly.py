"""The nightly run, and the backup of Airbyte's settings."""

import os

import prefect.tasks.airbyte as ab
from prefect1_rsync import AirbyteSyncTask
from prefect import Flow

HOST = "airbyte.internal"

products = AirbyteSyncTask(
    api_url="http://{}:{}/api/public/v1".format(HOST, os.environ.get("AIRBYTE_PORT", "8000")),
    connection_id="6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b11",
    max_wait_seconds=None,
)
backup = ab.AirbyteConfigurationExport(airbyte_server_host=HOST)

with Flow("nightly") as flow:
    products.set_upstream(backup)

if __name__ == "__main__":
    flow.run()
