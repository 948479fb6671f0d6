import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect1_rsync.engine.answers import as_time
from prefect1_rsync.engine.claim import (
    SKEW_SECONDS,
    STRICT_SKEW_SECONDS,
    Claim,
    Record,
    claimed,
    running,
)
from prefect1_rsync.engine.model import (
    CANCELLED,
    COMPLETED,
    FAILED,
    SKIPPED,
    WORKING,
    RunHandle,
    RunReport,
    Sighting,
)
from tests.engine.strategies import JSON

SENT = 1769903999.5


def seen(run_id, late=None, status=COMPLETED, created_at=None):
    """A run that was created so many seconds after the trigger."""
    created_at = as_time(SENT + late) if late is not None else created_at
    report = RunReport(status, created_at=created_at)
    return Sighting(RunHandle("fake", "s1", run_id), report)


def found(sightings, before=()):
    sighting = claimed(Claim(SENT, before), sightings)
    return sighting and sighting.handle.run_id


# --- which run did a trigger make? -------------------------------------------------------


def test_no_runs_no_claim():
    assert found([]) is None
    assert found([], None) is None


def test_what_was_there_before_is_never_ours():
    assert found([seen("2", 0), seen("1", 0)], ("1", "2")) is None
    assert found([seen("3", 90), seen("2", 0), seen("1", 0)], ("1", "2")) == "3"
    assert found([seen("2", 0), seen("3", 90), seen("1", 0)], ("1", "2")) == "3"


@pytest.mark.parametrize("before", [(), ("0",), None])
@pytest.mark.parametrize("ours", range(4))
def test_of_the_new_ones_the_nearest_is_ours(before, ours):
    lates = [300.0, 40.0, 150.0, -30.0]
    lates[ours] = 2.0
    runs = [seen(str(number + 1), late) for number, late in enumerate(lates)]
    assert found(runs, before) == str(ours + 1)


def test_of_two_that_are_as_near_the_newest_is_ours():
    assert found([seen("2", 3), seen("1", 3)]) == "2"
    # Airbyte's times are whole seconds, and cut: a run made at once may seem to be older.
    assert found([seen("2", 0.4), seen("1", -0.4)]) == "2"
    assert found([seen("2", -0.4), seen("1", 0.4)]) == "2"
    assert found([seen("2", 1.6), seen("1", 0.4)]) == "1"


@pytest.mark.parametrize("before", [("0",), None])
def test_a_vendors_clock_may_be_ahead(before):
    assert found([seen("1", 3000)], before) == "1"


@pytest.mark.parametrize(
    ("before", "skew"), [((), SKEW_SECONDS), (("0",), SKEW_SECONDS), (None, STRICT_SKEW_SECONDS)]
)
def test_a_vendors_clock_may_be_behind_within_bounds(before, skew):
    assert found([seen("1", -skew)], before) == "1"
    assert found([seen("1", -skew - 1)], before) is None


def test_a_run_of_much_later_is_somebody_elses():
    """A retry may come hours after the trigger that it asks about."""
    assert found([seen("1", SKEW_SECONDS)], ()) == "1"
    assert found([seen("1", SKEW_SECONDS + 1)], ()) is None
    assert found([seen("1", SKEW_SECONDS + 1)], None) is None


def test_without_a_list_of_before_an_old_run_is_not_ours():
    assert (SKEW_SECONDS, STRICT_SKEW_SECONDS) == (3600, 60)
    assert found([seen("2", -61), seen("1", -1800)], None) is None
    assert found([seen("3", 5), seen("2", -61)], None) == "3"


@pytest.mark.parametrize("created_at", [None, "yesterday", "", "2026-13-01T00:00:00Z"])
def test_a_run_without_a_time_is_ours_only_if_it_is_new(created_at):
    run = seen("1", created_at=created_at)
    assert found([run], ()) == "1"
    assert found([run], ("1",)) is None
    assert found([run], None) is None
    assert found([run, seen("0", 0)], ()) == "1"


@given(
    lates=st.lists(st.none() | st.floats(-8000, 8000), max_size=8),
    before=st.none() | st.sets(st.integers(0, 8)),
)
def test_what_is_claimed_is_always_possible(lates, before):
    runs = [seen(str(number), late) for number, late in enumerate(lates)]
    known = None if before is None else tuple(str(number) for number in before)
    sighting = claimed(Claim(SENT, known), runs)
    skew = STRICT_SKEW_SECONDS if before is None else SKEW_SECONDS
    possible = {
        number: 0 if late is None else round(abs(late))
        for number, late in enumerate(lates)
        if number not in (before or ()) and (late is None or -skew <= late <= SKEW_SECONDS)
        if late is not None or before is not None
    }
    if sighting is None:
        sure = {n for n in possible if lates[n] is None or -skew + 1 < lates[n] < SKEW_SECONDS - 1}
        assert not sure
    else:
        ours = int(sighting.handle.run_id)
        assert ours in possible
        # Times are written to the microsecond: a second more or less at the edges.
        assert possible[ours] <= min(possible.values()) + 1


# --- which one is going on? --------------------------------------------------------------


def test_the_newest_run_that_is_not_over_is_going_on():
    skipped, old, new = seen("3", 9, SKIPPED), seen("1", 1, WORKING), seen("2", 5, WORKING)
    assert running([skipped, new, old]) is new
    assert running([skipped]) is None
    assert running([]) is None


@pytest.mark.parametrize(
    ("newer", "proves"), [(COMPLETED, True), (FAILED, True), (SKIPPED, False), (CANCELLED, False)]
)
def test_a_run_that_did_its_work_proves_that_older_ones_are_over(newer, proves):
    """Their status may be one that we do not know, or one that the vendor forgot to end."""
    old = seen("1", 1, WORKING)
    assert running([seen("2", 5, newer), old]) is (None if proves else old)


# --- what an attempt leaves for the next -------------------------------------------------

RECORDS = [
    Record("s1"),
    Record("s1", "7", "https://fake.example/7", True),
    Record("s1", "7", None, False),
    Record("s1", sent_at=SENT),
    Record("s1", sent_at=SENT, before=[]),
    Record("s1", sent_at=SENT, before=["1", "2"]),
    Record("", sent_at=1, before=["1"]),
]


@pytest.mark.parametrize("record", RECORDS, ids=repr)
def test_a_record_survives_json(record):
    assert Record.from_json(json.loads(json.dumps(record._asdict()))) == record


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "s1",
        7,
        {},
        {"run_id": "7"},
        {"sync_id": None},
        {"sync_id": 7},
        {"sync_id": "s1", "run_id": 7},
        {"sync_id": "s1", "run_url": 7},
        {"sync_id": "s1", "ours": None},
        {"sync_id": "s1", "ours": "yes"},
        {"sync_id": "s1", "sent_at": "now"},
        {"sync_id": "s1", "before": "1"},
        {"sync_id": "s1", "before": {"1": 2}},
    ],
)
def test_junk_is_no_record(value):
    assert Record.from_json(value) is None


def test_fields_of_a_later_version_are_ignored():
    assert Record.from_json({"sync_id": "s1", "run_id": "7", "mood": "good"}) == Record("s1", "7")


@given(value=JSON | st.fixed_dictionaries({"sync_id": st.text()}, optional=dict.fromkeys(
    ("run_id", "run_url", "ours", "sent_at", "before"), JSON
)))  # fmt: skip
def test_whatever_comes_is_a_record_or_none(value):
    record = Record.from_json(value)
    if record is not None:
        claim = record.claim()
        assert claim is None or claimed(claim, [seen("1", 0), seen("2")]) is not ...
        assert record.handle("fake") is None or record.handle("fake").run_id == record.run_id


def test_a_record_names_a_run_or_a_trigger():
    run = Record("s1", "7", "https://fake.example/7", True)
    assert run.handle("fake") == RunHandle("fake", "s1", "7", "https://fake.example/7")
    assert run.claim() is None
    sent = Record("s1", sent_at=SENT, before=["1"])
    assert (sent.handle("fake"), sent.claim()) == (None, Claim(SENT, ("1",)))
    assert Record("s1", sent_at=SENT).claim() == Claim(SENT, None)
