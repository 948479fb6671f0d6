"""What breaks, without a socket as far as that goes; and bad arguments."""

import json

import pytest

from prefect1_rsync.sandbox import Fault, Sandbox

API = "/hightouch/api/v1"
SYNCS = API + "/syncs"
TRIGGER = API + "/syncs/1/trigger"
KEY = {"Authorization": "Bearer hightouch-sandbox-key"}


@pytest.fixture
def hightouch(ask):
    return ask.sandbox.hightouch


@pytest.fixture
def respond(ask):
    return lambda method="GET", path=SYNCS: ask.sandbox.respond(method, path, KEY)


def test_a_status_with_headers_and_body_does_nothing_else(ask, hightouch, respond):
    hightouch.fault("trigger", status=429, headers={"Retry-After": "7"}, body={"error": "slow"})
    answer = respond("POST", TRIGGER)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json() == {"error": "slow"} and hightouch.accepted() == 0
    assert ask.sandbox.requests[-1].fault == "status 429"
    assert respond("POST", TRIGGER).status == 200


def test_an_ambiguous_error(hightouch, respond):
    hightouch.fault("trigger", status=504, process=True)
    answer = respond("POST", TRIGGER)
    assert answer.status == 504 and b"Gateway" in answer.body and hightouch.accepted() == 1


def test_times_after_and_order(hightouch, respond):
    hightouch.fault("syncs", status=500, times=2, after=1)
    hightouch.fault("*", status=502, times=None, after=2)
    assert [respond().status for _ in range(5)] == [200, 500, 500, 502, 502]
    hightouch.clear_faults()
    assert respond().status == 200


def test_faults_break_requests_without_credentials_too(ask, hightouch):
    hightouch.fault("*", status=503)
    assert ask.sandbox.respond("GET", "/hightouch/anything").status == 503


@pytest.mark.parametrize("drop, processed", [("before", 0), ("middle", 1), ("after", 1)])
def test_dropped_connections(ask, hightouch, respond, drop, processed):
    hightouch.fault("trigger", drop=drop)
    assert respond("POST", TRIGGER).drop == drop
    assert hightouch.accepted() == processed
    assert ask.sandbox.requests[-1].status is None


def test_slow_answers_are_said_to_be_slow(hightouch, respond):
    hightouch.fault("syncs", delay=3, drip=0.5)
    answer = respond()
    assert (answer.delay, answer.drip, answer.status) == (3, 0.5, 200)
    assert answer.json()["data"]


def test_malformed_answers(hightouch, respond):
    def spoilt(kind, path=TRIGGER, method="POST"):
        hightouch.fault("*", malformed=kind)
        answer = respond(method, path)
        assert answer.status == 200
        return answer

    assert "html" in spoilt("html").headers["Content-Type"]
    assert spoilt("empty").body == b""
    assert isinstance(spoilt("wrong_type").json(), list)
    with pytest.raises(UnicodeDecodeError):
        spoilt("not_utf8").json()
    with pytest.raises(ValueError):
        spoilt("truncated").json()
    with pytest.raises((RecursionError, ValueError)):
        spoilt("deep").json()
    assert hightouch.accepted() == 6
    huge = spoilt("huge", SYNCS, "GET")
    assert len(huge.body) > 16 * 1024 * 1024 and huge.json()["data"][0]["id"] == 1


def test_other_changes(hightouch, respond):
    hightouch.fault("syncs", redirect="http://elsewhere.example/", status=307)
    answer = respond()
    assert (answer.status, answer.headers["Location"]) == (307, "http://elsewhere.example/")
    hightouch.fault("syncs", body="[]", content_type="application/json")
    assert respond().json() == []
    hightouch.fault("syncs", headers={"X-Odd": "1"})
    assert respond().headers["X-Odd"] == "1"


@pytest.mark.parametrize(
    "name, fault",
    [
        ("operation", {"operation": "jump", "status": 500}),
        ("times", {"times": 0, "status": 500}),
        ("after", {"after": -1, "status": 500}),
        ("status", {"status": "500"}),
        ("status", {"status": 600}),
        ("status", {"status": 500, "redirect": "http://elsewhere.example/"}),
        ("drop", {"drop": "later"}),
        ("malformed", {"malformed": "ugly"}),
        ("delay", {"delay": "long"}),
        ("drip", {"drip": -1}),
        ("colour", {"colour": "red", "status": 500}),
        ("fault", {}),
    ],
)
def test_bad_faults(hightouch, name, fault):
    fault = dict({"operation": "trigger"}, **fault)
    with pytest.raises(ValueError, match="^" + name):
        hightouch.fault(**fault)
    assert Fault("trigger", status=500).name == "status 500"


@pytest.mark.parametrize(
    "name, value",
    [
        ("duration", -1),
        ("duration", True),
        ("duration", float("nan")),
        ("queued_for", "1"),
        ("times", 0),
        ("records_failed", 1.5),
        ("bytes_synced", -1),
        ("ends", ""),
        ("error_message", 3),
        ("overrides", []),
        ("canceled", "yes"),
        ("statuses", [1]),
        ("statuses", [("now", "queued")]),
        ("speed", 3),
    ],
)
def test_bad_scripts(hightouch, name, value):
    with pytest.raises(ValueError, match="^" + name):
        hightouch.script(1, **{name: value})
    with pytest.raises(ValueError, match="^" + name):
        hightouch.start_other_run(1, **{name: value})


def test_other_bad_arguments(ask, hightouch):
    sandbox = ask.sandbox
    for call, name in (
        (lambda: hightouch.script(99), "sync_id"),
        (lambda: hightouch.start_other_run("99"), "sync_id"),
        (lambda: hightouch.add_sync("2"), "id"),
        (lambda: hightouch.add_sync(2, slug="demo-sync"), "slug"),
        (lambda: sandbox.census.add_sync(0), "id"),
        (lambda: sandbox.airbyte.add_sync("2"), "id"),
        (lambda: sandbox.airbyte.add_sync(sandbox.airbyte.connection_id, status="x"), "status"),
        (
            lambda: sandbox.airbyte.add_sync(
                sandbox.airbyte.connection_id,
                schedule={"scheduleType": "basic", "basicTiming": "daily"},
            ),
            "schedule",
        ),
        (lambda: setattr(hightouch, "cancel_takes", -1), "cancel_takes"),
        (lambda: Sandbox(port=-1), "port"),
        (lambda: Sandbox(clock=3), "clock"),
    ):
        with pytest.raises(ValueError, match="^" + name):
            call()


def test_what_is_recorded(ask):
    headers = dict(KEY, **{"content-type": "application/json"})
    ask.clock.wind(5)
    ask.sandbox.respond("post", TRIGGER + "?a=1&a=2&b=", headers, json.dumps({"fullResync": True}))
    (recorded,) = ask.sandbox.requests
    assert (recorded.vendor, recorded.operation, recorded.method) == (
        "hightouch",
        "trigger",
        "POST",
    )
    assert (recorded.path, recorded.query) == (TRIGGER, {"a": ["1", "2"], "b": [""]})
    assert recorded.headers["Content-Type"] == "application/json"
    assert (recorded.json, recorded.at) == ({"fullResync": True}, 1005)
    assert (recorded.status, recorded.fault) == (200, None)


def test_reset(ask):
    sandbox = ask.sandbox
    sandbox.hightouch.add_sync(2)
    sandbox.hightouch.fault("*", status=500)
    sandbox.hightouch.start_other_run(2)
    sandbox.airbyte.token_seconds = 5
    sandbox.respond("GET", SYNCS, KEY)
    sandbox.reset()
    assert sandbox.requests == [] and sandbox.hightouch.runs == []
    assert len(ask("GET", SYNCS)["data"]) == 1
    assert sandbox.airbyte.token_seconds == 5
