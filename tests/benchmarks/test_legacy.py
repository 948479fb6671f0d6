"""The page says what is measured of the drop-ins; and what is measured is what it is taken for."""

from functools import lru_cache
from typing import List

import pytest

from tests.benchmarks import legacy
from tests.benchmarks.legacy import DROP_IN, HEADING, NEVER_ENDS, PREFECT, TOTALS_HEADING, Row
from tests.docs.pages import ROOT, table

pytestmark = pytest.mark.usefixtures("no_long_sleep")

PAGE = ROOT / "docs" / "from-prefects-own-tasks.md"
BY_NAME = {situation.name: situation for situation in legacy.SITUATIONS}


@lru_cache(maxsize=None)
def measured() -> List[Row]:
    return legacy.measure()


@pytest.fixture
def rows(no_long_sleep) -> List[Row]:
    """Measured once, by whoever comes first."""
    return measured()


def test_there_are_twenty() -> None:
    assert len(BY_NAME) == len(legacy.SITUATIONS) == 20


def test_the_page_has_what_is_measured(rows) -> None:
    assert table(PAGE, *HEADING) == legacy.rows_on_paper(rows)


def test_the_page_has_the_totals(rows) -> None:
    assert table(PAGE, *TOTALS_HEADING) == legacy.totals_on_paper(rows)


def test_the_drop_ins_are_right(rows) -> None:
    for row in rows:
        if row.tool == DROP_IN:
            assert row.right, row


def test_the_drop_ins_raise_what_the_old_ones_raised_rightly(rows) -> None:
    right = {(row.situation, row.vendor): row for row in rows if row.tool == PREFECT and row.right}
    for row in rows:
        before = right.get((row.situation, row.vendor))
        if row.tool == DROP_IN and before is not None and before.what != "ValueError":
            assert (row.state, row.what) == (before.state, before.what)


def test_the_judge_knows_the_worst(rows) -> None:
    amiss = {word for row in rows for word in row.amiss}
    assert amiss == {
        "token in the message",
        "schedule removed",
        "before the run's end",
        "which says nothing of the cause",
    }
    assert {row.starts for row in rows} == {0, 1, 2}
    assert {row.tool for row in rows if row.state == NEVER_ENDS} == {PREFECT}


@pytest.mark.parametrize("tool", legacy.TOOLS)
def test_a_second_measurement_is_the_same(tool: str) -> None:
    situation = BY_NAME["one 503 in mid-poll, two retries"]
    first, second = (legacy.play(situation, "airbyte", tool) for _ in range(2))
    assert first == second
