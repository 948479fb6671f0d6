import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prefect1_rsync.engine import errors
from prefect1_rsync.engine.clock import RealClock
from prefect1_rsync.engine.model import RunHandle, Sighting, SyncRequest, stats_of
from prefect1_rsync.sandbox import MISSING
from prefect1_rsync.vendors.hightouch import WEB, HightouchClient, parse_runs
from tests import specs
from tests.engine.strategies import JSON, mutated
from tests.vendors.bench import Requests
from tests.vendors.test_census import check_stats

# From the vendor's OpenAPI document.
RUN = {
    "id": 42,
    "status": "success",
    "createdAt": "2022-02-08T16:11:04.712Z",
    "startedAt": "2022-02-08T16:11:04.712Z",
    "finishedAt": "2022-02-08T16:11:14.712Z",
    "querySize": 1000,
    "completionRatio": 0.54,
    "plannedRows": {"addedCount": 10, "changedCount": 3, "removedCount": 0},
    "successfulRows": {"addedCount": 7, "changedCount": 3, "removedCount": 1},
    "failedRows": {"addedCount": 2, "changedCount": 0, "removedCount": 0},
    "error": None,
}
ANSWER = {"data": [RUN], "hasMore": False}
WORDS = [
    ("success", "completed"),
    ("Success", "completed"),
    ("warning", "completed"),
    ("failed", "failed"),
    ("cancelled", "cancelled"),
    ("interrupted", "failed"),
    ("queued", "working"),
    ("querying", "working"),
    ("processing", "working"),
    ("reporting", "working"),
]


def report_of(**fields):
    return parse_runs({"data": [dict(RUN, **fields)]}, "42")


# --- the run's answer --------------------------------------------------------------------


@pytest.mark.parametrize(("word", "status"), WORDS)
def test_every_word_of_hightouch(word, status):
    report = report_of(status=word)
    assert (report.status, report.vendor_status, report.known) == (status, word.lower(), True)
    assert report.warning is (word == "warning")
    assert report.interrupted is (word == "interrupted")


@pytest.mark.parametrize("word", ["completed", "done", "disabled", "aborted", "succeeded"])
def test_an_unknown_word_is_no_end(word):
    report = report_of(status=word)
    assert (report.status, report.known) == ("working", False)


@pytest.mark.parametrize("word", [None, 7, ""])
def test_no_word_is_no_end_and_nothing_to_tell(word):
    report = report_of(status=word)
    assert (report.status, report.vendor_status, report.known) == ("working", None, True)


def test_all_fields_of_a_run():
    assert parse_runs(ANSWER, "42")._asdict() == {
        "status": "completed",
        "vendor_status": "success",
        "known": True,
        "listed": True,
        "interrupted": False,
        "error_message": None,
        "records_processed": 13,
        "records_updated": 11,
        "records_failed": 2,
        "records_invalid": None,
        "bytes_synced": None,
        "warning": False,
        "created_at": "2022-02-08T16:11:04.712000Z",
        "started_at": "2022-02-08T16:11:04.712000Z",
        "finished_at": "2022-02-08T16:11:14.712000Z",
        "duration_seconds": None,
        "raw": RUN,
    }


@pytest.mark.parametrize("listed_id", [42, 42.0, "42"])
@pytest.mark.parametrize("others", [[], [{"id": 41, "status": "failed"}, {"id": 420}, "x", None]])
def test_ids_are_compared_as_text(listed_id, others):
    report = parse_runs({"data": [*others, dict(RUN, id=listed_id)]}, "42")
    assert (report.status, report.listed) == ("completed", True)


@pytest.mark.parametrize(
    "runs",
    [[], [dict(RUN, id=41)], [dict(RUN, id=420)], [dict(RUN, id=None)], [dict(RUN, id=42.5)], [7]],
)
def test_another_runs_verdict_is_never_taken(runs):
    report = parse_runs({"data": runs}, "42")
    assert (report.status, report.listed, report.ended) == ("working", False, False)


@pytest.mark.parametrize("rows", [None, {}, [], {"addedCount": None}, {"addedCount": "many"}])
def test_counts_that_are_not_told_are_unknown(rows):
    report = report_of(successfulRows=rows, failedRows=rows)
    assert (report.records_processed, report.records_updated, report.records_failed) == (None,) * 3


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("Cannot generate sync plan", "Cannot generate sync plan"),
        ({"message": "broken", "code": "X"}, "broken"),
        (None, None),
        ("", None),
        ([], None),
    ],
)
def test_the_reason_is_text_or_an_object(error, reason):
    assert report_of(error=error).error_message == reason


@pytest.mark.parametrize("answer", [None, [], {}, {"data": None}, {"data": {}}, "x", 7])
def test_what_is_not_a_list_of_runs_is_trouble(answer):
    with pytest.raises(errors.SyncApiError) as caught:
        parse_runs(answer, "42")
    assert caught.value.transient


@given(answer=JSON | mutated(ANSWER, [word for word, _ in WORDS]), run_id=st.just("42") | st.text())
def test_any_answer_is_a_report_or_an_error(answer, run_id):
    try:
        report = parse_runs(answer, run_id)
    except errors.SyncError:
        return
    check_stats(stats_of("hightouch", SyncRequest("1"), None, report))


# --- the client against the sandbox ------------------------------------------------------


def test_a_run_that_is_not_listed_yet_is_waited_for(hightouch):
    hightouch.script(duration=20, visible_after=120)
    assert hightouch.run()["status"] == "completed"


def test_a_run_that_is_never_listed_is_given_up(hightouch):
    hightouch.script(visible_after=10**6)
    with pytest.raises(errors.SyncRunTimedOut, match="not listed by Hightouch"):
        hightouch.run()
    assert hightouch.clock.monotonic() - 1000 < 400


def test_an_earlier_runs_verdict_is_not_taken_for_ours(hightouch):
    hightouch.other(duration=1, ends="failed")
    hightouch.clock.wind(10)
    hightouch.script(duration=100, visible_after=60)
    hightouch.server.fault("runs", after=3, body={"data": [{"id": 1, "status": "success"}]})
    stats = hightouch.run()
    assert (stats["status"], stats["run_id"]) == ("completed", str(hightouch.server.runs[-1].id))
    assert stats["duration_seconds"] == pytest.approx(100, abs=1)


@pytest.mark.parametrize(
    ("ends", "error"),
    [("interrupted", errors.SyncRunInterrupted), ("cancelled", errors.SyncRunCancelled)],
)
def test_other_ends(hightouch, ends, error):
    hightouch.script(ends=ends)
    with pytest.raises(error):
        hightouch.run()


def test_a_warning_is_a_success_unless_it_is_to_fail(hightouch):
    hightouch.script(ends="warning", overrides={"failedRows": MISSING, "error": "2 rows rejected"})
    stats = hightouch.run()
    assert (stats["status"], stats["vendor_status"]) == ("completed", "warning")
    with pytest.raises(errors.SyncRunFailed, match="some records were rejected: 2 rows"):
        hightouch.run(fail_on_warning=True)


def test_a_sync_is_found_by_its_slug(hightouch):
    hightouch.server.add_sync(7, slug="other")
    stats = hightouch._replace(request=SyncRequest("", "other")).run()
    assert (stats["sync_id"], hightouch.server.accepted(7)) == ("7", 1)


def test_an_unknown_slug_is_not_found(hightouch):
    with pytest.raises(errors.SyncNotFound, match="nowhere") as caught:
        hightouch._replace(request=SyncRequest("", "nowhere")).run()
    assert not caught.value.retryable
    assert hightouch.server.accepted() == 0


def test_another_slugs_sync_is_not_taken(hightouch):
    body = {"data": [{"id": 1, "slug": "demo-sync"}, {"slug": "wanted"}, None], "hasMore": False}
    hightouch.server.fault("syncs", body=body)
    with pytest.raises(errors.SyncNotFound):
        hightouch._replace(request=SyncRequest("", "wanted")).run()


def test_a_sync_that_is_switched_off_is_not_triggered(hightouch):
    hightouch.server.add_sync(7, slug="off", disabled=True)
    with pytest.raises(errors.SyncRunDisabled) as caught:
        hightouch._replace(request=SyncRequest("", "off")).run()
    assert (hightouch.server.accepted(), caught.value.retryable) == (0, False)


def test_an_unknown_sync_is_not_found(hightouch):
    with pytest.raises(errors.SyncNotFound):
        hightouch._replace(request=SyncRequest("999")).run()


@pytest.mark.parametrize("older", [99, 100, 130, 350])
def test_the_newest_run_is_found_on_the_last_page(hightouch, older):
    for _ in range(older):
        hightouch.other(duration=0)
    hightouch.clock.wind(1)
    newest = hightouch.other(duration=100)
    assert hightouch.run(if_already_running="attach")["run_id"] == str(newest.id)


class Pages:
    """A list of runs in pages, without HTTP."""

    def __init__(self, ids, pages=None):
        self.ids, self.asked, self.pages = list(ids), 0, pages

    def get(self, path, params):
        assert (path, params["orderBy"], params["limit"]) == ("/syncs/1/runs", "id", "100")
        self.asked += 1
        assert self.asked <= 40, "it never ends"
        begin = int(params["offset"])
        if self.pages is not None:
            return self.pages[begin // 100] if begin // 100 < len(self.pages) else {"data": []}
        page = self.ids[begin : begin + 100]
        data = [{"id": run_id, "status": "success"} for run_id in page]
        return {"data": data, "hasMore": begin + 100 < len(self.ids)}


def recent_of(pages):
    client = HightouchClient("k")
    client._http = pages
    return [int(it.handle.run_id) for it in client.recent(SyncRequest("1"))]


@given(number=st.integers(0, 20000) | st.integers(0, 300), descending=st.booleans())
@example(number=100, descending=False)
@example(number=101, descending=False)
@example(number=200, descending=False)
@example(number=409600, descending=False)
def test_the_newest_runs_are_found_in_either_order(number, descending):
    ids = range(7, 7 + number)
    pages = Pages(reversed(ids) if descending else ids)
    found = recent_of(pages)
    assert found == sorted(found, reverse=True)
    assert found[:1] == list(ids[-1:])
    # The last page whole, and the first one beside it; no run twice.
    first = 100 if descending or number <= 100 else (number - 1) % 100 + 1
    assert found[:first] == list(reversed(ids))[:first]
    assert len(set(found)) == len(found) <= 200
    # Twice the logarithm: doubling the distance, then halving it.
    last = max(0, (number - 1) // 100)
    assert pages.asked <= (1 if descending or not last else 3 + 2 * last.bit_length())


def test_more_pages_than_can_be_are_not_read_without_end():
    pages = Pages(range(10**6))
    assert recent_of(pages)
    # The first, and those of the numbers 1, 2, 4 ... 4096.
    assert pages.asked == 1 + 13


@pytest.mark.parametrize(
    ("number", "asked"), [(100, 1), (101, 2), (201, 3), (301, 5), (401, 4), (409600, 14 + 11)]
)
def test_the_last_page_is_found_in_few_requests(number, asked):
    pages = Pages(range(number))
    assert recent_of(pages)[0] == number - 1
    assert pages.asked == asked


def test_a_list_whose_last_page_is_empty_is_read_once():
    data = [{"id": 1, "status": "success"}, {"id": 2, "status": "queued"}]
    pages = Pages((), [{"data": data, "hasMore": True}] * 2)
    assert (recent_of(pages), pages.asked) == ([2, 1], 3)


def test_a_list_that_is_one_page_may_be_in_any_order():
    assert recent_of(Pages([3, 1, 2])) == [3, 2, 1]


def test_a_further_page_without_runs_does_not_hide_the_first():
    data = [{"id": 1, "status": "success"}, {"id": 2, "status": "queued"}]
    assert recent_of(Pages((), [{"data": data, "hasMore": True}])) == [2, 1]


def test_pages_without_end_are_not_read_without_end(hightouch):
    hightouch.server.fault("runs", times=None, body={"data": [], "hasMore": True})
    assert hightouch.client.recent(hightouch.request) == []
    assert len(hightouch.asked("runs")) <= 20


def test_what_is_no_run_in_a_list_is_left_out(hightouch):
    data = [{"id": "42", "status": "queued"}, {"id": None}, {}, "x", None, {"id": 41.0}]
    hightouch.server.fault("runs", body={"data": data})
    found = hightouch.client.recent(hightouch.request)
    assert [(it.handle.run_id, it.report.status) for it in found] == [
        ("42", "working"),
        ("41", "working"),
    ]


def test_a_run_in_the_queue_is_normal(hightouch):
    """It may wait as long as its predecessor lasts."""
    hightouch.other(duration=1000)
    hightouch.script(duration=50)
    stats = hightouch.run(max_wait=None)
    assert (stats["status"], hightouch.server.accepted()) == ("completed", 1)
    assert hightouch.clock.monotonic() - 1000 >= 1050


def test_our_queued_run_is_told_from_the_one_before_it(hightouch):
    """Of the answer that was lost: both are going on, and the other was there before."""
    other = hightouch.other(duration=300)
    hightouch.script(duration=50)
    hightouch.server.fault("trigger", drop="after")
    stats = hightouch.run()
    assert (stats["status"], stats["run_id"]) == ("completed", str(hightouch.server.runs[-1].id))
    assert stats["run_id"] != str(other.id)


def test_there_is_no_cancel(hightouch):
    handle = hightouch.client.start(hightouch.request)
    with pytest.raises(errors.SyncApiError, match="no way to cancel"):
        hightouch.client.cancel(handle)


HANDLE = RunHandle("hightouch", "5", "7", WEB)
RUNS = {"data": [dict(RUN, id=7)]}


def asked_of(call, *answers):
    """The requests that a call makes, and what it returns."""
    client = HightouchClient("k")
    client._http = Requests(*answers)
    return client._http.asked, call(client)


@pytest.mark.parametrize(("full", "flags"), [(False, {}), (True, {"fullResync": True})])
def test_the_request_of_a_trigger(full, flags):
    request = SyncRequest("5", full_resync=full)
    asked, handle = asked_of(lambda client: client.start(request), {"id": "7"})
    assert asked == [("POST", "/syncs/5/trigger", None, flags, 120.0, False)]
    assert handle == HANDLE


def test_the_requests_of_a_look_and_of_lists():
    query = {"runId": "7", "limit": "100"}
    asked, report = asked_of(lambda client: client.look(HANDLE), RUNS)
    assert asked == [("GET", "/syncs/5/runs", query, None, 60.0, False)]
    assert report == parse_runs(RUNS, "7")
    assert parse_runs(RUNS, "8").raw == RUNS
    query = {"limit": "100", "offset": "0", "orderBy": "id"}
    asked, found = asked_of(lambda client: client.recent(SyncRequest("5")), RUNS)
    assert asked == [("GET", "/syncs/5/runs", query, None, 60.0, False)]
    assert found == [Sighting(HANDLE, parse_runs(RUNS, "7"))]
    syncs = {"data": [{"id": 1, "slug": "other"}, {"slug": "s"}, {"id": 5, "slug": "s"}]}
    asked, request = asked_of(lambda client: client.prepare(SyncRequest("", "s")), syncs)
    assert asked == [("GET", "/syncs", {"slug": "s", "limit": "100"}, None, 60.0, False)]
    assert request == SyncRequest("5", "s")


NO_LIST = (None, True, None, False)


@pytest.mark.parametrize(
    ("call", "answer", "message", "knows"),
    [
        (
            lambda client: client.start(SyncRequest("5")),
            {},
            "Hightouch's answer to the trigger names no run (no reason given)",
            (None, False, None, False),
        ),
        (
            lambda client: client.start(SyncRequest("5")),
            {"message": "bad"},
            "Hightouch's answer to the trigger names no run (bad)",
            (None, False, None, False),
        ),
        (
            lambda client: client.look(HANDLE),
            {},
            "the answer is not Hightouch's list of sync runs",
            NO_LIST,
        ),
        (
            lambda client: client.recent(SyncRequest("5")),
            {},
            "the answer is not Hightouch's list of sync runs",
            NO_LIST,
        ),
        (
            lambda client: client.prepare(SyncRequest("", "s")),
            {},
            "the answer is not Hightouch's list of syncs",
            NO_LIST,
        ),
        (
            lambda client: client.prepare(SyncRequest("", "s")),
            {"data": []},
            "Hightouch has no sync with this slug",
            (200, False, None, False),
        ),
        (
            lambda client: client.prepare(SyncRequest("", "s")),
            {"data": [{"id": 5, "slug": "s", "disabled": True}]},
            "the sync is switched off in Hightouch",
            (),
        ),
        (
            lambda client: client.cancel(HANDLE),
            None,
            "Hightouch's API has no way to cancel a run",
            (None, False, None, False),
        ),
    ],
)
def test_an_answer_that_helps_nobody_is_told_word_for_word(call, answer, message, knows):
    with pytest.raises(errors.SyncError) as caught:
        asked_of(call, answer)
    assert (str(caught.value), caught.value.args[1:]) == (message, (None, *knows))


def test_a_client_is_made_of_its_arguments():
    client = HightouchClient("key-1", "https://h.example/")
    assert repr(client) == "HightouchClient('https://h.example/api/v1')"
    assert client._http._vendor == "Hightouch"
    assert isinstance(client._http._clock, RealClock)
    assert client._http._redactor.text("key-1") == "***"
    with pytest.raises(ValueError, match="api_key") as caught:
        HightouchClient("a b")
    assert str(caught.value) == (
        "api_key: must be a text of printable ASCII characters without spaces"
    )


def test_the_link_needs_the_workspaces_slug():
    with_slug = HightouchClient("k", workspace_slug="acme")._handle("1", "2").run_url
    assert with_slug == f"{WEB}/acme/syncs/1/runs/2"
    assert HightouchClient("k")._handle("1", "2").run_url == WEB


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": ""},
        {"api_key": None},
        {"api_key": "a b"},
        {"api_key": "a\n"},
        {"api_key": "k", "base_url": "http://api.hightouch.com"},
        {"api_key": "k", "base_url": "api.hightouch.com"},
    ],
)
def test_wrong_arguments_are_said_at_once(arguments):
    with pytest.raises(ValueError, match=r"^(api_key|base_url): "):
        HightouchClient(**arguments)


@specs.needs_specs
@pytest.mark.parametrize("policy", ["wait", "attach", "fail"])
def test_all_requests_are_those_of_the_vendors_document(hightouch, policy):
    hightouch.run(if_already_running=policy)
    slug = hightouch._replace(request=SyncRequest("", "demo-sync", full_resync=True))
    slug.run(if_already_running=policy)
    assert {"syncs", "trigger", "runs"} <= {request.operation for request in slug.sandbox.requests}
    for request in hightouch.sandbox.requests:
        assert specs.check_request(request)
