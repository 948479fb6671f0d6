"""No test here sleeps for real."""

import pytest


@pytest.fixture(autouse=True)
def _no_long_sleep(no_long_sleep):
    pass
