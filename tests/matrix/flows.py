"""A flow for test_prefect_works.py; in a module of its own for worker processes and `prefect run`.

It has what a user's flow has: a parameter, a map, a retry, a secret, a cron schedule.
"""

from datetime import timedelta
from typing import List

import pendulum
import prefect
from prefect import Flow, Parameter, Task
from prefect.schedules import CronSchedule
from prefect.tasks.secrets import PrefectSecret

import prefect1_rsync  # noqa: F401  # mends pendulum 3, as it does in a user's flow

START = pendulum.datetime(2026, 3, 27, tz="Europe/Berlin")
EVERY_MORNING = CronSchedule("0 9 * * *", start_date=START)


class Double(Task):
    def run(self, number: int = 0) -> int:
        return 2 * number


class SecondTimeLucky(Task):
    def run(self) -> int:
        if prefect.context.task_run_count < 2:
            raise ConnectionError("the first attempt fails")
        return int(prefect.context.task_run_count)


class Report(Task):
    def run(self, doubled: List[int], attempts: int, key: str) -> dict:
        return {"doubled": doubled, "attempts": attempts, "key_length": len(key)}


with Flow("matrix", schedule=EVERY_MORNING) as flow:
    numbers = Parameter("numbers", default=[1, 2, 3])
    report = Report()(
        doubled=Double().map(numbers),
        attempts=SecondTimeLucky(max_retries=1, retry_delay=timedelta(0))(),
        key=PrefectSecret("MATRIX_KEY"),
    )
