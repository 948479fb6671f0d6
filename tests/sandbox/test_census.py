"""Census on a clock that the test winds, without a socket."""

import math
from base64 import b64encode

import pytest

from prefect1_rsync.sandbox import MISSING

API = "/census/api/v1"


def trigger(ask, sync=1, query=""):
    return ask("POST", f"{API}/syncs/{sync}/trigger{query}")["data"]["sync_run_id"]


def run(ask, run_id):
    return ask("GET", f"{API}/sync_runs/{run_id}")["data"]


def test_a_run_waits_works_and_completes(ask):
    ask.sandbox.census.script(1, queued_for=5, duration=10, records_processed=7, records_failed=2)
    run_id = trigger(ask)
    first = run(ask, run_id)
    assert (first["status"], first["records_processed"], first["canceled"]) == (
        "queued",
        None,
        False,
    )
    ask.clock.wind(5)
    second = run(ask, run_id)
    assert (second["status"], second["current_step"]) == ("working", "Running sync")
    assert second["completed_at"] is None
    ask.clock.wind(10)
    last = run(ask, run_id)
    assert last["status"] == "completed" and "current_step" not in last
    counts = [last["records_" + name] for name in ("processed", "updated", "failed")]
    assert counts == [7, 5, 2]
    assert last["source_record_invalids"] == 0 and "records_invalid" not in last
    assert last["completed_at"] > last["created_at"]


def test_the_form_of_2023(ask):
    ask.sandbox.census.form = "2023"
    ask.sandbox.census.script(1, duration=0, records_invalid=3)
    last = run(ask, trigger(ask))
    assert last["records_invalid"] == 3 and "source_record_invalids" not in last
    assert "pagination" not in ask("GET", f"{API}/syncs")


def test_a_trigger_meanwhile_is_skipped(ask):
    ask.sandbox.census.script(1, duration=100)
    first, second = trigger(ask), trigger(ask)
    assert run(ask, second)["status"] == "skipped" and run(ask, first)["status"] == "working"
    ask.clock.wind(100)
    assert run(ask, trigger(ask))["status"] == "working"
    assert ask.sandbox.census.accepted(1) == ask.sandbox.census.accepted() == 3


def test_another_run_is_in_the_way_and_is_not_ours(ask):
    other = ask.sandbox.census.start_other_run(1, duration=50)
    assert run(ask, trigger(ask))["status"] == "skipped"
    assert run(ask, other.id)["sync_trigger_reason"]["ui_tag"] == "Schedule"
    assert ask.sandbox.census.accepted() == 1 and len(ask.sandbox.census.runs) == 2


def test_cancel(ask):
    census = ask.sandbox.census
    census.script(1, duration=math.inf)
    run_id = trigger(ask)
    census.cancel_takes = 4
    answer = ask("POST", f"{API}/sync_runs/{run_id}/cancel")
    assert answer == {"status": "cancelled", "data": {}}
    assert run(ask, run_id)["status"] == "working"
    ask.clock.wind(4)
    ended = run(ask, run_id)
    assert ended["canceled"] is True and ended["status"] == "completed"
    assert ended["records_updated"] is None
    census.canceled_status = "working"
    assert run(ask, run_id)["status"] == "working"
    ask("POST", f"{API}/sync_runs/9/cancel", status=404)


def test_a_finished_run_cannot_be_cancelled(ask):
    ask.sandbox.census.script(1, duration=0)
    run_id = trigger(ask)
    ask("POST", f"{API}/sync_runs/{run_id}/cancel")
    ask.clock.wind(1)
    assert run(ask, run_id)["canceled"] is False


def test_failed_runs_have_no_counts_but_a_reason(ask):
    ask.sandbox.census.script(1, duration=0, ends="failed", error_message="no such column")
    ended = run(ask, trigger(ask))
    assert ended["status"] == "failed" and ended["error_message"] == "no such column"
    assert ended["completed_at"] is None and ended["records_processed"] is None


def test_scripts_queue_up_and_the_last_repeats(ask):
    census = ask.sandbox.census
    census.script(1, duration=0, ends="failed", times=2)
    census.script(1, duration=0, ends="exploded", canceled=True)
    ends = [run(ask, trigger(ask)) for _ in range(4)]
    assert [end["status"] for end in ends] == ["failed", "failed", "exploded", "exploded"]
    assert ends[3]["canceled"] is True


def test_words_and_overrides(ask):
    ask.sandbox.census.script(
        1,
        duration=10,
        statuses=[(0, "preparing"), (4, "working")],
        overrides={"full_sync": MISSING, "error_code": 7, "new": []},
    )
    run_id = trigger(ask, query="?force_full_sync=true")
    shown = run(ask, run_id)
    assert shown["status"] == "preparing" and "full_sync" not in shown
    assert (shown["error_code"], shown["new"]) == (7, [])
    ask.clock.wind(4)
    assert run(ask, run_id)["status"] == "working"
    ask.clock.wind(6)
    assert run(ask, run_id)["status"] == "completed"


def test_force_full_sync(ask):
    assert run(ask, trigger(ask, query="?force_full_sync=true"))["full_sync"] is True


def test_lists_are_paged_newest_first(ask):
    ask.sandbox.census.script(1, duration=0)
    ids = [trigger(ask) for _ in range(5)]
    page = ask("GET", f"{API}/syncs/1/sync_runs?page=2&per_page=2")
    assert [r["id"] for r in page["data"]] == [ids[2], ids[1]]
    assert page["pagination"] == {
        "total_records": 5,
        "per_page": 2,
        "prev_page": 1,
        "page": 2,
        "next_page": 3,
        "last_page": 3,
    }
    assert page["next"].endswith("/census/api/v1/syncs/1/sync_runs?page=3&per_page=2")
    rising = ask("GET", f"{API}/syncs/1/sync_runs?order=asc&per_page=1000&page=0")
    assert [r["id"] for r in rising["data"]] == ids and rising["next"] is None
    assert rising["pagination"]["per_page"] == 100
    assert ask("GET", f"{API}/syncs/1/sync_runs?page=x", status=400)["status"] == "error"


def test_syncs(ask):
    ask.sandbox.census.add_sync(7, label=None, paused=True, overrides={"tier": 1})
    assert [sync["id"] for sync in ask("GET", f"{API}/syncs")["data"]] == [7, 1]
    seven = ask("GET", f"{API}/syncs/7")["data"]
    assert (seven["paused"], seven["label"], seven["tier"], seven["status"]) == (
        True,
        None,
        1,
        "ready",
    )


@pytest.mark.parametrize("path", ["/syncs/2", "/sync_runs/2", "/syncs/2/sync_runs", "/nothing"])
def test_not_found_has_a_number_for_a_status(ask, path):
    assert ask("GET", API + path, status=404) == {"status": 404}


def test_credentials(ask):
    def basic(user, password):
        return "Basic " + b64encode(f"{user}:{password}".encode()).decode()

    census = ask.sandbox.census
    token, pat = census.token, census.personal_access_token
    good = ["Bearer " + token, basic("bearer", token), "Bearer " + pat]
    bad = ["Bearer x", basic("me", token), "Basic !", "Token " + token, ""]
    for value in good:
        ask("GET", "/census/api/v1/syncs", headers={"authorization": value})
    for value in bad:
        text = ask("GET", "/census/api/v1/syncs", status=401, headers={"authorization": value})
        assert "Access denied" in text
    ask("GET", "/census/api/v2/syncs", headers={"authorization": "Bearer " + pat})
    ask("GET", "/census/api/v2/syncs", status=401, headers={"authorization": "Bearer " + token})
    census.token = "secret-token:other"
    ask("GET", "/census/api/v1/syncs", status=401, headers={"authorization": "Bearer " + token})


def test_trigger_url(ask):
    census = ask.sandbox.census
    expected = "http://bearer:secret-token:census-sandbox@127.0.0.1:0/census/api/v1/syncs/1/trigger"
    assert census.api_trigger(1) == expected
    assert ":census_pat_sandbox@" in census.api_trigger(1, version=2)
    with pytest.raises(ValueError, match="version"):
        census.api_trigger(1, version=3)
