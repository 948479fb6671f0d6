"""Nothing here is anybody's sync."""

from prefect import Flow, task
from prefect.tasks.secrets import PrefectSecret


@task
def tidy(folder):
    return folder


with Flow("housekeeping") as flow:
    tidy(PrefectSecret("FOLDER"))
