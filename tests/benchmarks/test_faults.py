"""The page says what is measured; and what is measured is what it is taken for."""

from functools import lru_cache
from typing import List

import pytest

from prefect1_rsync.sandbox import Sandbox
from tests.benchmarks import faults
from tests.benchmarks.faults import FAILED, HEADING, NEVER_ENDS, OURS, PREFECT, SUCCESS, Row
from tests.docs.pages import ROOT, prose_of, table

pytestmark = pytest.mark.usefixtures("no_long_sleep")

PAGE = ROOT / "docs" / "exactly-once.md"
BY_NAME = {situation.name: situation for situation in faults.SITUATIONS}


@lru_cache(maxsize=None)
def measured() -> List[Row]:
    return faults.measure()


@pytest.fixture
def rows(no_long_sleep) -> List[Row]:
    """Measured once, by whoever comes first."""
    return measured()


def test_the_page_has_what_is_measured(rows) -> None:
    assert table(PAGE, *HEADING) == faults.rows_on_paper(rows)


def test_the_page_has_the_totals(rows) -> None:
    assert table(PAGE, *faults.TOTALS_HEADING) == faults.totals_on_paper(rows)


def test_ours_are_right(rows) -> None:
    for row in rows:
        if row.tool == OURS:
            assert row.true and not row.needless, row


def test_everything_is_tried_but_what_the_page_explains(rows) -> None:
    places = len(faults.SITUATIONS) * len(faults.VENDORS) * len(faults.TOOLS)
    assert len(rows) == places - len(faults.NOT_APPLICABLE)
    text = " ".join(prose_of(PAGE).split())
    for why in faults.NOT_APPLICABLE.values():
        assert why in text


@pytest.mark.parametrize("tool", faults.TOOLS)
@pytest.mark.parametrize("vendor", faults.VENDORS)
def test_a_second_measurement_is_the_same(vendor: str, tool: str) -> None:
    situation = BY_NAME["a look is answered 503"]
    first, second = (faults.play(situation, vendor, tool) for _ in range(2))
    assert first == second


def test_a_bound_does_not_make_prefects_hightouch_task_right(rows) -> None:
    """What the page says below the table of `max_wait_time`."""
    seen = {}
    for row in rows:
        if (row.vendor, row.state) == ("hightouch", NEVER_ENDS):
            bounded = BY_NAME[row.situation]._replace(bounded=True)
            again = faults.play(bounded, "hightouch", PREFECT)
            seen[row.situation] = (again.state, again.true, again.runs, again.needless)
    assert seen == {
        "each run fails": (FAILED, True, 3, 0),
        "each run is cancelled at the vendor": (FAILED, True, 3, 0),
        "the run succeeds, 3 of 100 records are rejected": (FAILED, False, 3, 2),
    }


def test_an_end_is_told_from_the_truth(clock) -> None:
    """The judge, judged: on runs of the sandbox, one after the other, 10 s each."""
    begin = clock.monotonic()
    room = Sandbox(clock=clock.monotonic).hightouch
    room.script(1, duration=10, ends="failed")
    room.script(1, duration=10)
    bad, good = (room.state.trigger(room.state.find(1)) for _ in range(2))
    for seconds, runs, state, true in (
        (0, [], SUCCESS, False),
        (0, [], FAILED, True),
        (5, [bad], FAILED, False),
        (15, [bad], FAILED, True),
        (15, [bad], SUCCESS, False),
        (15, [bad, good], SUCCESS, False),
        (25, [bad, good], SUCCESS, True),
        (25, [bad, good], FAILED, False),
        (25, [good], NEVER_ENDS, False),
    ):
        clock.wind(begin + seconds - clock.monotonic())
        assert faults.is_true(state, runs, bounded=False) is true, (seconds, state)
