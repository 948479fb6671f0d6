"""Flows of drop-ins: serialized, pickled, run from the pickle elsewhere, on every executor."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

import cloudpickle
import pytest
from prefect import Flow, Parameter
from prefect.engine.signals import FAIL

from prefect1_rsync.legacy import (
    AirbyteConfigurationExport,
    AirbyteConnectionTask,
    AirbyteSyncJobFailed,
    CensusSyncTask,
    HightouchRunSync,
)
from prefect1_rsync.sandbox import Sandbox
from tests.docs.pages import ROOT
from tests.legacy.home import SANDBOX, brings_it_home
from tests.tasks.fast import FastClock
from tests.tasks.test_flows import EXECUTORS

VENDORS = ("census", "hightouch", "airbyte")


class Renamed(CensusSyncTask):
    """As flows have it: a subclass, which pickles by value where it is the script's own."""

    def run(self, **given: Any) -> Dict[str, Any]:  # type: ignore[override]
        return {**super().run(**given), "renamed": True}


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(clock=FastClock().monotonic) as sandbox:
        monkeypatch.setenv(SANDBOX, sandbox.census.base_url[: -len("/census")])
        sandbox.airbyte.auth = "none"
        yield sandbox


def task_for(sandbox: Sandbox, vendor: str, **more: Any) -> Any:
    task: Any
    if vendor == "census":
        url = f"https://bearer:{sandbox.census.token}@app.getcensus.com/api/v1/syncs/1/trigger"
        task = CensusSyncTask(url, state_handlers=[brings_it_home], **more)
    elif vendor == "hightouch":
        task = HightouchRunSync(
            sandbox.hightouch.api_key,
            sync_id=1,
            wait_for_completion=True,
            state_handlers=[brings_it_home],
            **more,
        )
    else:
        task = AirbyteConnectionTask(
            sandbox.airbyte.base_url,
            connection_id=sandbox.airbyte.connection_id,
            **more,
        )
    task._clock = FastClock()
    return task


def flow_of(sandbox: Sandbox) -> Tuple[Flow, Dict[str, Any]]:
    with Flow("old") as flow:
        nothing = Parameter("nothing", default=None)
        bound = {
            "census": task_for(sandbox, "census")(),
            "hightouch": task_for(sandbox, "hightouch")(sync_id=nothing),
            "airbyte": task_for(sandbox, "airbyte")(poll_interval_s=7),
        }
    return flow, bound


def check(results: Dict[str, Any], sandbox: Sandbox) -> None:
    assert results["census"]["status"] == "completed"
    assert results["hightouch"]["sync"]["sync_status"] == "success"
    assert results["airbyte"]["job_status"] == "succeeded"
    assert [getattr(sandbox, vendor).accepted() for vendor in VENDORS] == [1, 1, 1]


@pytest.mark.parametrize("executor", EXECUTORS, ids=str)
def test_all_on_every_executor(sandbox: Sandbox, executor: str) -> None:
    flow, bound = flow_of(sandbox)
    state = flow.run(executor=EXECUTORS[executor]())
    assert state.is_successful(), {t.name: s.message for t, s in state.result.items()}
    check({vendor: state.result[task].result for vendor, task in bound.items()}, sandbox)


@pytest.mark.parametrize("executor", EXECUTORS, ids=str)
def test_a_failure_on_every_executor(sandbox: Sandbox, executor: str) -> None:
    for vendor, word in (("census", "failed"), ("hightouch", "failed"), ("airbyte", "failed")):
        sync = sandbox.airbyte.connection_id if vendor == "airbyte" else 1
        getattr(sandbox, vendor).script(sync, ends=word, error_message="no access")
    flow, bound = flow_of(sandbox)
    state = flow.run(executor=EXECUTORS[executor]())
    errors = {vendor: state.result[task].result for vendor, task in bound.items()}
    assert isinstance(errors["hightouch"], FAIL)
    assert isinstance(errors["airbyte"], AirbyteSyncJobFailed)
    for vendor in VENDORS:
        failed = state.result[bound[vendor]]
        assert failed.is_failed() and "no access" in failed.message
        assert failed.result.stats["vendor"] == vendor


def test_serialized_and_run_from_the_pickle_in_a_fresh_process(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    flow, bound = flow_of(sandbox)
    kinds = {task["type"] for task in flow.serialize()["tasks"]}
    assert "prefect1_rsync.legacy.census.CensusSyncTask" in kinds
    assert flow.serialize(build=False)["name"] == "old"
    stored = tmp_path / "flow"
    stored.write_bytes(cloudpickle.dumps((flow, bound)))
    code = (
        "import cloudpickle, pickle, sys\n"
        f"flow, bound = cloudpickle.load(open({str(stored)!r}, 'rb'))\n"
        "state = flow.run()\n"
        "results = {name: state.result[task].result for name, task in bound.items()}\n"
        f"pickle.dump(results, open({str(stored)!r}, 'wb'))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, env=environment)
    check(pickle.loads(stored.read_bytes()), sandbox)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_task_pickles(sandbox: Sandbox, vendor: str) -> None:
    task = task_for(sandbox, vendor)
    for copied in (pickle.loads(pickle.dumps(task)), cloudpickle.loads(cloudpickle.dumps(task))):
        assert copied.name == task.name
        assert {key: vars(copied)[key] for key in task._own} == {
            key: vars(task)[key] for key in task._own
        }
    pickle.loads(pickle.dumps(AirbyteConfigurationExport()))


def test_a_subclass(sandbox: Sandbox) -> None:
    url = f"https://bearer:{sandbox.census.token}@app.getcensus.com/api/v1/syncs/1/trigger"
    task = Renamed(state_handlers=[brings_it_home])
    task._clock = FastClock()
    with Flow("subclass") as flow:
        bound = task(api_trigger=url)
    result = cloudpickle.loads(cloudpickle.dumps(flow)).run().result
    (stats,) = [state.result for copied, state in result.items() if copied.name == bound.name]
    assert (stats["status"], stats["renamed"]) == ("completed", True)
