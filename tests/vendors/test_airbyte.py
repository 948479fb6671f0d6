import uuid

import pytest
import requests
from hypothesis import given

from prefect1_rsync.engine import errors
from prefect1_rsync.engine.clock import RealClock
from prefect1_rsync.engine.http import NoAuth
from prefect1_rsync.engine.model import RunHandle, RunReport, Sighting, SyncRequest, stats_of
from prefect1_rsync.engine.redact import Redactor
from prefect1_rsync.vendors import airbyte as room
from prefect1_rsync.vendors.airbyte import (
    CLOUD_API,
    AirbyteClient,
    ClientCredentialsAuth,
    Credentials,
    add_details,
    check_connection_id,
    derived_config_api_url,
    parse_job,
    web_url,
)
from tests import specs
from tests.engine.strategies import JSON, mutated
from tests.vendors.bench import Requests
from tests.vendors.test_census import check_stats

# From the vendor's documentation and server.
JOB = {
    "jobId": 1234,
    "status": "succeeded",
    "jobType": "sync",
    "connectionId": "9924bcd0-99be-453d-ba47-c2c9766f7da5",
    "startTime": "2023-03-25T01:30Z",
    "lastUpdatedAt": "2023-03-25T09:36:12Z",
    "duration": "PT8H6M12S",
    "bytesSynced": 123,
    "rowsSynced": 45,
}
FAILURE = {
    "failureOrigin": "source",
    "failureType": "config_error",
    "externalMessage": "The password is wrong",
    "internalMessage": "java.lang.RuntimeException",
    "retryable": False,
    "timestamp": 1679736972000,
}
ATTEMPT = {
    "id": 0,
    "status": "failed",
    "createdAt": 1679707800,
    "failureSummary": {"failures": [FAILURE], "partialSuccess": False},
}
DETAILS = {
    "job": {
        "id": 1234,
        "configType": "sync",
        "status": "failed",
        "aggregatedStats": {"recordsEmitted": 50, "recordsCommitted": 45, "recordsRejected": 5},
    },
    "attempts": [{"attempt": ATTEMPT}, {"attempt": dict(ATTEMPT, id=1)}],
}
WORDS = [
    ("succeeded", "completed"),
    ("Succeeded", "completed"),
    ("failed", "failed"),
    ("cancelled", "cancelled"),
    ("pending", "working"),
    ("running", "working"),
    ("queued", "working"),
    ("incomplete", "working"),
]
FAILED = RunReport("failed", "failed")


def with_failures(*failures, **summary):
    summary = dict(summary, failures=list(failures))
    return {"attempts": [{"attempt": {"failureSummary": summary}}]}


# --- the job's answer --------------------------------------------------------------------


@pytest.mark.parametrize(("word", "status"), WORDS)
def test_every_word_of_airbyte(word, status):
    report = parse_job(dict(JOB, status=word))
    assert (report.status, report.vendor_status, report.known) == (status, word.lower(), True)
    assert (report.finished_at is None) is (status == "working")


@pytest.mark.parametrize("word", ["completed", "success", "error", "paused"])
def test_an_unknown_word_is_no_end(word):
    report = parse_job(dict(JOB, status=word))
    assert (report.status, report.known) == ("working", False)


def test_all_fields_of_a_job():
    assert parse_job(JOB)._asdict() == {
        "status": "completed",
        "vendor_status": "succeeded",
        "known": True,
        "listed": True,
        "interrupted": False,
        "error_message": None,
        "records_processed": 45,
        "records_updated": 45,
        "records_failed": None,
        "records_invalid": None,
        "bytes_synced": 123,
        "warning": False,
        "created_at": "2023-03-25T01:30:00.000000Z",
        "started_at": "2023-03-25T01:30:00.000000Z",
        "finished_at": "2023-03-25T09:36:12.000000Z",
        "duration_seconds": 29172.0,
        "raw": JOB,
    }


def test_fields_without_a_value_are_missing():
    report = parse_job({"status": "pending"})
    counts = (report.records_processed, report.bytes_synced, report.duration_seconds)
    assert counts == (None, None, None)


@pytest.mark.parametrize(("rows", "size"), [(0, 0), (5, 7), (0, 7)])
def test_zero_says_nothing_before_the_end(rows, size):
    job = dict(JOB, rowsSynced=rows, bytesSynced=size)
    report = parse_job(dict(job, status="running"))
    assert (report.records_processed, report.bytes_synced) == (rows or None, size or None)
    assert (report.duration_seconds, report.finished_at) == (None, None)
    report = parse_job(job)
    assert (report.records_processed, report.bytes_synced) == (rows, size)


def test_details_without_a_reason_leave_the_one_that_is_there():
    report = FAILED._replace(error_message="known")
    assert add_details(report, {}).error_message == "known"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT0S", 0),
        ("PT12S", 12),
        ("PT6M", 360),
        ("PT8H", 28800),
        ("PT1H0.5S", 3600.5),
        ("PT", None),
        ("PT-5S", None),
        ("P1D", None),
        ("8:06:12", None),
        (12, None),
        (None, None),
    ],
)
def test_the_duration(text, seconds):
    assert parse_job(dict(JOB, duration=text)).duration_seconds == seconds


@pytest.mark.parametrize("answer", [None, [], {}, {"status": None}, {"status": 7}, "running"])
def test_what_is_not_about_a_job_is_trouble(answer):
    with pytest.raises(errors.SyncApiError) as caught:
        parse_job(answer)
    assert caught.value.transient


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (DETAILS, "source: The password is wrong"),
        ({"attempts": [ATTEMPT]}, "source: The password is wrong"),
        (with_failures({"internalMessage": "NullPointer"}), "NullPointer"),
        (with_failures({"externalMessage": "a"}, {"externalMessage": "b"}), "a; b"),
        (with_failures({"externalMessage": "a"}, {"externalMessage": "a"}), "a"),
        (
            with_failures({"externalMessage": "a"}, partialSuccess=True),
            "a; some records were committed",
        ),
        (with_failures({"externalMessage": "x" * 3000}), "x" * 2000),
        ({"attempts": [{"attempt": ATTEMPT}, {"attempt": {"status": "running"}}]}, "source: The"),
        ({"attempts": []}, None),
        ({"attempts": [{"attempt": {"failureSummary": None}}]}, None),
        ({"job": {}}, None),
        (None, None),
    ],
)
def test_the_reason_of_a_failure(answer, reason):
    found = add_details(FAILED, answer).error_message
    assert found == reason or (reason and found.startswith(reason))


def test_a_reason_is_cut():
    reasons = with_failures({"externalMessage": "a" * 1500}, {"externalMessage": "b" * 1500})
    assert len(add_details(FAILED, reasons).error_message) == 2000


def test_a_success_has_no_reason_but_may_have_rejected_records():
    report = add_details(RunReport("completed"), DETAILS)
    assert (report.records_failed, report.error_message) == (5, None)


@given(answer=JSON | mutated(JOB, [word for word, _ in WORDS]), details=JSON | mutated(DETAILS))
def test_any_answer_is_a_report_or_an_error(answer, details):
    try:
        report = parse_job(answer)
    except errors.SyncError:
        return
    for told in (report, add_details(report, details)):
        check_stats(stats_of("airbyte", SyncRequest("1"), None, told))


# --- the client against the sandbox ------------------------------------------------------


def test_incomplete_and_queued_are_no_ends(airbyte):
    words = [(0, "pending"), (10, "queued"), (20, "running"), (40, "incomplete"), (60, "running")]
    airbyte.script(duration=90, statuses=words)
    heard = []
    assert airbyte.run([heard.append])["status"] == "completed"
    seen = {event.report.vendor_status for event in heard if event.kind == "looked"}
    assert {"queued", "incomplete", "running", "succeeded"} <= seen
    assert "unknown_status" not in [event.kind for event in heard]


def test_a_failed_attempt_is_not_a_failed_job(airbyte):
    airbyte.script(duration=90, attempts=3)
    assert airbyte.run()["status"] == "completed"


def test_the_reason_comes_from_the_config_api(airbyte):
    airbyte.script(ends="failed", error_message="The password is wrong", partial_success=True)
    with pytest.raises(errors.SyncRunFailed, match="source: The password is wrong; some records"):
        airbyte.run()
    assert len(airbyte.asked("job_details")) == 1


def test_rejected_records_come_from_the_config_api(airbyte):
    airbyte.script(records_failed=7)
    assert airbyte.run()["records_failed"] == 7


def test_rejected_records_are_known_of_a_job_whose_trigger_was_lost(airbyte):
    airbyte.script(duration=2, records_failed=3)
    airbyte.server.fault("trigger", drop="after")
    with pytest.raises(errors.SyncRunFailed, match="3 records were rejected"):
        airbyte.run(fail_on_warning=True)
    assert len(airbyte.asked("trigger")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403},
        {"status": 404},
        {"status": 500},
        {"drop": "before"},
        {"malformed": "html"},
        {"malformed": "wrong_type"},
        {"malformed": "empty"},
        {"redirect": "/elsewhere"},
        {"delay": 3600},
    ],
    ids=str,
)
def test_without_the_config_api_the_verdict_stands(airbyte, fault):
    airbyte.script(ends="failed")
    airbyte.server.fault("job_details", times=None, **fault)
    began = airbyte.clock.monotonic()
    stats = airbyte.run(raise_on_failure=False)
    assert (stats["status"], stats["records_failed"]) == ("failed", None)
    assert airbyte.clock.monotonic() - began <= 5 + room.DETAILS_READ_SECONDS


def test_a_client_has_one_session_and_closes_it(monkeypatch):
    closed = []
    monkeypatch.setattr(requests.Session, "close", lambda self: closed.append(self))
    client = AirbyteClient(Credentials("i", "s"))
    tokens = client._http._auth._http
    assert tokens._session is client._http._session is client._config._session
    client.close()
    assert closed == [tokens._session]


def test_where_the_config_api_is_unknown_it_is_not_asked(sandbox, airbyte):
    api_url = sandbox.airbyte.base_url + "/elsewhere/v1"
    client = AirbyteClient(api_url=api_url, clock=airbyte.clock, session=airbyte.session)
    report = RunReport("failed")
    handle = client._handle(SyncRequest("c"), "1")
    assert client._with_details(handle, report) is report
    assert (sandbox.requests, handle.run_url) == ([], None)
    client.close()


def test_the_config_api_may_be_elsewhere(airbyte):
    server = airbyte.server
    server.auth = "none"
    airbyte.script(records_failed=3)
    client = AirbyteClient(
        None, server.api_url, server.config_api_url, airbyte.clock, airbyte.session
    )
    handle = client.start(airbyte.request)
    airbyte.clock.wind(100)
    assert client.look(handle).records_failed == 3


def test_the_link_leads_to_the_connections_timeline(airbyte):
    url = airbyte.run()["run_url"]
    server = airbyte.server
    expected = f"/workspaces/{server.workspace_id}/connections/{airbyte.sync}/timeline"
    assert url == server.base_url + expected


@pytest.mark.parametrize("status", ["inactive", "locked", "deprecated"])
def test_a_connection_that_may_not_run_is_said_so(airbyte, status):
    airbyte.server.add_sync(airbyte.sync, status=status)
    with pytest.raises(errors.SyncRunDisabled, match=status) as caught:
        airbyte.run()
    assert not caught.value.retryable
    assert airbyte.asked("trigger") == []


# --- a trigger that is answered by 409 ---------------------------------------------------

ACTIVE = {"connectionId": "9924bcd0-99be-453d-ba47-c2c9766f7da5", "status": "active"}
VAGUE = {
    "status": 409,
    "title": "state-conflict",
    "data": {"message": "Could not fulfill request"},
}


def overtaken(airbyte, **outcome):
    """Another job that our survey did not show yet."""
    airbyte.server.fault("runs", body={"data": []})
    return airbyte.other(**outcome)


@pytest.mark.parametrize("status", ["inactive", "locked", "deprecated"])
def test_a_connection_that_is_switched_off_meanwhile_is_said_so(airbyte, status):
    airbyte.server.add_sync(airbyte.sync, status=status)
    airbyte.server.fault("connection", body=ACTIVE)
    with pytest.raises(errors.SyncRunDisabled, match=status) as caught:
        airbyte.run()
    assert len(airbyte.asked("trigger")) == 1
    assert (caught.value.retryable, airbyte.clock.sleeps) == (False, [])


def test_wait_waits_for_a_job_that_was_quicker(airbyte):
    other = overtaken(airbyte, duration=100)
    stats = airbyte.run()
    ours = airbyte.server.runs[-1]
    assert (stats["status"], stats["run_id"]) == ("completed", str(ours.id))
    assert ours.created >= other.finished_at
    assert (len(airbyte.asked("trigger")), airbyte.server.accepted()) == (2, 1)


def test_attach_joins_a_job_that_was_quicker(airbyte):
    other = overtaken(airbyte, duration=100)
    assert airbyte.run(if_already_running="attach")["run_id"] == str(other.id)
    assert (len(airbyte.asked("trigger")), airbyte.server.accepted()) == (1, 0)


def test_fail_ends_where_a_job_was_quicker(airbyte):
    overtaken(airbyte, duration=100)
    with pytest.raises(errors.SyncAlreadyRunning, match="already running") as caught:
        airbyte.run(if_already_running="fail")
    assert (airbyte.server.accepted(), airbyte.clock.sleeps) == (0, [])
    assert (caught.value.status_code, caught.value.retryable) == (409, True)


@pytest.mark.parametrize("connection", [{"status": 503}, {"status": 403}, {"drop": "before"}, None])
@pytest.mark.parametrize("policy", ["wait", "attach", "fail"])
def test_a_vague_409_may_have_made_a_job(airbyte, connection, policy):
    """The server waited in vain for the job to appear; it appears all the same."""
    airbyte.script(duration=100)
    airbyte.server.fault("trigger", status=409, process=True, body=VAGUE)
    if connection:
        airbyte.server.fault("connection", after=1, **connection)
    stats = airbyte.run(if_already_running=policy)
    assert (stats["status"], stats["run_id"]) == ("completed", str(airbyte.server.runs[-1].id))
    assert (len(airbyte.asked("trigger")), airbyte.server.accepted()) == (1, 1)


def test_a_vague_409_without_a_job_is_sent_again(airbyte):
    airbyte.server.fault("trigger", status=409, body=VAGUE)
    assert airbyte.run()["status"] == "completed"
    first, second = airbyte.asked("trigger")
    assert 60 <= second.at - first.at <= 66
    assert airbyte.server.accepted() == 1


def test_a_vague_409_that_comes_again_and_again_is_an_error(airbyte):
    airbyte.server.fault("trigger", status=409, body=VAGUE, times=None)
    with pytest.raises(errors.SyncApiError, match="Could not fulfill request"):
        airbyte.run()
    assert (len(airbyte.asked("trigger")), airbyte.server.accepted()) == (3, 0)


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 403}, {"drop": "before"}], ids=str)
def test_after_a_409_trouble_with_the_connection_changes_nothing(airbyte, fault):
    other = overtaken(airbyte, duration=100)
    airbyte.server.fault("connection", after=1, **fault)
    assert airbyte.run()["status"] == "completed"
    assert airbyte.server.runs[-1].created >= other.finished_at
    assert airbyte.server.accepted() == 1


def test_a_job_that_was_waiting_already_is_never_cancelled(airbyte):
    """Airbyte answers a trigger with a job that waits for capacity: somebody else's."""
    airbyte.script(queued_for=10**6, statuses=[(0, "queued")])
    airbyte.client.start(airbyte.request)
    (theirs,) = airbyte.server.runs
    airbyte.clock.wind(600)
    airbyte.server.fault("runs", status=404)
    with pytest.raises(errors.SyncRunTimedOut) as caught:
        airbyte.run(max_wait=100, cancel_remote_run=True)
    assert caught.value.stats["run_id"] == str(theirs.id)
    assert (airbyte.asked("cancel"), theirs.finished) == ([], False)


def test_a_job_of_a_moment_that_waits_already_is_joined(airbyte):
    airbyte.script(queued_for=100, duration=20, statuses=[(0, "queued")])
    airbyte.client.start(airbyte.request)
    (theirs,) = airbyte.server.runs
    airbyte.server.fault("runs", body={"data": []})
    assert airbyte.run()["run_id"] == str(theirs.id)
    assert airbyte.server.runs == [theirs]


# --- what must not be touched ------------------------------------------------------------


def test_the_connection_is_never_modified(airbyte):
    airbyte.script(duration=200, ends="failed")
    airbyte.other(duration=30)
    with pytest.raises(errors.SyncRunTimedOut):
        airbyte.run(max_wait=150, cancel_remote_run=True)
    assert airbyte.server.connection_updates == []
    assert airbyte.asked("connection_update") == []
    assert {request.method for request in airbyte.sandbox.requests} == {"GET", "POST", "DELETE"}


def test_an_unknown_connection_is_not_found(airbyte):
    unknown = airbyte._replace(request=SyncRequest(str(uuid.UUID(int=7))))
    with pytest.raises(errors.SyncNotFound):
        unknown.run()


def test_a_run_of_another_kind_is_in_the_way_too(airbyte):
    run = airbyte.other(duration=60)
    run.options["kind"] = "reset"
    assert airbyte.run(if_already_running="attach")["run_id"] == str(run.id)


def test_a_job_without_a_status_is_no_reason_to_wait_for_ever(airbyte):
    airbyte.other(duration=100)
    airbyte.server.fault("runs", body={"data": [{"jobId": 1}, {"jobId": None}, 7]})
    assert airbyte.run()["status"] == "completed"


def test_a_run_that_has_ended_is_not_cancelled(airbyte):
    handle = airbyte.client.start(airbyte.request)
    airbyte.clock.wind(100)
    other = airbyte.other(duration=100)
    airbyte.client.cancel(handle)
    assert airbyte.asked("cancel") == []
    assert not other.finished


# --- the root ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/api/v1", "/api/public", "/elsewhere/api/public/v1"])
def test_a_wrong_root_is_said_at_once(sandbox, airbyte, path):
    sandbox.airbyte.auth = "none"
    client = AirbyteClient(
        None, sandbox.airbyte.base_url + path, clock=airbyte.clock, session=airbyte.session
    )
    wrong = airbyte._replace(client=client)
    with pytest.raises(errors.SyncApiError, match="is not the API root") as caught:
        wrong.run()
    assert "/api/public/v1" in str(caught.value)
    assert (caught.value.retryable, len(airbyte.clock.sleeps)) == (False, 0)


def test_a_web_page_instead_of_a_connection_is_a_wrong_root(airbyte):
    airbyte.server.fault("connection", malformed="html")
    with pytest.raises(errors.SyncApiError, match="is not the API root") as caught:
        airbyte.run()
    assert (caught.value.retryable, airbyte.clock.sleeps) == (False, [])


@pytest.mark.parametrize(
    "fault",
    [{"malformed": "wrong_type"}, {"malformed": "truncated"}, {"malformed": "empty"}, {"body": {}}],
    ids=str,
)
def test_something_else_than_a_connection_is_trouble(airbyte, fault):
    airbyte.server.fault("connection", times=3, **fault)
    assert airbyte.run()["status"] == "completed"
    airbyte.server.fault("connection", times=None, **fault)
    with pytest.raises(errors.SyncApiError) as caught:
        airbyte.run(max_wait=None)
    assert (caught.value.retryable, airbyte.server.accepted()) == (True, 1)


def test_html_from_the_token_endpoint_is_a_wrong_root(airbyte):
    airbyte.server.fault("token", malformed="html")
    with pytest.raises(errors.SyncApiError, match="is not the API root"):
        airbyte.run()


def test_a_404_outside_the_usual_root_asks_about_the_root(airbyte, sandbox):
    root = sandbox.census.base_url + "/api/v1"
    credentials = Credentials(bearer_token=sandbox.census.token)
    client = AirbyteClient(credentials, root, session=airbyte.session)
    with pytest.raises(errors.SyncNotFound, match="the root of the public API"):
        client.prepare(airbyte.request)


@pytest.mark.parametrize(
    ("api", "config", "web"),
    [
        (CLOUD_API, "https://cloud.airbyte.com/api/v1", "https://cloud.airbyte.com"),
        ("http://a:8000/api/public/v1", "http://a:8000/api/v1", "http://a:8000"),
        ("https://a/x/api/public/v1", "https://a/x/api/v1", "https://a/x"),
        ("http://a:8006/v1", None, "http://a:8006/v1"),
    ],
)
def test_addresses_that_follow_from_the_root(api, config, web):
    assert (derived_config_api_url(api), web_url(api)) == (config, web)


HANDLE = RunHandle(
    "airbyte", "c", "7", "https://cloud.airbyte.com/workspaces/w/connections/c/timeline"
)
REQUEST = SyncRequest("c", workspace="w")
ENDED, GOING = dict(JOB, jobId=7), dict(JOB, jobId=7, status="running")


def asked_of(call, *answers):
    """The requests that a call makes, and what it returns."""
    client = AirbyteClient()
    client._http = client._config = Requests(*answers)
    return client._http.asked, call(client)


def test_the_requests_of_a_start():
    asked, request = asked_of(
        lambda client: client.prepare(SyncRequest("c")), dict(ACTIVE, workspaceId="w")
    )
    assert asked == [("GET", "/connections/c", None, None, 60.0, False)]
    assert request == REQUEST
    asked, handle = asked_of(lambda client: client.start(REQUEST), {"jobId": 7})
    body = {"connectionId": "c", "jobType": "sync"}
    assert asked == [("POST", "/jobs", None, body, 240.0, False)]
    assert handle == HANDLE
    _, handle = asked_of(lambda client: client.start(SyncRequest("c")), {"jobId": 7})
    assert handle == HANDLE._replace(run_url=None)


def test_the_requests_of_a_look_a_list_and_a_cancel():
    look = ("GET", "/jobs/7", None, None, 60.0, False)
    asked, report = asked_of(lambda client: client.look(HANDLE), GOING)
    assert (asked, report) == ([look], parse_job(GOING))
    asked, report = asked_of(lambda client: client.look(HANDLE), ENDED, DETAILS)
    details = ("POST", "/jobs/get_without_logs", None, {"id": 7}, 20.0, False)
    assert (asked, report) == ([look, details], add_details(parse_job(ENDED), DETAILS))
    query = {"connectionId": "c", "limit": "20", "orderBy": "createdAt|DESC"}
    jobs = {"data": [{"jobId": 8}, {"status": "failed"}, ENDED]}
    asked, found = asked_of(lambda client: client.recent(REQUEST), jobs)
    assert asked == [("GET", "/jobs", query, None, 60.0, False)]
    assert found == [Sighting(HANDLE, parse_job(ENDED))]
    asked, _ = asked_of(lambda client: client.cancel(HANDLE), GOING, None)
    assert asked == [look, ("DELETE", "/jobs/7", None, None, 60.0, False)]


ROOT = "http://h.example/v1"


@pytest.mark.parametrize(
    ("call", "answer", "message", "knows"),
    [
        (
            lambda client: client.prepare(REQUEST),
            errors.SyncApiError("not JSON (text/html)", None, 200, True),
            f"{ROOT} is not the API root: it answered with a web page. For a self-managed "
            "Airbyte, api_url ends in /api/public/v1",
            (200, False, None, True),
        ),
        (
            lambda client: client.prepare(REQUEST),
            errors.SyncUnauthorized("no", None, 403, False, 7.0, True),
            "no; Airbyte also answers so for an id that it does not know",
            (403, False, 7.0, True),
        ),
        (
            lambda client: client.prepare(REQUEST),
            errors.SyncNotFound("no", None, 404, False, 7.0, True),
            f"no; or {ROOT} is not the root of the public API",
            (404, False, 7.0, True),
        ),
        (
            lambda client: client.prepare(REQUEST),
            errors.SyncApiError("no", None, 503, True, 7.0, False),
            "no",
            (503, True, 7.0, False),
        ),
        (
            lambda client: client.prepare(REQUEST),
            {},
            "Airbyte's answer is not about a connection",
            (None, True, None, False),
        ),
        (
            lambda client: client.prepare(REQUEST),
            dict(ACTIVE, status="inactive"),
            "the connection is switched off; switch it on in Airbyte (status inactive)",
            (),
        ),
        (
            lambda client: client.prepare(REQUEST),
            dict(ACTIVE, status="locked"),
            "the connection is locked; see Airbyte's page of the connection for the reason "
            "(status locked)",
            (),
        ),
        (
            lambda client: client.prepare(REQUEST),
            dict(ACTIVE, status="deprecated"),
            "the connection was deleted (status deprecated)",
            (),
        ),
        (
            lambda client: client.start(REQUEST),
            {"jobId": "x"},
            "Airbyte's answer to the trigger names no job",
            (None, False, None, False),
        ),
        (
            lambda client: client.start(REQUEST),
            errors.SyncApiError("no", None, 422),
            "no",
            (422, False, None, False),
        ),
        (
            lambda client: client.look(HANDLE),
            {},
            "Airbyte's answer is not about a job",
            (None, True, None, False),
        ),
        (
            lambda client: client.recent(REQUEST),
            {},
            "the answer is not Airbyte's list of jobs",
            (None, True, None, False),
        ),
    ],
)
def test_an_answer_that_helps_nobody_is_told_word_for_word(call, answer, message, knows):
    with pytest.raises(errors.SyncError) as caught:
        asked_of(call, answer)
    assert (str(caught.value), caught.value.args[1:]) == (message, (None, *knows))


@pytest.mark.parametrize(
    ("text", "connection", "had_no_effect"),
    [
        ("A sync is Already running", ACTIVE, True),
        ("Could not fulfill request", ACTIVE, False),
        ("Could not fulfill request", errors.SyncNotFound("no", None, 404), False),
    ],
)
def test_what_a_409_means(text, connection, had_no_effect):
    refusal = errors.SyncApiError(text, None, 409, False, None, True)
    with pytest.raises(errors.SyncAlreadyRunning) as caught:
        asked_of(lambda client: client.start(REQUEST), refusal, connection)
    assert caught.value.args == (text, None, 409, False, None, had_no_effect)


def token_of(clock, *answers):
    http, redactor = Requests(*answers), Redactor()
    auth = ClientCredentialsAuth(http, "i", "s", redactor, clock)
    return http.asked, auth, redactor


def header(auth):
    request = requests.Request("GET", ROOT, auth=auth).prepare()
    return request.headers["Authorization"]


@pytest.mark.parametrize(
    ("life", "good_for"),
    [(900, 840), (180, 120), (179, 179 * 2 / 3), (3, 2), (None, 120), (0, 120), ("x", 120)],
)
def test_a_token_is_renewed_before_its_end(clock, life, good_for):
    answers = [{"access_token": name, "expires_in": life} for name in ("tok1", "tok2")]
    asked, auth, redactor = token_of(clock, *answers)
    assert header(auth) == "Bearer tok1"
    body = {"client_id": "i", "client_secret": "s"}
    assert asked == [("POST", "/applications/token", None, body, 60.0, True)]
    assert redactor.text("tok1") == "***"
    clock.wind(good_for - 0.001)
    assert header(auth) == "Bearer tok1"
    clock.wind(0.001)
    assert header(auth) == "Bearer tok2"


def test_a_token_that_was_refused_is_not_used_again(clock):
    _, auth, _ = token_of(clock, {"access_token": "tok1"}, {"access_token": "tok2"})
    assert header(auth) == "Bearer tok1"
    assert auth.renew() is True
    assert header(auth) == "Bearer tok2"


@pytest.mark.parametrize(
    ("answer", "kind", "knows"),
    [
        (
            errors.SyncUnauthorized("no", {"x": 1}, 401, False, 7.0, False),
            errors.SyncUnauthorized,
            ("no", {"x": 1}, 401, False, 7.0, True),
        ),
        (
            errors.SyncApiError("no", None, 503, True, 7.0, False),
            errors.SyncApiError,
            ("no", None, 503, True, 7.0, True),
        ),
        (
            {"access_token": None},
            errors.SyncApiError,
            (
                "Airbyte's answer to the token request holds no token",
                None,
                None,
                False,
                None,
                True,
            ),
        ),
    ],
)
def test_without_a_token_nothing_was_sent(clock, answer, kind, knows):
    _, auth, _ = token_of(clock, answer)
    with pytest.raises(errors.SyncApiError) as caught:
        header(auth)
    assert (type(caught.value), caught.value.args) == (kind, knows)


def test_a_client_is_made_of_its_arguments():
    client = AirbyteClient(Credentials(bearer_token="tok1"), "https://h.example/x/", "https://c/v1")
    assert repr(client) == "AirbyteClient('https://h.example/x')"
    assert (client._http._vendor, client._config._vendor) == ("Airbyte", "Airbyte")
    assert client._config.base_url == "https://c/v1"
    assert client._config._auth is client._http._auth
    assert type(AirbyteClient()._http._auth) is NoAuth
    client = AirbyteClient(Credentials(username="me", password="sesame"))
    assert client._http._redactor.text("bWU6c2VzYW1l sesame") == "*** ***"
    client = AirbyteClient(Credentials("i", "sesame"))
    tokens = client._http._auth._http
    assert (type(tokens._auth), tokens._vendor) == (NoAuth, "Airbyte")
    assert tokens._redactor.text("sesame") == "***"
    assert tokens._clock is client._http._clock
    client = AirbyteClient(Credentials(bearer_token="tok1"), "https://h.example/x/", "https://c/v1")
    assert isinstance(client._http._clock, RealClock)
    assert client._http._redactor.text("tok1") == client._config._redactor.text("tok1") == "***"


# --- logging in --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "credentials"),
    [
        ("none", None),
        ("application", Credentials(bearer_token="airbyte-sandbox-bearer")),
        ("basic", Credentials(username="airbyte", password="password")),
    ],
)
def test_every_way_to_log_in(sandbox, airbyte, auth, credentials):
    sandbox.airbyte.auth = auth
    client = AirbyteClient(
        credentials, sandbox.airbyte.api_url, clock=airbyte.clock, session=airbyte.session
    )
    assert airbyte._replace(client=client).run()["status"] == "completed"
    assert airbyte.asked("token") == []


def test_one_token_serves_until_shortly_before_its_end(airbyte):
    airbyte.script(duration=3000)
    airbyte.run(max_wait=None)
    tokens = airbyte.asked("token")
    assert {request.headers["Content-Type"] for request in tokens} == {"application/json"}
    assert [request.status for request in airbyte.sandbox.requests if request.status == 401] == []
    assert 3000 / 900 <= len(tokens) <= 3000 / (900 - 60 - 60) + 1
    assert len(airbyte.asked("trigger")) == 1


@pytest.mark.parametrize("life", [1.0, 20.0, 180.0])
def test_short_lived_tokens_are_renewed_in_time(airbyte, life):
    airbyte.server.token_seconds = life
    airbyte.script(duration=600)
    assert airbyte.run()["status"] == "completed"
    assert 401 not in [request.status for request in airbyte.sandbox.requests]


@pytest.mark.parametrize("expires_in", [None, "soon", 0, -5, 10**12])
def test_an_odd_life_of_a_token_is_borne(airbyte, expires_in):
    body = {"access_token": airbyte.server.bearer_token, "expires_in": expires_in}
    airbyte.server.fault("token", times=None, body=body)
    assert airbyte.run()["status"] == "completed"


def test_a_token_that_is_refused_is_renewed_once(airbyte):
    airbyte.script(duration=100)
    fired = []

    def expire(_):
        if not fired and airbyte.clock.monotonic() > 1030:
            fired.append(True)
            airbyte.server.expire_tokens()

    airbyte.clock.on_sleep = expire
    assert airbyte.run()["status"] == "completed"
    statuses = [request.status for request in airbyte.sandbox.requests]
    assert (statuses.count(401), len(airbyte.asked("token"))) == (1, 2)


def test_a_trigger_is_repeated_once_after_a_401_which_has_started_nothing(airbyte):
    airbyte.server.fault("trigger", status=401)
    assert airbyte.run()["status"] == "completed"
    assert (len(airbyte.asked("trigger")), airbyte.server.accepted()) == (2, 1)


def test_a_trigger_is_not_repeated_twice(airbyte):
    airbyte.server.fault("trigger", status=401, times=None)
    with pytest.raises(errors.SyncUnauthorized):
        airbyte.run()
    assert (len(airbyte.asked("trigger")), airbyte.server.accepted()) == (2, 0)


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": "before"}, {"malformed": "truncated"}])
def test_trouble_with_the_renewal_of_a_token_is_borne(airbyte, fault):
    airbyte.server.token_seconds = 100
    airbyte.script(duration=400)
    airbyte.server.fault("token", after=1, times=2, **fault)
    assert airbyte.run()["status"] == "completed"


@pytest.mark.parametrize("token", [None, 7, "", "a b", "a\nb", ["t"]])
def test_an_answer_without_a_token_is_an_error(airbyte, token):
    airbyte.server.fault("token", body={"access_token": token})
    with pytest.raises(errors.SyncApiError, match="holds no token"):
        airbyte.run()


def test_tokens_are_taken_out_of_everything(airbyte):
    token = airbyte.server.bearer_token
    airbyte.server.fault("token", body={"access_token": token}, times=None)
    airbyte.script(overrides={"note": f"Bearer {token}"})
    stats = airbyte.run()
    assert stats["raw"]["note"] == "Bearer ***"
    airbyte.server.fault("trigger", status=422, body={"message": f"Bearer {token}"})
    with pytest.raises(errors.SyncApiError) as caught:
        airbyte.run()
    assert token not in str(caught.value)


NO_TOKEN = "must be a text of printable ASCII characters without spaces"


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (Credentials("i"), "client_id and client_secret must be given together"),
        (Credentials(client_secret="s3same"), "must be given together"),
        (Credentials(username="u"), "username and password must be given together"),
        (Credentials("i", "s3same", bearer_token="t"), "one kind of credential"),
        (Credentials("i", "s3same", None, "u", "p"), "one kind of credential"),
        (Credentials("i", "s3 same"), "client_secret: " + NO_TOKEN),
        (Credentials("i", ""), "client_secret: must be"),
        (Credentials(bearer_token="s3\nsame"), "bearer_token: must be"),
        (Credentials(bearer_token=7), "bearer_token: must be"),
        (Credentials(username="u", password="s3\x00same"), "password: must be"),
        (Credentials(username="u:v", password="s3same"), "username: HTTP Basic allows no colon"),
    ],
)
def test_credentials_are_of_one_kind_and_whole(credentials, message):
    with pytest.raises(ValueError, match=message) as caught:
        AirbyteClient(credentials)
    for secret in ("s3same", "s3 same"):
        assert secret not in str(caught.value)
        assert secret not in repr(credentials)


ONE_KIND = "give one kind of credential, not several"


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (Credentials("i"), "client_id and client_secret must be given together"),
        (Credentials(password="p"), "username and password must be given together"),
        (
            Credentials("i", "s", "t", "u", "p"),
            "client_id and client_secret / bearer_token / username and password: " + ONE_KIND,
        ),
        (Credentials("i", "s", "t"), "client_id and client_secret / bearer_token: " + ONE_KIND),
        (Credentials("i", "s s"), "client_secret: " + NO_TOKEN),
        (Credentials("i i", "s"), "client_id: " + NO_TOKEN),
        (Credentials(bearer_token="t\n"), "bearer_token: " + NO_TOKEN),
        (
            Credentials(username="u", password="\x1f"),
            "password: must be a text in UTF-8 without control characters",
        ),
        (
            Credentials(username="\x7f", password="p"),
            "username: must be a text in UTF-8 without control characters",
        ),
        (Credentials(username="u:v", password="p"), "username: HTTP Basic allows no colon in it"),
    ],
)
def test_wrong_credentials_are_told_word_for_word(credentials, message):
    with pytest.raises(ValueError, match=message) as caught:
        credentials.check()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("credentials", "text"),
    [
        (Credentials(), "Credentials()"),
        (Credentials("i", "s"), "Credentials(client_id, client_secret)"),
        (Credentials(bearer_token="t"), "Credentials(bearer_token)"),
    ],
)
def test_the_repr_of_credentials_names_what_is_given(credentials, text):
    assert repr(credentials) == text


def test_a_password_may_hold_spaces_and_umlauts():
    Credentials(username="u", password="pä ss").check()


@pytest.mark.parametrize("url", ["", "api.airbyte.com", "https://u:p@a/v1", "https://a/v1?x=1"])
@pytest.mark.parametrize("argument", ["api_url", "config_api_url"])
def test_wrong_addresses_are_said_at_once(argument, url):
    with pytest.raises(ValueError, match=f"^{argument}: "):
        AirbyteClient(**{argument: url})


CONNECTION = "9924bcd0-99be-453d-ba47-c2c9766f7da5"


@pytest.mark.parametrize("value", [CONNECTION, CONNECTION.upper(), uuid.UUID(CONNECTION)])
def test_a_connection_is_named_by_its_uuid(value):
    assert check_connection_id(value, "connection_id") == CONNECTION


@pytest.mark.parametrize("value", [None, "", 7, "my-connection", CONNECTION[:-1]])
def test_everything_else_names_no_connection(value):
    with pytest.raises(ValueError, match="connection_id") as caught:
        check_connection_id(value, "connection_id")
    assert str(caught.value) == (
        "connection_id: must be the connection's UUID, as in the address of its page"
    )


# --- the vendor's document ---------------------------------------------------------------


@specs.needs_specs
def test_all_requests_are_those_of_the_vendors_document(airbyte):
    airbyte.other(duration=30)
    airbyte.script(duration=20, ends="failed", records_failed=1)
    airbyte.run(raise_on_failure=False)
    airbyte.script(duration=10**6)
    with pytest.raises(errors.SyncRunTimedOut):
        airbyte.run(max_wait=60, cancel_remote_run=True)
    seen = {request.operation for request in airbyte.sandbox.requests}
    assert seen == {"token", "connection", "trigger", "runs", "run", "job_details", "cancel"}
    for request in airbyte.sandbox.requests:
        assert specs.check_request(request)
