"""Where the old classes are right, the drop-ins do the same: each test runs on both."""

import inspect
import json
import logging
import os
from typing import Any, Dict, Type
from unittest import mock

import pytest
import requests
import responses
from prefect import Flow, Task
from prefect.engine.signals import FAIL

from tests.legacy.kit import (
    AIRBYTE,
    BOTH,
    CENSUS_RUN,
    CONNECTION,
    DROP_IN,
    HIGHTOUCH_RUN,
    HIGHTOUCH_SYNC,
    KEY,
    PREFECT,
    SYNC,
    TRIGGER,
    Names,
    Sleeps,
    airbyte,
    asked,
    census,
    hightouch,
    job,
    patched,
    task_of,
)

TASKS = {
    "census": ["CensusSyncTask"],
    "hightouch": ["HightouchRunSync"],
    "airbyte": ["AirbyteConnectionTask", "AirbyteConfigurationExport"],
}


@pytest.fixture(params=BOTH)
def old(request: Any) -> Names:
    """The classes as they are imported: from Prefect, and from here."""
    return BOTH[request.param]


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch, old: Names) -> Sleeps:
    return patched(monkeypatch, old)


def shape(function: Any) -> Dict[str, Any]:
    return {
        name: (parameter.kind, parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
    }


@pytest.mark.parametrize("module, name", [(m, name) for m in TASKS for name in TASKS[m]])
def test_the_signatures_are_the_same(module: str, name: str) -> None:
    theirs, ours = (getattr(getattr(names, module), name) for names in (PREFECT, DROP_IN))
    assert shape(ours.__init__) == shape(theirs.__init__)
    expected = shape(theirs.run)
    if name == "CensusSyncTask":
        # The one difference: without a default, the constructor's can't be used in a flow.
        kind, default = expected["api_trigger"]
        assert default is inspect.Parameter.empty
        expected["api_trigger"] = (kind, None)
    assert shape(ours.run) == expected
    assert issubclass(ours, Task)


def test_the_helpers_signatures_are_the_same() -> None:
    for path in (
        "census.CensusSyncTask.check_invalid_api",
        "hightouch_client.HightouchClient.__init__",
        "hightouch_client.HightouchClient.get_sync_run_status",
        "hightouch_client.HightouchClient.start_sync_run",
        "airbyte.AirbyteClient.__init__",
    ):
        theirs, ours = PREFECT, DROP_IN
        for part in path.split("."):
            theirs, ours = getattr(theirs, part), getattr(ours, part)
        assert shape(ours) == shape(theirs), path


@pytest.mark.parametrize("module", ["census", "hightouch", "hightouch_client", "airbyte"])
def test_every_public_name_is_there(module: str) -> None:
    theirs, ours = getattr(PREFECT, module), getattr(DROP_IN, module)
    for name, value in vars(theirs).items():
        if getattr(value, "__module__", "").startswith("prefect.tasks.") or name.isupper():
            assert hasattr(ours, name), name
            if inspect.isclass(value):
                public = [it for it in vars(value) if not it.startswith("_")]
                assert [it for it in public if not hasattr(getattr(ours, name), it)] == []
    import prefect1_rsync.legacy as face

    for name in face.__all__:
        assert hasattr(face, name)


def test_old_excepts_still_catch() -> None:
    for name in (
        "AirbyteExportConfigurationFailed",
        "AirbyteServerNotHealthyException",
        "AirbyteSyncJobFailed",
        "ConnectionNotFoundException",
        "JobNotFoundException",
    ):
        assert issubclass(getattr(DROP_IN.airbyte, name), getattr(PREFECT.airbyte, name))


# --- construction ---


def test_attributes(old: Names) -> None:
    assert old.census.CensusSyncTask().api_trigger is None
    assert old.census.CensusSyncTask(TRIGGER).api_trigger == TRIGGER
    empty = old.hightouch.HightouchRunSync()
    names = ("api_key", "api_key_env_var", "sync_id", "wait_for_completion")
    assert [getattr(empty, name) for name in names] == [None, None, None, False]
    assert (empty.wait_time_between_api_calls, empty.max_wait_time) == (10, None)
    full = old.hightouch.HightouchRunSync("k", "v", 1, True, 2, 3)
    assert [getattr(full, name) for name in names] == ["k", "v", 1, True]
    assert (full.wait_time_between_api_calls, full.max_wait_time) == (2, 3)
    for kind in (old.airbyte.AirbyteConnectionTask, old.airbyte.AirbyteConfigurationExport):
        task = kind("host", 1, "v2")
        names = ("airbyte_server_host", "airbyte_server_port", "airbyte_api_version")
        assert [getattr(task, name) for name in names] == ["host", 1, "v2"]
        assert [getattr(kind(), name) for name in names] == ["localhost", 8000, "v1"]
    task = old.airbyte.AirbyteConnectionTask(connection_id=CONNECTION, name="contacts")
    assert (task.connection_id, task.name) == (CONNECTION, "contacts")
    assert task.CONNECTION_STATUS_ACTIVE == "active"
    assert task.JOB_STATUS_SUCCEEDED == "succeeded"
    client = old.airbyte.AirbyteClient("logger", AIRBYTE)
    assert (client.logger, client.airbyte_base_url) == ("logger", AIRBYTE)
    other = old.hightouch_client.HightouchClient(api_key="k")
    assert other.api_key == "k"
    assert other.session.headers["Authorization"] == "Bearer k"


def test_stream_output_is_a_level(old: Names) -> None:
    levels = {False: 0, True: logging.INFO, 17: 17, "DEBUG": logging.DEBUG}
    for given, level in levels.items():
        task = old.airbyte.AirbyteConnectionTask(stream_output=given)
        assert task.stream_output == level
    with pytest.raises(TypeError, match="is not a valid log level"):
        old.airbyte.AirbyteConnectionTask(stream_output="loud")


def test_check_invalid_api(old: Names) -> None:
    check = old.census.CensusSyncTask.check_invalid_api
    assert check(TRIGGER).groups() == ("canary-3141592653", "52")
    for wrong in ("random_url.com", TRIGGER.replace("https", "http"), TRIGGER.upper()):
        with pytest.raises(ValueError, match="Invalid parameter for `api_trigger` please paste"):
            check(wrong)
        with pytest.raises(ValueError, match="CaSe SenSITiVe"):
            old.census.CensusSyncTask(api_trigger=wrong)


def test_what_is_missing_is_a_value_error(old: Names) -> None:
    with pytest.raises(ValueError, match="Value for parameter `api_trigger` must be provided"):
        old.census.CensusSyncTask().run(api_trigger=None)
    task = old.hightouch.HightouchRunSync()
    with pytest.raises(ValueError, match="Neither `api_key` nor `api_key_env_var` have been"):
        task.run()
    with pytest.raises(ValueError, match=r"unable to find the environment variable \$NO_KEY"):
        task.run(api_key_env_var="NO_KEY")
    with pytest.raises(ValueError, match="`sync_id` has not been provided"):
        task.run(api_key="k")
    task = old.airbyte.AirbyteConnectionTask()
    with pytest.raises(ValueError, match="`connection_id`"):
        task.run()
    with pytest.raises(ValueError, match="valid UUID"):
        task.run(connection_id=CONNECTION[:-1] + "K")


# --- Census ---


@responses.activate
def test_census_waits_for_the_end(old: Names, sleeps: Sleeps) -> None:
    fields = {"records_processed": 3, "error_message": None}
    census("working", "working", "completed", **fields)
    stats = old.census.CensusSyncTask().run(api_trigger=TRIGGER)
    assert stats == {"status": "completed", **fields}
    assert asked() == [f"POST {TRIGGER}"] + [f"GET {CENSUS_RUN}"] * 3
    assert sleeps == [60, 60, 60]


@pytest.mark.parametrize("given, pause", [(7, 7), (1, 5)])
@responses.activate
def test_censuss_interval(old: Names, sleeps: Sleeps, given: int, pause: int) -> None:
    census("working", "completed")
    old.census.CensusSyncTask().run(api_trigger=TRIGGER, poll_status_every_n_seconds=given)
    assert sleeps == [pause, pause]


@pytest.mark.parametrize("status", [401, 404, 422, 500])
@responses.activate
def test_a_trigger_that_census_refuses(old: Names, sleeps: Sleeps, status: int) -> None:
    responses.add("POST", TRIGGER, status=status, json={"message": "why"})
    with pytest.raises(requests.HTTPError, match=f"^{status} .* Error: ") as caught:
        old.census.CensusSyncTask().run(api_trigger=TRIGGER)
    assert caught.value.response.status_code == status
    assert (len(asked()), sleeps) == (1, [])


@responses.activate
def test_a_census_that_is_not_there(old: Names, sleeps: Sleeps) -> None:
    responses.add("POST", TRIGGER, body=requests.ConnectionError("no"))
    with pytest.raises(requests.ConnectionError):
        old.census.CensusSyncTask().run(api_trigger=TRIGGER)
    assert sleeps == []


@pytest.mark.parametrize("status", [401, 404])
@responses.activate
def test_a_run_that_census_does_not_show(old: Names, sleeps: Sleeps, status: int) -> None:
    responses.add("POST", TRIGGER, json={"data": {"sync_run_id": 94}})
    responses.add("GET", CENSUS_RUN, status=status, json={})
    with pytest.raises(ValueError, match="Getting status of sync failed, please visit Census Logs"):
        old.census.CensusSyncTask().run(api_trigger=TRIGGER)
    assert len(sleeps) == 1


# --- Hightouch ---


@responses.activate
def test_hightouch_starts_and_goes(old: Names, sleeps: Sleeps) -> None:
    hightouch()
    task = old.hightouch.HightouchRunSync(api_key="k", sync_id=SYNC)
    assert task.run() == {"message": "Sync run requested"}
    assert asked() == [f"POST {HIGHTOUCH_RUN}"]
    assert responses.calls[0].request.headers["Authorization"] == "Bearer k"
    with mock.patch.dict(os.environ, {"THE_KEY": "from the environment".replace(" ", "-")}):
        task = old.hightouch.HightouchRunSync(api_key_env_var="THE_KEY", sync_id=SYNC)
        task.run()
    assert responses.calls[1].request.headers["Authorization"] == "Bearer from-the-environment"
    assert sleeps == []


@responses.activate
def test_hightouch_waits_for_success(old: Names, sleeps: Sleeps) -> None:
    hightouch("queued", "processing", "success", last_sync_run={"sync_run_id": 9})
    task = old.hightouch.HightouchRunSync(api_key=KEY, sync_id=SYNC)
    answer = task.run(wait_for_completion=True, wait_time_between_api_calls=1)
    assert answer == {
        "id": SYNC,
        "sync": {"sync_status": "success"},
        "last_sync_run": {"sync_run_id": 9},
    }
    assert asked() == [f"POST {HIGHTOUCH_RUN}"] + [f"GET {HIGHTOUCH_SYNC}"] * 3
    assert sleeps == [1, 1]


@pytest.mark.parametrize("given, pause", [(0, 10), (-1, 10), (30, 30)])
@responses.activate
def test_hightouchs_interval(old: Names, sleeps: Sleeps, given: int, pause: int) -> None:
    hightouch("querying", "success")
    task_of(old, "hightouch", wait_time_between_api_calls=given)()
    assert sleeps == [pause]


@pytest.mark.parametrize("status", [401, 403, 404, 500])
@responses.activate
def test_a_trigger_that_hightouch_refuses(old: Names, sleeps: Sleeps, status: int) -> None:
    responses.add("POST", HIGHTOUCH_RUN, status=status)
    with pytest.raises(FAIL, match=r"Error while starting sync run\. Error is: [A-Z]"):
        task_of(old, "hightouch")()
    assert sleeps == []


@responses.activate
def test_a_hightouch_that_is_not_there(old: Names, sleeps: Sleeps) -> None:
    responses.add("POST", HIGHTOUCH_RUN, body=requests.ConnectionError("no"))
    with pytest.raises(requests.ConnectionError):
        task_of(old, "hightouch")()
    assert sleeps == []


@pytest.mark.parametrize("status", [401, 404])
@responses.activate
def test_a_sync_that_hightouch_does_not_show(old: Names, sleeps: Sleeps, status: int) -> None:
    hightouch()
    responses.add("GET", HIGHTOUCH_SYNC, status=status)
    with pytest.raises(FAIL, match=r"Error while retrieving sync run status\. Error is: "):
        task_of(old, "hightouch")()


@responses.activate
def test_hightouchs_bound(old: Names, sleeps: Sleeps) -> None:
    hightouch("processing")
    with pytest.raises(FAIL, match="Sync run exceeded `max_wait_time`"):
        task_of(old, "hightouch", max_wait_time=60)()
    # Prefect's looks after 60 s too, and sleeps once more before it gives up.
    assert sleeps[:6] == [10] * 6 and len(sleeps) <= 7


@responses.activate
def test_the_hightouch_client(old: Names, sleeps: Sleeps) -> None:
    hightouch("processing", "success")
    client = old.hightouch_client.HightouchClient(KEY)
    assert client.get_sync_run_status(sync_id=SYNC)["sync"] == {"sync_status": "processing"}
    assert client.start_sync_run(SYNC, False, 10, None) == {"message": "Sync run requested"}
    answer = client.start_sync_run(
        sync_id=SYNC,
        wait_for_completion=True,
        wait_time_between_api_calls=10,
        max_wait_time=None,
    )
    assert answer["sync"]["sync_status"] == "success"
    responses.replace("GET", HIGHTOUCH_SYNC, status=503)
    with pytest.raises(FAIL, match=r"retrieving sync run status\. Error is: Service Unavailable"):
        client.get_sync_run_status(SYNC)
    responses.replace("POST", HIGHTOUCH_RUN, status=403)
    with pytest.raises(FAIL, match=r"starting sync run\. Error is: Forbidden"):
        client.start_sync_run(SYNC, True, 10, None)


# --- Airbyte ---


@responses.activate
def test_airbyte_waits_for_success(old: Names, sleeps: Sleeps) -> None:
    airbyte("pending", "running", "incomplete", "succeeded", schedule=None)
    task = old.airbyte.AirbyteConnectionTask(connection_id=CONNECTION)
    assert task.run() == {
        "connection_id": CONNECTION,
        "status": "active",
        "job_status": "succeeded",
        "job_created_at": 11,
        "job_updated_at": 22,
    }
    assert asked() == [
        f"GET {AIRBYTE}/health/",
        f"POST {AIRBYTE}/connections/get/",
        f"POST {AIRBYTE}/connections/sync/",
        *[f"POST {AIRBYTE}/jobs/get/"] * 4,
    ]
    assert [json.loads(call.request.body) for call in list(responses.calls)[1:]] == [
        {"connectionId": CONNECTION},
        {"connectionId": CONNECTION},
        *[{"id": 7}] * 4,
    ]
    assert sleeps == [15, 15, 15]


@pytest.mark.parametrize("given", [0.1, 1, 40])
@responses.activate
def test_airbytes_interval(old: Names, sleeps: Sleeps, given: int) -> None:
    airbyte("running", "running", "succeeded")
    task_of(old, "airbyte")(poll_interval_s=given)  # type: ignore[call-arg]
    assert sleeps == [given, given]


@responses.activate
def test_an_airbyte_elsewhere(old: Names, sleeps: Sleeps) -> None:
    for method, path, body in (
        ("GET", "health", {"db": True}),
        ("POST", "connections/get", {"status": "active"}),
        ("POST", "connections/sync", job("pending")),
        ("POST", "jobs/get", job("succeeded")),
    ):
        responses.add(method, f"http://airbyte.example:80/api/v2/{path}/", json=body)
    task = old.airbyte.AirbyteConnectionTask("airbyte.example", 80, "v2")
    assert task.run(connection_id=CONNECTION)["job_status"] == "succeeded"


@pytest.mark.parametrize("health", [{"available": False}, {"db": False}])
@responses.activate
def test_an_airbyte_that_is_ill(old: Names, sleeps: Sleeps, health: Dict[str, bool]) -> None:
    responses.add("GET", f"{AIRBYTE}/health/", json=health)
    for kind in (old.airbyte.AirbyteConnectionTask, old.airbyte.AirbyteConfigurationExport):
        more = {"connection_id": CONNECTION} if "Connection" in kind.__name__ else {}
        error = old.airbyte.AirbyteServerNotHealthyException
        with pytest.raises(error, match="Airbyte Server health status: False"):
            kind(**more).run()
    assert sleeps == []


@responses.activate
def test_an_airbyte_that_is_not_there(old: Names, sleeps: Sleeps) -> None:
    responses.add("GET", f"{AIRBYTE}/health/", body=requests.ConnectionError("no"))
    with pytest.raises(old.airbyte.AirbyteServerNotHealthyException):
        task_of(old, "airbyte")()
    assert sleeps == []


@pytest.mark.parametrize("status", [401, 404, 500])
@responses.activate
def test_a_connection_that_airbyte_does_not_show(old: Names, sleeps: Sleeps, status: int) -> None:
    responses.add("GET", f"{AIRBYTE}/health/", json={"available": True})
    responses.add("POST", f"{AIRBYTE}/connections/get/", status=status, json={})
    with pytest.raises(old.airbyte.AirbyteServerNotHealthyException):
        task_of(old, "airbyte")()
    assert sleeps == []


@responses.activate
def test_a_connection_that_airbyte_does_not_know(old: Names, sleeps: Sleeps) -> None:
    airbyte()
    responses.replace("POST", f"{AIRBYTE}/connections/sync/", status=404, json={})
    with pytest.raises(old.airbyte.ConnectionNotFoundException) as caught:
        task_of(old, "airbyte")()
    assert str(caught.value) == (
        f"Connection {CONNECTION} not found, please double check the connection_id ..."
    )


@responses.activate
def test_a_job_that_airbyte_does_not_know(old: Names, sleeps: Sleeps) -> None:
    airbyte(404)
    with pytest.raises(old.airbyte.JobNotFoundException) as caught:
        task_of(old, "airbyte")()
    assert str(caught.value) == "Job 7 not found..."


@responses.activate
def test_a_job_that_fails(old: Names, sleeps: Sleeps) -> None:
    airbyte("running", "failed")
    with pytest.raises(old.airbyte.AirbyteSyncJobFailed) as caught:
        task_of(old, "airbyte")()
    assert str(caught.value) == "Job 7 failed."


@pytest.mark.parametrize(
    "status, message",
    [
        ("inactive", f"Please enable the Connection {CONNECTION} in Airbyte Server."),
        ("deprecated", f"Connection {CONNECTION} is deprecated."),
    ],
)
@responses.activate
def test_a_connection_that_is_off(old: Names, sleeps: Sleeps, status: str, message: str) -> None:
    airbyte(connection=status)
    with pytest.raises(FAIL) as caught:
        task_of(old, "airbyte")()
    assert str(caught.value) == message
    assert len(asked()) == 2


@responses.activate
def test_airbytes_answers_are_logged_at_the_level(old: Names, sleeps: Sleeps) -> None:
    airbyte("succeeded")
    task = old.airbyte.AirbyteConnectionTask(connection_id=CONNECTION, stream_output=33)
    heard = mock.Mock(wraps=task.logger.log)
    with mock.patch.object(task.logger, "log", heard):
        task.run()
    logged = [call[1]["msg"] for call in heard.call_args_list if call[1].get("level") == 33]
    assert logged == [{"status": "active"}, job("pending"), job("succeeded")]


@responses.activate
def test_the_configuration_is_exported(old: Names) -> None:
    responses.add("GET", f"{AIRBYTE}/health/", json={"available": True})
    responses.add("POST", f"{AIRBYTE}/deployment/export/", body=b"\x1f\x8bgz")
    assert old.airbyte.AirbyteConfigurationExport().run() == b"\x1f\x8bgz"
    responses.replace("POST", f"{AIRBYTE}/deployment/export/", body=requests.ConnectionError("no"))
    with pytest.raises(old.airbyte.AirbyteExportConfigurationFailed):
        old.airbyte.AirbyteConfigurationExport().run()


# --- in a flow ---


def flow_result(task: Task, **given: Any) -> Any:
    with Flow("old") as flow:
        bound = task(**given)
    return flow.run(run_on_schedule=False).result[bound]


@responses.activate
def test_success_in_a_flow(old: Names, sleeps: Sleeps) -> None:
    census("completed")
    hightouch("success")
    airbyte("succeeded")
    state = flow_result(old.census.CensusSyncTask(), api_trigger=TRIGGER)
    assert state.result == {"status": "completed"}
    task = old.hightouch.HightouchRunSync(sync_id=SYNC, wait_for_completion=True)
    assert flow_result(task, api_key=KEY).result["sync"] == {"sync_status": "success"}
    state = flow_result(old.airbyte.AirbyteConnectionTask(), connection_id=CONNECTION)
    assert state.result["job_status"] == "succeeded"


@pytest.mark.parametrize("vendor, error", [("census", requests.HTTPError), ("hightouch", FAIL)])
@responses.activate
def test_failure_in_a_flow(
    old: Names, sleeps: Sleeps, vendor: str, error: Type[BaseException]
) -> None:
    responses.add("POST", TRIGGER, status=404)
    responses.add("POST", HIGHTOUCH_RUN, status=404)
    task, given = {
        "census": (old.census.CensusSyncTask(), {"api_trigger": TRIGGER}),
        "hightouch": (old.hightouch.HightouchRunSync(KEY, sync_id=SYNC), {}),
    }[vendor]
    state = flow_result(task, **given)
    assert state.is_failed()
    assert isinstance(state.result, error)
