"""What an attempt leaves, and what the next one makes of it; and runs that others have left."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect1_rsync.engine import errors
from prefect1_rsync.engine.claim import Record
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
    SyncRequest,
)
from prefect1_rsync.engine.watch import (
    RESOLVE_PATIENCE_SECONDS,
    TROUBLE_PATIENCE_SECONDS,
    SyncOptions,
    SyncWatch,
    run_sync,
)
from tests.clock import VirtualClock
from tests.engine.fakes import REQUEST, FakeVendor, go_on, no_effect, run, trouble, watch

EVER = 10.0**9


class Memory:
    """What Prefect's context is to the tasks: holds the last record, as JSON."""

    def __init__(self):
        self.text = "null"
        self.records = []

    def __call__(self, record):
        self.records.append(record)
        self.text = json.dumps(None if record is None else record._asdict())

    def record(self):
        return Record.from_json(json.loads(self.text))


@pytest.fixture
def memory():
    return Memory()


def kinds(heard):
    return [event.kind for event in heard]


def vendor_url(run_id):
    return f"https://fake.example/{run_id}"


# --- what is remembered ------------------------------------------------------------------


def test_the_trigger_is_remembered_before_it_is_sent_and_the_run_after(clock, memory):
    vendor = FakeVendor(clock)
    vendor.add_run(1)
    clock.wind(2)
    at_start = []
    vendor.before_start = lambda: at_start.append(memory.record())
    sent_at = clock.time()
    run(vendor, remember=memory)
    assert at_start == [Record("s1", sent_at=pytest.approx(sent_at), before=["100"])]
    assert memory.record() == Record("s1", "101", "https://fake.example/101", True)
    assert len(memory.records) == 2


def test_without_a_survey_the_trigger_is_remembered_without_what_was_before(clock, memory):
    vendor = FakeVendor(clock)
    vendor.on_recent = [errors.SyncNotFound("no list", None, 404)]
    vendor.on_lost = [trouble()]
    run(vendor, remember=memory)
    assert memory.records[0].before is None
    assert memory.records[0].claim().before is None


@pytest.mark.parametrize(
    "report",
    [
        RunReport(FAILED),
        RunReport(CANCELLED),
        RunReport(SKIPPED),
        RunReport(FAILED, interrupted=True),
    ],
)
@pytest.mark.parametrize("raises", [True, False])
def test_a_run_that_ended_badly_is_forgotten(clock, memory, report, raises):
    vendor = FakeVendor(clock, ends=report)
    try:
        run(vendor, remember=memory, raise_on_failure=raises)
    except errors.SyncRunError:
        assert raises
    assert memory.record() is None


def test_a_run_that_we_cancelled_is_forgotten(clock, memory):
    vendor = FakeVendor(clock, EVER)
    with pytest.raises(errors.SyncRunTimedOut, match="it was cancelled"):
        run(vendor, remember=memory, max_wait=60, cancel_remote_run=True)
    assert memory.record() is None


@pytest.mark.parametrize("tape", [[], [errors.SyncUnauthorized("no", None, 401)]])
def test_a_run_that_goes_on_is_remembered(clock, memory, tape):
    vendor = FakeVendor(clock, EVER)
    vendor.tape = tape
    with pytest.raises(errors.SyncError):
        run(vendor, remember=memory, max_wait=60)
    assert memory.record() == Record("s1", "100", "https://fake.example/100", True)


def test_a_run_of_others_that_we_watch_is_remembered_as_theirs(clock, memory):
    vendor = FakeVendor(clock)
    vendor.add_run(100)
    run(vendor, remember=memory, if_already_running="attach")
    assert memory.record() == Record("s1", "100", "https://fake.example/100", False)


@pytest.mark.parametrize("policy", ["wait", "attach", "fail"])
def test_a_refused_trigger_is_forgotten(clock, memory, policy):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.hides_runs = True
    vendor.add_run(EVER)
    with pytest.raises(errors.SyncAlreadyRunning):
        run(vendor, remember=memory, if_already_running=policy)
    assert memory.record() is None


def test_a_trigger_in_doubt_is_remembered_as_it_was_first_sent(clock, memory):
    vendor = FakeVendor(clock)
    vendor.on_start = [trouble()] * 10
    sent_at = clock.time()
    with pytest.raises(errors.SyncApiError, match="sent 3 times"):
        run(vendor, remember=memory)
    assert memory.record() == Record("s1", sent_at=pytest.approx(sent_at), before=[])


# --- the next attempt --------------------------------------------------------------------


@pytest.mark.parametrize("ours", [True, False])
def test_a_run_that_goes_on_is_watched_and_none_is_started(clock, memory, ours):
    vendor = FakeVendor(clock)
    vendor.add_run(300)
    heard = []
    stats = run(vendor, [heard.append], Record("s1", "100", "https://x.example", ours), memory)
    assert (stats["status"], stats["run_id"]) == ("completed", "100")
    assert (stats["run_url"], vendor.starts, vendor.lists) == ("https://x.example", [], [])
    assert kinds(heard)[0] == ("started" if ours else "attached")
    assert "was left by a former attempt" in heard[0].message
    assert memory.record() == Record("s1", "100", "https://x.example", ours)


def test_a_run_that_has_ended_well_is_reported_at_once(clock):
    vendor = FakeVendor(clock)
    vendor.add_run(10)
    clock.wind(100)
    heard = []
    stats = run(vendor, [heard.append], Record("s1", "100"))
    assert (stats["status"], vendor.starts, clock.sleeps) == ("completed", [], [])
    assert kinds(heard) == ["attached", "ended"]


@pytest.mark.parametrize("ended", [True, False])
def test_without_waiting_a_run_of_a_former_attempt_is_returned_once(clock, ended):
    vendor = FakeVendor(clock)
    vendor.add_run(0 if ended else 100)
    heard = []
    stats = run(vendor, [heard.append], Record("s1", "100", None, True), wait=False)
    assert (stats["status"], stats["run_id"]) == ("working", "100")
    assert (vendor.starts, kinds(heard)) == ([], ["started", "ended"])


@pytest.mark.parametrize("ends", [FAILED, CANCELLED, SKIPPED])
def test_a_run_that_has_ended_badly_is_replaced_by_a_new_one(clock, memory, ends):
    vendor = FakeVendor(clock)
    vendor.add_run(10, ends)
    clock.wind(100)
    stats = run(vendor, record=Record("s1", "100", None, True), remember=memory)
    assert (stats["status"], stats["run_id"], len(vendor.starts)) == ("completed", "101", 1)
    first, anew = Record("s1", "100", None, True), Record("s1", "101", vendor_url(101), True)
    assert [it for it in memory.records if it is None or it.run_id] == [first, None, anew]


def test_a_run_that_ends_badly_while_it_is_watched_fails_the_attempt(clock):
    vendor = FakeVendor(clock)
    vendor.add_run(100, FAILED)
    with pytest.raises(errors.SyncRunFailed):
        run(vendor, record=Record("s1", "100", None, True))
    assert vendor.starts == []


@pytest.mark.parametrize(("fail", "starts"), [(True, 1), (False, 0)])
def test_rejected_records_count_as_in_the_first_attempt(clock, fail, starts):
    vendor = FakeVendor(clock)
    vendor.add_run(0).report = RunReport(COMPLETED, records_failed=2)
    assert run(vendor, record=Record("s1", "100"), fail_on_warning=fail)["status"] == "completed"
    assert len(vendor.starts) == starts


def test_a_record_of_another_sync_is_not_ours(clock):
    vendor = FakeVendor(clock)
    vendor.add_run(1000)
    assert run(vendor, record=Record("s2", "100"))["run_id"] == "101"


def test_a_sync_that_is_named_by_its_slug_takes_the_id_of_the_record(clock):
    vendor = FakeVendor(clock)
    vendor.add_run(20)
    request = SyncRequest("", "slug")
    stats = run_sync(vendor, request, SyncOptions(), clock, record=Record("s1", "100"))
    assert (stats["sync_id"], stats["run_id"], vendor.prepares) == ("s1", "100", [])


def test_trouble_with_the_first_look_is_borne(clock):
    vendor = FakeVendor(clock)
    vendor.add_run(20)
    vendor.tape = [trouble()] * 5
    assert run(vendor, record=Record("s1", "100", None, True))["run_id"] == "100"
    assert vendor.starts == []


def test_trouble_with_the_first_look_is_borne_for_an_hour(clock):
    vendor = FakeVendor(clock, EVER)
    vendor.tape = [trouble()] * 10**4
    with pytest.raises(errors.SyncApiError, match="the API is down") as caught:
        run(vendor, record=Record("s1", "100", None, True))
    assert TROUBLE_PATIENCE_SECONDS <= sum(clock.sleeps) < TROUBLE_PATIENCE_SECONDS + 70
    assert "the run goes on at Fake" in str(caught.value)
    assert vendor.starts == []


@pytest.mark.parametrize("cancel", [True, False])
@pytest.mark.parametrize("ours", [True, False])
def test_the_deadline_of_a_later_attempt(clock, ours, cancel):
    vendor = FakeVendor(clock)
    vendor.add_run(EVER)
    with pytest.raises(errors.SyncRunTimedOut):
        run(
            vendor,
            record=Record("s1", "100", None, ours),
            max_wait=50,
            cancel_remote_run=cancel,
        )
    assert vendor.cancels == (["100"] if ours and cancel else [])
    assert vendor.starts == []


def test_a_deadline_in_trouble_with_the_first_look_cancels_our_run(clock):
    vendor = FakeVendor(clock)
    vendor.add_run(EVER)
    vendor.tape = [trouble(100)]
    with pytest.raises(errors.SyncRunTimedOut, match="it was cancelled"):
        run(vendor, record=Record("s1", "100", None, True), max_wait=50, cancel_remote_run=True)
    assert vendor.cancels == ["100"]


def test_a_run_without_permission_ends_the_attempt_at_once(clock):
    vendor = FakeVendor(clock)
    vendor.tape = [errors.SyncUnauthorized("no", None, 401)]
    with pytest.raises(errors.SyncUnauthorized):
        run(vendor, record=Record("s1", "100", None, True))
    assert (vendor.starts, clock.sleeps) == ([], [])


# --- the next attempt after a trigger in doubt -------------------------------------------


def sent(clock, before=()):
    return Record("s1", sent_at=clock.time(), before=None if before is None else list(before))


@pytest.mark.parametrize("before", [["100"], None])
@pytest.mark.parametrize("later", [5.0, 3000.0])
def test_the_run_of_an_earlier_trigger_is_found(clock, memory, before, later):
    vendor = FakeVendor(clock)
    vendor.add_run(1)
    clock.wind(100)
    record = sent(clock, before)
    vendor.add_run(10**4)
    clock.wind(later)
    heard = []
    assert run(vendor, [heard.append], record, memory)["run_id"] == "101"
    assert (vendor.starts, kinds(heard)[0]) == ([], "started")
    assert memory.record() == Record("s1", "101", "https://fake.example/101", True)


def test_an_earlier_trigger_without_a_run_is_sent_again(clock):
    vendor = FakeVendor(clock)
    assert run(vendor, record=sent(clock))["run_id"] == "100"
    assert RESOLVE_PATIENCE_SECONDS <= vendor.starts[0] - 1000 <= RESOLVE_PATIENCE_SECONDS + 5


def test_an_earlier_trigger_is_looked_for_even_where_others_are_in_the_way(clock):
    vendor = FakeVendor(clock, when_running=REFUSES)
    vendor.add_run(150)
    record = sent(clock, ["100"])
    assert run(vendor, record=record)["run_id"] == "101"
    assert vendor.starts[-1] >= vendor.runs[0].end


def test_a_sync_that_is_switched_off_meanwhile_is_said_so(clock):
    vendor = FakeVendor(clock)
    vendor.on_prepare = [errors.SyncRunDisabled("off")]
    with pytest.raises(errors.SyncRunDisabled):
        run(vendor, record=sent(clock))
    assert vendor.starts == []


def test_an_attempt_that_learns_nothing_leaves_what_it_was_given(clock, memory):
    vendor = FakeVendor(clock)
    vendor.on_prepare = [trouble()] * 1000
    with pytest.raises(errors.SyncRunTimedOut):
        run(vendor, record=sent(clock, ["7"]), remember=memory, max_wait=20)
    assert memory.record().before == ["7"]
    vendor.tape = [trouble()] * 1000
    with pytest.raises(errors.SyncRunTimedOut):
        run(vendor, record=Record("s1", "100", None, True), remember=memory, max_wait=20)
    assert memory.record() == Record("s1", "100", None, True)


def test_two_attempts_of_a_lost_trigger_are_one_run(clock, memory):
    vendor = FakeVendor(clock, 1000)
    vendor.on_lost = [trouble()]
    vendor.on_recent = [None] + [trouble()] * 20
    with pytest.raises(errors.SyncRunTimedOut, match="a run may have been started"):
        run(vendor, remember=memory, max_wait=100)
    vendor.on_recent = []
    assert run(vendor, record=memory.record(), remember=memory)["run_id"] == "100"
    assert len(vendor.starts) == 1


@given(
    stops=st.lists(st.integers(1, 6), max_size=5),
    starts=st.lists(st.sampled_from(["fine", "lost", "dropped", "refused"]), max_size=4),
    lists=st.lists(st.booleans(), max_size=4),
    tape=st.lists(st.sampled_from([None, trouble()]), max_size=6),
    when_running=st.sampled_from([REFUSES, SKIPS, QUEUES]),
)
def test_whenever_attempts_end_their_run_is_one(stops, starts, lists, tape, when_running):
    """Each attempt is stopped after some steps, and the next one goes on; the last one ends."""
    vendor, memory = FakeVendor(VirtualClock(), 200, when_running=when_running), Memory()
    refusals = {"dropped": trouble(), "refused": no_effect()}
    vendor.on_start = [refusals.get(item) for item in starts]
    vendor.on_lost = [trouble() for item in starts if item == "lost"]
    vendor.on_recent = [trouble() if down else None for down in lists]
    vendor.tape = list(tape)
    for steps in stops:
        sync = watch(vendor, record=memory.record(), remember=memory)
        go_on(sync, vendor, steps)
        sync.abandon("ValueError", stopped=False)
    try:
        stats = run(vendor, record=memory.record(), remember=memory)
    except errors.SyncApiError as exc:
        assert "sent 3 times" in str(exc)
        assert vendor.runs == []
    else:
        assert (stats["run_id"], len(vendor.runs)) == ("100", 1)


# --- resume ------------------------------------------------------------------------------


@pytest.mark.parametrize("when_running", [REFUSES, SKIPS, QUEUES])
@pytest.mark.parametrize("policy", ["wait", "attach", "fail"])
def test_resume_joins_a_run_that_goes_on(clock, memory, when_running, policy):
    vendor = FakeVendor(clock, when_running=when_running)
    vendor.add_run(5)
    vendor.add_run(200)
    clock.wind(10)
    heard = []
    stats = run(vendor, [heard.append], remember=memory, resume=True, if_already_running=policy)
    assert (stats["status"], stats["run_id"], vendor.starts) == ("completed", "101", [])
    assert (kinds(heard)[0], memory.record().ours) == ("attached", False)
    assert "was going on already; resuming it" in heard[0].message


def test_resume_starts_a_run_where_none_goes_on(clock):
    vendor = FakeVendor(clock)
    vendor.add_run(5)
    clock.wind(10)
    assert run(vendor, resume=True)["run_id"] == "101"


def test_resume_is_for_what_goes_on_at_the_beginning(clock):
    vendor = FakeVendor(clock, 30, when_running=SKIPS)
    others = [lambda: vendor.add_run(40), lambda: None]
    vendor.before_start = lambda: others.pop(0)()

    def start_another(_):
        if clock.monotonic() == 1040:
            vendor.add_run(60, FAILED)

    clock.on_sleep = start_another
    stats = run(vendor, resume=True)
    assert (stats["status"], stats["run_id"], len(vendor.starts)) == ("completed", "103", 2)


def test_a_resumed_run_is_not_ours_to_cancel(clock):
    vendor = FakeVendor(clock)
    vendor.add_run(EVER)
    with pytest.raises(errors.SyncRunTimedOut):
        run(vendor, resume=True, max_wait=50, cancel_remote_run=True)
    assert vendor.cancels == []


def test_a_record_goes_before_resume(clock):
    vendor = FakeVendor(clock)
    vendor.add_run(300)
    vendor.add_run(300)
    assert run(vendor, record=Record("s1", "100", None, True), resume=True)["run_id"] == "100"


def test_a_watch_can_be_made_without_a_memory(clock):
    sync = SyncWatch(FakeVendor(clock), REQUEST, SyncOptions(), clock)
    while not sync.done:
        clock.sleep(max(0.0, sync.due - clock.monotonic()))
        sync.step()
    assert sync.result()["status"] == "completed"


@pytest.mark.parametrize("record", [Record("s1", "100", None, True), None])
def test_without_waiting_the_stats_hold_what_was_seen(clock, record):
    vendor = FakeVendor(clock)
    vendor.add_run(EVER)
    seen = RunReport(WORKING, "working", records_processed=3)
    vendor.tape = [seen]
    vendor._report = lambda _: seen
    stats = run(vendor, record=record, resume=True, wait=False)
    assert (stats["run_id"], stats["records_processed"]) == ("100", 3)
    record = Record("s1", sent_at=clock.time(), before=[])
    assert run(vendor, record=record, wait=False)["records_processed"] == 3
