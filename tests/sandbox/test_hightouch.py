"""Hightouch on a clock that the test winds, without a socket."""

import pytest

API = "/hightouch/api/v1"


def trigger(ask, sync=1, **fields):
    return ask("POST", f"{API}/syncs/{sync}/trigger", fields or None)["id"]


def run(ask, run_id, sync=1):
    (found,) = ask("GET", f"{API}/syncs/{sync}/runs?runId={run_id}")["data"]
    return found


def test_a_run_from_query_to_success(ask):
    ask.sandbox.hightouch.script(
        1, queued_for=5, duration=100, records_processed=9, records_failed=4
    )
    run_id = trigger(ask)
    assert isinstance(run_id, str)
    seen = []
    for seconds in (0, 5, 30, 65, 5):
        ask.clock.wind(seconds)
        seen.append(run(ask, run_id))
    words = ["queued", "querying", "processing", "reporting", "success"]
    assert [r["status"] for r in seen] == words
    assert str(seen[0]["id"]) == run_id and isinstance(seen[0]["id"], int)
    assert seen[0]["startedAt"] is None and seen[1]["finishedAt"] is None
    assert [r["querySize"] for r in seen] == [None, None, 9, 9, 9]
    last = seen[-1]
    assert last["completionRatio"] == 1 and last["startedAt"] > last["createdAt"]
    counts = [last[kind + "Rows"]["addedCount"] for kind in ("planned", "successful", "failed")]
    assert counts == [9, 5, 4] and last["error"] is None


@pytest.mark.parametrize("ends", ["warning", "failed", "cancelled", "interrupted", "aborted"])
def test_ends(ask, ends):
    ask.sandbox.hightouch.script(1, duration=0, ends=ends, error_message="no such column")
    # What a run ends with may be a word that no document knows.
    path = f"{API}/syncs/1/runs?runId={trigger(ask)}"
    (ended,) = ask("GET", path, check=ends != "aborted")["data"]
    assert ended["status"] == ends
    assert ended["error"] == (None if ends == "warning" else "no such column")


def test_a_trigger_meanwhile_is_queued_behind_the_run(ask):
    ask.sandbox.hightouch.script(1, duration=10)
    ask.sandbox.hightouch.start_other_run(1, duration=30)
    first, second = trigger(ask), trigger(ask)
    ask.clock.wind(29)
    assert run(ask, first)["status"] == "queued"
    ask.clock.wind(1)
    assert (run(ask, first)["status"], run(ask, second)["status"]) == ("querying", "queued")
    ask.clock.wind(10)
    assert (run(ask, first)["status"], run(ask, second)["status"]) == ("success", "querying")
    assert ask.sandbox.hightouch.accepted() == 2 and len(ask.sandbox.hightouch.runs) == 3


def test_late_visibility_and_the_stale_status_of_the_sync(ask):
    hightouch = ask.sandbox.hightouch
    hightouch.script(1, duration=0)
    hightouch.script(1, duration=50, visible_after=10)
    trigger(ask)
    late = trigger(ask)
    path = f"{API}/syncs/1/runs?runId={late}"
    assert ask("GET", path) == {"data": [], "hasMore": False}
    assert ask("GET", f"{API}/syncs/1")["status"] == "success"
    ask.clock.wind(10)
    assert ask("GET", path)["data"][0]["status"] == "querying"
    assert ask("GET", f"{API}/syncs/1")["status"] == "querying"


def test_trigger_by_id_and_slug(ask):
    path = API + "/syncs/trigger"
    ask("POST", path, {"syncId": "1", "fullResync": True, "resetCDC": False})
    assert ask.sandbox.hightouch.runs[-1].options == {"fullResync": True, "resetCDC": False}
    ask("POST", path, {"syncSlug": "demo-sync"})
    for fields in (
        {"syncId": 1},
        {"syncId": "one"},
        {"syncSlug": 1},
        {},
        {"syncId": "1", "syncSlug": "demo-sync"},
        {"syncId": "1", "fullResync": 1},
        {"syncId": "1", "fullResync": []},
    ):
        refused = ask("POST", path, fields, status=422)
        assert refused["message"] == "Validation failed"
    ask("POST", path, {"syncSlug": "nobody"}, status=404)
    ask("POST", path, "a text", status=500)
    assert ask.sandbox.hightouch.accepted() == 2


def test_a_form_is_accepted_and_junk_is_not(ask):
    respond, path = ask.sandbox.respond, API + "/syncs/trigger"
    headers = {"Authorization": "Bearer hightouch-sandbox-key"}
    form = dict(headers, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert respond("POST", path, form, "syncId=1&fullResync=true").status == 200
    assert ask.sandbox.hightouch.runs[-1].options == {"fullResync": True}
    assert respond("POST", path, headers, "{").status == 400


def test_lists(ask):
    ask.sandbox.hightouch.script(1, duration=0)
    ids = []
    for _ in range(4):
        ids.append(int(trigger(ask)))
        ask.clock.wind(60)

    def listed(query):
        answer = ask("GET", f"{API}/syncs/1/runs?{query}")
        return [r["id"] for r in answer["data"]], answer["hasMore"]

    assert listed("limit=3&offset=0&orderBy=id") == (ids[:3], True)
    assert listed("limit=3&offset=3&orderBy=createdAt") == (ids[3:], False)
    assert listed("within=2.5") == (ids[2:], False)
    middle = run(ask, ids[1])["startedAt"]
    assert listed("after=" + middle) == (ids[2:], False)
    assert listed("before=" + middle) == (ids[:1], False)
    for query in ("orderBy=status", "runId=x", "limit=-1", "after=yesterday"):
        ask("GET", f"{API}/syncs/1/runs?{query}", status=422)


def test_syncs(ask):
    hightouch = ask.sandbox.hightouch
    hightouch.add_sync(5, slug="five", disabled=True)
    hightouch.add_sync(
        6, overrides={"schedule": {"type": "cron", "schedule": {"expression": "* * * * *"}}}
    )
    assert [s["id"] for s in ask("GET", API + "/syncs")["data"]] == [1, 5, 6]
    (five,) = ask("GET", API + "/syncs?slug=five")["data"]
    assert (five["id"], five["disabled"], five["status"]) == (5, True, "disabled")
    assert ask("GET", API + "/syncs/6")["status"] == "pending"
    assert ask("GET", API + "/syncs?after=2020-01-01T00:00:00Z")["data"] == []
    ask("GET", API + "/syncs/9", status=404)
    ask("GET", API + "/syncs/five", status=422)
    ask("POST", API + "/syncs/9/trigger", status=404)


def test_credentials_come_before_the_path(ask):
    missing = ask("GET", API + "/nothing", status=401, headers={})
    assert missing == {
        "message": "Authentication error",
        "details": "No authorization header found",
    }
    wrong = ask("GET", API + "/syncs", status=401, headers={"Authorization": "Bearer x"})
    assert wrong["details"] == "Token is invalid"
    ask("GET", API + "/nothing", status=404)
