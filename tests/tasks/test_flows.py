"""The three tasks in flows: every executor, every way to give an argument."""

from typing import Any, Callable, Dict, Iterator, List

import prefect
import pytest
from prefect import Flow, Parameter, unmapped
from prefect.executors import DaskExecutor, LocalDaskExecutor, LocalExecutor
from prefect.tasks.secrets import PrefectSecret

from prefect1_rsync import AirbyteSyncTask, CensusSyncTask, HightouchSyncTask, SyncRunFailed
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.tasks.base import SyncTask
from tests.tasks.fast import FastClock

EXECUTORS: Dict[str, Callable[[], Any]] = {
    "local": LocalExecutor,
    "local-dask-threads": lambda: LocalDaskExecutor(scheduler="threads", num_workers=4),
    "local-dask-processes": lambda: LocalDaskExecutor(scheduler="processes", num_workers=2),
    "dask-processes": lambda: DaskExecutor(
        cluster_kwargs={"n_workers": 2, "threads_per_worker": 2, "dashboard_address": ":0"}
    ),
}
VENDORS = ("census", "hightouch", "airbyte")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=FastClock().monotonic) as sandbox:
        yield sandbox


def task_for(sandbox: Sandbox, vendor: str, **arguments: Any) -> SyncTask:
    """A task of which the constructor has everything that it needs."""
    task: SyncTask
    if vendor == "census":
        given = {
            "api_trigger": sandbox.census.api_trigger(1, version=2),
            "base_url": sandbox.census.base_url,
        }
        task = CensusSyncTask(**{**given, **arguments})
    elif vendor == "hightouch":
        given = {
            "sync_slug": "demo-sync",
            "api_key": sandbox.hightouch.api_key,
            "base_url": sandbox.hightouch.base_url,
        }
        task = HightouchSyncTask(**{**given, **arguments})
    else:
        given = {
            "connection_id": sandbox.airbyte.connection_id,
            "client_id": sandbox.airbyte.client_id,
            "client_secret": sandbox.airbyte.client_secret,
            "api_url": sandbox.airbyte.api_url,
        }
        task = AirbyteSyncTask(**{**given, **arguments})
    task._clock = FastClock()
    return task


def sync_of(sandbox: Sandbox, vendor: str) -> Any:
    return sandbox.airbyte.connection_id if vendor == "airbyte" else 1


@pytest.mark.parametrize("executor", EXECUTORS, ids=str)
def test_all_vendors_on_every_executor(sandbox: Sandbox, executor: str) -> None:
    """Constructor defaults, a Parameter without a value, and a mapped task, side by side."""
    for sync in (11, 12, 13):
        sandbox.hightouch.add_sync(sync)
    with Flow("all") as flow:
        nothing = Parameter("nothing", default=None)
        plain = {vendor: task_for(sandbox, vendor)() for vendor in VENDORS}
        parameter = task_for(sandbox, "hightouch")(
            full_resync=nothing, upstream_tasks=[plain["hightouch"]]
        )
        mapped = task_for(sandbox, "hightouch", sync_slug=None).map(
            sync_id=[11, 12, 13], api_key=unmapped(nothing)
        )
    state = flow.run(executor=EXECUTORS[executor]())
    assert state.is_successful(), {t.name: s.message for t, s in state.result.items()}
    for vendor, task in plain.items():
        stats = state.result[task].result
        assert (stats["vendor"], stats["status"]) == (vendor, "completed")
    assert state.result[parameter].result["status"] == "completed"
    assert [stats["sync_id"] for stats in state.result[mapped].result] == ["11", "12", "13"]
    assert sandbox.census.accepted() == 1
    assert sandbox.airbyte.accepted() == 1
    assert sandbox.hightouch.accepted() == 5


@pytest.mark.parametrize("executor", EXECUTORS, ids=str)
def test_a_failed_sync_is_a_failed_task_on_every_executor(sandbox: Sandbox, executor: str) -> None:
    sandbox.census.script(1, ends="failed", error_message="Access to the warehouse was revoked")
    with Flow("fails") as flow:
        task = task_for(sandbox, "census")()
    state = flow.run(executor=EXECUTORS[executor]())
    assert state.is_failed()
    failed = state.result[task]
    assert isinstance(failed.result, SyncRunFailed)
    assert failed.result.stats["status"] == "failed"
    run_id = failed.result.stats["run_id"]
    for part in (
        "Census",
        "sync 1",
        run_id,
        "failed",
        "was revoked",
        failed.result.stats["run_url"],
    ):
        assert part in failed.message
    assert "raw" not in failed.message


@pytest.mark.parametrize("vendor", VENDORS)
def test_secret_and_parameters_at_run_override_the_constructor(
    sandbox: Sandbox, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, value = {
        "census": ("api_trigger", sandbox.census.api_trigger(1, version=2)),
        "hightouch": ("api_key", sandbox.hightouch.api_key),
        "airbyte": ("client_secret", sandbox.airbyte.client_secret),
    }[vendor]
    wrong = {
        "census": sandbox.census.api_trigger(999, version=2),
        "hightouch": "wrong",
        "airbyte": "wrong",
    }[vendor]
    task = task_for(sandbox, vendor, **{name: wrong})
    with Flow("secret") as flow:
        bound = task(
            **{name: PrefectSecret("THE_SECRET"), "max_wait_seconds": Parameter("wait", default=99)}
        )
    with prefect.context(secrets={"THE_SECRET": value}):
        state = flow.run(wait=88)
    assert state.result[bound].result["status"] == "completed", state.result[bound].message


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_task_runs_outside_a_flow(sandbox: Sandbox, vendor: str) -> None:
    stats = task_for(sandbox, vendor).run()
    assert stats["status"] == "completed"
    assert stats["sync_id"] == str(sync_of(sandbox, vendor))


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("status", [401, 404])
def test_what_cannot_get_better_is_not_retried(sandbox: Sandbox, vendor: str, status: int) -> None:
    getattr(sandbox, vendor).fault("*", status=status, times=100)
    import datetime as dt

    seen: List[int] = []
    with Flow("hopeless") as flow:
        task = task_for(
            sandbox,
            vendor,
            max_retries=3,
            retry_delay=dt.timedelta(seconds=0),
            on_failure=lambda task, state: seen.append(1),
        )()
    state = flow.run()
    assert state.is_failed()
    assert state.result[task].result.status_code == status
    assert seen == [1]
    assert prefect.context.get("task_run_count") is None


def test_what_may_get_better_is_retried(sandbox: Sandbox) -> None:
    import datetime as dt

    sandbox.hightouch.script(1, ends="failed")
    sandbox.hightouch.script(1, ends="success")
    with Flow("retried") as flow:
        task = task_for(sandbox, "hightouch", max_retries=1, retry_delay=dt.timedelta(seconds=0))()
    state = flow.run()
    assert state.result[task].result["status"] == "completed", state.result[task].message
    assert sandbox.hightouch.accepted() == 2


def test_the_callers_state_handlers_are_left_alone(sandbox: Sandbox) -> None:
    theirs: List[Any] = [lambda task, old, new: new]
    task = task_for(sandbox, "census", state_handlers=theirs)
    assert len(theirs) == 1
    assert len(task.state_handlers) == 2
