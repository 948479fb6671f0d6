"""What holds for the three vendors alike, each against its sandbox."""

import email.utils
import json
import pickle

import pytest
import requests
from hypothesis import given, settings

from prefect1_rsync.engine import errors
from prefect1_rsync.engine.claim import Claim, Record, claimed
from prefect1_rsync.engine.watch import (
    MAX_SENDS,
    PREPARE_PATIENCE_SECONDS,
    RESOLVE_PATIENCE_SECONDS,
)
from prefect1_rsync.sandbox import Sandbox
from tests.clock import VirtualClock
from tests.engine.strategies import JSON, mutated
from tests.vendors.bench import SECRETS, UnreachableSession, bench_of, sandbox_of

NAMES = ["census", "hightouch", "airbyte"]
JUST = 1e-6


def pauses(requests):
    times = [request.at for request in requests]
    return [later - earlier for earlier, later in zip(times, times[1:])]


def looks_at_ours(bench):
    """The looks at the run that we watch; Hightouch has one operation for those and for lists."""
    return [
        request
        for request in bench.asked(bench.look)
        if request.query.get("runId") or bench.client.name != "hightouch"
    ]


# --- a good run --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_run_over_sockets(name, clock):
    with Sandbox(clock=clock.monotonic) as sandbox:
        bench = bench_of(name, sandbox, clock, requests.Session())
        assert bench.run()["status"] == "completed"
        bench.client.close()


def test_a_run_from_start_to_stats(bench):
    bench.script(duration=70, records_processed=12, records_failed=2, bytes_synced=340)
    heard = []
    stats = bench.run([heard.append])
    assert stats["status"] == "completed"
    assert (stats["vendor"], stats["vendor_status"]) == (bench.client.name, bench.success)
    assert (stats["sync_id"], stats["run_id"]) == (bench.sync, str(bench.server.runs[0].id))
    assert (stats["records_updated"], stats["records_failed"]) == (10, 2)
    assert stats["records_processed"] == (10 if bench.client.name == "airbyte" else 12)
    assert stats["bytes_synced"] == (340 if bench.client.name == "airbyte" else None)
    assert stats["error_message"] is None
    assert stats["run_url"].startswith("http")
    assert stats["duration_seconds"] == pytest.approx(70, abs=1.1)
    assert stats["started_at"] < stats["finished_at"]
    assert stats["raw"]
    assert not any(secret in json.dumps(stats, allow_nan=False) for secret in SECRETS)
    assert [event.kind for event in heard if event.kind != "looked"] == ["started", "ended"]


def test_a_run_of_an_hour_costs_fewer_than_ninety_looks(bench):
    bench.script(duration=3600)
    bench.run(max_wait=None)
    looks = looks_at_ours(bench)
    assert len(looks) < 90
    # Airbyte's client reads the job once more for nothing: the reasons are another request.
    assert min(pauses(looks)) >= 5 - JUST


def test_a_fixed_interval_is_kept(bench):
    bench.script(duration=100)
    bench.run(poll_every=17)
    assert pauses(looks_at_ours(bench)) == pytest.approx([17] * 5)


def test_without_waiting_the_run_is_started_and_left(bench):
    stats = bench.run(wait=False)
    assert (stats["status"], bench.server.accepted()) == ("working", 1)
    assert looks_at_ours(bench) == []


def test_a_full_resync_is_asked_for_in_the_vendors_own_way(sandbox, clock):
    for name in ("census", "hightouch"):
        bench = bench_of(name, sandbox, clock)
        bench.client.start(bench.request)
        bench.client.start(bench.request._replace(full_resync=True))
        plain, full = bench.asked("trigger")[-2:]
        key, yes = ("force_full_sync", ["true"]) if name == "census" else ("fullResync", True)
        assert key not in plain.query
        assert key not in (plain.json or {})
        assert (full.query if name == "census" else full.json) == {key: yes}


# --- how runs end ------------------------------------------------------------------------


def test_a_failed_run_has_the_vendors_reason(bench):
    bench.script(duration=20, ends="failed", error_message="no such column")
    with pytest.raises(errors.SyncRunFailed) as caught:
        bench.run()
    error = pickle.loads(pickle.dumps(caught.value))
    run_id = str(bench.server.runs[0].id)
    for part in (bench.client.title, bench.sync, run_id, "no such column", error.stats["run_url"]):
        assert part in str(error)
    assert "no such column" in error.stats["error_message"]
    assert (error.stats["status"], error.stats["records_processed"]) in (
        ("failed", None),
        ("failed", 0),
    )


@pytest.mark.parametrize("name", NAMES)
def test_rejected_records_fail_a_run_only_if_asked(name):
    for fail, expected in ((False, "completed"), (True, "failed")):
        clock = VirtualClock()
        bench = bench_of(name, sandbox_of(clock), clock)
        bench.script(records_failed=3)
        stats = bench.run(fail_on_warning=fail, raise_on_failure=False)
        assert stats["status"] == expected
        assert ("3 records were rejected" in (stats["error_message"] or "")) is fail


def test_an_unknown_word_is_working_until_the_deadline_and_told_once(bench):
    bench.script(duration=200, ends="hibernating", statuses=[(0, "Pondering"), (50, "dreaming")])
    heard = []
    with pytest.raises(errors.SyncRunTimedOut, match="last seen as hibernating"):
        bench.run([heard.append], max_wait=600)
    told = [event.message for event in heard if event.kind == "unknown_status"]
    assert [message.split("'")[1] for message in told] == ["pondering", "dreaming", "hibernating"]


# --- trouble -----------------------------------------------------------------------------

BORNE = [
    *({"status": status} for status in (408, 425, 429, 500, 502, 503, 504)),
    *({"drop": when} for when in ("before", "middle", "after")),
    *(
        {"malformed": kind}
        for kind in ("html", "truncated", "empty", "wrong_type", "not_utf8", "deep")
    ),
    {"body": {"data": {"status": 7}}},
    {"body": {"data": None}},
    {"body": "{}"},
    {"body": b"null"},
    {"body": b"[[]]"},
]


@pytest.mark.parametrize("fault", BORNE, ids=str)
def test_looks_survive_trouble(bench, fault):
    bench.script(duration=300)
    bench.server.fault(bench.look, times=8, after=2, **fault)
    stats = bench.run()
    assert (stats["status"], bench.server.accepted()) == ("completed", 1)
    assert min(pauses(looks_at_ours(bench))) >= 5 - JUST


@pytest.mark.parametrize("fault", [{"delay": 3600}, {"drip": 3.0}, {"delay": 59.0}], ids=str)
def test_looks_survive_silence(bench, fault):
    bench.script(duration=300)
    bench.server.fault(bench.look, times=2, after=1, **fault)
    assert bench.run()["status"] == "completed"
    assert bench.server.accepted() == 1


def test_an_answer_without_end_is_survived(census):
    """Once: it is 16 MB."""
    census.server.fault("run", malformed="huge")
    assert census.run()["status"] == "completed"


@pytest.mark.parametrize("as_date", [False, True])
def test_looks_heed_retry_after(bench, as_date):
    header = email.utils.formatdate(bench.clock.time() + 305, usegmt=True) if as_date else "300"
    after = 1 if bench.client.name == "hightouch" else 0
    bench.server.fault(bench.look, after=after, status=429, headers={"Retry-After": header})
    assert bench.run()["status"] == "completed"
    assert pauses(looks_at_ours(bench))[0] == pytest.approx(300, abs=2)


@pytest.mark.parametrize("fault", BORNE[:4], ids=str)
def test_trouble_to_the_deadline_is_a_timeout(bench, fault):
    bench.script(duration=10**6)
    bench.server.fault(bench.look, times=None, after=1, **fault)
    began = bench.clock.monotonic()
    with pytest.raises(errors.SyncRunTimedOut):
        bench.run(max_wait=400)
    assert bench.clock.monotonic() - began <= 405 + JUST


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.SyncUnauthorized),
        (403, errors.SyncUnauthorized),
        (404, errors.SyncNotFound),
        (400, errors.SyncApiError),
        (422, errors.SyncApiError),
        (301, errors.SyncApiError),
        (302, errors.SyncApiError),
        (307, errors.SyncApiError),
    ],
)
def test_what_cannot_get_better_ends_the_wait_at_once(bench, status, kind):
    bench.script(duration=10**6)
    headers = {"Location": bench.sandbox.url + "/elsewhere"}
    bench.server.fault(bench.look, times=None, after=4, status=status, headers=headers)
    with pytest.raises(kind) as caught:
        bench.run()
    renewals = 1 if bench.client.name == "airbyte" and status == 401 else 0
    assert len(bench.asked(bench.look)) == 5 + renewals
    assert (caught.value.status_code, caught.value.retryable) == (status, False)
    assert not any("elsewhere" in request.path for request in bench.sandbox.requests)
    assert not any(secret in str(caught.value) for secret in SECRETS)


# --- trouble with the trigger ------------------------------------------------------------

REFUSED = [
    *({"status": status} for status in (400, 403, 404, 410, 422)),
    {"redirect": "/elsewhere"},
    {"redirect": "/elsewhere", "status": 307},
]
NO_EFFECT = [{"status": 425}, {"status": 429}, {"status": 429, "headers": {"Retry-After": "70"}}]
NOT_PROCESSED = [
    *({"status": status} for status in (408, 500, 502, 503, 504)),
    {"drop": "before"},
]
PROCESSED = [
    *({"status": status, "process": True} for status in (408, 500, 502, 503, 504)),
    {"drop": "middle"},
    {"drop": "after"},
    {"delay": 3600.0},
    {"drip": 60.0},
    *(
        {"malformed": kind}
        for kind in ("html", "truncated", "empty", "wrong_type", "not_utf8", "deep")
    ),
    {"body": {"status": "success", "data": {}}},
    {"body": {"status": "success", "data": {"sync_run_id": None}}},
    {"body": {"id": None, "jobId": True, "message": "Validation failed"}},
    {"body": {"id": "", "jobId": "x"}},
    {"body": {"id": {}, "jobId": 1.5}},
    *({"body": body} for body in (b"[]", b"null", b'"OK"', b"")),
]
POLICIES = ["wait", "attach", "fail"]


@pytest.mark.parametrize("fault", REFUSED, ids=str)
def test_a_trigger_that_is_refused_is_not_repeated(bench, fault):
    bench.server.fault("trigger", times=None, **fault)
    with pytest.raises(errors.SyncApiError) as caught:
        bench.run()
    assert (len(bench.asked("trigger")), bench.server.accepted()) == (1, 0)
    assert (caught.value.stats["run_id"], caught.value.retryable) == (None, False)
    assert bench.clock.sleeps == []
    assert pickle.loads(pickle.dumps(caught.value)).status_code == caught.value.status_code


@pytest.mark.parametrize("fault", NO_EFFECT, ids=str)
def test_a_trigger_that_surely_had_no_effect_is_sent_again(bench, fault):
    bench.server.fault("trigger", **fault)
    assert bench.run()["status"] == "completed"
    pause = pauses(bench.asked("trigger"))
    assert pause == pytest.approx([70 if "headers" in fault else 5])
    assert bench.server.accepted() == 1


@pytest.mark.parametrize("fault", NO_EFFECT[:2], ids=str)
def test_triggers_without_effect_are_not_repeated_for_ever(bench, fault):
    bench.server.fault("trigger", times=None, **fault)
    with pytest.raises(errors.SyncApiError) as caught:
        bench.run(max_wait=None)
    assert (bench.server.accepted(), caught.value.retryable) == (0, True)
    assert sum(bench.clock.sleeps) < PREPARE_PATIENCE_SECONDS + 70


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", ["trigger", "jobs", ""])
def test_a_connection_that_is_refused_is_tried_again(sandbox, clock, name, path):
    refused = []

    def refuses(method, url):
        wanted = not path or (method == "POST" and url.endswith(path))
        if wanted and len(refused) < 4:
            refused.append(url)
            return True
        return False

    plain = bench_of(name, sandbox, clock)
    bench = bench_of(name, sandbox, clock, UnreachableSession(plain.session, refuses))
    assert bench.run()["status"] == "completed"
    assert (bench.server.accepted(), len(bench.asked("trigger"))) == (1, 1)
    assert bool(refused) is (path != ("trigger" if name == "airbyte" else "jobs"))


@pytest.mark.parametrize("fault", PROCESSED, ids=str)
def test_the_run_of_a_trigger_without_a_clear_answer_is_found(bench, fault):
    for ends in ("failed", "failed"):
        bench.other(duration=1, ends=ends)
        bench.clock.wind(30)
    bench.script(duration=100)
    bench.server.fault("trigger", times=None, **fault)
    heard = []
    stats = bench.run([heard.append], max_wait=None)
    ours = bench.server.runs[-1]
    assert (stats["status"], stats["run_id"]) == ("completed", str(ours.id))
    assert (len(bench.asked("trigger", "POST")), bench.server.accepted()) == (1, 1)
    assert [event.kind for event in heard if event.kind != "looked"] == [
        "trouble",
        "started",
        "ended",
    ]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("ends", ["failed", None])
def test_the_outcome_after_a_lost_answer_is_that_of_our_run(bench, policy, ends):
    """Also where it was over before anybody looked."""
    bench.other(duration=1, ends=None if ends else "failed")
    bench.clock.wind(30)
    bench.script(duration=1, ends=ends)
    bench.server.fault("trigger", drop="after")
    stats = bench.run(if_already_running=policy, raise_on_failure=False)
    assert stats["status"] == ("failed" if ends else "completed")
    assert stats["run_id"] == str(bench.server.runs[-1].id)
    assert len(bench.asked("trigger")) == 1


@pytest.mark.parametrize("fault", NOT_PROCESSED, ids=str)
@pytest.mark.parametrize("policy", POLICIES)
def test_a_trigger_that_made_no_run_is_sent_again_after_a_minute(bench, fault, policy):
    bench.other(duration=1)
    bench.clock.wind(30)
    bench.server.fault("trigger", **fault)
    stats = bench.run(if_already_running=policy)
    assert (stats["status"], bench.server.accepted()) == ("completed", 1)
    assert stats["run_id"] == str(bench.server.runs[-1].id)
    (pause,) = pauses(bench.asked("trigger"))
    assert RESOLVE_PATIENCE_SECONDS <= pause <= RESOLVE_PATIENCE_SECONDS + 5 + JUST


@pytest.mark.parametrize("fault", NOT_PROCESSED, ids=str)
def test_three_triggers_without_a_run_end_in_a_clear_error(bench, fault):
    bench.server.fault("trigger", times=None, **fault)
    with pytest.raises(errors.SyncApiError, match="sent 3 times and started no run") as caught:
        bench.run()
    assert (len(bench.asked("trigger")), bench.server.accepted()) == (MAX_SENDS, 0)
    assert (caught.value.stats["run_id"], caught.value.retryable) == (None, True)
    assert sum(bench.clock.sleeps) <= MAX_SENDS * (RESOLVE_PATIENCE_SECONDS + 5)


@pytest.mark.parametrize("fault", BORNE, ids=str)
def test_a_lost_answer_and_trouble_with_the_list(bench, fault):
    """The list is readable before the trigger, and again after some trouble."""
    bench.other(duration=1)
    bench.clock.wind(30)
    bench.script(duration=300)
    bench.server.fault("trigger", drop="after")
    bench.server.fault("runs", times=4, after=1, **fault)
    stats = bench.run(max_wait=None)
    assert (stats["status"], stats["run_id"]) == ("completed", str(bench.server.runs[-1].id))
    assert (len(bench.asked("trigger")), bench.server.accepted()) == (1, 1)


def test_a_lost_answer_without_a_list_of_before(bench):
    """The survey failed: the time alone tells our run from the older ones."""
    bench.other(duration=1)
    bench.clock.wind(120)
    bench.server.fault("runs", status=404)
    bench.server.fault("trigger", drop="after")
    stats = bench.run()
    assert (stats["status"], stats["run_id"]) == ("completed", str(bench.server.runs[-1].id))
    assert len(bench.asked("trigger")) == 1


NO_LISTS = [
    {"malformed": "html"},
    {"malformed": "wrong_type"},
    {"malformed": "empty"},
    {"body": b"null"},
    {"body": {}},
    {"body": {"data": None}},
    {"body": {"data": {"id": 7}}},
    {"body": {"status": "error", "message": "try again"}},
]


@pytest.mark.parametrize("fault", NO_LISTS, ids=str)
def test_what_is_no_list_of_runs_does_not_say_that_no_run_was_made(bench, fault):
    bench.script(duration=300)
    bench.server.fault("trigger", drop="after")
    bench.server.fault("runs", times=30, after=1, **fault)
    assert bench.run(max_wait=None)["status"] == "completed"
    assert (len(bench.asked("trigger")), bench.server.accepted()) == (1, 1)


@pytest.mark.parametrize("fault", NO_LISTS, ids=str)
def test_what_is_no_list_of_runs_does_not_say_that_there_were_none_before(bench, fault):
    """Else a run of the last hour would be taken for ours."""
    old = bench.other(duration=1, ends="failed")
    bench.clock.wind(600)
    bench.server.fault("runs", **fault)
    bench.server.fault("trigger", drop="before")
    stats = bench.run()
    assert (stats["status"], stats["run_id"]) == ("completed", str(bench.server.runs[-1].id))
    assert stats["run_id"] != str(old.id)
    assert bench.server.accepted() == 1


@pytest.mark.parametrize("policy", ["attach", "fail"])
@pytest.mark.parametrize("fault", NO_LISTS, ids=str)
def test_what_is_no_list_of_runs_does_not_say_that_none_goes_on(bench, fault, policy):
    other = bench.other(duration=300)
    bench.server.fault("runs", times=2, **fault)
    try:
        stats = bench.run(if_already_running=policy)
    except errors.SyncAlreadyRunning:
        assert policy == "fail"
    else:
        assert (policy, stats["run_id"]) == ("attach", str(other.id))
    assert bench.server.accepted() == 0


class Answers:
    """Every GET gets this answer."""

    def __init__(self, answer):
        self.answer = answer

    def get(self, path, params=None):
        return self.answer


RUN = {"id": 7, "jobId": 7, "status": "failed", "createdAt": "2026-01-31T23:59:59Z"}


@given(answer=JSON | mutated({"data": [RUN, dict(RUN, id=6, jobId=6)], "hasMore": False}))
@settings(max_examples=50)
@pytest.mark.parametrize("name", NAMES)
def test_any_list_of_runs_is_sightings_or_an_error(name, answer):
    clock = VirtualClock()
    bench = bench_of(name, sandbox_of(clock), clock)
    bench.client._http = Answers(answer)
    try:
        found = bench.client.recent(bench.request)
    except errors.SyncApiError as exc:
        assert exc.transient
        return
    for sighting in found:
        assert sighting.handle == bench.client._handle(
            bench.request if name == "airbyte" else bench.sync, sighting.handle.run_id
        )
        json.dumps(sighting.report._asdict(), allow_nan=False)
    claimed(Claim(clock.time()), found)


@pytest.mark.parametrize("operation", ["runs", "*"])
def test_a_credential_that_may_not_list_is_said_at_once(bench, operation):
    bench.server.fault(operation, status=401, times=None)
    with pytest.raises(errors.SyncUnauthorized):
        bench.run()
    assert (bench.server.accepted(), bench.clock.sleeps) == (0, [])


def test_the_next_attempt_finds_the_run_of_a_lost_answer(bench):
    bench.other(duration=1)
    bench.clock.wind(30)
    bench.script(duration=300)
    bench.server.fault("trigger", drop="after")
    bench.server.fault("runs", after=1, times=5, status=503)
    left = []
    with pytest.raises(errors.SyncRunTimedOut, match="a run may have been started"):
        bench.run(max_wait=20, remember=left.append)
    bench.server.clear_faults()
    record = Record.from_json(json.loads(json.dumps(left[-1]._asdict())))
    stats = bench.run(record=record)
    assert (stats["status"], stats["run_id"]) == ("completed", str(bench.server.runs[-1].id))
    assert bench.server.accepted() == 1


def test_the_next_attempt_joins_the_run_of_the_one_before(bench):
    bench.script(duration=300)
    left = []
    with pytest.raises(errors.SyncRunTimedOut):
        bench.run(max_wait=100, remember=left.append)
    stats = bench.run(record=left[-1])
    assert (stats["status"], bench.server.accepted()) == ("completed", 1)
    assert stats["run_url"] == bench.run(record=left[-1])["run_url"]


def test_resume_joins_whatever_goes_on(bench):
    other = bench.other(duration=300)
    assert bench.run(resume=True)["run_id"] == str(other.id)
    assert bench.server.accepted() == 0
    assert bench.run(resume=True)["run_id"] != str(other.id)
    assert bench.server.accepted() == 1


def test_a_wrong_credential_starts_nothing(bench):
    bench.server.token = bench.server.api_key = bench.server.client_secret = "changed"
    with pytest.raises(errors.SyncUnauthorized) as caught:
        bench.run()
    assert (bench.server.accepted(), caught.value.status_code) == (0, 401)
    assert not any(secret in str(caught.value) for secret in SECRETS)
    assert not caught.value.retryable


# --- another run is going on -------------------------------------------------------------


def test_wait_runs_ours_after_the_other(bench):
    other = bench.other(duration=100)
    bench.script(duration=50)
    heard = []
    stats = bench.run([heard.append], if_already_running="wait")
    assert stats["status"] == "completed"
    ours = bench.server.runs[-1]
    assert stats["run_id"] == str(ours.id) != str(other.id)
    assert ours.started_at >= other.finished_at
    blocked = [event for event in heard if event.kind == "blocked"]
    assert len(blocked) == (0 if bench.client.name == "hightouch" else 1)
    (trigger,) = bench.asked("trigger")
    assert (trigger.at >= other.finished_at) is (bench.client.name != "hightouch")


def test_attach_watches_the_other_and_starts_none(bench):
    other = bench.other(duration=100)
    stats = bench.run(if_already_running="attach")
    assert (stats["status"], stats["run_id"]) == ("completed", str(other.id))
    assert bench.server.accepted() == 0


def test_attach_finds_a_run_that_still_waits_in_the_queue(bench):
    other = bench.other(queued_for=50, duration=100)
    stats = bench.run(if_already_running="attach")
    assert (stats["status"], stats["run_id"]) == ("completed", str(other.id))
    assert bench.server.accepted() == 0


def test_attach_takes_the_newest_run(sandbox, clock):
    bench = bench_of("hightouch", sandbox, clock)
    bench.other(duration=100)
    newest = bench.other(duration=100)
    assert bench.run(if_already_running="attach")["run_id"] == str(newest.id)


def test_fail_starts_none(bench):
    other = bench.other(duration=100)
    with pytest.raises(errors.SyncAlreadyRunning) as caught:
        bench.run(if_already_running="fail")
    assert bench.server.accepted() == 0
    assert caught.value.retryable
    assert str(other.id) in str(caught.value) or bench.sync in str(caught.value)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_run_that_is_over_is_in_nobodys_way(bench, policy):
    bench.other(duration=10)
    bench.clock.wind(11)
    assert bench.run(if_already_running=policy)["run_id"] == str(bench.server.runs[-1].id)
    assert bench.server.accepted() == 1


def test_the_wait_for_another_run_counts_against_the_deadline(bench):
    bench.other(duration=10**6)
    began = bench.clock.monotonic()
    with pytest.raises(errors.SyncRunTimedOut):
        bench.run(max_wait=300)
    assert bench.clock.monotonic() - began <= 305 + JUST


# --- cancelling --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["census", "airbyte"])
@pytest.mark.parametrize("stopped", [KeyboardInterrupt, SystemExit, None])
def test_our_run_is_cancelled_on_timeout_and_when_the_flow_is_stopped(
    sandbox, clock, name, stopped
):
    bench = bench_of(name, sandbox, clock)
    bench.script(duration=10**6)
    bench.server.cancel_takes = 8

    def stop(_):
        if stopped and clock.monotonic() > 1050:
            clock.on_sleep = None
            raise stopped

    clock.on_sleep = stop
    with pytest.raises(stopped or errors.SyncRunTimedOut):
        bench.run(max_wait=100, cancel_remote_run=True)
    assert len(bench.asked("cancel")) == 1
    assert bench.server.runs[0].finished


def test_a_run_is_not_cancelled_on_an_ordinary_error(bench):
    bench.script(duration=10**6)

    def stop(_):
        raise ValueError("a bug")

    bench.clock.on_sleep = stop
    with pytest.raises(ValueError, match="a bug"):
        bench.run(cancel_remote_run=True)
    assert bench.asked("cancel") == []
    assert not bench.server.runs[0].finished


@pytest.mark.parametrize("name", ["census", "airbyte"])
@pytest.mark.parametrize("policy", ["attach", "wait"])
def test_nobody_elses_run_is_cancelled(sandbox, clock, name, policy):
    bench = bench_of(name, sandbox, clock)
    other = bench.other(duration=10**6)
    with pytest.raises(errors.SyncRunTimedOut):
        bench.run(max_wait=100, cancel_remote_run=True, if_already_running=policy)
    assert not other.finished
    assert bench.asked("cancel") == []


# --- odds and ends -----------------------------------------------------------------------


def test_a_client_can_be_used_again_after_close(bench):
    bench.client.close()
    assert bench.run()["status"] == "completed"
    bench.client.close()


def test_reprs_hold_no_secret(bench):
    assert not any(secret in repr(bench.client) for secret in SECRETS)
    assert bench.server.base_url in repr(bench.client)
