"""What a sync tells on its way and at its end, word for word and second for second."""

import copy
import textwrap

import pytest

from prefect1_rsync.engine import errors
from prefect1_rsync.engine.claim import Record
from prefect1_rsync.engine.model import (
    FAILED,
    QUEUES,
    REFUSES,
    SKIPPED,
    SKIPS,
    WORKING,
    RunReport,
    SyncRequest,
)
from prefect1_rsync.engine.watch import run_sync
from tests.engine.fakes import FakeVendor, go_on, no_effect, trouble, watch

EVER = 10.0**9
GONE = errors.SyncNotFound("gone", None, 404)


def vendor_with(clock, other=None, lasts=10.0, ends="completed", when_running=QUEUES, **state):
    vendor = FakeVendor(clock, lasts, ends, when_running)
    if other is not None:
        vendor.add_run(other)
    for name, value in state.items():
        setattr(vendor, name, value)
    return vendor


def told(clock, vendor, stop=None, record=None, **options):
    """
    The events as "seconds kind: message" (without those that say what the one before said), and
    the end: the stats' status, or the error's class, what it knows, and the stats' reason. `S`
    stands for the vendor and the sync, `@` for the link.
    """
    heard = []
    sync = watch(vendor, [heard.append], record, **options)
    go_on(sync, vendor, 10**6 if stop is None else stop)
    if stop is not None:
        sync.abandon("KeyboardInterrupt")
    lines = []
    for event in heard:
        assert (event.vendor, event.sync_id) == ("Fake", "s1")
        assert event.run_url == (event.run_id and f"https://fake.example/{event.run_id}")
        assert f"Fake sync s1, run {event.run_id}:" in event.message or event.run_id is None
        if not lines or not lines[-1].endswith(f" {event.kind}: {event.message}"):
            lines.append(f"{event.seconds:g} {event.kind}: {event.message}")
    lines.append(end_of(sync, heard[-1]) if sync.done else "not done")
    text = "\n".join(textwrap.fill(line, 90, subsequent_indent="  ") for line in lines)
    return text.replace("Fake sync s1", "S").replace("https://fake.example/", "@")


def end_of(sync, last):
    try:
        stats = sync.result()
        assert stats["vendor"] == "fake"
        return stats["status"]
    except errors.SyncError as exc:
        link = f" ({last.run_url})" if last.run_url else ""
        assert (last.error, str(exc)) == (exc, last.message + link)
        words = [type(exc).__name__, *map(str, exc.args[2:]), exc.stats["status"]]
        return f"{' '.join(words)}: {exc.stats['error_message']}"


STORIES = [
    (
        "a run that ends well",
        {},
        {},
        """
        0 started: S, run 100: started (@100)
        5 looked: S, run 100: working
        10 looked: S, run 100: completed
        10 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a run that goes wrong",
        {"ends": RunReport(FAILED, "broken", error_message="no space", records_processed=3)},
        {},
        """
        0 started: S, run 100: started (@100)
        5 looked: S, run 100: working
        10 looked: S, run 100: failed (broken): no space
        10 ended: S, run 100: failed (broken): no space
        SyncRunFailed failed: no space
        """,
    ),
    (
        "a run with records",
        {"ends": RunReport("completed", "completed", records_processed=3)},
        {"poll_every": 60},
        """
        0 started: S, run 100: started (@100)
        60 looked: S, run 100: completed, 3 records
        60 ended: S, run 100: completed, 3 records
        completed
        """,
    ),
    (
        "a run in the way, which is waited for",
        {"other": 20, "when_running": REFUSES},
        {"poll_every": 60},
        """
        0 blocked: S: run 100 is going on; ours starts when it has ended
        60 started: S, run 101: started (@101)
        120 looked: S, run 101: completed
        120 ended: S, run 101: completed
        completed
        """,
    ),
    (
        "a run in the way, which is joined",
        {"other": 20},
        {"if_already_running": "attach", "poll_every": 60},
        """
        0 attached: S, run 100: was going on already; watching it
          (@100)
        60 looked: S, run 100: completed
        60 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a run in the way, and no wish to wait",
        {"other": 20},
        {"if_already_running": "fail"},
        """
        0 ended: S: run 100 is going on
        SyncAlreadyRunning None False None True failed: run 100 is going on
        """,
    ),
    (
        "a run in the way, which is resumed",
        {"other": 20},
        {"resume": True, "poll_every": 60},
        """
        0 attached: S, run 100: was going on already; resuming it
          (@100)
        60 looked: S, run 100: completed
        60 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a run in the way to the deadline",
        {"other": EVER, "when_running": SKIPS},
        {"max_wait": 100, "poll_every": 90},
        """
        0 blocked: S: run 100 is going on; ours starts when it has ended
        100 ended: S: not started after 100 s, for run 100 is still going on
        SyncRunTimedOut failed: not started after 100 s, for run 100 is still going on
        """,
    ),
    (
        "a run in the way that nobody lists",
        {"other": EVER, "when_running": REFUSES, "hides_runs": True},
        {},
        """
        20 ended: S: busy
        SyncAlreadyRunning 409 False None True failed: busy
        """,
    ),
    (
        "a run that is skipped for nothing",
        {"ends": SKIPPED, "lasts": 0, "when_running": SKIPS},
        {},
        """
        0 started: S, run 100: started (@100)
        5 looked: S, run 100: skipped
        10 started: S, run 101: started (@101)
        15 looked: S, run 101: skipped
        20 started: S, run 102: started (@102)
        25 looked: S, run 102: skipped
        30 started: S, run 103: started (@103)
        35 looked: S, run 103: skipped
        40 started: S, run 104: started (@104)
        45 looked: S, run 104: skipped
        45 ended: S, run 104: skipped: skipped 5 times, although no other run is listed
        SyncRunSkipped skipped: skipped 5 times, although no other run is listed
        """,
    ),
    (
        "no wish to wait at all",
        {},
        {"wait": False},
        """
        0 started: S, run 100: started (@100)
        0 ended: S, run 100: working
        working
        """,
    ),
    (
        "a word that nobody knows",
        {"tape": [RunReport(WORKING, "odd", known=False)] * 2},
        {},
        """
        0 started: S, run 100: started (@100)
        5 looked: S, run 100: working (odd)
        5 unknown_status: S, run 100: 'odd' is a status that this version does not
          know; taken as still working
        10 looked: S, run 100: working (odd)
        15 looked: S, run 100: completed
        15 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "trouble with a look",
        {"tape": [trouble(), trouble(90)]},
        {},
        """
        0 started: S, run 100: started (@100)
        5 trouble: S, run 100: the API is down; asking again in 5 s
        10 trouble: S, run 100: the API is down; asking again in 90 s
        100 looked: S, run 100: completed
        100 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "trouble with a look for too long",
        {"tape": [trouble(3000)] * 9},
        {},
        """
        0 started: S, run 100: started (@100)
        5 trouble: S, run 100: the API is down; asking again in 3000 s
        6005 ended: S, run 100: the API is down; the run goes on at Fake
        SyncApiError 503 True 3000 False working: the API is down
        """,
    ),
    (
        "trouble with a look to the deadline",
        {"lasts": EVER, "tape": [trouble(90)]},
        {"max_wait": 40},
        """
        0 started: S, run 100: started (@100)
        5 trouble: S, run 100: the API is down; asking again in 35 s
        40 looked: S, run 100: working
        40 ended: S, run 100: not over after 40 s (last seen as working); the run goes
          on at Fake
        SyncRunTimedOut working: not over after 40 s (last seen as working)
        """,
    ),
    (
        "a look that can't get better",
        {"tape": [errors.SyncUnauthorized("no", None, 403)]},
        {},
        """
        0 started: S, run 100: started (@100)
        5 ended: S, run 100: no; the run goes on at Fake
        SyncUnauthorized 403 False None False working: no
        """,
    ),
    (
        "trouble before the start",
        {"on_prepare": [trouble(290)] * 2},
        {},
        """
        0 trouble: S: the API is down; asking again in 290 s
        580 started: S, run 100: started (@100)
        585 looked: S, run 100: working
        590 looked: S, run 100: completed
        590 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a run that nobody lists",
        {"tape": [RunReport(WORKING, listed=False)] * 99},
        {"poll_every": 100},
        """
        0 started: S, run 100: started (@100)
        100 looked: S, run 100: working
        300 ended: S, run 100: accepted, but not listed by Fake for 300 s; is the sync
          switched off?; the run goes on at Fake
        SyncRunTimedOut working: accepted, but not listed by Fake for 300 s; is the sync switched
          off?
        """,
    ),
    (
        "a run that is not over in time",
        {"lasts": EVER},
        {"max_wait": 40, "poll_every": 60},
        """
        0 started: S, run 100: started (@100)
        40 looked: S, run 100: working
        40 ended: S, run 100: not over after 40 s (last seen as working); the run goes
          on at Fake
        SyncRunTimedOut working: not over after 40 s (last seen as working)
        """,
    ),
    (
        "a run that is not over in time and cancelled",
        {"lasts": EVER},
        {"max_wait": 40, "poll_every": 60, "cancel_remote_run": True},
        """
        0 started: S, run 100: started (@100)
        40 looked: S, run 100: working
        40 cancelling: S, run 100: not over after 40 s; cancelling it
        45 looked: S, run 100: cancelled
        45 ended: S, run 100: not over after 45 s (last seen as cancelled); it was
          cancelled
        SyncRunTimedOut cancelled: not over after 45 s (last seen as cancelled); it was cancelled
        """,
    ),
    (
        "a cancel that goes wrong",
        {"lasts": EVER, "on_cancel": [errors.SyncApiError("no cancel")]},
        {"max_wait": 40, "poll_every": 60, "cancel_remote_run": True},
        """
        0 started: S, run 100: started (@100)
        40 looked: S, run 100: working
        40 cancelling: S, run 100: not over after 40 s; cancelling it
        40 trouble: S, run 100: the cancel went wrong: no cancel
        45 looked: S, run 100: working
        100 ended: S, run 100: not over after 100 s (last seen as working); it was
          asked to cancel, but has not ended
        SyncRunTimedOut working: not over after 100 s (last seen as working); it was asked to
          cancel, but has not ended
        """,
    ),
    (
        "a cancel that meets trouble",
        {"lasts": EVER, "on_cancel": [trouble()]},
        {"max_wait": 40, "poll_every": 60, "cancel_remote_run": True},
        """
        0 started: S, run 100: started (@100)
        40 looked: S, run 100: working
        40 cancelling: S, run 100: not over after 40 s; cancelling it
        40 trouble: S, run 100: the cancel went wrong: the API is down
        45 looked: S, run 100: cancelled
        45 ended: S, run 100: not over after 45 s (last seen as cancelled); it was
          cancelled
        SyncRunTimedOut cancelled: not over after 45 s (last seen as cancelled); it was cancelled
        """,
    ),
    (
        "a lost answer",
        {"on_lost": [trouble()]},
        {"poll_every": 60},
        """
        0 trouble: S: the API is down; whether a run was started is not known; looking
          for it
        5 started: S, run 100: was started after all; watching it
          (@100)
        65 looked: S, run 100: completed
        65 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "three triggers without an answer",
        {"on_start": [trouble()] * 3},
        {},
        """
        0 trouble: S: the API is down; whether a run was started is not known; looking
          for it
        180 ended: S: the trigger was sent 3 times and started no run; the API is down
        SyncApiError None True None False failed: the trigger was sent 3 times and started no run;
          the API is down
        """,
    ),
    (
        "a lost answer to the deadline",
        {"on_start": [trouble()]},
        {"max_wait": 20},
        """
        0 trouble: S: the API is down; whether a run was started is not known; looking
          for it
        20 ended: S: not over after 20 s; the API is down; a run may have been started,
          and goes on at Fake
        SyncRunTimedOut failed: not over after 20 s; the API is down
        """,
    ),
    (
        "a lost answer and a list that can't be read",
        {"on_start": [trouble()], "on_recent": [None] + [trouble(99)] * 9},
        {"max_wait": 20},
        """
        0 trouble: S: the API is down; whether a run was started is not known; looking
          for it
        5 trouble: S: the API is down; asking again in 15 s
        20 ended: S: not over after 20 s; the API is down; last, the API is down; a run
          may have been started, and goes on at Fake
        SyncRunTimedOut failed: not over after 20 s; the API is down; last, the API is down
        """,
    ),
    (
        "a lost answer and a list that is gone",
        {"on_start": [trouble()], "on_recent": [None, GONE]},
        {},
        """
        0 trouble: S: the API is down; whether a run was started is not known; looking
          for it
        5 ended: S: gone; a run may have been started, and goes on at Fake
        SyncNotFound 404 False None False failed: gone
        """,
    ),
    (
        "triggers without effect",
        {"on_start": [no_effect(299)] * 3},
        {},
        """
        0 trouble: S: too many requests; asking again in 299 s
        598 ended: S: too many requests
        SyncApiError 429 True 299 True failed: too many requests
        """,
    ),
    (
        "a stop while the run goes on",
        {"lasts": EVER},
        {"stop": 4},
        """
        0 started: S, run 100: started (@100)
        5 looked: S, run 100: working
        10 left: S, run 100: stopped by KeyboardInterrupt; the run goes on at Fake
          (@100)
        not done
        """,
    ),
    (
        "a stop that cancels",
        {"lasts": EVER},
        {"stop": 4, "cancel_remote_run": True},
        """
        0 started: S, run 100: started (@100)
        5 looked: S, run 100: working
        10 cancelling: S, run 100: stopped by KeyboardInterrupt; cancelling it
        15 looked: S, run 100: cancelled
        15 ended: S, run 100: not over after 15 s (last seen as cancelled); it was
          cancelled
        SyncRunTimedOut cancelled: not over after 15 s (last seen as cancelled); it was cancelled
        """,
    ),
    (
        "a stop before the run is known",
        {"on_lost": [trouble()]},
        {"stop": 2},
        """
        0 trouble: S: the API is down; whether a run was started is not known; looking
          for it
        0 left: S: stopped by KeyboardInterrupt; a run may have been started, and goes
          on at Fake
        not done
        """,
    ),
    (
        "a stop before the run is known, which is found and cancelled",
        {"on_lost": [trouble()]},
        {"stop": 2, "cancel_remote_run": True},
        """
        0 trouble: S: the API is down; whether a run was started is not known; looking
          for it
        0 started: S, run 100: was started (@100)
        0 cancelling: S, run 100: stopped by KeyboardInterrupt; cancelling it
        5 looked: S, run 100: cancelled
        5 ended: S, run 100: not over after 5 s (last seen as cancelled); it was
          cancelled
        SyncRunTimedOut cancelled: not over after 5 s (last seen as cancelled); it was cancelled
        """,
    ),
    (
        "a run of a former attempt",
        {"other": 20},
        {"record": Record("s1", "100", "https://fake.example/100", True), "poll_every": 60},
        """
        0 started: S, run 100: was left by a former attempt; watching it
          (@100)
        60 looked: S, run 100: completed
        60 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a run of a former attempt that went wrong",
        {"tape": [RunReport(FAILED)]},
        {"record": Record("s1", "100", "https://fake.example/100", True), "poll_every": 60},
        """
        0 started: S, run 100: started (@100)
        60 looked: S, run 100: completed
        60 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a run of a former attempt and a deadline in trouble",
        {"other": EVER, "tape": [trouble(90)]},
        {
            "record": Record("s1", "100", "https://fake.example/100", True),
            "max_wait": 20,
            "cancel_remote_run": True,
        },
        """
        0 trouble: S, run 100: the API is down; asking again in 20 s
        20 started: S, run 100: was left by a former attempt; watching it
          (@100)
        25 looked: S, run 100: working
        25 cancelling: S, run 100: not over after 25 s; cancelling it
        30 looked: S, run 100: cancelled
        30 ended: S, run 100: not over after 30 s (last seen as cancelled); it was
          cancelled
        SyncRunTimedOut cancelled: not over after 30 s (last seen as cancelled); it was cancelled
        """,
    ),
    (
        "a run of others of a former attempt",
        {"other": 20},
        {"record": Record("s1", "100", "https://fake.example/100"), "poll_every": 60},
        """
        0 attached: S, run 100: was left by a former attempt; watching it
          (@100)
        60 looked: S, run 100: completed
        60 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a trigger of a former attempt",
        {},
        {"record": Record("s1", sent_at=0.0), "max_wait": 20},
        """
        20 ended: S: not over after 20 s; a former attempt got no clear answer to its
          trigger; a run may have been started, and goes on at Fake
        SyncRunTimedOut failed: not over after 20 s; a former attempt got no clear answer to its
          trigger
        """,
    ),
    (
        "a trigger of a former attempt, sent again",
        {},
        {"record": Record("s1", sent_at=0.0), "poll_every": 60},
        """
        60 started: S, run 100: started (@100)
        120 looked: S, run 100: completed
        120 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "trouble before the start that passes",
        {"on_prepare": [trouble()] * 2},
        {"poll_every": 60},
        """
        0 trouble: S: the API is down; asking again in 5 s
        5 trouble: S: the API is down; asking again in 10 s
        15 started: S, run 100: started (@100)
        75 looked: S, run 100: completed
        75 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a deadline that the requests before the start take",
        {"http": 60.0},
        {"max_wait": 100},
        """
        120 ended: S: not started after 120 s
        SyncRunTimedOut failed: not started after 120 s
        """,
    ),
    (
        "a trigger of a former attempt, sent again to who refuses",
        {"when_running": REFUSES},
        {"record": Record("s1", sent_at=0.0), "poll_every": 60},
        """
        60 attached: S, run 100: was started, or was waiting already; watching it
          (@100)
        120 looked: S, run 100: completed
        120 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a lost answer of a short run",
        {"on_lost": [trouble()], "lasts": 0.0},
        {"poll_every": 60},
        """
        0 trouble: S: the API is down; whether a run was started is not known; looking
          for it
        5 started: S, run 100: was started after all; watching it
          (@100)
        5 looked: S, run 100: completed
        5 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a lost answer that is found at the deadline",
        {"on_lost": [trouble()], "lasts": EVER},
        {"max_wait": 5},
        """
        0 trouble: S: the API is down; whether a run was started is not known; looking
          for it
        5 started: S, run 100: was started after all; watching it
          (@100)
        5 ended: S, run 100: not over after 5 s (last seen as working); the run goes on
          at Fake
        SyncRunTimedOut working: not over after 5 s (last seen as working)
        """,
    ),
    (
        "a cancel, and trouble with every look after it",
        {"lasts": EVER, "cancel_takes": EVER, "tape": [None] + [trouble(3600)] * 9},
        {"max_wait": 40, "poll_every": 60, "cancel_remote_run": True},
        """
        0 started: S, run 100: started (@100)
        40 looked: S, run 100: working
        40 cancelling: S, run 100: not over after 40 s; cancelling it
        45 trouble: S, run 100: the API is down; asking again in 55 s
        100 ended: S, run 100: not over after 100 s (last seen as working); it was
          asked to cancel; whether it did is unknown
        SyncRunTimedOut working: not over after 100 s (last seen as working); it was asked to
          cancel; whether it did is unknown
        """,
    ),
    (
        "a refusal without a run, and no wish to wait",
        {"on_start": [errors.SyncAlreadyRunning("busy", None, 409, had_no_effect=True)]},
        {"if_already_running": "fail"},
        """
        0 ended: S: busy
        SyncAlreadyRunning 409 False None True failed: busy
        """,
    ),
    (
        "trouble with a look, and an interval",
        {"tape": [trouble()]},
        {"poll_every": 60},
        """
        0 started: S, run 100: started (@100)
        60 trouble: S, run 100: the API is down; asking again in 60 s
        120 looked: S, run 100: completed
        120 ended: S, run 100: completed
        completed
        """,
    ),
    (
        "a run that is skipped, and three triggers without an answer",
        {
            "lasts": 0.0,
            "when_running": SKIPS,
            "tape": [RunReport(SKIPPED)],
            "on_start": [None] + [trouble()] * 3,
        },
        {},
        """
        0 started: S, run 100: started (@100)
        5 looked: S, run 100: skipped
        10 trouble: S: the API is down; whether a run was started is not known; looking
          for it
        190 ended: S: the trigger was sent 3 times and started no run; the API is down
        SyncApiError None True None False failed: the trigger was sent 3 times and started no run;
          the API is down
        """,
    ),
    (
        "a run of a former attempt and trouble at the deadline",
        {"other": EVER, "tape": [trouble(90)] * 2},
        {
            "record": Record("s1", "100", "https://fake.example/100", True),
            "max_wait": 20,
            "cancel_remote_run": True,
        },
        """
        0 trouble: S, run 100: the API is down; asking again in 20 s
        20 cancelling: S, run 100: not over after 20 s; cancelling it
        25 looked: S, run 100: cancelled
        25 ended: S, run 100: not over after 25 s (last seen as cancelled); it was
          cancelled
        SyncRunTimedOut cancelled: not over after 25 s (last seen as cancelled); it was cancelled
        """,
    ),
]


@pytest.mark.parametrize(
    ("state", "options", "story"), [it[1:] for it in STORIES], ids=[it[0] for it in STORIES]
)
def test_what_is_told_from_the_request_to_the_end(clock, state, options, story):
    vendor = vendor_with(clock, **copy.deepcopy(state))
    assert told(clock, vendor, **options) == textwrap.dedent(story).strip()


@pytest.mark.parametrize(
    ("request_", "sync_id"),
    [(SyncRequest("7", "slug"), "7"), (SyncRequest("", "slug"), "slug"), (SyncRequest(""), "")],
)
def test_a_sync_is_told_by_its_id_or_else_by_its_slug(clock, request_, sync_id):
    heard = []
    vendor = vendor_with(clock, on_prepare=[GONE])
    with pytest.raises(errors.SyncNotFound):
        run_sync(vendor, request_, clock=clock, listeners=[heard.append])
    assert [event.sync_id for event in heard] == [sync_id]
