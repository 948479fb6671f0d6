"""What the constructors and `run()` take, and what they say when it is wrong."""

import inspect
from fractions import Fraction
from typing import Any, Dict, Type

import prefect
import pytest
from prefect import Task

from prefect1_rsync import AirbyteSyncTask, CensusSyncTask, HightouchSyncTask
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.tasks import arguments as check
from prefect1_rsync.tasks.base import COMMON, SyncTask
from tests.clock import VirtualClock
from tests.tasks.numpys import Int64

CONNECTION = "9924bcd0-99be-453d-ba47-c2c9766f7da5"
TOKEN = "secret-token:canary-3141592653"
US_URL = f"https://bearer:{TOKEN}@app.getcensus.com/api/v1/syncs/52/trigger"
TASKS: Dict[Type[SyncTask], Dict[str, Any]] = {
    CensusSyncTask: {"sync_id": 52, "api_token": TOKEN},
    HightouchSyncTask: {"sync_id": 52, "api_key": TOKEN},
    AirbyteSyncTask: {"connection_id": CONNECTION, "bearer_token": TOKEN},
}
every_task = pytest.mark.parametrize("kind", TASKS, ids=lambda kind: kind.__name__)


@every_task
def test_every_constructor_argument_is_a_run_argument_with_a_default(kind: Type[SyncTask]) -> None:
    constructor = inspect.signature(kind).parameters
    run = inspect.signature(kind.run).parameters
    names = [name for name in constructor if name != "kwargs"]
    assert names == [name for name in run if name != "self"] == [*kind._own, *COMMON]
    for name in names:
        assert run[name].default is None, name
        assert constructor[name].default is not inspect.Parameter.empty, name
    # Prefect keeps these names for itself.
    assert not set(names) & set(Task._reserved_attributes)


@every_task
def test_every_argument_is_documented(kind: Type[SyncTask]) -> None:
    for name in inspect.signature(kind).parameters:
        assert name in (kind.__doc__ or ""), name


def test_the_defaults_of_the_contract() -> None:
    common = dict.fromkeys(COMMON, False)
    common.update(
        poll_status_every_n_seconds=None,
        wait_for_completion=True,
        raise_on_failure=True,
        if_already_running="wait",
    )
    waits = {CensusSyncTask: None, HightouchSyncTask: 900, AirbyteSyncTask: 1800}
    for kind, wait in waits.items():
        task = kind()
        assert {name: getattr(task, name) for name in COMMON} == {
            **common,
            "max_wait_seconds": wait,
        }


@every_task
@pytest.mark.parametrize(
    "name, value",
    [
        ("poll_status_every_n_seconds", 0),
        ("poll_status_every_n_seconds", -1),
        ("poll_status_every_n_seconds", "30"),
        ("poll_status_every_n_seconds", float("nan")),
        ("max_wait_seconds", 0),
        ("max_wait_seconds", True),
        ("max_wait_seconds", float("inf")),
        pytest.param("max_wait_seconds", 10**400, id="max_wait_seconds-too-large"),
        ("max_wait_seconds", 5j),
        ("wait_for_completion", "no"),
        ("raise_on_failure", 0),
        ("fail_on_warning", "yes"),
        ("if_already_running", "skip"),
        ("cancel_remote_run", 1),
        ("full_resync", "true"),
    ],
)
def test_a_wrong_common_argument_is_named(kind: Type[SyncTask], name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        kind(**{**TASKS[kind], name: value})
    with pytest.raises(ValueError, match=name):
        kind(**TASKS[kind]).run(**{name: value})


@pytest.mark.parametrize(
    "kind, arguments, named",
    [
        (CensusSyncTask, {"sync_id": 0}, "sync_id"),
        (CensusSyncTask, {"sync_id": "12a"}, "sync_id"),
        (CensusSyncTask, {"sync_id": "١٢"}, "sync_id"),
        (CensusSyncTask, {"sync_id": True}, "sync_id"),
        (CensusSyncTask, {"sync_id": 52.0}, "sync_id"),
        (CensusSyncTask, {"sync_id": -52}, "sync_id"),
        (CensusSyncTask, {"sync_id": 5, "api_trigger": US_URL}, "api_trigger"),
        (CensusSyncTask, {"api_token": TOKEN, "api_trigger": US_URL}, "api_trigger"),
        (CensusSyncTask, {"api_trigger": US_URL, "api_trigger_secret": "X"}, "api_trigger_secret"),
        (CensusSyncTask, {"api_trigger": US_URL, "api_version": 2}, "api_version"),
        (CensusSyncTask, {"api_trigger": US_URL.replace("52", "")}, "api_trigger"),
        (CensusSyncTask, {"api_trigger": US_URL.replace("https", "http")}, "api_trigger"),
        (
            CensusSyncTask,
            {"api_trigger": US_URL, "base_url": "https://app-eu.getcensus.com"},
            "api_trigger",
        ),
        (CensusSyncTask, {"api_token": "secret-token:"}, "api_token"),
        (CensusSyncTask, {"api_token": TOKEN + "\n"}, "api_token"),
        (CensusSyncTask, {"api_token": TOKEN, "api_token_secret": "X"}, "api_token_secret"),
        (CensusSyncTask, {"api_version": 3}, "api_version"),
        (CensusSyncTask, {"api_version": True}, "api_version"),
        (CensusSyncTask, {"base_url": "http://census.example"}, "base_url"),
        (CensusSyncTask, {"base_url": f"https://u:{TOKEN}@census.example"}, "base_url"),
        (CensusSyncTask, {"api_trigger_secret": 5}, "api_trigger_secret"),
        (HightouchSyncTask, {"sync_id": 1, "sync_slug": "s"}, "sync_slug"),
        (HightouchSyncTask, {"sync_slug": " "}, "sync_slug"),
        (HightouchSyncTask, {"api_key": ""}, "api_key"),
        (HightouchSyncTask, {"api_key": TOKEN + " x"}, "api_key"),
        (HightouchSyncTask, {"base_url": "api.hightouch.com"}, "base_url"),
        (HightouchSyncTask, {"cancel_remote_run": True}, "cancel_remote_run"),
        (HightouchSyncTask, {"workspace_slug": ""}, "workspace_slug"),
        (AirbyteSyncTask, {"connection_id": "demo"}, "connection_id"),
        (AirbyteSyncTask, {"full_resync": True}, "full_resync"),
        (AirbyteSyncTask, {"api_url": "ftp://airbyte.example"}, "api_url"),
        (AirbyteSyncTask, {"config_api_url": "https://a@b.example"}, "config_api_url"),
        (AirbyteSyncTask, {"bearer_token": TOKEN, "username": "u", "password": TOKEN}, "one kind"),
        (AirbyteSyncTask, {"bearer_token": TOKEN, "client_id_secret": "NAME"}, "one kind"),
        (AirbyteSyncTask, {"client_secret": TOKEN + "\r\n"}, "client_secret"),
        (AirbyteSyncTask, {"username": "a:b", "password": TOKEN}, "username"),
        (AirbyteSyncTask, {"bearer_token": 1.5}, "bearer_token"),
    ],
)
def test_a_wrong_argument_is_said_in_the_constructor(
    kind: Type[SyncTask], arguments: Dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError) as caught:
        kind(**arguments)
    assert named in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "kind, arguments, named",
    [
        (CensusSyncTask, {"api_token": TOKEN}, "sync_id"),
        (CensusSyncTask, {"sync_id": 1}, "CENSUS_API_TOKEN"),
        (HightouchSyncTask, {"api_key": TOKEN}, "sync_id"),
        (HightouchSyncTask, {"sync_id": 1}, "HIGHTOUCH_API_KEY"),
        (AirbyteSyncTask, {"bearer_token": TOKEN}, "connection_id"),
        (AirbyteSyncTask, {"connection_id": CONNECTION}, "AIRBYTE_CLIENT_ID"),
        (AirbyteSyncTask, {"connection_id": CONNECTION, "client_id": "x"}, "client_secret"),
        (HightouchSyncTask, {"sync_id": 1, "api_key_secret": "NOWHERE"}, "NOWHERE"),
    ],
)
def test_what_is_missing_at_run_is_named(
    kind: Type[SyncTask], arguments: Dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        kind(**arguments).run()


@pytest.mark.parametrize("kind", [CensusSyncTask, HightouchSyncTask])
def test_numbers_may_come_out_of_a_table(kind: Type[SyncTask]) -> None:
    """pandas' integers and floats are numpy's, which are no int."""
    given = {"sync_id": Int64(52), "max_wait_seconds": Int64(600)}
    task = kind(**{**TASKS[kind], **given, "poll_status_every_n_seconds": Fraction(15, 2)})
    _, request = task._plan(task._merged({}), resolve=True)
    assert request.sync_id == "52" and type(request.sync_id) is str
    options = check.options_from(task._merged({}))
    assert (options.max_wait, options.poll_every) == (600.0, 7.5)
    assert type(options.max_wait) is type(options.poll_every) is float


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    clock = VirtualClock()
    monkeypatch.setattr(SyncTask, "_clock", clock)
    return clock


def test_the_environment_comes_last(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(clock=clock.monotonic) as sandbox:
        environment = {
            "CENSUS_API_TOKEN": sandbox.census.token,
            "CENSUS_BASE_URL": sandbox.census.base_url,
            "HIGHTOUCH_API_KEY": sandbox.hightouch.api_key,
            "HIGHTOUCH_BASE_URL": sandbox.hightouch.base_url,
            "HIGHTOUCH_WORKSPACE_SLUG": "acme",
            "AIRBYTE_CLIENT_ID": sandbox.airbyte.client_id,
            "AIRBYTE_CLIENT_SECRET": sandbox.airbyte.client_secret,
            "AIRBYTE_API_URL": sandbox.airbyte.api_url,
            "AIRBYTE_CONFIG_API_URL": sandbox.airbyte.config_api_url,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert CensusSyncTask(sync_id=1).run()["status"] == "completed"
        # But a trigger URL points to a host of Census' own, or to one that the argument names.
        with pytest.raises(ValueError, match="api_trigger"):
            CensusSyncTask(sandbox.census.api_trigger(1))
        stats = HightouchSyncTask(sync_id=1).run()
        assert stats["run_url"] == (
            f"https://app.hightouch.com/acme/syncs/1/runs/{stats['run_id']}"
        )
        connection = sandbox.airbyte.connection_id
        assert AirbyteSyncTask(connection).run()["status"] == "completed"
        # The environment completes a credential that was begun...
        begun = AirbyteSyncTask(connection, client_id=sandbox.airbyte.client_id)
        assert begun.run()["status"] == "completed"
        # ... and does not mix with one of another kind.
        other = AirbyteSyncTask(connection, bearer_token=sandbox.airbyte.bearer_token)
        assert other.run()["status"] == "completed"
        seen = [r.headers.get("Authorization") for r in sandbox.requests if r.vendor == "airbyte"]
        assert seen[-1] == f"Bearer {sandbox.airbyte.bearer_token}"


def test_a_credential_by_name_is_a_prefect_secret_else_an_environment_variable(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(clock=clock.monotonic) as sandbox:
        sandbox.hightouch.api_key = "4242424242"
        task = HightouchSyncTask(1, api_key_secret="MY_KEY", base_url=sandbox.hightouch.base_url)
        monkeypatch.setenv("MY_KEY", "4242424242")
        assert task.run()["status"] == "completed"
        monkeypatch.setenv("MY_KEY", "wrong")
        # Prefect reads secrets as JSON: digits arrive as a number.
        with prefect.context(secrets={"MY_KEY": "4242424242"}):
            assert task.run()["status"] == "completed"
        with prefect.context(secrets={"MY_KEY": "1.5e3"}), pytest.raises(
            ValueError, match="quotes"
        ):
            task.run()


def test_run_overrides_what_it_replaces(clock: VirtualClock) -> None:
    with Sandbox(clock=clock.monotonic) as sandbox:
        sandbox.census.add_sync(2)
        sandbox.hightouch.add_sync(2)
        by_url = CensusSyncTask(sandbox.census.api_trigger(1), base_url=sandbox.census.base_url)
        stats = by_url.run(sync_id=2, api_token=sandbox.census.token)
        assert stats["sync_id"] == "2"
        by_id = CensusSyncTask(sync_id=2, api_token="x", base_url=sandbox.census.base_url)
        assert by_id.run(api_trigger=sandbox.census.api_trigger(1))["sync_id"] == "1"
        by_slug = HightouchSyncTask(
            sync_slug="demo-sync",
            api_key_secret="NOWHERE",
            base_url=sandbox.hightouch.base_url,
        )
        assert by_slug.run(sync_id="2", api_key=sandbox.hightouch.api_key)["sync_id"] == "2"
        task = AirbyteSyncTask(
            sandbox.airbyte.connection_id,
            client_id="x",
            client_secret_secret="NOWHERE",
            api_url=sandbox.airbyte.api_url,
        )
        assert task.run(bearer_token=sandbox.airbyte.bearer_token)["status"] == "completed"


@every_task
def test_none_at_run_wipes_nothing(kind: Type[SyncTask]) -> None:
    task = kind(**TASKS[kind], max_wait_seconds=77)
    nothing = {name: None for name in inspect.signature(kind.run).parameters if name != "self"}
    assert task._merged(nothing) == task._merged({})
    assert task._merged(nothing)["max_wait_seconds"] == 77


@pytest.mark.parametrize("version, warned", [(1, True), (2, False)])
def test_a_v1_url_warns_of_its_end(
    clock: VirtualClock, version: int, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with Sandbox(clock=clock.monotonic) as sandbox:
        trigger = sandbox.census.api_trigger(1, version=version)
        task = CensusSyncTask(trigger, base_url=sandbox.census.base_url)
        task.logger.propagate = True
        task.run()
    found = [r for r in caplog.records if r.levelname == "WARNING"]
    assert bool(found) is warned
    if warned:
        assert "15 January 2027" in found[0].getMessage()
        assert "personal access token" in found[0].getMessage()


def test_plain_http_to_another_machine_is_warned_of(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    task = AirbyteSyncTask(CONNECTION, api_url="http://airbyte.internal:8000/api/public/v1")
    task.logger.propagate = True
    client, _ = task._plan(task._merged({}), resolve=True)
    assert client is not None
    assert "plain http" in caplog.text
