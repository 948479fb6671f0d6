"""Which class does what; the flows are made from a table."""

from prefect import Flow
from prefect.tasks.airbyte import AirbyteConnectionTask
from prefect.tasks.hightouch import HightouchRunSync

KINDS = {
    "pull": AirbyteConnectionTask,
    "push": HightouchRunSync,
}
TABLE = [
    (
        "pull",
        {
            "airbyte_server_host": "airbyte.internal",
            "connection_id": "6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b11",
        },
    ),
    ("push", {"api_key_env_var": "MARKETING_HIGHTOUCH_KEY", "sync_id": 42}),
]


def build():
    with Flow("registry") as flow:
        before = None
        for kind, arguments in TABLE:
            task = KINDS[kind](**arguments)
            flow.add_task(task)
            if before is not None:
                task.set_upstream(before)
            before = task
    return flow


flow = build()
