"""The modules of Prefect's own tasks, on a virtual clock."""

from contextlib import contextmanager
from typing import Iterator
from unittest import mock

from prefect.tasks.airbyte import airbyte
from prefect.tasks.census import census
from prefect.tasks.hightouch import hightouch_utils

from tests.clock import VirtualClock


@contextmanager
def time_of_prefects_tasks(clock: VirtualClock) -> Iterator[None]:
    """Their modules use no more of `time` than the clock has: sleep() and time()."""
    with mock.patch.object(census, "time", clock), mock.patch.object(
        hightouch_utils, "time", clock
    ), mock.patch.object(airbyte, "sleep", clock.sleep):
        yield
