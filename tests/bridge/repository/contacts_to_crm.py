"""Contacts to the CRM. The trigger URL is a Prefect secret."""
import prefect
import prefect.tasks.census
from prefect import Flow, task
from prefect.tasks.secrets import PrefectSecret


@task
def report(stats):
    logger = prefect.context.get("logger")
    logger.info("%s records", stats["records_processed"])
    return stats["status"]


sync = prefect.tasks.census.CensusSyncTask()

with Flow("contacts") as flow:
    trigger = PrefectSecret("CENSUS_CONTACTS_TRIGGER")
    status = report(sync(trigger, 30))
