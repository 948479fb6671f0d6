"""Where the old classes are wrong: what they do, and what the drop-ins do instead."""

import copy
import datetime as dt
import json
import logging
import pickle
from typing import Any, Callable, Dict, Iterator, List, Tuple, Type

import prefect
import pytest
import requests
import responses
from prefect import Flow, Parameter, unmapped
from prefect.engine.signals import FAIL

from prefect1_rsync import (
    SyncAlreadyRunning,
    SyncRunCancelled,
    SyncRunFailed,
    SyncRunSkipped,
    SyncRunTimedOut,
)
from prefect1_rsync.legacy import (
    AirbyteConfigurationExport,
    AirbyteConnectionTask,
    AirbyteExportConfigurationFailed,
    AirbyteServerNotHealthyException,
    AirbyteSyncJobFailed,
    CensusSyncTask,
    HightouchClient,
    HightouchRunSync,
)
from tests.legacy.kit import (
    AIRBYTE,
    CENSUS_RUN,
    CONNECTION,
    DROP_IN,
    HIGHTOUCH_RUN,
    HIGHTOUCH_SYNC,
    KEY,
    PREFECT,
    SYNC,
    TOKEN,
    TRIGGER,
    ForEver,
    Sleeps,
    airbyte,
    asked,
    census,
    hightouch,
    job,
    patched,
    task_of,
)
from tests.tasks.numpys import Int64

VENDORS: Dict[str, Callable[..., None]] = {
    "census": census,
    "hightouch": hightouch,
    "airbyte": airbyte,
}
GOOD = {"census": "completed", "hightouch": "success", "airbyte": "succeeded"}
WORKING = {"census": "working", "hightouch": "processing", "airbyte": "running"}
TODAY = f"https://api.hightouch.com/api/v1/syncs/{SYNC}"
HTML = "<html>Bad gateway</html>"


@pytest.fixture(autouse=True)
def sleeps(monkeypatch: pytest.MonkeyPatch) -> Sleeps:
    # Also Prefect's, on the same list.
    sleeps = patched(monkeypatch, DROP_IN)
    monkeypatch.setattr(PREFECT.airbyte, "sleep", sleeps)
    return sleeps


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        yield wire


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[List[str]]:
    """All that is logged, by whomever."""
    lines: List[str] = []

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    heard = Heard(level=0)
    loggers = [logging.getLogger(name) for name in ("", "prefect", "urllib3", "requests")]
    for logger in loggers:
        monkeypatch.setattr(logger, "level", 1)
        logger.addHandler(heard)
    yield lines
    for logger in loggers:
        logger.removeHandler(heard)


def in_flow(task: Any, **given: Any) -> Any:
    with Flow("old") as flow:
        bound = task(**given)
    return flow.run(run_on_schedule=False).result[bound]


# --- ends ---


@pytest.mark.parametrize(
    "status, fields, error",
    [
        ("failed", {"error_message": "no access"}, SyncRunFailed),
        ("skipped", {}, SyncRunSkipped),
        ("cancelled", {}, SyncRunCancelled),
        ("completed", {"canceled": True}, SyncRunCancelled),
    ],
)
@responses.activate
def test_a_census_run_that_ends_badly(
    status: str, fields: Dict[str, Any], error: Type[Exception]
) -> None:
    census("working", status, **fields)
    assert task_of(PREFECT, "census")()["status"] == status
    responses.reset()
    census("working", status, **fields)
    with pytest.raises(error, match="Census sync 52, run 94") as caught:
        task_of(DROP_IN, "census")()
    assert fields.get("error_message", "") in str(caught.value)
    # How to get the old way.
    stats = task_of(DROP_IN, "census", raise_on_failure=False)()
    assert stats == {"status": status, **fields}


@responses.activate
def test_a_census_run_that_waits_is_not_over() -> None:
    census("queued", "completed")
    assert task_of(PREFECT, "census")() == {"status": "queued"}
    responses.reset()
    census("queued", "preparing", "completed")
    assert task_of(DROP_IN, "census")() == {"status": "completed"}


@pytest.mark.parametrize("status", ["failed", "cancelled", "interrupted", "disabled", "aborted"])
@responses.activate
def test_a_hightouch_run_that_ends_badly(status: str) -> None:
    hightouch(status, last_sync_run={"sync_run_id": 9, "sync_run_error": "no access"})
    with pytest.raises(ForEver):
        task_of(PREFECT, "hightouch")()
    with pytest.raises(FAIL, match=r"Hightouch sync 52.*no access") as caught:
        task_of(DROP_IN, "hightouch")()
    assert caught.value.stats["vendor_status"] == status  # type: ignore[attr-defined]
    answer = task_of(DROP_IN, "hightouch", raise_on_failure=False)()
    assert answer["sync"] == {"sync_status": status}
    state = in_flow(HightouchRunSync(KEY, None, SYNC, True))
    assert state.is_failed() and "no access" in state.message
    assert state.result.stats["status"] in ("failed", "cancelled")


@responses.activate
def test_a_hightouch_warning_is_an_end() -> None:
    hightouch("warning")
    with pytest.raises(ForEver):
        task_of(PREFECT, "hightouch")()
    assert task_of(DROP_IN, "hightouch")()["sync"] == {"sync_status": "warning"}
    with pytest.raises(FAIL, match="rejected"):
        task_of(DROP_IN, "hightouch", fail_on_warning=True)()


@responses.activate
def test_a_cancelled_airbyte_job() -> None:
    airbyte("cancelled")
    with pytest.raises(ForEver):
        task_of(PREFECT, "airbyte")()
    with pytest.raises(AirbyteSyncJobFailed, match=r"Job 7 was cancelled\."):
        task_of(DROP_IN, "airbyte")()
    state = in_flow(AirbyteConnectionTask(connection_id=CONNECTION))
    assert state.result.stats["status"] == "cancelled"
    result = task_of(DROP_IN, "airbyte", raise_on_failure=False)()
    assert result["job_status"] == "cancelled"


@responses.activate
def test_a_failed_airbyte_job_says_why() -> None:
    airbyte()
    failure = {"failures": [{"externalMessage": "no access", "failureOrigin": "source"}]}
    attempts = [{"attempt": {"failureSummary": failure}, "logs": {"logLines": []}}]
    responses.add("POST", f"{AIRBYTE}/jobs/get/", json=job("failed", attempts=attempts))
    with pytest.raises(AirbyteSyncJobFailed, match=r"Job 7 failed\. source: no access"):
        task_of(DROP_IN, "airbyte")()


# --- the run, not the sync ---


def test_the_success_of_an_earlier_run_is_not_ours(wire: responses.RequestsMock) -> None:
    wire.add("POST", HIGHTOUCH_RUN, json={"latest_sync_run_id": 8})
    old = {"sync": {"sync_status": "success"}, "last_sync_run": {"sync_run_id": 8}}
    new = {"sync": {"sync_status": "success"}, "last_sync_run": {"sync_run_id": 9}}
    for answer in (old, {"sync": {"sync_status": "success"}, "last_sync_run": {}}, new):
        wire.add("GET", HIGHTOUCH_SYNC, json=answer)
    assert task_of(DROP_IN, "hightouch")() == new
    assert asked_of(wire)[1:] == [f"GET {HIGHTOUCH_SYNC}?latest_sync_run_id=8"] * 3
    wire.reset()
    wire.add("POST", HIGHTOUCH_RUN, json={"latest_sync_run_id": 8})
    wire.add("GET", HIGHTOUCH_SYNC, json=old)
    assert task_of(PREFECT, "hightouch")() == old


def asked_of(wire: responses.RequestsMock) -> List[str]:
    return [f"{call.request.method} {call.request.url}" for call in wire.calls]


def test_where_the_server_tells_no_run_the_status_is_all_there_is() -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", HIGHTOUCH_RUN, json={"latest_sync_run_id": 8})
        wire.add("GET", HIGHTOUCH_SYNC, json={"sync": {"sync_status": "success"}})
        assert task_of(DROP_IN, "hightouch")() == {"sync": {"sync_status": "success"}}


# --- trouble ---

TROUBLE: Dict[str, Dict[str, Any]] = {
    "503": {"status": 503},
    "429": {"status": 429, "headers": {"Retry-After": "100"}},
    "a web page": {"body": HTML, "content_type": "text/html"},
    "502 with a web page": {"status": 502, "body": HTML, "content_type": "text/html"},
    "no connection": {"body": requests.ConnectionError("no")},
    "nonsense": {"json": {"what": "ever"}},
}
LOOKS: Dict[str, Tuple[str, str]] = {
    "census": ("GET", CENSUS_RUN),
    "hightouch": ("GET", HIGHTOUCH_SYNC),
    "airbyte": ("POST", f"{AIRBYTE}/jobs/get/"),
}


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_look_that_goes_wrong(vendor: str, trouble: str, sleeps: Sleeps) -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        for names in (PREFECT, DROP_IN):
            wire.reset()
            for mocked in (VENDORS[vendor],):
                with_mocks(wire, mocked, WORKING[vendor])
            wire.add(*LOOKS[vendor], **TROUBLE[trouble])
            with_mocks(wire, VENDORS[vendor], GOOD[vendor])
            run = task_of(names, vendor)
            if names is PREFECT:
                with pytest.raises((Exception, FAIL)):
                    run()
            else:
                assert GOOD[vendor] in json.dumps(run())
    assert "100" in trouble or max(sleeps) >= 5


def with_mocks(wire: responses.RequestsMock, add: Callable[..., None], *statuses: Any) -> None:
    """The kit's answers, on this wire."""
    plain, responses.add = responses.add, wire.add  # type: ignore[assignment]
    try:
        add(*statuses)
    finally:
        responses.add = plain


@responses.activate
def test_trouble_without_end_ends(sleeps: Sleeps) -> None:
    """An hour of it; the old class of error, retried by Prefect as ever."""
    census(503)
    with pytest.raises(ValueError, match="Getting status of sync failed") as caught:
        task_of(DROP_IN, "census")()
    assert 3600 <= sum(sleeps) <= 3900
    assert caught.value.retryable  # type: ignore[attr-defined]
    hightouch(503)
    with pytest.raises(FAIL, match=r"Error is: Service Unavailable\."):
        task_of(DROP_IN, "hightouch")()
    airbyte(503)
    with pytest.raises(AirbyteServerNotHealthyException, match="503"):
        task_of(DROP_IN, "airbyte")()


@pytest.mark.parametrize("vendor", VENDORS)
@responses.activate
def test_every_request_has_a_timeout(vendor: str) -> None:
    VENDORS[vendor](GOOD[vendor])
    task_of(PREFECT, vendor)()
    assert {call.request.req_kwargs["timeout"] for call in responses.calls} == {None}
    responses.calls.reset()
    task_of(DROP_IN, vendor)()
    assert all(call.request.req_kwargs["timeout"][1] for call in responses.calls)


@responses.activate
def test_a_trigger_of_census_that_answers_nonsense() -> None:
    """A JSONDecodeError before; now the run is looked for, and sent anew if there is none."""
    responses.add("POST", TRIGGER, body=HTML, content_type="text/html")
    with pytest.raises(ValueError):
        task_of(PREFECT, "census")()
    census("completed")
    runs = TRIGGER.replace("trigger", "sync_runs")
    responses.add("GET", runs, json={"data": []})
    assert task_of(DROP_IN, "census")() == {"status": "completed"}


@responses.activate
def test_logs_that_are_too_long() -> None:
    airbyte()
    responses.add("POST", f"{AIRBYTE}/jobs/get/", status=502)
    responses.add("POST", f"{AIRBYTE}/jobs/get_light/", json=job("succeeded"))
    assert task_of(DROP_IN, "airbyte")()["job_status"] == "succeeded"


# --- secrets ---


@pytest.mark.parametrize("where", ["trigger", "look"])
@pytest.mark.parametrize("trouble", [{"status": 401}, {"body": requests.ConnectionError(TRIGGER)}])
@responses.activate
def test_the_token_is_nowhere(where: str, trouble: Dict[str, Any], log: List[str]) -> None:
    def mocks() -> None:
        responses.reset()
        if where == "trigger":
            responses.add("POST", TRIGGER, **trouble)
        else:
            responses.add("POST", TRIGGER, json={"data": {"sync_run_id": 94}})
            responses.add("GET", CENSUS_RUN, **trouble)

    mocks()
    state = in_flow(CensusSyncTask(TRIGGER))
    assert state.is_failed()
    error = state.result
    leaks = [state.message, repr(error), str(error), str(pickle.dumps(error)), *log]
    for context in (error.__cause__, error.__context__):
        leaks += [repr(context), str(vars(context)) if context else ""]
    if isinstance(error, requests.HTTPError):
        leaks.append(error.response.url)
    assert [text for text in leaks if TOKEN in text] == []
    if where == "trigger" and "status" in trouble:
        with pytest.raises(requests.HTTPError, match=TOKEN):
            task_of(PREFECT, "census")()


@pytest.mark.parametrize("error", [requests.HTTPError, requests.ConnectionError, ValueError])
@responses.activate
def test_errors_survive_a_pickle(error: Type[Exception]) -> None:
    census(404)
    if error is requests.HTTPError:
        responses.replace("POST", TRIGGER, status=404)
    elif error is requests.ConnectionError:
        responses.replace("POST", TRIGGER, body=requests.ConnectionError("no"))
    with pytest.raises(error) as caught:
        task_of(DROP_IN, "census")()
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value)
    assert str(again) == str(caught.value)
    assert again.stats == caught.value.stats  # type: ignore[attr-defined]
    assert again.remote_run == caught.value.remote_run  # type: ignore[attr-defined]


# --- arguments ---


@responses.activate
def test_a_constructors_trigger_url_in_a_flow() -> None:
    census("completed")
    task = PREFECT.census.CensusSyncTask(TRIGGER)
    with pytest.raises(TypeError, match="api_trigger"):
        task.bind(flow=Flow("unusable"))
    assert in_flow(CensusSyncTask(TRIGGER)).result == {"status": "completed"}


@pytest.mark.parametrize(
    "url",
    [
        TRIGGER.replace("app.", "app-eu."),
        TRIGGER.replace("v1", "v2"),
        TRIGGER.replace("secret-token:", "").replace("v1", "v2"),
    ],
)
def test_trigger_urls_that_were_refused(url: str) -> None:
    with pytest.raises(ValueError):
        PREFECT.census.CensusSyncTask(url)
    assert CensusSyncTask.check_invalid_api(url).groups() == (TOKEN, "52")
    with responses.RequestsMock() as wire:
        wire.add("POST", url, json={"data": {"sync_run_id": 94}})
        run = url.replace("syncs/52/trigger", "sync_runs/94")
        wire.add("GET", run, json={"data": {"status": "completed"}})
        assert CensusSyncTask(url).run() == {"status": "completed"}


@responses.activate
def test_the_end_of_v1_is_announced(log: List[str]) -> None:
    census("completed")
    task_of(DROP_IN, "census")()
    assert [line for line in log if "15 January 2027" in line]


@pytest.mark.parametrize(
    "url",
    [
        TRIGGER.replace("app.getcensus.com", "appZgetcensusYcom"),
        TRIGGER.replace("/52/", "//"),
        TRIGGER + "EXTRA",
        TRIGGER.replace("app.", "evil.example/app."),
    ],
)
def test_trigger_urls_that_were_taken(url: str) -> None:
    if "evil" not in url:
        PREFECT.census.CensusSyncTask(url)
    with pytest.raises(ValueError, match="paste") as caught:
        CensusSyncTask(url)
    assert TOKEN not in str(caught.value)


@responses.activate
def test_none_at_run_is_the_constructors() -> None:
    hightouch("success")
    task = HightouchRunSync(KEY, sync_id=SYNC, wait_for_completion=True)
    nothing = Parameter("nothing", default=None)
    state = in_flow(task, sync_id=nothing, wait_for_completion=nothing, api_key=nothing)
    assert state.result["sync"] == {"sync_status": "success"}
    assert in_flow(
        PREFECT.hightouch.HightouchRunSync(KEY, sync_id=SYNC), sync_id=nothing
    ).is_failed()


@pytest.mark.parametrize("kind", [CensusSyncTask, HightouchRunSync, AirbyteConnectionTask])
@pytest.mark.parametrize(
    "name, value",
    [
        ("if_already_running", "nope"),
        ("raise_on_failure", "no"),
        ("max_wait_seconds", -5),
        ("fail_on_warning", 1),
        ("cancel_remote_run", "yes"),
        ("full_resync", "yes"),
        ("resume", None),
        # Each old class has another place for it.
        ("poll_status_every_n_seconds", 10),
    ],
)
def test_a_wrong_common_argument_is_said_in_the_constructor(
    kind: Any, name: str, value: Any
) -> None:
    with pytest.raises(ValueError, match=name):
        kind(**{name: value})


@pytest.mark.parametrize(
    "kind, place",
    [
        (CensusSyncTask, r"it to run\(\)"),
        (HightouchRunSync, "wait_time_between_api_calls"),
        (AirbyteConnectionTask, r"poll_interval_s to run\(\)"),
    ],
)
def test_where_the_interval_is_given(kind: Any, place: str) -> None:
    with pytest.raises(ValueError, match=f"give {place}$"):
        kind(poll_status_every_n_seconds=30)
    kind(poll_status_every_n_seconds=None)


@pytest.mark.parametrize("waits", [0, 1, "yes", "", None])
@responses.activate
def test_whatever_is_true_waits_at_hightouch(waits: Any) -> None:
    hightouch("success")
    for names in (PREFECT, DROP_IN):
        task = names.hightouch.HightouchRunSync(KEY, sync_id=SYNC, wait_for_completion=waits)
        assert ("sync" in task.run()) is bool(waits)
        assert task.wait_for_completion is waits


@pytest.mark.parametrize("bound", [None, 0, float("inf")])
@responses.activate
def test_no_bound_at_hightouch(bound: Any, sleeps: Sleeps) -> None:
    for names in (PREFECT, DROP_IN):
        responses.reset()
        hightouch(*["processing"] * 40, "success")
        task = names.hightouch.HightouchRunSync(KEY, None, SYNC, True, 100, max_wait_time=bound)
        assert task.run()["sync"] == {"sync_status": "success"}
        client = names.hightouch_client.HightouchClient(KEY)
        assert client.start_sync_run(SYNC, True, 100, bound)["sync"] == {"sync_status": "success"}
    assert sum(sleeps) == 2 * 40 * 100


@pytest.mark.parametrize("bound", [-1, float("nan"), "ten", [10]])
@responses.activate
def test_a_bound_that_is_none_at_hightouch(bound: Any) -> None:
    """Before, a run was started for nothing."""
    hightouch("success")
    with pytest.raises((FAIL, TypeError)):
        PREFECT.hightouch.HightouchRunSync(KEY, None, SYNC, True, max_wait_time=bound).run()
    assert asked() == [f"POST {HIGHTOUCH_RUN}"]
    responses.calls.reset()
    task = HightouchRunSync(KEY, None, SYNC, True, max_wait_time=bound)
    with pytest.raises(ValueError, match=r"^max_wait_time:"):
        task.run()
    with pytest.raises(ValueError, match=r"^max_wait_time:"):
        HightouchClient(KEY).start_sync_run(SYNC, True, 10, bound)
    assert asked() == []
    # It is of no account where nothing is waited for.
    for names in (PREFECT, DROP_IN):
        task = names.hightouch.HightouchRunSync(KEY, None, SYNC, max_wait_time=bound)
        assert task.run() == {"message": "Sync run requested"}
        client = names.hightouch_client.HightouchClient(KEY)
        assert client.start_sync_run(SYNC, False, 10, bound) == {"message": "Sync run requested"}


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="cancel_remote_run"):
        HightouchRunSync(cancel_remote_run=True)
    for kind in (HightouchRunSync, AirbyteConnectionTask):
        with pytest.raises(ValueError, match="full_resync"):
            kind(full_resync=True)
    with pytest.raises(ValueError, match="sync_id"):
        HightouchRunSync(KEY, sync_id="../1").run()  # type: ignore[arg-type]
    for name, value in (
        ("airbyte_server_host", "user:pass/word@host"),
        ("airbyte_server_port", 0),
        ("airbyte_api_version", "../v1"),
    ):
        with pytest.raises(ValueError, match=name):
            AirbyteConnectionTask(connection_id=CONNECTION).run(**{name: value})
        with pytest.raises(ValueError, match=name) as caught:
            AirbyteConfigurationExport(**{name: value or 70000}).run()  # type: ignore[arg-type]
        assert "pass/word" not in str(caught.value)


@responses.activate
def test_numbers_may_come_out_of_a_table(sleeps: Sleeps) -> None:
    """pandas' integers are numpy's, which are no int; the old classes took them."""
    hightouch("processing", "success")
    task = task_of(DROP_IN, "hightouch")
    answer = task(
        sync_id=Int64(SYNC), wait_time_between_api_calls=Int64(7), max_wait_time=Int64(600)
    )
    assert answer["sync"] == {"sync_status": "success"}
    assert sleeps == [7]
    client = HightouchClient(KEY)
    assert client.get_sync_run_status(Int64(SYNC)) == answer  # type: ignore[arg-type]
    assert (
        client.start_sync_run(
            Int64(SYNC),
            True,
            Int64(7),
            Int64(600),  # type: ignore[arg-type]
        )
        == answer
    )
    airbyte("running", "succeeded")
    task_of(DROP_IN, "airbyte")(airbyte_server_port=Int64(8000), poll_interval_s=Int64(9))
    census("completed")
    task_of(DROP_IN, "census")(poll_status_every_n_seconds=Int64(11))
    assert sleeps == [7, 9, 11]


# --- Airbyte ---


def test_the_schedule_is_left_alone(wire: responses.RequestsMock) -> None:
    schedule = {"units": 1, "timeUnit": "hours"}
    with_mocks(wire, airbyte, "succeeded")
    wire.replace(
        "POST",
        f"{AIRBYTE}/connections/get/",
        json={"status": "active", "schedule": schedule, "syncCatalog": {}},
    )
    wire.add("POST", f"{AIRBYTE}/connections/update/", json={})
    task_of(DROP_IN, "airbyte")()
    assert not any("update" in line for line in asked_of(wire))
    task_of(PREFECT, "airbyte")()
    assert any("update" in line for line in asked_of(wire))


@pytest.mark.parametrize("status", ["locked", "asleep"])
@responses.activate
def test_a_connection_status_that_was_no_error(status: str) -> None:
    airbyte(connection=status)
    assert task_of(PREFECT, "airbyte")() is None
    with pytest.raises(FAIL, match=f"Connection {CONNECTION} is {status}"):
        task_of(DROP_IN, "airbyte")()
    assert not any("sync/" in line for line in asked())


@responses.activate
def test_409_waits_for_the_other_job() -> None:
    airbyte()
    trigger = f"{AIRBYTE}/connections/sync/"
    body = {"message": "A sync is already running for: it"}
    responses.replace("POST", trigger, status=409, json=body)
    with pytest.raises(TypeError):
        task_of(PREFECT, "airbyte")()
    # A job that nobody lists: asked for a few times.
    listed = responses.add("POST", f"{AIRBYTE}/jobs/list/", json={"jobs": []})
    with pytest.raises(SyncAlreadyRunning, match="already running"):
        task_of(DROP_IN, "airbyte")()
    responses.remove(listed)
    # Job 5 is going on, then over; only then ours, 7, is started.
    other = {"job": {**job("running")["job"], "id": 5}}
    responses.add("POST", f"{AIRBYTE}/jobs/list/", json={"jobs": [other]})
    responses.add("POST", f"{AIRBYTE}/jobs/list/", json={"jobs": []})
    for answer in (other, job("succeeded"), job("running"), job("succeeded")):
        responses.add("POST", f"{AIRBYTE}/jobs/get/", json=answer)
    responses.replace("POST", trigger, status=409, json=body)
    responses.add("POST", trigger, json=job("pending"))
    responses.calls.reset()
    assert task_of(DROP_IN, "airbyte")()["job_status"] == "succeeded"
    looks = [call.request for call in responses.calls if "jobs/get/" in str(call.request.url)]
    assert [json.loads(request.body)["id"] for request in looks] == [5, 5, 7, 7]
    assert triggers() == 2


@responses.activate
def test_500_at_the_trigger_is_no_type_error() -> None:
    airbyte("succeeded")
    responses.replace("POST", f"{AIRBYTE}/connections/sync/", status=500, json={"message": "why"})
    with pytest.raises(TypeError):
        task_of(PREFECT, "airbyte")()
    responses.add("POST", f"{AIRBYTE}/jobs/list/", json={"jobs": []})
    with pytest.raises(AirbyteServerNotHealthyException, match="why"):
        task_of(DROP_IN, "airbyte")()


@responses.activate
def test_429_at_the_trigger_is_asked_again() -> None:
    airbyte("succeeded")
    trigger = f"{AIRBYTE}/connections/sync/"
    responses.replace("POST", trigger, status=429, json={})
    with pytest.raises(TypeError):
        task_of(PREFECT, "airbyte")()
    answers = iter([(429, {}, "{}"), (200, {}, json.dumps(job("pending")))])
    responses.remove("POST", trigger)
    responses.add_callback("POST", trigger, lambda _: next(answers))
    assert task_of(DROP_IN, "airbyte")()["job_status"] == "succeeded"
    assert not any("list" in line for line in asked())


@responses.activate
def test_a_login_that_is_asked_for() -> None:
    responses.add("GET", f"{AIRBYTE}/health/", status=401, json={"message": "Unauthorized"})
    with pytest.raises(KeyError):
        task_of(PREFECT, "airbyte")()
    with pytest.raises(AirbyteServerNotHealthyException, match=r"401.*AirbyteSyncTask can"):
        task_of(DROP_IN, "airbyte")()


@pytest.mark.parametrize(
    "host, port, url",
    [
        ("https://airbyte.example", 443, "https://airbyte.example:443"),
        ("https://airbyte.example:8443", 8000, "https://airbyte.example:8443"),
        ("http://airbyte.example/prefix/", "80", "http://airbyte.example:80/prefix"),
        ("airbyte.svc.cluster.local.", 8001, "http://airbyte.svc.cluster.local.:8001"),
        ("https://airbyte.example.:8443/prefix", 8000, "https://airbyte.example.:8443/prefix"),
    ],
)
@responses.activate
def test_a_host_with_its_scheme(host: str, port: Any, url: str) -> None:
    for method, path, body in (
        ("GET", "health", {"db": True}),
        ("POST", "connections/get", {"status": "active", "workspaceId": "w"}),
        ("POST", "connections/sync", job("pending")),
        ("POST", "jobs/get", job("failed")),
    ):
        responses.add(method, f"{url}/api/v1/{path}/", json=body)
    with pytest.raises(AirbyteSyncJobFailed) as caught:
        AirbyteConnectionTask(host, port, connection_id=CONNECTION).run()
    link = f"{url}/workspaces/w/connections/{CONNECTION}"
    assert caught.value.stats["run_url"] == link  # type: ignore[attr-defined]


@responses.activate
def test_an_export_that_is_gone() -> None:
    responses.add("GET", f"{AIRBYTE}/health/", json={"available": True})
    responses.add("POST", f"{AIRBYTE}/deployment/export/", status=404)
    assert PREFECT.airbyte.AirbyteConfigurationExport().run() is None
    with pytest.raises(AirbyteExportConfigurationFailed, match=r"answered 404.*0\.40\.5"):
        AirbyteConfigurationExport().run(airbyte_server_host=None)


# --- Hightouch's old API is gone ---


@pytest.mark.parametrize("ends", ["success", "failed"])
def test_todays_hightouch(ends: str) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", HIGHTOUCH_RUN, status=404, json={})
        wire.add("POST", f"{TODAY}/trigger", json={"id": "9"})
        run = {"id": "9", "status": ends, "createdAt": "2026-01-31T12:00:00Z"}
        wire.add("GET", f"{TODAY}/runs", json={"data": [{**run, "status": "querying"}]})
        wire.add("GET", f"{TODAY}/runs", json={"data": [run]})
        if ends == "failed":
            with pytest.raises(FAIL, match="run 9: failed"):
                task_of(DROP_IN, "hightouch")()
            return
        answer = task_of(DROP_IN, "hightouch")()
    assert answer["sync"] == {
        "sync_id": "52",
        "sync_status": "success",
        "last_run_at": "2026-01-31T12:00:00.000000Z",
    }
    assert answer["last_sync_run"]["sync_run_id"] == "9"


@responses.activate
def test_todays_hightouch_without_waiting() -> None:
    responses.add("POST", HIGHTOUCH_RUN, status=410)
    responses.add("POST", f"{TODAY}/trigger", json={"id": "9"})
    assert HightouchRunSync(KEY, sync_id=SYNC).run() == {"id": "9"}


@responses.activate
def test_no_hightouch_knows_the_sync() -> None:
    responses.add("POST", HIGHTOUCH_RUN, status=404)
    responses.add("POST", f"{TODAY}/trigger", status=404, json={})
    with pytest.raises(FAIL, match=r"Error is: Not Found\..*api.hightouch.com"):
        task_of(DROP_IN, "hightouch")()


# --- retries ---

RETRIES: Dict[str, Any] = {"max_retries": 2, "retry_delay": dt.timedelta(0)}


def triggers() -> int:
    words = ("/trigger", "/rest/run/", "/connections/sync/")
    return sum(
        call.request.method == "POST" and any(word in str(call.request.url) for word in words)
        for call in responses.calls
    )


@pytest.mark.parametrize("vendor", VENDORS)
@responses.activate
def test_a_retry_joins_the_run_of_the_attempt_before(vendor: str) -> None:
    """The first attempt gives up while the run goes on."""
    VENDORS[vendor](*[WORKING[vendor]] * 3, GOOD[vendor])
    state = in_flow(*with_arguments(DROP_IN, vendor, max_wait_seconds=60))
    assert state.is_successful(), state.message
    assert triggers() == 1


def with_arguments(names: Any, vendor: str, **more: Any) -> Any:
    if vendor == "census":
        return (names.census.CensusSyncTask(TRIGGER, **RETRIES, **more),)
    if vendor == "hightouch":
        return (names.hightouch.HightouchRunSync(KEY, None, SYNC, True, 30, **RETRIES, **more),)
    task = names.airbyte.AirbyteConnectionTask
    return (task(connection_id=CONNECTION, **RETRIES, **more),)


@responses.activate
def test_hightouch_retried_as_before() -> None:
    hightouch(503)
    assert in_flow(*with_arguments(PREFECT, "hightouch")).is_failed()
    assert triggers() == 3


@responses.activate
def test_a_trigger_in_doubt_is_looked_for_by_the_retry() -> None:
    """502, and yet a run was started: the retry finds it and starts no second one."""
    responses.add("POST", TRIGGER, status=502)
    runs = TRIGGER.replace("trigger", "sync_runs")
    now = dt.datetime.now(dt.timezone.utc).isoformat()
    run = {"id": 94, "status": "working", "created_at": now}
    responses.add("GET", runs, json={"data": [run]})
    responses.add("GET", CENSUS_RUN, json={"data": {"status": "completed"}})
    state = in_flow(*with_arguments(DROP_IN, "census"))
    assert state.result == {"status": "completed"}
    assert triggers() == 1


@responses.activate
def test_a_bound_where_there_was_none() -> None:
    census("working")
    with pytest.raises(SyncRunTimedOut):
        task_of(DROP_IN, "census", max_wait_seconds=300)()
    airbyte("running")
    with pytest.raises(SyncRunTimedOut):
        task_of(DROP_IN, "airbyte", max_wait_seconds=300)()


# --- the rest of the new tasks' arguments ---


@responses.activate
def test_attach_joins_what_is_going_on() -> None:
    runs = TRIGGER.replace("trigger", "sync_runs")
    responses.add("GET", runs, json={"data": [{"id": 94, "status": "working"}]})
    responses.add("GET", CENSUS_RUN, json={"data": {"status": "completed"}})
    task = CensusSyncTask(TRIGGER, if_already_running="attach")
    assert task.run() == {"status": "completed"}
    assert triggers() == 0
    airbyte("succeeded")
    responses.add("POST", f"{AIRBYTE}/jobs/list/", json={"jobs": [job("running")]})
    result = AirbyteConnectionTask(connection_id=CONNECTION, resume=True).run()
    assert (result["job_status"], triggers()) == ("succeeded", 0)
    hightouch("processing", "success")
    run = {"sync_run_id": 8, "sync_run_created_at": "2026-01-31T12:00:00Z"}
    responses.replace(
        "GET",
        HIGHTOUCH_SYNC,
        json={"sync": {"sync_status": "processing"}, "last_sync_run": run},
    )
    responses.add("GET", HIGHTOUCH_SYNC, json={"sync": {"sync_status": "success"}})
    with pytest.raises(FAIL, match="is going on"):
        HightouchRunSync(KEY, None, SYNC, True, if_already_running="fail").run()


@responses.activate
def test_a_run_is_cancelled_when_time_is_up() -> None:
    airbyte("running", "running", "cancelled")
    responses.add("POST", f"{AIRBYTE}/jobs/list/", json={"jobs": []})
    responses.add("POST", f"{AIRBYTE}/jobs/cancel/", json=job("cancelled"))
    task = AirbyteConnectionTask(
        connection_id=CONNECTION, max_wait_seconds=10, cancel_remote_run=True
    )
    with pytest.raises(SyncRunTimedOut, match="it was cancelled"):
        task.run()


@responses.activate
def test_census_without_waiting() -> None:
    census()
    assert CensusSyncTask(TRIGGER, wait_for_completion=False).run() == {
        "status": "working",
        "sync_run_id": 94,
    }


@responses.activate
def test_children_of_a_mapped_task_keep_apart() -> None:
    """They share the task, and each has its own pace and client."""
    hightouch("success")
    other = HIGHTOUCH_RUN.replace("52", "53")
    responses.add("POST", other, json={"message": "another"})
    with Flow("mapped") as flow:
        bound = HightouchRunSync().map(sync_id=[SYNC, 53], api_key=unmapped(KEY))
    state = flow.run()
    assert [it["message"] for it in state.result[bound].result] == ["Sync run requested", "another"]
    task = HightouchRunSync(KEY, sync_id=SYNC)
    before = copy.copy(vars(task))
    task.run()
    assert vars(task) == before


@responses.activate
def test_the_client_says_why() -> None:
    hightouch("failed", last_sync_run={"sync_run_error": "no access"})
    with pytest.raises(FAIL, match="no access"):
        HightouchClient(KEY).start_sync_run(SYNC, True, 1, 60)
    responses.replace("GET", HIGHTOUCH_SYNC, body=requests.ConnectionError("no"))
    with pytest.raises(requests.ConnectionError):
        HightouchClient(KEY).get_sync_run_status(SYNC)


def test_the_callers_secret_stays_where_it_is() -> None:
    """Given as a literal it is in the stored flow, as before; by name it is not."""
    import cloudpickle

    with Flow("literal") as literal:
        HightouchRunSync(KEY, sync_id=SYNC)()
    with Flow("by name") as by_name:
        HightouchRunSync(api_key_env_var="THE_KEY", sync_id=SYNC)()
    assert KEY.encode() in cloudpickle.dumps(literal)
    assert KEY.encode() not in cloudpickle.dumps(by_name)
    assert prefect.context.get("nothing") is None
