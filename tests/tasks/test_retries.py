"""Prefect retries, kills and restarts: one trigger, and the outcome of our own run."""

import datetime as dt
from typing import Any, Dict, Iterator, List

import prefect
import pytest
from prefect import Flow
from prefect.engine.flow_runner import FlowRunner
from prefect.engine.state import Failed, Pending, Retrying, Running
from prefect.serialization.state import StateSchema

from prefect1_rsync import SyncApiError, SyncRunTimedOut
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.tasks import base
from tests.tasks.fast import FastClock
from tests.tasks.test_flows import EXECUTORS, VENDORS, task_for

RETRIES: Dict[str, Any] = {"max_retries": 3, "retry_delay": dt.timedelta(seconds=0)}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=FastClock().monotonic) as sandbox:
        yield sandbox


def scripted(sandbox: Sandbox, **outcome: Any) -> None:
    for vendor, sync in zip(VENDORS, (1, 1, sandbox.airbyte.connection_id)):
        getattr(sandbox, vendor).script(sync, **outcome)


@pytest.mark.parametrize("executor", EXECUTORS, ids=str)
def test_a_retry_joins_the_run_of_the_attempt_before(sandbox: Sandbox, executor: str) -> None:
    """The first attempt's patience ends before the run does; plain and mapped."""
    scripted(sandbox, duration=40)
    for sync in (11, 12):
        sandbox.hightouch.add_sync(sync)
        sandbox.hightouch.script(sync, duration=40)
    with Flow("retried") as flow:
        plain = {
            vendor: task_for(sandbox, vendor, max_wait_seconds=15.0, **RETRIES)()
            for vendor in VENDORS
        }
        mapped = task_for(
            sandbox, "hightouch", sync_slug=None, max_wait_seconds=15.0, **RETRIES
        ).map(sync_id=[11, 12])
    state = flow.run(executor=EXECUTORS[executor]())
    assert state.is_successful(), {t.name: s.message for t, s in state.result.items()}
    for task in plain.values():
        assert state.result[task].result["status"] == "completed"
    assert [stats["status"] for stats in state.result[mapped].result] == ["completed"] * 2
    accepted = {vendor: getattr(sandbox, vendor).accepted() for vendor in VENDORS}
    assert accepted == {"census": 1, "hightouch": 3, "airbyte": 1}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_run_that_ended_badly_is_started_anew(sandbox: Sandbox, vendor: str) -> None:
    sync = sandbox.airbyte.connection_id if vendor == "airbyte" else 1
    ends = "cancelled" if vendor == "airbyte" else "failed"
    getattr(sandbox, vendor).script(sync, duration=20, ends=ends)
    getattr(sandbox, vendor).script(sync, duration=20)
    with Flow("anew") as flow:
        # The first attempt gives up before the run has failed, the second one sees it.
        task = task_for(sandbox, vendor, max_wait_seconds=12.0, **RETRIES)()
    state = flow.run()
    assert state.is_successful(), state.result[task].message
    assert getattr(sandbox, vendor).accepted() == 2


def test_the_run_survives_a_state_that_was_written_and_read_again(sandbox: Sandbox) -> None:
    """As when a retry of more than ten minutes is taken up by another process."""
    scripted(sandbox, duration=60)
    delay = dt.timedelta(minutes=11)
    with Flow("long") as flow:
        task = task_for(
            sandbox, "census", max_wait_seconds=10.0, max_retries=1, retry_delay=delay
        )()
    first = FlowRunner(flow).run(return_tasks=[task])
    retrying = first.result[task]
    assert isinstance(retrying, Retrying)
    again = StateSchema().load(StateSchema().dump(retrying))
    again.start_time = dt.datetime.now(dt.timezone.utc) - dt.timedelta(seconds=1)
    task.max_wait_seconds = None
    second = FlowRunner(flow).run(return_tasks=[task], task_states={task: again})
    assert second.result[task].result["status"] == "completed", second.result[task].message
    assert sandbox.census.accepted() == 1


def test_a_second_call_of_run_is_another_sync(sandbox: Sandbox) -> None:
    """Outside a flow, and in a task of the user's own, nothing is carried from call to call."""
    task = task_for(sandbox, "hightouch")
    assert task.run()["run_id"] != task.run()["run_id"]

    @prefect.task
    def both() -> List[str]:
        return [task.run()["run_id"], task.run()["run_id"]]

    with Flow("two calls") as flow:
        bound = both()
    one, two = flow.run().result[bound].result
    assert one != two


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_retry_finds_the_run_of_a_trigger_without_an_answer(
    sandbox: Sandbox, vendor: str
) -> None:
    """The trigger was carried out, its answer lost, and the API down until the attempt ended."""
    room = getattr(sandbox, vendor)
    room.fault("trigger", drop="after")
    room.fault("runs", after=1, status=503, times=4)
    scripted(sandbox, duration=60)
    with Flow("lost answer") as flow:
        task = task_for(sandbox, vendor, max_wait_seconds=20.0, **RETRIES)()
    state = flow.run()
    assert state.is_successful(), state.result[task].message
    assert room.accepted() == 1
    assert state.result[task].result["run_id"] == str(room.runs[0].id)


@pytest.mark.parametrize("vendor", VENDORS)
def test_resume_joins_the_run_that_a_killed_worker_has_left(sandbox: Sandbox, vendor: str) -> None:
    sync = sandbox.airbyte.connection_id if vendor == "airbyte" else 1
    room = getattr(sandbox, vendor)
    left = room.start_other_run(sync, duration=30)
    stats = task_for(sandbox, vendor, resume=True).run()
    assert stats["run_id"] == str(left.id)
    assert stats["status"] == "completed"
    assert room.accepted() == 0
    # And where none was left, it starts one.
    assert task_for(sandbox, vendor, resume=True).run()["run_id"] != str(left.id)
    assert room.accepted() == 1


def test_the_state_handler_takes_whatever_comes() -> None:
    """It must never raise: that would fail the task for good."""
    task = prefect.Task()
    for result in (
        None,
        "text",
        ValueError("x"),
        SyncApiError("x"),
        SyncRunTimedOut("x"),
        object(),
    ):
        for old, new in (
            (Failed("x", result=result), Retrying("again")),
            (Retrying("x", result=result), Running()),
            (Pending(), Running()),
            (Running(), Failed("x", result=result)),
        ):
            assert base._on_state_change(task, old, new) in (old, new)
