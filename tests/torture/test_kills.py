"""The real kills and stops of `kills.py`, once each; `make torture` does them twenty times."""

import pytest

from tests.torture.kills import kill_once, stop_once

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("executor", ["local-dask-processes", "dask-processes"])
def test_a_killed_worker_starts_no_second_run(executor: str) -> None:
    outcome = kill_once(executor, seed=0)
    assert outcome["killed"] > 0
    assert outcome["accepted"] == 3, outcome
    assert outcome["ended"] == outcome["right"], outcome["output"]


@pytest.mark.parametrize(
    "executor, how",
    [("local", "SIGINT"), ("local-dask-threads", "SIGINT"), ("local-dask-processes", "timeout")],
)
def test_a_stopped_flow_cancels_its_runs(executor: str, how: str) -> None:
    outcome = stop_once(executor, how)
    assert outcome["cancelled"] == outcome["runs"] > 0
    # An interrupt is delivered within a second; the rest is the vendor's time.
    assert outcome["seconds"] < 3.0
