"""Airbyte on a clock that the test winds, without a socket."""

import json
import math
import re
from base64 import b64encode, urlsafe_b64decode

import pytest

from prefect1_rsync.sandbox import MISSING
from tests.specs import needs_specs

API, CONFIG = "/airbyte/api/public/v1", "/airbyte/api/v1"
OTHER = "744cc0ed-7f05-4949-9e60-2a814f90c035"


@pytest.fixture
def airbyte(ask):
    return ask.sandbox.airbyte


def create(ask, status=200, kind="sync", connection=None):
    connection = connection or ask.sandbox.airbyte.connection_id
    return ask("POST", API + "/jobs", {"connectionId": connection, "jobType": kind}, status)


def job(ask, job_id):
    return ask("GET", f"{API}/jobs/{job_id}")


def details(ask, job_id, kind="get_without_logs"):
    return ask("POST", f"{CONFIG}/jobs/{kind}", {"id": job_id})


def test_a_job_from_pending_to_succeeded(ask, airbyte):
    airbyte.script(airbyte.connection_id, queued_for=5, duration=60, records_processed=50)
    created = create(ask)
    assert created["status"] == "pending" and "duration" not in created
    assert "rowsSynced" not in job(ask, created["jobId"])
    ask.clock.wind(5)
    running = job(ask, created["jobId"])
    assert (running["status"], running["rowsSynced"], running["duration"]) == ("running", 0, "PT5S")
    assert "lastUpdatedAt" not in running
    ask.clock.wind(60)
    last = job(ask, created["jobId"])
    assert (last["status"], last["rowsSynced"], last["duration"]) == ("succeeded", 50, "PT1M5S")
    assert last["bytesSynced"] == 5000 and "lastUpdatedAt" in last
    assert ask.checked == (3 + 1 if ask.checked else 0)


def test_start_times_leave_out_zero_seconds(ask, airbyte):
    airbyte.script(airbyte.connection_id, duration=0)
    seen = set()
    for _ in range(60):
        seen.add(len(create(ask)["startTime"]))
        ask.clock.wind(1)
    assert seen == {len("2023-03-25T01:30Z"), len("2023-03-25T01:30:50Z")}


def test_a_second_job_is_a_conflict(ask, airbyte):
    first = create(ask)["jobId"]
    conflict = create(ask, status=409)
    assert conflict["title"] == "try-again-later"
    assert conflict["data"]["message"] == "A sync is already running for: " + airbyte.connection_id
    ask.clock.wind(2)
    assert create(ask)["jobId"] == first + 1
    assert airbyte.accepted() == 2


def test_a_job_that_waits_for_capacity_is_handed_out_again(ask, airbyte):
    airbyte.script(airbyte.connection_id, duration=20, statuses=[(0, "queued"), (9, "incomplete")])
    first = create(ask)
    assert first["status"] == "queued" and create(ask)["jobId"] == first["jobId"]
    ask.clock.wind(9)
    assert job(ask, first["jobId"])["status"] == "incomplete"
    create(ask, status=409)
    assert airbyte.accepted() == 1


@pytest.mark.parametrize("status", ["inactive", "locked", "deprecated"])
def test_a_connection_that_is_not_active(ask, airbyte, status):
    airbyte.add_sync(OTHER, status=status)
    conflict = create(ask, connection=OTHER, status=409)
    assert conflict["title"] == "state-conflict"
    assert conflict["data"]["message"] == "Could not fulfill request"
    assert ask("GET", f"{API}/connections/{OTHER}")["status"] == status
    ask("POST", CONFIG + "/connections/sync", {"connectionId": OTHER}, status=500)


def test_requests_that_make_no_sense(ask):
    assert create(ask, kind="refresh", status=422)["title"] == "unprocessable-entity"
    create(ask, kind="nonsense", status=400)
    create(ask, connection="nonsense", status=400)
    assert create(ask, connection=OTHER, status=403)["title"] == "forbidden"
    for query in (
        "limit=0",
        "limit=101",
        "offset=x",
        "orderBy=id|ASC",
        "status=done",
        "createdAtStart=x",
    ):
        ask("GET", f"{API}/jobs?{query}", status=400)
    ask("POST", CONFIG + "/jobs/list", {}, status=422)


def test_cancel_takes_whatever_the_connection_runs(ask, airbyte):
    airbyte.script(airbyte.connection_id, duration=1)
    airbyte.script(airbyte.connection_id, duration=math.inf)
    first = create(ask)["jobId"]
    ask.clock.wind(1)
    second = create(ask)["jobId"]
    answer = ask("DELETE", f"{API}/jobs/{first}")
    assert (answer["jobId"], answer["status"]) == (first, "succeeded")
    assert "rowsSynced" not in answer
    assert job(ask, second)["status"] == "cancelled"
    (attempt,) = details(ask, second)["attempts"]
    failure = attempt["attempt"]["failureSummary"]["failures"][0]
    assert failure["failureType"] == "manual_cancellation"
    ask("DELETE", f"{API}/jobs/{second}")
    assert ask("POST", CONFIG + "/jobs/cancel", {"id": second})["job"]["status"] == "cancelled"


def test_a_cancellation_can_take_its_time(ask, airbyte):
    airbyte.script(airbyte.connection_id, duration=100)
    airbyte.cancel_takes = 10
    assert ask("DELETE", f"{API}/jobs/{create(ask)['jobId']}")["status"] == "running"
    ask.clock.wind(10)
    assert airbyte.runs[0].status == "cancelled"


def test_jobs_are_listed_oldest_first(ask, airbyte):
    airbyte.add_sync(OTHER)
    airbyte.script(airbyte.connection_id, duration=0, ends="failed")
    ids = []
    for _ in range(3):
        ids.append(create(ask)["jobId"])
        ask.clock.wind(10)
    other = create(ask, connection=OTHER, kind="reset")["jobId"]

    def listed(query):
        answer = ask("GET", f"{API}/jobs?{query}")
        return [each["jobId"] for each in answer["data"]]

    mine = "connectionId=" + airbyte.connection_id
    assert listed("") == [*ids, other]
    assert listed(mine + "&orderBy=createdAt%7CDESC&limit=1") == ids[-1:]
    assert listed("orderBy=updatedAt%7CDESC")[0] == other
    assert listed("status=running") == listed("jobType=reset") == [other]
    assert listed(mine + "&limit=2&offset=2") == ids[2:]
    assert listed("workspaceIds=" + OTHER) == []
    # Zero seconds are left out in answers; in a query, a time without them is none.
    start = re.sub(r"T(..:..)Z", r"T\1:00Z", job(ask, ids[1])["startTime"])
    assert listed(f"createdAtStart={start}&createdAtEnd={start}") == [ids[1]]


def test_next_leads_astray(ask, airbyte):
    create(ask)
    path = f"{API}/jobs?limit=1&status=running&connectionId={airbyte.connection_id}"
    page = ask("GET", path)
    root = "http://localhost:8000/api/public/v1/jobs?limit=1&offset="
    assert page["next"] == f"{root}1&connectionId={airbyte.connection_id}"
    assert page["previous"] == ""
    empty = ask("GET", path + "&offset=1")
    assert empty["next"] == "" and empty["previous"].startswith(root + "0")


def test_attempts(ask, airbyte):
    airbyte.script(
        airbyte.connection_id,
        duration=30,
        attempts=3,
        ends="failed",
        error_message="no such column",
        failure_origin="destination",
        failure_type="config_error",
        partial_success=True,
        records_processed=10,
        records_failed=3,
        attempt_overrides={"streamStats": MISSING},
    )
    job_id = create(ask)["jobId"]
    ask.clock.wind(15)
    running = details(ask, job_id)
    assert [a["attempt"]["status"] for a in running["attempts"]] == ["failed", "running"]
    ask.clock.wind(15)
    ended = details(ask, job_id)
    assert len(ended["attempts"]) == 3 and "logs" not in ended["attempts"][0]
    assert "recordsSynced" not in ended["attempts"][-1]["attempt"]
    last = details(ask, job_id, "get")["attempts"][-1]["attempt"]
    failure = last["failureSummary"]["failures"][0]
    assert (failure["failureOrigin"], failure["failureType"]) == ("destination", "config_error")
    assert failure["externalMessage"] == "no such column"
    assert last["failureSummary"]["partialSuccess"] is True
    assert (last["id"], last["recordsSynced"]) == (2, 7) and "streamStats" not in last
    stats = ended["job"]["aggregatedStats"]
    assert (stats["recordsCommitted"], stats["recordsRejected"]) == (7, 3)


def test_the_config_api(ask, airbyte):
    (job_id,) = [create(ask)["jobId"]]
    ask.clock.wind(2)
    full = details(ask, job_id, "get")
    assert full["attempts"][0]["logs"]["events"] and "aggregatedStats" not in full["job"]
    assert "aggregatedStats" in details(ask, job_id, "get_light")["job"]
    listing = {"configTypes": ["sync"], "configId": airbyte.connection_id}
    jobs = ask("POST", CONFIG + "/jobs/list", listing)
    assert jobs["totalJobCount"] == 1 and jobs["jobs"][0]["attempts"][0]["id"] == 0
    none = dict(listing, statuses=["running"], pagination={"pageSize": 1, "rowOffset": 0})
    assert ask("POST", CONFIG + "/jobs/list", none)["jobs"] == []
    mine = {"connectionId": airbyte.connection_id}
    started = ask("POST", CONFIG + "/connections/sync", mine)["job"]["id"]
    assert started == job_id + 1
    ask("POST", CONFIG + "/connections/sync", mine, status=409)
    assert ask("GET", CONFIG + "/health") == {"available": True}
    assert ask("GET", CONFIG + "/instance_configuration")["auth"] == {"mode": "simple"}
    assert ask("POST", CONFIG + "/jobs/get/", {"id": started})["job"]["id"] == started


def test_connections_and_workspaces(ask, airbyte):
    cron = {"scheduleType": "cron", "cronExpression": "0 0 12 * * ? Europe/Paris"}
    airbyte.add_sync(OTHER, status="deprecated", schedule=cron)
    shown = ask("GET", f"{API}/connections/{airbyte.connection_id}")
    assert shown["schedule"] == {"scheduleType": "basic", "basicTiming": "Every 24 HOURS"}
    assert len(ask("GET", API + "/connections")["data"]) == 1
    assert len(ask("GET", API + "/connections?includeDeleted=true")["data"]) == 2
    read = ask("POST", CONFIG + "/connections/get", {"connectionId": OTHER})
    assert read["scheduleData"]["cron"]["cronTimeZone"] == "Europe/Paris"
    read = ask("POST", CONFIG + "/connections/get", {"connectionId": airbyte.connection_id})
    assert read["schedule"] == {"units": 24, "timeUnit": "hours"}
    (workspace,) = ask("GET", API + "/workspaces")["data"]
    assert ask("GET", f"{API}/workspaces/{workspace['workspaceId']}") == workspace
    ask("GET", f"{API}/workspaces/{OTHER}", status=404)


def test_changing_a_connection_is_noticed(ask, airbyte):
    assert airbyte.connection_updates == []
    mine = airbyte.connection_id
    ask("PATCH", f"{API}/connections/{mine}", {"schedule": {"scheduleType": "manual"}})
    read = ask("POST", CONFIG + "/connections/get", {"connectionId": mine})
    assert read["scheduleType"] == "manual" and "schedule" not in read
    update = {"connectionId": mine, "status": "inactive", "scheduleType": "manual"}
    ask("POST", CONFIG + "/connections/update", update)
    assert airbyte.connection_updates[1] == update
    create(ask, status=409)


def test_unknown_ids_answer_as_the_vendor_does(ask, airbyte):
    assert ask("GET", f"{API}/connections/{OTHER}", status=404)["title"] == "resource-not-found"
    ask("GET", API + "/jobs/1", status=403)
    ask("POST", CONFIG + "/jobs/get", {"id": 1}, status=403)
    ask("POST", CONFIG + "/connections/get", {"connectionId": OTHER}, status=403)
    airbyte.auth = "none"
    ask("GET", API + "/jobs/1", status=404)
    conflict = ask("DELETE", API + "/jobs/1", status=409)
    assert conflict["data"]["message"] == "Job is not currently running"
    ask("POST", CONFIG + "/jobs/get", {"id": 1}, status=500)
    ask("POST", CONFIG + "/connections/get", {"connectionId": OTHER}, status=404)


def test_tokens(ask, airbyte):
    fields = {"client_id": airbyte.client_id, "client_secret": airbyte.client_secret}

    def works(token, status=200):
        ask("GET", API + "/jobs", status=status, headers={"Authorization": "Bearer " + token})

    public = ask("POST", API + "/applications/token", fields, headers={})
    assert public["expires_in"] == 900 and public["token_type"] == "Bearer"
    config = ask("POST", CONFIG + "/applications/token", fields, headers={})
    assert list(config) == ["access_token"]
    payload = config["access_token"].split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["exp"] - claims["iat"] == 900
    assert public["access_token"] != config["access_token"]
    ask.clock.wind(899)
    works(public["access_token"])
    ask.clock.wind(1)
    works(public["access_token"], status=401)
    fresh = ask("POST", API + "/applications/token", fields, headers={})["access_token"]
    airbyte.expire_tokens()
    works(fresh, status=401)
    works(airbyte.bearer_token)
    fields["client_secret"] = "wrong"
    ask("POST", API + "/applications/token", fields, status=401, headers={})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"client_id={airbyte.client_id}&client_secret={airbyte.client_secret}"
    assert ask.sandbox.respond("POST", API + "/applications/token", form, body).status == 200


def test_basic_and_no_auth(ask, airbyte):
    airbyte.auth = "basic"
    good = "Basic " + b64encode(b"airbyte:password").decode()
    ask("GET", API + "/jobs", headers={"Authorization": good})
    for path in (API + "/jobs", CONFIG + "/health", "/airbyte/"):
        assert "<html>" in ask("GET", path, status=401, headers={})
    airbyte.auth = "none"
    ask("GET", API + "/jobs", headers={})
    token = ask("POST", API + "/applications/token", {}, headers={})
    assert token.startswith("<!doctype html>")
    assert ask("GET", CONFIG + "/instance_configuration")["auth"] == {"mode": "none"}


def test_wrong_paths_answer_with_the_web_app(ask):
    for path in ("/airbyte", "/airbyte/v1/jobs", "/airbyte/api/public/v1/nothing"):
        assert ask("GET", path, headers={}).startswith("<!doctype html>")
    ask("GET", "/nobody/jobs", status=404)


def test_health(ask, airbyte):
    assert ask("GET", API + "/health", headers={}) == "Successful operation"
    airbyte.available = False
    ask("GET", API + "/health", status=503)
    assert ask("GET", CONFIG + "/health") == {"available": False}


@needs_specs
def test_answers_were_held_to_the_documents(ask, airbyte):
    create(ask)
    details(ask, airbyte.runs[0].id)
    ask("GET", "/hightouch/api/v1/syncs")
    assert ask.checked == 3
