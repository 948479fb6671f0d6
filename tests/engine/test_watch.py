import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from prefect1_rsync.engine import errors
from prefect1_rsync.engine.model import (
    CANCELLED,
    COMPLETED,
    FAILED,
    QUEUES,
    REFUSES,
    SKIPPED,
    SKIPS,
    WORKING,
    RunReport,
)
from prefect1_rsync.engine.watch import (
    CANCEL_PATIENCE_SECONDS,
    MAX_BLOCKED,
    MAX_PHANTOMS,
    PREPARE_PATIENCE_SECONDS,
    TROUBLE_PATIENCE_SECONDS,
    UNLISTED_PATIENCE_SECONDS,
    run_sync,
)
from tests.clock import VirtualClock
from tests.engine.fakes import REQUEST, FakeVendor, go_on, no_effect, run, trouble, watch

EVER = 10.0**9
JUST = 1e-6  # Times are sums of floats.
NOT_LISTED = RunReport(WORKING, listed=False)


def pauses(times):
    return [later - earlier for earlier, later in zip(times, times[1:])]


def kinds(heard):
    return [event.kind for event in heard]


# --- pacing ------------------------------------------------------------------------------


@given(
    lasts=st.floats(0, 10**4),
    every=st.none() | st.floats(0, 4000),
    http=st.sampled_from([0.0, 0.3, 7.0]),
    broken=st.lists(st.integers(0, 60), max_size=8),
)
def test_a_run_is_never_looked_at_within_five_seconds(lasts, every, http, broken):
    vendor = FakeVendor(VirtualClock(), lasts, http=http)
    vendor.tape = [trouble() if look in broken else None for look in range(61)]
    run(vendor, poll_every=every)
    assert all(pause >= 5 - JUST for pause in pauses([*vendor.starts, *vendor.look_times()]))


@given(lasts=st.floats(0, 3 * 10**4))
def test_without_an_interval_an_end_is_seen_within_a_tenth_of_the_age(lasts):
    vendor = FakeVendor(VirtualClock(), lasts)
    run(vendor)
    ended = vendor.runs[0].end
    seen = vendor.look_times()[-1]
    age_then = seen - vendor.starts[0]
    assert 0 <= seen - ended <= max(5, min(60, age_then / 10)) + JUST


@given(lasts=st.floats(0, 3600))
def test_an_hour_costs_fewer_than_ninety_looks(lasts):
    vendor = FakeVendor(VirtualClock(), lasts)
    run(vendor)
    assert len(vendor.looks) < 90


@given(every=st.floats(0, 4000), looks=st.integers(1, 20))
def test_an_interval_is_the_interval(every, looks):
    interval = max(5, every)
    vendor = FakeVendor(VirtualClock(), interval * (looks - 0.5))
    run(vendor, poll_every=every)
    times = [*vendor.starts, *vendor.look_times()]
    assert pauses(times) == pytest.approx([interval] * looks)


def test_the_engine_sleeps_only_until_the_next_step_is_due(clock):
    run(FakeVendor(clock, 20))
    assert clock.sleeps == pytest.approx([5, 5, 5, 5])


# --- deadlines ---------------------------------------------------------------------------


@given(
    max_wait=st.floats(1, 10**4),
    every=st.none() | st.floats(0, 10**4),
    http=st.sampled_from([0.0, 0.3, 7.0]),
    tape=st.lists(st.sampled_from(["look", "trouble", "patience", "unlisted"]), max_size=40),
    starts=st.lists(st.sampled_from(["lost", "dropped", "refused"]), max_size=2),
    when_running=st.sampled_from([QUEUES, REFUSES, SKIPS]),
    blocked_for=st.sampled_from([0.0, 3.0, 40.0, 5000.0, EVER]),
    hides_runs=st.booleans(),
)
def test_a_task_ends_by_its_deadline_and_one_poll(
    max_wait, every, http, tape, starts, when_running, blocked_for, hides_runs
):
    clock = VirtualClock()
    vendor = FakeVendor(clock, EVER, when_running=when_running, http=http)
    vendor.hides_runs = hides_runs
    looks = {
        "look": None,
        "trouble": trouble(),
        "patience": trouble(retry_after=3000),
        "unlisted": NOT_LISTED,
    }
    vendor.tape = [looks[item] for item in tape]
    refusals = {"dropped": trouble(), "refused": no_effect(3000)}
    vendor.on_start = [refusals.get(item) for item in starts]
    vendor.on_lost = [trouble() for item in starts if item == "lost"]
    if blocked_for:
        vendor.add_run(blocked_for)
    began = clock.monotonic()
    # SyncApiError: refused without a run, or sent several times without one; before the deadline.
    with pytest.raises(errors.SyncError):
        run(vendor, max_wait=max_wait, poll_every=every)
    # A poll is 5 s and HTTP; before it, the start itself may take a few requests.
    assert clock.monotonic() - began <= max_wait + 5 + 6 * http + JUST


def test_the_deadline_includes_the_queue_at_the_vendor(clock):
    vendor = FakeVendor(clock, 30, when_running=QUEUES)
    vendor.add_run(1000)
    with pytest.raises(errors.SyncRunTimedOut) as caught:
        run(vendor, max_wait=100, poll_every=20)
    assert sum(clock.sleeps) == pytest.approx(100)
    assert "not over after 100 s (last seen as working)" in str(caught.value)
    assert "the run goes on at Fake" in str(caught.value)
    assert "https://fake.example/101" in str(caught.value)
    assert caught.value.stats["status"] == "working"


def test_the_deadline_includes_the_wait_for_another_run(clock):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.add_run(1000)
    with pytest.raises(errors.SyncRunTimedOut, match="not started after 100 s") as caught:
        run(vendor, max_wait=100, poll_every=20)
    assert (caught.value.stats["status"], caught.value.stats["run_id"]) == ("failed", None)


def test_a_run_that_ends_before_the_deadline_is_seen_at_the_deadline(clock):
    vendor = FakeVendor(clock, 90)
    assert run(vendor, max_wait=100, poll_every=60)["status"] == "completed"
    assert sum(clock.sleeps) == pytest.approx(100)


@pytest.mark.parametrize("when_running", [REFUSES, SKIPS])
def test_no_run_is_started_after_the_deadline(clock, when_running):
    vendor = FakeVendor(clock, when_running=when_running)
    vendor.add_run(97)
    with pytest.raises(errors.SyncRunError):
        run(vendor, max_wait=100, poll_every=60)
    assert all(start < 1000 + 100 for start in vendor.starts)


def test_no_run_is_started_after_a_deadline_spent_in_trouble(clock):
    vendor = FakeVendor(clock)
    vendor.on_prepare = [trouble(retry_after=500)]
    with pytest.raises(errors.SyncRunTimedOut, match="not started"):
        run(vendor, max_wait=100)
    assert vendor.starts == []


@pytest.mark.parametrize("retry_after", [None, 40.0, 500.0])
@pytest.mark.parametrize("phase", ["prepare", "survey", "start", "find", "other", "look"])
def test_trouble_in_any_phase_ends_at_the_deadline(clock, phase, retry_after):
    vendor = FakeVendor(clock, EVER, when_running=REFUSES)
    down = [trouble(retry_after)] * 100
    vendor.on_prepare = down if phase == "prepare" else []
    vendor.on_start = [no_effect(retry_after)] * 100 if phase == "start" else []
    vendor.tape = down if phase in ("other", "look") else []
    if phase in ("survey", "find"):
        vendor.on_recent = [None] * (phase == "find") + down
    if phase == "find":
        vendor.before_start = lambda: vendor.add_run(EVER)
    if phase == "other":
        vendor.add_run(EVER)
    with pytest.raises(errors.SyncRunTimedOut) as caught:
        run(vendor, max_wait=100)
    assert 100 <= clock.monotonic() - 1000 <= 105
    assert ("not over" if phase == "look" else "not started") in str(caught.value)
    assert ("the API is down" if phase != "start" else "too many") in str(caught.value)
    assert len(vendor.runs) == (1 if phase in ("find", "other", "look") else 0)


def test_a_vendor_that_refuses_without_a_run_does_not_outlast_the_deadline(clock):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.add_run(EVER)
    vendor.hides_runs = True
    with pytest.raises(errors.SyncError):
        run(vendor, max_wait=7)
    assert sum(clock.sleeps) <= 7 + 5 + JUST


def test_deadlines_are_monotonic(clock):
    vendor = FakeVendor(clock, 50)
    clock.on_sleep = lambda _: setattr(clock, "_epoch", clock._epoch + 10**6)
    assert run(vendor, max_wait=100)["status"] == "completed"


# --- how runs end ------------------------------------------------------------------------

ENDINGS = [
    (RunReport(COMPLETED, "done"), None),
    (RunReport(FAILED, "failed", error_message="no such column"), errors.SyncRunFailed),
    (RunReport(CANCELLED, "cancelled"), errors.SyncRunCancelled),
    (RunReport(SKIPPED, "skipped"), errors.SyncRunSkipped),
    (RunReport(FAILED, "interrupted", interrupted=True), errors.SyncRunInterrupted),
]


@pytest.mark.parametrize(("report", "error"), ENDINGS)
def test_a_run_that_ends_badly_raises(clock, report, error):
    vendor = FakeVendor(clock, ends=report)
    if error is None:
        assert run(vendor)["status"] == "completed"
        return
    with pytest.raises(error) as caught:
        run(vendor)
    assert type(caught.value) is error
    message = str(caught.value)
    for part in ("Fake", "sync s1", "run 100", report.status, "https://fake.example/100"):
        assert part in message
    assert (report.error_message or "") in message
    assert caught.value.stats["vendor_status"] == report.vendor_status
    assert pickle.loads(pickle.dumps(caught.value)).stats == caught.value.stats


@pytest.mark.parametrize(("report", "error"), ENDINGS)
def test_without_raise_on_failure_the_stats_are_returned(clock, report, error):
    stats = run(FakeVendor(clock, ends=report), raise_on_failure=False)
    assert (stats["status"], stats["error_message"]) == (report.status, report.error_message)


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (RunReport(COMPLETED, records_failed=1), "1 record was rejected"),
        (RunReport(COMPLETED, records_failed=1, records_invalid=4), "5 records were rejected"),
        (RunReport(COMPLETED, warning=True), "some records were rejected"),
        (
            RunReport(COMPLETED, warning=True, records_failed=2, error_message="bad e-mail"),
            "2 records were rejected: bad e-mail",
        ),
    ],
)
def test_fail_on_warning(clock, report, reason):
    assert run(FakeVendor(clock, ends=report))["status"] == "completed"
    with pytest.raises(errors.SyncRunFailed, match=reason) as caught:
        run(FakeVendor(clock, ends=report), fail_on_warning=True)
    assert caught.value.stats["status"] == "failed"
    assert caught.value.stats["error_message"] == reason


@pytest.mark.parametrize(
    "report", [RunReport(COMPLETED), RunReport(COMPLETED, records_failed=0, records_invalid=0)]
)
def test_without_rejected_records_there_is_no_warning(clock, report):
    assert run(FakeVendor(clock, ends=report), fail_on_warning=True)["status"] == "completed"


def test_a_warning_does_not_hide_how_the_run_ended(clock):
    report = RunReport(CANCELLED, "cancelled", records_failed=3)
    with pytest.raises(errors.SyncRunCancelled):
        run(FakeVendor(clock, ends=report), fail_on_warning=True)


def test_without_waiting_the_run_is_not_looked_at(clock):
    vendor = FakeVendor(clock)
    stats = run(vendor, wait=False, cancel_remote_run=True)
    assert (stats["status"], stats["run_id"]) == ("working", "100")
    assert (vendor.looks, vendor.cancels, clock.sleeps) == ([], [], [])


def test_each_unknown_word_is_told_once_and_is_no_end(clock):
    words = ["a", "b", "a", "a", "b"]
    vendor = FakeVendor(clock, 100)
    vendor.tape = [RunReport(WORKING, word, known=False) for word in words]
    heard = []
    run(vendor, [heard.append])
    told = [event.message for event in heard if event.kind == "unknown_status"]
    assert [message.split("'")[1] for message in told] == ["a", "b"]


def test_an_unknown_word_is_working_until_the_deadline(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.tape = [RunReport(WORKING, "resting", known=False)] * 100
    with pytest.raises(errors.SyncRunTimedOut, match="last seen as resting"):
        run(vendor, max_wait=300)


def test_a_finished_watch_stays_finished(clock):
    vendor = FakeVendor(clock, 0)
    sync = watch(vendor)
    go_on(sync, vendor)
    looks = list(vendor.looks)
    sync.step()
    sync.abandon("KeyboardInterrupt")
    assert vendor.looks == looks
    assert sync.result()["status"] == "completed"


def test_clock_and_options_have_defaults():
    vendor = FakeVendor(VirtualClock())
    vendor.on_start = [errors.SyncRunDisabled("off")]
    with pytest.raises(errors.SyncRunDisabled):
        run_sync(vendor, REQUEST)


# --- trouble -----------------------------------------------------------------------------


@given(failures=st.integers(1, 30), retry_after=st.none() | st.floats(0, 3600))
def test_looks_may_fail_until_the_deadline(failures, retry_after):
    vendor = FakeVendor(VirtualClock(), 60)
    vendor.tape = [trouble(retry_after)] * failures
    stats = run(vendor, max_wait=10**6)
    assert (stats["status"], len(vendor.starts)) == ("completed", 1)
    between = pauses(vendor.look_times())
    assert all(pause >= 5 - JUST for pause in between)
    assert all(pause >= (retry_after or 5) - JUST for pause in between[:failures])


def test_a_deadline_in_trouble_is_a_timeout_that_says_so(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.tape = [None] + [trouble()] * 1000
    with pytest.raises(errors.SyncRunTimedOut, match="the API is down") as caught:
        run(vendor, max_wait=500)
    assert "the run goes on" in str(caught.value)


def test_without_a_deadline_trouble_is_borne_for_an_hour(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.tape = [trouble()] * 10**4
    with pytest.raises(errors.SyncApiError, match="the API is down") as caught:
        run(vendor)
    assert caught.value.status_code == 503
    assert TROUBLE_PATIENCE_SECONDS <= sum(clock.sleeps) < TROUBLE_PATIENCE_SECONDS + 70


def test_trouble_that_passed_is_forgotten(clock):
    vendor = FakeVendor(clock, 10**5)
    vendor.tape = ([trouble()] * 40 + [None]) * 5
    assert run(vendor)["status"] == "completed"


def test_each_trouble_is_told(clock):
    vendor = FakeVendor(clock)
    vendor.tape = [trouble(60), trouble()]
    heard = []
    run(vendor, [heard.append])
    assert kinds(heard) == ["started", "trouble", "trouble", "looked", "ended"]
    assert "asking again in 60 s" in heard[1].message


@pytest.mark.parametrize(
    "error",
    [
        errors.SyncUnauthorized("no", None, 401),
        errors.SyncNotFound("gone", None, 404),
        errors.SyncApiError("bad request", None, 400),
    ],
)
def test_what_cannot_get_better_ends_the_wait_at_once(clock, error):
    vendor = FakeVendor(clock, EVER)
    vendor.tape = [None, error]
    with pytest.raises(type(error)) as caught:
        run(vendor)
    assert len(vendor.looks) == 2
    assert caught.value.status_code == error.status_code
    assert not caught.value.retryable
    for part in ("Fake sync s1, run 100", str(error), "the run goes on at Fake", "fake.example"):
        assert part in str(caught.value)
    assert caught.value.stats["status"] == "working"


def test_trouble_before_the_start_is_borne_for_a_while(clock):
    vendor = FakeVendor(clock)
    vendor.on_prepare = [trouble()] * 3
    assert run(vendor)["status"] == "completed"
    assert (len(vendor.prepares), len(vendor.starts)) == (4, 1)


def test_trouble_before_the_start_is_not_borne_for_long(clock):
    vendor = FakeVendor(clock)
    vendor.on_prepare = [trouble()] * 1000
    with pytest.raises(errors.SyncApiError) as caught:
        run(vendor)
    assert sum(clock.sleeps) < PREPARE_PATIENCE_SECONDS + 70
    assert (vendor.starts, caught.value.stats["status"]) == ([], "failed")
    assert "goes on" not in str(caught.value)


def test_a_programs_error_is_passed_on_and_the_run_left(clock):
    vendor = FakeVendor(clock)
    vendor.tape = [RuntimeError("a bug")]
    heard = []
    with pytest.raises(RuntimeError, match="a bug"):
        run(vendor, [heard.append], cancel_remote_run=True)
    assert kinds(heard)[-1] == "left"
    assert vendor.cancels == []


# --- a run that is not listed -----------------------------------------------------------


def test_a_run_that_is_not_listed_yet_is_waited_for(clock):
    vendor = FakeVendor(clock)
    vendor.tape = [NOT_LISTED] * 10
    assert run(vendor)["status"] == "completed"


def test_a_run_that_is_never_listed_is_waited_for_with_a_bound(clock):
    vendor = FakeVendor(clock)
    vendor.tape = [NOT_LISTED] * 1000
    with pytest.raises(errors.SyncRunTimedOut, match="not listed by Fake"):
        run(vendor)
    assert sum(clock.sleeps) < UNLISTED_PATIENCE_SECONDS + 60


def test_a_run_that_was_listed_may_be_missing_once(clock):
    vendor = FakeVendor(clock, 3600)
    vendor.tape = [None] * 45 + [NOT_LISTED]
    assert run(vendor)["status"] == "completed"


@pytest.mark.parametrize(("every", "tape"), [(400, [None]), (None, [None] + [trouble()] * 12)])
def test_a_run_counts_as_missing_from_the_look_that_missed_it(clock, every, tape):
    """And not from the last one that did not: in between nobody looked, or got an answer."""
    vendor = FakeVendor(clock, 3600)
    vendor.tape = [*tape, NOT_LISTED]
    assert run(vendor, poll_every=every)["status"] == "completed"


def test_a_run_that_is_missing_for_long_is_given_up(clock):
    vendor = FakeVendor(clock, 3600)
    vendor.tape = [None, *[NOT_LISTED] * 1000]
    with pytest.raises(errors.SyncRunTimedOut, match="not listed by Fake for 300 s"):
        run(vendor, poll_every=100)
    assert clock.monotonic() == 1500


# --- another run is in the way -----------------------------------------------------------


def a_run_without_an_end(vendor, and_then=None):
    """A run of long ago, with a status that nobody knows; and one after it."""
    vendor.add_run(1).report = RunReport(WORKING, "expired", known=False)
    vendor.clock.wind(10)
    if and_then is not None:
        vendor.add_run(1, and_then)
        vendor.clock.wind(10)


@pytest.mark.parametrize("when_running", [REFUSES, SKIPS, QUEUES])
@pytest.mark.parametrize(
    "options",
    [{"if_already_running": it} for it in ("wait", "attach", "fail")] + [{"resume": True}],
)
def test_a_run_that_was_forgotten_is_in_nobodys_way(clock, when_running, options):
    vendor = FakeVendor(clock, when_running=when_running)
    a_run_without_an_end(vendor, FAILED)
    assert run(vendor, max_wait=100, **options)["run_id"] == "102"
    assert len(vendor.starts) == 1


def test_a_run_in_the_way_with_an_unknown_status_is_told_once(clock):
    vendor = FakeVendor(clock, when_running=SKIPS)
    a_run_without_an_end(vendor)
    heard = []
    with pytest.raises(errors.SyncRunTimedOut, match="for run 100 is still going on"):
        run(vendor, [heard.append], max_wait=100)
    assert [event.message for event in heard if event.kind == "unknown_status"] == [
        "Fake sync s1: run 100: 'expired' is a status that this version does not know; taken as "
        "still working"
    ]


@pytest.mark.parametrize("when_running", [REFUSES, SKIPS, QUEUES])
def test_wait_starts_ours_when_the_other_has_ended(clock, when_running):
    vendor = FakeVendor(clock, 30, when_running=when_running)
    other = vendor.add_run(200)
    heard = []
    stats = run(vendor, [heard.append], if_already_running="wait")
    ours = vendor.runs[-1]
    assert (stats["status"], stats["run_id"]) == ("completed", ours.run_id)
    assert ours.run_id != other.run_id
    assert ours.end >= other.end + 30
    assert ("blocked" in kinds(heard)) is (when_running != QUEUES)
    # Nothing is sent while the other goes on, unless the vendor queues it.
    assert len(vendor.starts) == 1
    assert (vendor.starts[0] >= other.end) is (when_running != QUEUES)
    assert all(pause >= 5 - JUST for pause in pauses(vendor.look_times(other.run_id)))


@pytest.mark.parametrize("when_running", [REFUSES, SKIPS, QUEUES])
def test_attach_joins_the_other_and_starts_none(clock, when_running):
    vendor = FakeVendor(clock, when_running=when_running)
    other = vendor.add_run(200)
    heard = []
    stats = run(vendor, [heard.append], if_already_running="attach")
    assert (stats["status"], stats["run_id"]) == ("completed", other.run_id)
    assert vendor.runs == [other]
    assert kinds(heard)[0] == "attached"


@pytest.mark.parametrize("when_running", [REFUSES, SKIPS, QUEUES])
def test_fail_starts_none_and_says_why(clock, when_running):
    vendor = FakeVendor(clock, when_running=when_running)
    other = vendor.add_run(200)
    with pytest.raises(errors.SyncAlreadyRunning) as caught:
        run(vendor, if_already_running="fail")
    assert vendor.runs == [other]
    assert (clock.sleeps, caught.value.retryable) == ([], True)


@pytest.mark.parametrize("policy", ["wait", "attach", "fail"])
@pytest.mark.parametrize("when_running", [REFUSES, SKIPS, QUEUES])
def test_with_nothing_in_the_way_every_policy_starts_one_run(clock, when_running, policy):
    vendor = FakeVendor(clock, when_running=when_running)
    assert run(vendor, if_already_running=policy)["status"] == "completed"
    assert len(vendor.starts) == 1


def test_attach_without_waiting_returns_the_other(clock):
    vendor = FakeVendor(clock, when_running=REFUSES)
    other = vendor.add_run(200)
    stats = run(vendor, if_already_running="attach", wait=False)
    assert (stats["status"], stats["run_id"]) == ("working", other.run_id)


@pytest.mark.parametrize("surveys", [[trouble()], [trouble(), trouble()], [None, trouble()]])
def test_a_blocked_sync_bears_trouble(clock, surveys):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.add_run(100)
    vendor.on_recent = surveys
    vendor.tape = [trouble(), None]
    assert run(vendor)["run_id"] == "101"


def test_a_refusal_without_a_run_is_tried_a_few_times(clock):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.add_run(EVER)
    vendor.hides_runs = True
    with pytest.raises(errors.SyncAlreadyRunning, match="busy"):
        run(vendor)
    assert len(vendor.starts) == MAX_PHANTOMS


def test_a_refusal_may_pass_in_between(clock):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.add_run(8)
    vendor.hides_runs = True
    assert run(vendor)["status"] == "completed"


def busy_again(vendor):
    """Somebody else starts a run, unless one is going on."""
    if vendor._active() is None:
        vendor.add_run(17)


@pytest.mark.parametrize(
    ("when_running", "error"),
    [(SKIPS, errors.SyncRunSkipped), (REFUSES, errors.SyncAlreadyRunning)],
)
def test_a_sync_that_is_always_overtaken_at_its_trigger_gives_up(clock, when_running, error):
    vendor = FakeVendor(clock, when_running=when_running)
    vendor.before_start = lambda: busy_again(vendor)
    with pytest.raises(error, match=": 20 times, another run was there before ours"):
        run(vendor)
    assert len(vendor.starts) == MAX_BLOCKED


def test_a_sync_that_is_always_skipped_may_return_its_stats(clock):
    vendor = FakeVendor(clock, when_running=SKIPS)
    vendor.before_start = lambda: busy_again(vendor)
    stats = run(vendor, raise_on_failure=False)
    assert (stats["status"], stats["run_id"]) == ("skipped", vendor.runs[-1].run_id)
    assert stats["error_message"] == "20 times, another run was there before ours"
    assert len(vendor.starts) == MAX_BLOCKED


def test_a_list_that_was_not_read_counts_for_nothing(clock):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.on_recent = ([trouble()] * 7 + [None]) * 3
    assert len(vendor.on_recent) > MAX_BLOCKED
    recent = vendor.recent
    vendor.recent = lambda request: (vendor.on_recent and busy_again(vendor)) or recent(request)
    assert run(vendor)["status"] == "completed"
    assert (vendor.on_recent, len(vendor.starts)) == ([], 1)


@pytest.mark.parametrize("when_running", [REFUSES, SKIPS])
def test_a_sync_that_is_always_overtaken_before_its_trigger_gives_up(clock, when_running):
    vendor = FakeVendor(clock, when_running=when_running)
    vendor.add_run(17)

    def overtake(_):
        busy_again(vendor)
        assert len(vendor.runs) <= 2 * MAX_BLOCKED, "it never gives up"

    clock.on_sleep = overtake
    with pytest.raises(errors.SyncAlreadyRunning, match=r": 20 times, another run was there be"):
        run(vendor)
    assert vendor.starts == []


def test_a_skipped_run_at_the_deadline_is_skipped(clock):
    vendor = FakeVendor(clock, when_running=SKIPS)
    vendor.before_start = lambda: vendor.add_run(EVER)
    with pytest.raises(errors.SyncRunSkipped):
        run(vendor, max_wait=5)


def test_a_run_in_the_way_to_the_deadline_is_named(clock):
    vendor = FakeVendor(clock, when_running=SKIPS)
    vendor.add_run(EVER)
    with pytest.raises(errors.SyncRunTimedOut, match="for run 100 is still going on"):
        run(vendor, max_wait=100)
    assert vendor.starts == []


def test_a_run_in_the_way_that_is_gone_is_no_longer_in_the_way(clock):
    vendor = FakeVendor(clock, when_running=REFUSES)
    other = vendor.add_run(200)

    def vanish(_):
        other.end = clock.monotonic()
        clock.on_sleep = None

    clock.on_sleep = vanish
    vendor.tape = [errors.SyncNotFound("gone", None, 404)]
    assert run(vendor)["run_id"] == "101"
    assert clock.sleeps == [5, 5, 5]


def test_a_run_in_the_way_ends_the_count_of_refusals_without_a_run(clock):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.before_start = lambda: vendor.add_run(3)
    busy = errors.SyncAlreadyRunning("busy", None, 409, had_no_effect=True)
    vendor.on_start = [None] + [busy] * 99
    with pytest.raises(errors.SyncAlreadyRunning):
        run(vendor)
    assert len(vendor.starts) == 1 + MAX_PHANTOMS


def test_a_skipped_run_without_a_run_in_the_way_gives_up_after_a_few(clock):
    vendor = FakeVendor(clock, ends=SKIPPED, lasts=0, when_running=SKIPS)
    with pytest.raises(errors.SyncRunSkipped, match="skipped 5 times, although no other run"):
        run(vendor)
    assert len(vendor.starts) == MAX_PHANTOMS
    stats = run(vendor, raise_on_failure=False)
    assert (stats["status"], stats["run_id"]) == ("skipped", "109")
    assert stats["error_message"] == "skipped 5 times, although no other run is listed"


def test_a_run_that_is_waited_for_ends_the_count_of_skipped_ones(clock):
    """Also where it is the look before the trigger that finds it."""
    vendor = FakeVendor(clock, ends=SKIPPED, lasts=0, when_running=SKIPS)
    vendor.before_start = lambda: len(vendor.starts) == 4 and vendor.add_run(12)
    recent = vendor.recent
    vendor.recent = lambda request: recent(request) if clock.monotonic() == 1040 else []
    with pytest.raises(errors.SyncRunSkipped, match="skipped 5 times, although no other run"):
        run(vendor)
    assert len(vendor.starts) == 4 + MAX_PHANTOMS


@pytest.mark.parametrize(
    ("when_running", "error", "message"),
    [
        (SKIPS, errors.SyncRunSkipped, "skipped 5 times, although no other run is listed"),
        (REFUSES, errors.SyncAlreadyRunning, "busy"),
    ],
)
def test_without_a_list_a_run_in_the_way_is_no_unknown_sync(clock, when_running, error, message):
    vendor = FakeVendor(clock, when_running=when_running)
    vendor.add_run(EVER)
    vendor.on_recent = [errors.SyncNotFound("no list", None, 404)] * 100
    with pytest.raises(error, match=message) as caught:
        run(vendor)
    assert caught.value.retryable
    assert len(vendor.starts) == MAX_PHANTOMS


@pytest.mark.parametrize("exc", [trouble(), errors.SyncUnauthorized("no", None, 401)], ids=str)
def test_without_permission_nobody_looks_for_a_run_in_the_way(clock, exc):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.before_start = lambda: len(vendor.starts) == 1 and vendor.add_run(8)
    vendor.on_recent = [None, exc]
    if exc.retryable:
        assert run(vendor)["status"] == "completed"
    else:
        with pytest.raises(errors.SyncUnauthorized):
            run(vendor)
    assert len(vendor.starts) == (2 if exc.retryable else 1)


# --- the survey before the start ---------------------------------------------------------


@pytest.mark.parametrize("when_running", [REFUSES, SKIPS, QUEUES])
def test_wait_starts_ours_even_where_there_is_no_list(clock, when_running):
    vendor = FakeVendor(clock, when_running=when_running)
    vendor.on_recent = [errors.SyncNotFound("no list", None, 404)]
    assert run(vendor)["status"] == "completed"
    assert (vendor.starts, clock.sleeps) == ([1000.0], [5, 5])


@pytest.mark.parametrize(
    "options", [{}, {"if_already_running": "attach"}, {"if_already_running": "fail"}]
)
def test_trouble_with_the_survey_is_waited_for(clock, options):
    vendor = FakeVendor(clock)
    vendor.on_recent = [trouble()] * 3
    assert run(vendor, **options)["status"] == "completed"
    assert (len(vendor.lists), len(vendor.starts)) == (4, 1)
    assert vendor.starts[0] == vendor.lists[-1] > 1000


@pytest.mark.parametrize("options", [{"if_already_running": "attach"}, {"resume": True}])
def test_a_run_is_joined_after_trouble_with_the_survey(clock, options):
    vendor = FakeVendor(clock)
    other = vendor.add_run(100)
    vendor.on_recent = [trouble()] * 3
    assert run(vendor, **options)["run_id"] == other.run_id
    assert (len(vendor.lists), vendor.starts) == (4, [])


@pytest.mark.parametrize(
    "options",
    [{}, {"if_already_running": "attach"}, {"if_already_running": "fail"}, {"resume": True}],
)
def test_a_survey_is_not_repeated_for_ever(clock, options):
    vendor = FakeVendor(clock)
    vendor.on_recent = [trouble()] * 1000
    with pytest.raises(errors.SyncApiError, match="the API is down"):
        run(vendor, **options)
    assert sum(clock.sleeps) < PREPARE_PATIENCE_SECONDS + 70
    assert vendor.starts == []


@pytest.mark.parametrize("policy", ["wait", "attach", "fail"])
def test_a_survey_without_permission_ends_the_sync_at_once(clock, policy):
    vendor = FakeVendor(clock)
    vendor.on_recent = [errors.SyncUnauthorized("no", None, 401)]
    with pytest.raises(errors.SyncUnauthorized):
        run(vendor, if_already_running=policy)
    assert (vendor.starts, clock.sleeps) == ([], [])


@pytest.mark.parametrize("policy", ["attach", "fail"])
def test_a_needed_survey_that_cannot_get_better_ends_the_sync_at_once(clock, policy):
    vendor = FakeVendor(clock)
    vendor.on_recent = [errors.SyncNotFound("gone", None, 404)]
    with pytest.raises(errors.SyncNotFound):
        run(vendor, if_already_running=policy)
    assert (vendor.starts, clock.sleeps) == ([], [])


def test_the_trigger_follows_the_survey_at_once(clock):
    vendor = FakeVendor(clock)
    run(vendor)
    assert vendor.starts == [vendor.lists[-1]] == [1000.0]


def test_a_job_that_was_waiting_already_is_watched_and_never_cancelled(clock):
    """Airbyte may answer a trigger with a job that somebody else has started."""
    vendor = FakeVendor(clock)
    other = vendor.add_run(EVER)
    vendor.start = lambda request: vendor._handle(other)
    heard = []
    with pytest.raises(errors.SyncRunTimedOut, match="the run goes on"):
        run(vendor, [heard.append], max_wait=100, cancel_remote_run=True)
    assert (kinds(heard)[0], vendor.cancels) == ("attached", [])
    assert ": was waiting already; watching it (" in heard[0].message


def test_under_fail_a_run_that_is_skipped_after_all_is_skipped(clock):
    vendor = FakeVendor(clock, ends=SKIPPED, when_running=SKIPS)
    with pytest.raises(errors.SyncRunSkipped):
        run(vendor, if_already_running="fail")
    assert len(vendor.starts) == 1


# --- cancelling --------------------------------------------------------------------------


def test_a_timeout_leaves_the_run_alone_by_default(clock):
    vendor = FakeVendor(clock, EVER)
    with pytest.raises(errors.SyncRunTimedOut, match="the run goes on"):
        run(vendor, max_wait=100)
    assert vendor.cancels == []


def test_a_timeout_cancels_the_run_and_waits_for_its_end(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.cancel_takes = 12
    heard = []
    with pytest.raises(errors.SyncRunTimedOut, match="it was cancelled") as caught:
        run(vendor, [heard.append], max_wait=100, poll_every=20, cancel_remote_run=True)
    assert vendor.cancels == ["100"]
    assert sum(clock.sleeps) == pytest.approx(115)
    assert caught.value.stats["status"] == "cancelled"
    assert "goes on" not in str(caught.value)
    assert "cancelling" in kinds(heard)


def test_a_run_that_ends_well_before_the_cancel_takes_hold_is_a_success(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.cancel = lambda handle: setattr(vendor.runs[0], "end", clock.monotonic())
    assert run(vendor, max_wait=100, cancel_remote_run=True)["status"] == "completed"


def test_a_cancel_that_takes_no_hold_is_waited_for_with_a_bound(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.cancel_takes = EVER
    with pytest.raises(errors.SyncRunTimedOut, match="asked to cancel, but has not ended"):
        run(vendor, max_wait=100, cancel_remote_run=True)
    assert sum(clock.sleeps) <= 100 + CANCEL_PATIENCE_SECONDS + 5


def test_trouble_after_a_cancel_is_borne_with_a_bound(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.cancel_takes = EVER
    vendor.on_cancel = [trouble()]
    heard = []
    sync = watch(vendor, [heard.append], max_wait=100, cancel_remote_run=True)
    while not sync.done:
        clock.sleep(max(0.0, sync.due - clock.monotonic()))
        if vendor.cancels and not vendor.tape:
            vendor.tape = [trouble(3600)] * 50
        sync.step()
    with pytest.raises(errors.SyncRunTimedOut, match="whether it did is unknown"):
        sync.result()
    assert sum(clock.sleeps) <= 100 + CANCEL_PATIENCE_SECONDS + 5
    assert any("the cancel went wrong" in event.message for event in heard)


def test_a_cancel_that_met_trouble_is_asked_for_again(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.on_cancel = [trouble(), trouble()]
    with pytest.raises(errors.SyncRunTimedOut, match="it was cancelled"):
        run(vendor, max_wait=100, cancel_remote_run=True)
    assert vendor.cancels == ["100"] * 3


@pytest.mark.parametrize(("retry_after", "pause"), [(None, 5), (7, 7)])
def test_a_cancel_is_asked_for_again_even_where_no_look_is_answered(clock, retry_after, pause):
    vendor = FakeVendor(clock, EVER)
    vendor.on_cancel = [trouble()] * 6
    vendor.tape = [None, *[trouble(retry_after)] * 6]
    with pytest.raises(errors.SyncRunTimedOut, match="it was cancelled"):
        run(vendor, max_wait=5, cancel_remote_run=True)
    assert clock.sleeps == [5, 5, *[pause] * 6]
    assert len(vendor.cancels) == 7


def test_a_cancel_that_cannot_get_better_is_not_asked_for_again(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.on_cancel = [errors.SyncApiError("there is no cancel")]
    heard = []
    with pytest.raises(errors.SyncRunTimedOut, match="has not ended"):
        run(vendor, [heard.append], max_wait=100, cancel_remote_run=True)
    assert vendor.cancels == ["100"]
    assert any("the cancel went wrong: there is no cancel" in it.message for it in heard)


def test_a_timeout_in_trouble_cancels_too(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.tape = [trouble(99)]
    with pytest.raises(errors.SyncRunTimedOut, match="it was cancelled"):
        run(vendor, max_wait=5, cancel_remote_run=True)
    assert vendor.cancels == ["100"]


def interrupt(clock, exception, after):
    def stop(_):
        if clock.monotonic() - 1000 >= after:
            clock.on_sleep = None
            raise exception

    clock.on_sleep = stop


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit])
def test_when_the_flow_is_stopped_our_run_is_cancelled(clock, exception):
    vendor = FakeVendor(clock, EVER)
    vendor.cancel_takes = 7
    heard = []
    interrupt(clock, exception, 30)
    with pytest.raises(exception):
        run(vendor, [heard.append], cancel_remote_run=True)
    assert vendor.cancels == ["100"]
    assert sum(clock.sleeps) == pytest.approx(40)
    cancelling = heard[kinds(heard).index("cancelling")]
    assert f"stopped by {exception.__name__}; cancelling it" in cancelling.message
    assert heard[-1].report.status == "cancelled"


@pytest.mark.parametrize("takes", [EVER, 0.0])
def test_when_the_flow_is_stopped_the_wait_for_the_cancel_is_bounded(clock, takes):
    vendor = FakeVendor(clock, EVER)
    vendor.cancel_takes = takes
    vendor.on_cancel = [trouble()]
    interrupt(clock, KeyboardInterrupt, 30)
    with pytest.raises(KeyboardInterrupt):
        run(vendor, cancel_remote_run=True)
    assert sum(clock.sleeps) <= 30 + CANCEL_PATIENCE_SECONDS + 5


@pytest.mark.parametrize(
    ("exception", "cancel"),
    [(KeyboardInterrupt, False), (ValueError, True), (TimeoutError, True)],
)
def test_a_run_is_not_cancelled_unasked_or_on_an_ordinary_error(clock, exception, cancel):
    vendor = FakeVendor(clock, EVER)
    heard = []
    interrupt(clock, exception, 30)
    with pytest.raises(exception):
        run(vendor, [heard.append], cancel_remote_run=cancel)
    assert (vendor.cancels, sum(clock.sleeps)) == ([], 30)
    assert heard[-1].kind == "left"
    assert "the run goes on at Fake" in heard[-1].message


@pytest.mark.parametrize("policy", ["attach", "wait"])
@pytest.mark.parametrize("stopped", [True, False])
def test_only_our_own_run_is_cancelled(clock, policy, stopped):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.add_run(EVER)
    if stopped:
        interrupt(clock, KeyboardInterrupt, 30)
    with pytest.raises((KeyboardInterrupt, errors.SyncRunTimedOut)):
        run(vendor, max_wait=100, if_already_running=policy, cancel_remote_run=True)
    assert vendor.cancels == []


def test_a_second_interrupt_ends_the_wait_for_the_cancel(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.cancel_takes = EVER

    def stop(_):
        if clock.monotonic() >= 1030:
            raise KeyboardInterrupt

    clock.on_sleep = stop
    with pytest.raises(KeyboardInterrupt):
        run(vendor, cancel_remote_run=True)
    assert sum(clock.sleeps) == 35


@given(
    lasts=st.floats(0, 1000),
    max_wait=st.floats(10, 1000),
    takes=st.floats(0, 100),
    http=st.floats(0, 3),
)
def test_a_cancel_on_timeout_is_always_bounded(lasts, max_wait, takes, http):
    assume(abs(lasts - max_wait) > 1)
    vendor = FakeVendor(VirtualClock(), lasts, http=http)
    vendor.cancel_takes = takes
    began = vendor.clock.monotonic()
    try:
        run(vendor, max_wait=max_wait, cancel_remote_run=True)
    except errors.SyncRunTimedOut:
        assert vendor.cancels == ["100"]
    bound = max_wait + CANCEL_PATIENCE_SECONDS + 10 + 5 * http
    assert vendor.clock.monotonic() - began <= bound
