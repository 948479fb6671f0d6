"""Does the Prefect 1.4.1 that pip installed here work? It is what setup.py's bounds are for.

`nox -s matrix` asks on every Python.
"""

import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import cloudpickle
import pendulum
import prefect
import pytest
from prefect.engine import state as states
from prefect.executors import DaskExecutor, LocalDaskExecutor, LocalExecutor
from prefect.schedules import CronSchedule
from prefect.serialization.flow import FlowSchema
from prefect.storage import Local
from prefect.utilities.debug import is_serializable

from prefect1_rsync import _compat
from tests.matrix import flows

SECRET = {"PREFECT__CONTEXT__SECRETS__MATRIX_KEY": "not-a-number"}
PENDULUM_2 = not hasattr(pendulum, "Interval")


def isoformats(schedule, after, count=3):
    return [time.isoformat() for time in schedule.next(count, after=after)]


def run(flow, **kwargs):
    with prefect.context(secrets={"MATRIX_KEY": "not-a-number"}):
        return flow.run(run_on_schedule=False, **kwargs)


# --- running ---


@pytest.mark.parametrize(
    "make_executor",
    [
        LocalExecutor,
        lambda: LocalDaskExecutor(scheduler="threads", num_workers=2),
        lambda: LocalDaskExecutor(scheduler="processes", num_workers=2),
        lambda: DaskExecutor(
            cluster_kwargs={"n_workers": 1, "processes": True, "dashboard_address": ":0"}
        ),
    ],
    ids=["local", "local-dask-threads", "local-dask-processes", "dask-worker-processes"],
)
def test_a_flow_with_map_retry_and_secret_runs(make_executor):
    state = run(flows.flow, executor=make_executor(), parameters={"numbers": [4, 5]})

    assert state.is_successful(), state.message
    assert state.result[flows.report].result == {
        "doubled": [8, 10],
        "attempts": 2,
        "key_length": 12,
    }


def test_prefect_run_runs_the_file_of_a_flow():
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "run", "-p", flows.__file__, "--param", "numbers=[7]"],
        env={**os.environ, **SECRET},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout
    assert "Flow run succeeded" in done.stdout


# --- storing: what registration, a backend and Dask need ---


def test_a_flow_serializes_and_loads_with_its_schedule():
    loaded = FlowSchema().load(flows.flow.serialize())

    assert {task.name for task in loaded.tasks} == {task.name for task in flows.flow.tasks}
    after = pendulum.datetime(2026, 3, 28, tz="Europe/Berlin")
    assert loaded.schedule.next(3, after=after) == flows.flow.schedule.next(3, after=after)


def test_a_flow_serializes_with_its_storage(tmp_path):
    flow = flows.flow.copy()
    flow.storage = Local(directory=str(tmp_path))

    stored = flow.serialize(build=True)["storage"]

    assert Path(stored["flows"]["matrix"]).exists()


def test_a_flow_runs_from_its_pickle():
    copy = cloudpickle.loads(cloudpickle.dumps(flows.flow))

    state = run(copy)

    assert state.is_successful(), state.message


def test_a_pickled_flow_loads_in_a_fresh_process(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(flows.__file__).parents[2]))

    assert is_serializable(flows.flow, raise_on_error=True)


SOON = datetime(2026, 11, 22, 4, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "state",
    [
        states.Pending("waiting"),
        states.Scheduled("later", start_time=SOON),
        states.Retrying("again", start_time=SOON, run_count=2, context={"run": {"id": 42}}),
        states.Running("now"),
        states.Success("done"),
        states.Cached("known", cached_result_expiration=SOON),
        states.Mapped("many", map_states=[states.Success(), states.Failed()]),
        states.Looped("round", loop_count=3),
        states.Skipped("not today"),
        states.Failed("broken"),
        states.TimedOut("too slow"),
        states.TriggerFailed("never ran"),
        states.Cancelled("stopped"),
    ],
    ids=lambda state: type(state).__name__,
)
def test_a_state_survives_serialization(state):
    loaded = states.State.deserialize(state.serialize())

    assert type(loaded) is type(state)
    assert loaded.message == state.message
    assert loaded.context == state.context
    assert getattr(loaded, "start_time", None) == getattr(state, "start_time", None)


# --- schedules ---


def test_a_cron_schedule_in_utc_gives_its_next_times():
    after = pendulum.datetime(2026, 11, 22, 4)

    assert isoformats(CronSchedule("30 5 * * 1-5"), after) == [
        "2026-11-23T05:30:00+00:00",
        "2026-11-24T05:30:00+00:00",
        "2026-11-25T05:30:00+00:00",
    ]


def test_a_cron_schedule_starts_from_now():
    first, second, third = CronSchedule("*/5 * * * *").next(3)

    assert first > pendulum.now("UTC")
    assert (second - first).total_seconds() == (third - second).total_seconds() == 300


def test_a_cron_schedule_keeps_the_wall_clock_when_summer_time_begins():
    after = pendulum.datetime(2026, 3, 28, tz="Europe/Berlin")

    assert isoformats(flows.EVERY_MORNING, after) == [
        "2026-03-28T09:00:00+01:00",
        "2026-03-29T09:00:00+02:00",
        "2026-03-30T09:00:00+02:00",
    ]


def test_a_cron_schedule_fires_once_in_the_hour_that_autumn_repeats():
    start = pendulum.datetime(2026, 10, 25, tz="Europe/Berlin")
    hourly = CronSchedule("0 * * * *", start_date=start)

    # Which of the two passes it is differs, and harmlessly: see prefect1_rsync/_compat.py.
    assert isoformats(hourly, start, count=4) == [
        "2026-10-25T01:00:00+02:00",
        "2026-10-25T02:00:00" + ("+01:00" if PENDULUM_2 else "+02:00"),
        "2026-10-25T03:00:00+01:00",
        "2026-10-25T04:00:00+01:00",
    ]


# --- the mend ---


def test_the_mend_imports_nothing_where_there_is_nothing_to_mend():
    """Run by itself, from its file: importing the package would bring pendulum in by other ways."""
    script = (
        f"import runpy, sys; runpy.run_path({_compat.__file__!r})['mend_pendulum']();"
        "print('pendulum' in sys.modules, 'prefect' in sys.modules)"
    )

    answer = subprocess.check_output([sys.executable, "-c", script], text=True)

    assert answer.split() == [str(not PENDULUM_2), "False"]


def test_the_mend_can_be_made_twice():
    before = pendulum.tz._Timezone

    _compat.mend_pendulum()

    assert pendulum.tz._Timezone is before
    assert isinstance(pendulum.timezone("Europe/Berlin"), before)


def test_every_python_has_the_pendulum_that_setup_py_means():
    assert (sys.version_info < (3, 12)) == PENDULUM_2
