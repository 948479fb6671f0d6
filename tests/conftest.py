"""What all tests share: a virtual clock, repeatable property tests, a clean environment."""

import gc
import os
import re
import time

import pytest
from hypothesis import HealthCheck, settings

from tests.clock import VirtualClock

settings.register_profile(
    "default",
    derandomize=True,
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")

LONGEST_SLEEP = 0.3
# The parameter of a test that has a Dask cluster in its process.
_DASK = re.compile(r"[\[-](?<!\blocal-)dask-")


def pytest_collection_modifyitems(items):
    """Dask's scheduler leaves sockets to the garbage collector: no fault of the test."""
    for item in items:
        if _DASK.search(item.name):
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(autouse=True)
def _nothing_left_to_the_next_test(request):
    yield
    if _DASK.search(request.node.name):
        gc.collect()


@pytest.fixture
def clock():
    """A clock that only sleeping winds."""
    return VirtualClock()


@pytest.fixture(autouse=True)
def _no_vendor_environment(monkeypatch):
    """The developer's own credentials must neither help nor harm a test."""
    for name in list(os.environ):
        if name.startswith(("CENSUS_", "HIGHTOUCH_", "AIRBYTE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def no_long_sleep(monkeypatch):
    """Makes a real sleep of more than a moment an error."""
    sleep = time.sleep

    def short_sleep(seconds):
        assert seconds <= LONGEST_SLEEP, f"a real sleep of {seconds} s"
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", short_sleep)
