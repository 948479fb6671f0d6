"""The benchmark still measures what it says; none of its numbers is a promise of speed."""

from functools import lru_cache
from typing import Dict, Tuple

import pytest

from tests.benchmarks import polling
from tests.benchmarks.polling import OURS, OURS_AT_THEIRS, PREFECT, Row

pytestmark = pytest.mark.usefixtures("no_long_sleep")

# Requests and seconds until seen, of Prefect's own tasks: read off their code, look by look.
PREFECT_ROWS = {
    ("census", 10.0): (2, 50.0),
    ("census", 60.0): (2, 0.0),
    ("hightouch", 10.0): (3, 0.0),
    ("hightouch", 60.0): (8, 0.0),
    ("airbyte", 10.0): (5, 5.0),
    ("airbyte", 60.0): (8, 0.0),
}


@lru_cache(maxsize=None)
def measured() -> Dict[Tuple[str, float, str], Row]:
    rows = polling.measure(durations=(10.0, 60.0))
    return {(row.vendor, row.duration, row.tool): row for row in rows}


@pytest.fixture
def rows(no_long_sleep) -> Dict[Tuple[str, float, str], Row]:
    """Measured once, by whoever comes first."""
    return measured()


def test_every_vendor_duration_and_tool_is_measured(rows) -> None:
    wanted = {
        (vendor, duration, tool)
        for vendor in polling.VENDORS
        for duration in (10.0, 60.0)
        for tool in polling.TOOLS
    }
    assert set(rows) == wanted
    for row in rows.values():
        assert row.requests > row.looks >= 1
        assert row.cpu_seconds > 0


@pytest.mark.parametrize("vendor", polling.VENDORS)
@pytest.mark.parametrize("duration", [10.0, 60.0])
def test_ours_see_the_end_within_the_rule(rows, vendor: str, duration: float) -> None:
    row = rows[vendor, duration, OURS]
    assert 0 <= row.delay <= max(5.0, min(60.0, duration / 10))
    # No two looks closer than 5 s; what is not a look lists, starts, logs in, or asks for reasons.
    assert row.looks <= duration / 5
    assert row.requests - row.looks <= 5

    explicit = rows[vendor, duration, OURS_AT_THEIRS]
    assert 0 <= explicit.delay < polling.PREFECT_INTERVALS[vendor]
    assert (duration + explicit.delay) % polling.PREFECT_INTERVALS[vendor] == 0


@pytest.mark.parametrize("vendor, duration", list(PREFECT_ROWS))
def test_prefects_own_do_what_their_code_says(rows, vendor: str, duration: float) -> None:
    row = rows[vendor, duration, PREFECT]
    assert (row.requests, row.delay) == PREFECT_ROWS[vendor, duration]


@pytest.mark.parametrize("vendor", ["hightouch", "airbyte"])
def test_a_task_that_never_ends_is_stopped(monkeypatch, vendor: str) -> None:
    monkeypatch.setitem(polling.ENDS, vendor, "cancelled")
    with pytest.raises(AssertionError, match="still looking long after the end"):
        polling.watch(vendor, 10.0, PREFECT)


def test_over_all_phases_a_fixed_interval_is_late_by_half_of_it() -> None:
    for row in polling.measure_averages(durations=(60.0,), vendors=("airbyte",)):
        if row.tool != OURS:
            assert row.delay == polling.PREFECT_INTERVALS["airbyte"] / 2


def test_the_tables_say_where_a_ratio_is_none(rows) -> None:
    table = polling.polling_table(list(rows.values()))
    census_10, _, _, census_60 = table.splitlines()[2:6]
    assert census_10.split()[:3] == ["census", "10", "ours"]
    assert census_10.split()[-1] == "0.00"
    assert census_60.split()[:3] == ["census", "60", "ours"]
    assert census_60.endswith("/0 undef.")


def test_the_costs_are_those_of_every_tool() -> None:
    costs = polling.measure_costs(duration=60.0, repeats=1)
    assert [cost.tool for cost in costs] == [*polling.TOOLS, "requests alone"] * 3
    assert all(cost.per_look > 0 for cost in costs)
    assert len(polling.cost_table(costs).splitlines()) == 2 + len(costs)
