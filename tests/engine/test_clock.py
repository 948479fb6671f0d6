import time

import pytest

from prefect1_rsync.engine.clock import SLICE_SECONDS, RealClock
from tests.clock import VirtualClock


def test_the_real_clock_is_the_machines():
    clock = RealClock()
    before = time.monotonic(), time.time()
    now = clock.monotonic(), clock.time()
    assert before <= now <= (time.monotonic(), time.time())


def test_the_real_clock_sleeps_in_slices_so_that_an_exception_gets_through(monkeypatch):
    slept = []
    virtual = VirtualClock()
    monkeypatch.setattr(time, "monotonic", virtual.monotonic)
    monkeypatch.setattr(
        time, "sleep", lambda seconds: (slept.append(seconds), virtual.wind(seconds))
    )
    RealClock().sleep(10.1)
    assert sum(slept) == pytest.approx(10.1)
    assert max(slept) <= SLICE_SECONDS < 1


def test_the_virtual_clock_passes_by_sleeping_alone():
    clock = VirtualClock(epoch=0)
    start = clock.monotonic()
    clock.sleep(7)
    clock.wind(3)
    assert (clock.monotonic() - start, clock.time(), clock.sleeps) == (10, 10, [7])
