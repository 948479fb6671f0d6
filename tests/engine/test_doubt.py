"""A trigger without a clear answer: is its run found, and is none started twice?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect1_rsync.engine import errors
from prefect1_rsync.engine.claim import Record
from prefect1_rsync.engine.model import COMPLETED, FAILED, QUEUES, REFUSES, SKIPS, RunReport
from prefect1_rsync.engine.watch import (
    MAX_SENDS,
    PREPARE_PATIENCE_SECONDS,
    RESOLVE_PATIENCE_SECONDS,
    TROUBLE_PATIENCE_SECONDS,
)
from tests.clock import VirtualClock
from tests.engine.fakes import FakeVendor, go_on, no_effect, run, trouble, watch

EVER = 10.0**9
DOUBTS = [
    trouble(),
    errors.SyncApiError("the connection broke", transient=True),
    errors.SyncApiError("names no run"),
    errors.SyncApiError("not JSON", None, 200, True),
    errors.SyncAlreadyRunning("Could not fulfill request", None, 409),
]


def kinds(heard):
    return [event.kind for event in heard]


# --- the run was made --------------------------------------------------------------------


@pytest.mark.parametrize("doubt", DOUBTS, ids=str)
@pytest.mark.parametrize("when_running", [REFUSES, SKIPS, QUEUES])
@pytest.mark.parametrize("policy", ["wait", "attach", "fail"])
def test_the_run_of_a_lost_answer_is_adopted(clock, doubt, when_running, policy):
    vendor = FakeVendor(clock, 30, when_running=when_running)
    for lasts in (1, 2):
        vendor.add_run(lasts, FAILED)
    clock.wind(10)
    vendor.on_lost = [doubt]
    heard = []
    stats = run(vendor, [heard.append], if_already_running=policy)
    assert (stats["status"], stats["run_id"]) == ("completed", "102")
    assert (len(vendor.starts), len(vendor.runs)) == (1, 3)
    assert kinds(heard)[:2] == ["trouble", "started"]
    assert str(doubt) in heard[0].message
    assert "whether a run was started is not known" in heard[0].message
    assert "was started after all" in heard[1].message
    assert heard[1].run_id == "102"


def test_a_run_that_ended_in_the_meantime_is_ours_all_the_same(clock):
    vendor = FakeVendor(clock, 2, FAILED)
    vendor.on_lost = [trouble()]
    with pytest.raises(errors.SyncRunFailed):
        run(vendor)
    assert len(vendor.starts) == 1


@given(lists_after=st.floats(0, RESOLVE_PATIENCE_SECONDS), http=st.sampled_from([0.0, 0.3, 7.0]))
def test_a_run_that_is_listed_late_is_not_started_again(lists_after, http):
    vendor = FakeVendor(VirtualClock(), 100, http=http)
    vendor.lists_after = lists_after
    vendor.on_lost = [trouble()]
    assert run(vendor)["status"] == "completed"
    assert len(vendor.starts) == 1


@pytest.mark.parametrize("down", [1, 5, 40])
def test_while_the_list_cannot_be_read_nothing_is_sent_again(clock, down):
    vendor = FakeVendor(clock, 10**4)
    vendor.on_lost = [trouble()]
    vendor.on_recent = [None] + [trouble()] * down
    assert run(vendor)["status"] == "completed"
    assert len(vendor.starts) == 1


def test_an_old_run_of_a_sync_whose_list_could_not_be_read_is_not_ours(clock):
    vendor = FakeVendor(clock, 30)
    vendor.add_run(1)
    clock.wind(100)
    vendor.on_recent = [errors.SyncNotFound("no list", None, 404)]
    vendor.on_lost = [trouble()]
    assert run(vendor)["run_id"] == "101"
    assert len(vendor.starts) == 1


def test_without_waiting_the_run_that_was_found_is_returned(clock):
    vendor = FakeVendor(clock, 30)
    vendor.on_lost = [trouble()]
    stats = run(vendor, wait=False)
    assert (stats["status"], stats["run_id"], vendor.looks) == ("working", "100", [])


def test_the_run_that_was_found_is_ours_to_cancel(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.on_lost = [trouble()]
    with pytest.raises(errors.SyncRunTimedOut, match="it was cancelled"):
        run(vendor, max_wait=100, cancel_remote_run=True)
    assert vendor.cancels == ["100"]


def details(vendor, report):
    """A vendor whose list tells less of a run than a look at it."""
    recent = vendor.recent
    vendor.recent = lambda request: [
        it._replace(report=it.report._replace(records_failed=None, error_message=None))
        for it in recent(request)
    ]
    vendor.ends = report


def test_a_lost_run_that_is_over_is_looked_at_for_its_rejected_records(clock):
    vendor = FakeVendor(clock, 2)
    details(vendor, RunReport(COMPLETED, records_failed=3))
    vendor.on_lost = [trouble()]
    with pytest.raises(errors.SyncRunFailed, match="3 records were rejected"):
        run(vendor, fail_on_warning=True)
    assert vendor.looks == [(1005.0, "100")]


def test_a_lost_run_that_is_over_is_looked_at_for_its_reason(clock):
    vendor = FakeVendor(clock, 2)
    details(vendor, RunReport(FAILED, error_message="Column email is missing"))
    vendor.on_lost = [trouble()]
    vendor.tape = [trouble()]
    with pytest.raises(errors.SyncRunFailed, match="Column email is missing"):
        run(vendor)
    assert len(vendor.starts) == 1


def test_a_lost_run_that_nobody_could_look_at_is_not_called_over(clock):
    vendor = FakeVendor(clock, 2)
    vendor.on_lost = [trouble()]
    vendor.tape = [trouble()] * 100
    with pytest.raises(errors.SyncRunTimedOut, match="not over after 100 s; last, the API"):
        run(vendor, max_wait=100)


@pytest.mark.parametrize(
    "report",
    [RunReport(FAILED, interrupted=True), RunReport(FAILED, error_message="x"), COMPLETED],
    ids=str,
)
def test_without_waiting_a_lost_run_is_working_even_if_it_is_over(clock, report):
    vendor = FakeVendor(clock, 2, report)
    vendor.on_lost = [trouble()]
    stats = run(vendor, wait=False)
    assert (stats["status"], stats["run_id"]) == ("working", "100")
    assert (stats["error_message"], stats["vendor_status"], vendor.looks) == (None, None, [])


def test_a_lost_run_that_was_skipped_begins_anew(clock):
    vendor = FakeVendor(clock, 30, when_running=SKIPS)
    vendor.before_start = lambda: len(vendor.starts) == 1 and vendor.add_run(40)
    vendor.on_lost = [trouble()]
    # The other and ours were created at the same moment: of two that are as near to the trigger,
    # the newest is ours.
    stats = run(vendor)
    assert (stats["status"], stats["run_id"]) == ("completed", "102")
    assert len(vendor.starts) == 2


# --- the run was not made ----------------------------------------------------------------


@pytest.mark.parametrize("doubt", DOUBTS, ids=str)
def test_a_trigger_that_made_no_run_is_sent_again_after_a_long_look(clock, doubt):
    vendor = FakeVendor(clock)
    vendor.on_start = [doubt]
    assert run(vendor)["status"] == "completed"
    first, second = vendor.starts
    assert RESOLVE_PATIENCE_SECONDS <= second - first < RESOLVE_PATIENCE_SECONDS + 10
    looks = [at for at in vendor.lists if first < at <= second]
    assert len(looks) == RESOLVE_PATIENCE_SECONDS / 5
    assert len(vendor.runs) == 1


def test_a_vendor_that_asks_for_a_pause_gets_it_before_the_look(clock):
    vendor = FakeVendor(clock)
    vendor.on_start = [trouble(600)] * 10
    with pytest.raises(errors.SyncApiError, match="sent 3 times and started no run"):
        run(vendor)
    assert vendor.starts == [1000, 1660, 2320]
    first, second = vendor.starts[:2]
    looks = [at for at in vendor.lists if first < at <= second]
    assert (looks[0], len(looks)) == (1600, RESOLVE_PATIENCE_SECONDS / 5 + 1)


def test_a_pause_that_a_vendor_asks_for_ends_at_the_deadline(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.on_lost = [trouble(600)]
    with pytest.raises(errors.SyncRunTimedOut, match="the run goes on"):
        run(vendor, max_wait=100)
    assert clock.monotonic() == 1100


@pytest.mark.parametrize(("before", "ours"), [([], True), (None, False)])
def test_a_run_of_a_trigger_that_a_retry_sent_again_is_ours_if_the_list_was_read(
    clock, before, ours
):
    vendor = FakeVendor(clock, EVER, when_running=REFUSES)
    record = Record("s1", sent_at=clock.time() - 5, before=before)
    heard = []
    with pytest.raises(errors.SyncRunTimedOut):
        run(vendor, [heard.append], record, max_wait=100, cancel_remote_run=True)
    assert vendor.cancels == (["100"] if ours else [])
    words = "started" if ours else "was started, or was waiting already; watching it"
    assert f"run 100: {words} (" in heard[0].message


@pytest.mark.parametrize("doubt", DOUBTS, ids=str)
def test_three_triggers_without_a_run_are_enough(clock, doubt):
    vendor = FakeVendor(clock)
    vendor.on_start = [doubt] * 10
    with pytest.raises(errors.SyncApiError, match="sent 3 times and started no run") as caught:
        run(vendor)
    assert str(doubt) in str(caught.value)
    assert "Fake sync s1: " in str(caught.value)
    assert (len(vendor.starts), caught.value.stats["run_id"]) == (MAX_SENDS, None)
    assert clock.monotonic() - vendor.starts[0] < 3 * (RESOLVE_PATIENCE_SECONDS + 10)
    assert caught.value.retryable


def test_what_is_found_after_a_second_trigger_is_one_run(clock):
    vendor = FakeVendor(clock, 300)
    vendor.on_start = [trouble()]
    vendor.on_lost = [trouble()]
    assert run(vendor)["run_id"] == "100"
    assert (len(vendor.starts), len(vendor.runs)) == (2, 1)


def test_a_vendor_that_refuses_the_second_trigger_may_have_carried_out_the_first(clock):
    """Our own run is listed so late that we ask again; then it is the run that is in the way."""
    vendor = FakeVendor(clock, 300, when_running=REFUSES)
    vendor.lists_after = RESOLVE_PATIENCE_SECONDS + 20
    vendor.on_lost = [trouble()]
    assert run(vendor, if_already_running="fail")["run_id"] == "100"
    assert (len(vendor.starts), len(vendor.runs)) == (2, 1)


def test_a_second_trigger_that_is_refused_for_good_ends_the_sync(clock):
    vendor = FakeVendor(clock)
    vendor.on_start = [trouble(), errors.SyncUnauthorized("no", None, 401, had_no_effect=True)]
    with pytest.raises(errors.SyncUnauthorized):
        run(vendor)
    assert len(vendor.starts) == 2


def test_an_error_while_a_trigger_is_in_doubt_says_so(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.on_lost = [trouble()]
    vendor.on_recent = [None, errors.SyncUnauthorized("expired", None, 401)]
    with pytest.raises(errors.SyncUnauthorized, match="expired") as caught:
        run(vendor)
    assert "a run may have been started" in str(caught.value)


def test_the_deadline_may_come_while_a_trigger_is_in_doubt(clock):
    vendor = FakeVendor(clock)
    vendor.on_start = [trouble()]
    with pytest.raises(errors.SyncRunTimedOut) as caught:
        run(vendor, max_wait=32, cancel_remote_run=True)
    for part in ("the API is down", "a run may have been started, and goes on at Fake"):
        assert str(caught.value).count(part) == 1
    assert 1032 <= clock.monotonic() <= 1032 + 5
    assert (len(vendor.starts), caught.value.stats["run_id"]) == (1, None)


def test_trouble_with_the_list_until_the_deadline_is_a_timeout_that_says_both(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.on_lost = [errors.SyncApiError("no answer in time", transient=True)]
    vendor.on_recent = [None] + [trouble()] * 100
    with pytest.raises(errors.SyncRunTimedOut) as caught:
        run(vendor, max_wait=300)
    for part in ("no answer in time", "last, the API is down", "a run may have been started"):
        assert part in str(caught.value)
    assert len(vendor.starts) == 1


def test_without_a_deadline_trouble_with_the_list_is_borne_for_an_hour(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.on_lost = [trouble()]
    vendor.on_recent = [None] + [trouble()] * 10**4
    with pytest.raises(errors.SyncApiError, match="the API is down"):
        run(vendor)
    assert TROUBLE_PATIENCE_SECONDS <= sum(clock.sleeps) < TROUBLE_PATIENCE_SECONDS + 70
    assert len(vendor.starts) == 1


# --- triggers that surely had no effect --------------------------------------------------


@pytest.mark.parametrize("retry_after", [None, 30.0, 200.0])
def test_a_trigger_that_had_no_effect_is_sent_again_after_a_pause(clock, retry_after):
    vendor = FakeVendor(clock)
    vendor.on_start = [no_effect(retry_after)]
    heard = []
    assert run(vendor, [heard.append])["status"] == "completed"
    first, second = vendor.starts
    assert second - first == pytest.approx(retry_after or 5)
    assert (kinds(heard)[:2], len(vendor.runs)) == (["trouble", "started"], 1)


def test_triggers_that_have_no_effect_are_not_repeated_for_ever(clock):
    vendor = FakeVendor(clock)
    vendor.on_start = [no_effect()] * 1000
    remembered = []
    with pytest.raises(errors.SyncApiError, match="too many requests") as caught:
        run(vendor, remember=remembered.append)
    assert (caught.value.status_code, caught.value.retryable) == (429, True)
    assert sum(clock.sleeps) < PREPARE_PATIENCE_SECONDS + 70
    assert remembered[-1] is None


def test_refused_triggers_do_not_count_as_sent(clock):
    vendor = FakeVendor(clock)
    vendor.on_start = [no_effect(), no_effect(), no_effect(), trouble()]
    assert run(vendor)["status"] == "completed"
    assert len(vendor.starts) == 5


def test_no_trigger_is_repeated_after_the_deadline(clock):
    vendor = FakeVendor(clock)
    vendor.on_start = [no_effect(500)]
    with pytest.raises(errors.SyncRunTimedOut, match="not started after 100 s"):
        run(vendor, max_wait=100)
    assert len(vendor.starts) == 1


@pytest.mark.parametrize(
    "error",
    [
        errors.SyncRunDisabled("off"),
        errors.SyncUnauthorized("no", None, 403, had_no_effect=True),
        errors.SyncNotFound("gone", None, 404, had_no_effect=True),
        errors.SyncApiError("bad request", None, 422, had_no_effect=True),
    ],
)
def test_a_trigger_that_is_refused_is_not_repeated(clock, error):
    vendor = FakeVendor(clock)
    vendor.on_start = [error]
    remembered = []
    with pytest.raises(type(error), match=str(error)) as caught:
        run(vendor, remember=remembered.append)
    assert (len(vendor.starts), caught.value.stats["run_id"]) == (1, None)
    assert (clock.sleeps, caught.value.retryable) == ([], False)


# --- any order of all that ---------------------------------------------------------------


@given(
    answers=st.lists(st.sampled_from(["lost", "dropped", "refused", "fine"]), max_size=6),
    lists=st.lists(st.booleans(), max_size=6),
    http=st.sampled_from([0.0, 0.3, 7.0]),
    lists_after=st.sampled_from([0.0, 20.0]),
)
def test_no_order_of_troubles_makes_two_runs(answers, lists, http, lists_after):
    vendor = FakeVendor(VirtualClock(), 40, http=http)
    vendor.lists_after = lists_after
    refusals = {"dropped": trouble(), "refused": no_effect()}
    vendor.on_start = [refusals.get(answer) for answer in answers]
    vendor.on_lost = [trouble() for answer in answers if answer == "lost"]
    vendor.on_recent = [trouble() if down else None for down in lists]
    try:
        stats = run(vendor)
    except errors.SyncApiError:
        assert vendor.runs == []
    else:
        assert (stats["status"], stats["run_id"]) == ("completed", "100")
        assert len(vendor.runs) == 1


# --- stopped in the meantime -------------------------------------------------------------


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize("cancel", [True, False])
def test_a_stop_while_a_trigger_is_in_doubt(clock, stopped, cancel):
    vendor = FakeVendor(clock, EVER)
    vendor.lists_after = 3.0
    vendor.on_lost = [trouble()]
    heard = []
    sync = watch(vendor, [heard.append], cancel_remote_run=cancel)
    go_on(sync, vendor, 2)
    assert kinds(heard) == ["trouble"]
    clock.wind(4)
    sync.abandon("KeyboardInterrupt", stopped)
    if stopped and cancel:
        assert vendor.cancels == ["100"]
        assert kinds(heard)[1:3] == ["started", "cancelling"]
        assert sync.report.status == "cancelled"
    else:
        assert vendor.cancels == []
        assert kinds(heard) == ["trouble", "left"]
        assert "a run may have been started, and goes on at Fake" in heard[-1].message


@pytest.mark.parametrize("trouble_with_list", [True, False])
def test_a_stop_before_the_run_is_listed_leaves_it_and_says_so(clock, trouble_with_list):
    vendor = FakeVendor(clock, EVER)
    vendor.lists_after = 50.0
    vendor.on_lost = [trouble()]
    heard = []
    sync = watch(vendor, [heard.append], cancel_remote_run=True)
    go_on(sync, vendor, 2)
    vendor.on_recent = [trouble()] if trouble_with_list else []
    sync.abandon("KeyboardInterrupt")
    assert (vendor.cancels, kinds(heard)[-1]) == ([], "left")
    assert "a run may have been started" in heard[-1].message


def test_a_stop_in_the_middle_of_the_trigger_cancels_its_run(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.on_lost = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        run(vendor, cancel_remote_run=True)
    assert vendor.cancels == ["100"]


def test_a_stop_before_anything_was_started_leaves_nothing(clock):
    vendor = FakeVendor(clock)
    heard = []
    sync = watch(vendor, [heard.append], cancel_remote_run=True)
    sync.abandon("KeyboardInterrupt")
    assert (heard, vendor.cancels, vendor.lists) == ([], [], [])


def test_a_stop_cancels_no_run_that_has_ended(clock):
    vendor = FakeVendor(clock, 0.0)
    vendor.on_lost = [trouble()]
    sync = watch(vendor, cancel_remote_run=True)
    go_on(sync, vendor, 2)
    sync.abandon("KeyboardInterrupt")
    assert (vendor.cancels, sync.report.status) == ([], "completed")
