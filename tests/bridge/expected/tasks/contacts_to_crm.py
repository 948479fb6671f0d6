"""Contacts to the CRM. The trigger URL is a Prefect secret."""
import prefect
from prefect1_rsync import CensusSyncTask
from prefect import Flow, task
from prefect.tasks.secrets import PrefectSecret


@task
def report(stats):
    logger = prefect.context.get("logger")
    logger.info("%s records", stats["records_processed"])
    return stats["status"]


sync = CensusSyncTask()

with Flow("contacts") as flow:
    trigger = PrefectSecret("CENSUS_CONTACTS_TRIGGER")
    status = report(sync(api_trigger=trigger, poll_status_every_n_seconds=30))
