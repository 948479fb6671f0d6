"""Orders from the shops, one Airbyte connection a shop, mapped."""

from prefect import Flow, unmapped
from prefect1_rsync.legacy import AirbyteConnectionTask

# Filled by the platform team; ask them before you change it.
SHOPS = [
    "6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b11",  # Berlin
    "6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b12",  # Oslo
]

sync_shop = AirbyteConnectionTask(
    airbyte_server_host="airbyte.internal",  # the old box
    airbyte_server_port=8000,  # not 8001, that is the UI
    airbyte_api_version="v1",
    stream_output=True,
    name="sync shop",
)

with Flow("orders") as flow:
    synced = sync_shop.map(connection_id=SHOPS, poll_interval_s=unmapped(30))

if __name__ == "__main__":
    flow.run()
