"""Airbyte, but never on the first of the month; and a plain sync after it."""

from prefect import Flow
from prefect.engine.signals import SKIP
from prefect1_rsync.legacy import AirbyteConnectionTask
from prefect1_rsync.legacy import AirbyteSyncJobFailed
from prefect1_rsync.legacy import CensusSyncTask
from prefect.tasks.secrets import PrefectSecret


class CarefulAirbyte(AirbyteConnectionTask):
    """Skips the day of the accountants."""

    def __init__(self, day=2, **kwargs):
        self.day = day
        super().__init__(**kwargs)

    def run(self, **kwargs):
        if self.day == 1:
            raise SKIP("the accountants are at it")
        try:
            return super().run(**kwargs)
        except AirbyteSyncJobFailed:
            self.logger.error("call the accountants")
            raise


class LoggedCensus(CensusSyncTask):
    def run(self, api_trigger=None, poll_status_every_n_seconds=10):
        self.logger.info("off we go")
        return super().run(
            api_trigger=api_trigger, poll_status_every_n_seconds=poll_status_every_n_seconds
        )


ledger = CarefulAirbyte(
    airbyte_server_host="airbyte.internal", connection_id="6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b13"
)
invoices = AirbyteConnectionTask("airbyte.internal", 8000, "v1", "6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b11")
logged = LoggedCensus()

with Flow("ledger") as flow:
    written = ledger(connection_id="6f1f3c0e-2f5b-4c39-8f5a-3d2a9d0c1b13")
    sent = invoices(upstream_tasks=[written])
    logged(api_trigger=PrefectSecret("CENSUS_CONTACTS_TRIGGER"), upstream_tasks=[sent])
