import itertools
import json
import re

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from prefect1_rsync.engine import errors
from prefect1_rsync.engine.clock import RealClock
from prefect1_rsync.engine.model import RunHandle, Sighting, SyncRequest, stats_of
from prefect1_rsync.sandbox import MISSING
from prefect1_rsync.vendors import census as room
from prefect1_rsync.vendors.census import EU, US, CensusClient, parse_api_trigger, parse_run
from tests.engine.strategies import JSON, mutated
from tests.vendors.bench import Requests

SHAPE = (
    "api_trigger: not a trigger URL; it looks like https://bearer:secret-token:TOKEN@"
    "app.getcensus.com/api/v1/syncs/SYNC_ID/trigger (copy it whole from the sync's "
    "Configuration page)"
)
TRIGGER = "https://bearer:secret-token:s3same@app.getcensus.com/api/v1/syncs/52/trigger"
# From the vendor's documentation, forms of 2023 and 2024.
RUN = {
    "id": 94,
    "sync_id": 52,
    "source_record_count": 15,
    "source_record_updates": 12,
    "source_record_deletes": 2,
    "source_record_invalids": 1,
    "records_processed": 14,
    "records_updated": 13,
    "records_failed": 1,
    "created_at": "2021-10-20T02:51:07.546Z",
    "updated_at": "2021-10-20T02:52:29.236Z",
    "completed_at": "2021-10-20T02:52:29.234Z",
    "scheduled_execution_time": None,
    "error_code": None,
    "error_message": None,
    "error_detail": None,
    "status": "completed",
    "canceled": False,
    "full_sync": True,
    "sync_trigger_reason": {"ui_tag": "Manual", "ui_detail": "Manually triggered"},
}
ANSWER = {"status": "success", "data": RUN}
OLD_RUN = {
    "error_message": None,
    "records_failed": 0,
    "records_invalid": 4,
    "records_processed": 1,
    "records_updated": 1,
    "status": "completed",
}


def run_of(**fields):
    return {"status": "success", "data": dict(RUN, **fields)}


# --- the run's answer --------------------------------------------------------------------

WORDS = [
    ("completed", "completed"),
    ("Completed", "completed"),
    ("failed", "failed"),
    ("skipped", "skipped"),
    ("cancelled", "cancelled"),
    ("canceled", "cancelled"),
    ("queued", "working"),
    ("working", "working"),
    ("preparing", "working"),
    ("unknown", "working"),
    ("new", "working"),
    ("retrying", "working"),
]


@pytest.mark.parametrize(("word", "status"), WORDS)
def test_every_word_of_census(word, status):
    report = parse_run(run_of(status=word))
    assert (report.status, report.vendor_status, report.known) == (status, word.lower(), True)


@pytest.mark.parametrize("word", [word for word, _ in WORDS] + ["dreaming", None])
def test_canceled_beats_every_status(word):
    report = parse_run(run_of(status=word, canceled=True))
    assert (report.status, report.vendor_status, report.known) == ("cancelled", "canceled", True)


@pytest.mark.parametrize("word", ["done", "success", "finished", "complet"])
def test_an_unknown_word_is_no_end(word):
    report = parse_run(run_of(status=word))
    assert (report.status, report.known, report.ended) == ("working", False, False)
    assert report.finished_at is None


def test_all_fields_of_a_run():
    assert parse_run(ANSWER)._asdict() == {
        "status": "completed",
        "vendor_status": "completed",
        "known": True,
        "listed": True,
        "interrupted": False,
        "error_message": None,
        "records_processed": 14,
        "records_updated": 13,
        "records_failed": 1,
        "records_invalid": 1,
        "bytes_synced": None,
        "warning": False,
        "created_at": "2021-10-20T02:51:07.546000Z",
        "started_at": "2021-10-20T02:51:07.546000Z",
        "finished_at": "2021-10-20T02:52:29.234000Z",
        "duration_seconds": None,
        "raw": ANSWER,
    }


@pytest.mark.parametrize(
    ("new", "old", "invalid"), [(2, 1, 2), (0, 1, 0), (None, 1, 1), (None, None, None)]
)
def test_invalid_records_have_two_names(new, old, invalid):
    report = parse_run(run_of(source_record_invalids=new, records_invalid=old))
    assert report.records_invalid == invalid


def test_the_minimal_form_is_enough():
    report = parse_run({"data": OLD_RUN})
    assert (report.status, report.records_invalid, report.started_at) == ("completed", 4, None)


def test_a_failed_run_has_no_completed_at():
    report = parse_run(run_of(status="failed", completed_at=None, records_processed=None))
    assert report.finished_at == "2021-10-20T02:52:29.236000Z"
    assert report.records_processed is None


def test_the_reason_is_put_together():
    fields = {"error_message": "bad", "error_detail": "row 7", "error_code": "bad"}
    assert parse_run(run_of(**fields)).error_message == "bad; row 7"
    assert parse_run(run_of(error_code="E1")).error_message == "E1"


@pytest.mark.parametrize("answer", [None, [], "x", 7, {}, {"data": []}, {"data": {"id": 1}}])
def test_what_is_not_about_a_run_is_trouble(answer):
    with pytest.raises(errors.SyncApiError) as caught:
        parse_run(answer)
    assert caught.value.transient


@given(answer=JSON | mutated(ANSWER, [word for word, _ in WORDS]) | mutated({"data": OLD_RUN}))
def test_any_answer_is_a_report_or_an_error(answer):
    try:
        report = parse_run(answer)
    except errors.SyncError:
        return
    check_stats(stats_of("census", SyncRequest("1"), None, report))


def check_stats(stats):
    json.dumps(stats, allow_nan=False)
    assert stats["status"] in ("completed", "working", "failed", "cancelled", "skipped")
    for key in ("processed", "updated", "failed", "invalid"):
        assert type(stats["records_" + key]) in (int, type(None))
    assert type(stats["bytes_synced"]) in (int, type(None))
    for key in ("started_at", "finished_at"):
        assert stats[key] is None or re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{15}Z", stats[key])
    for key in ("error_message", "vendor_status"):
        assert stats[key] is None or stats[key].encode("utf-8")
    assert stats["duration_seconds"] is None or stats["duration_seconds"] >= 0


# --- the client against the sandbox ------------------------------------------------------


def test_the_form_of_2023_is_read_too(census):
    census.server.form = "2023"
    census.script(records_invalid=3)
    assert census.run()["records_invalid"] == 3


def test_a_cancelled_run_that_says_completed_is_cancelled(census):
    census.script(canceled=True)
    with pytest.raises(errors.SyncRunCancelled):
        census.run()


def test_a_run_that_says_cancelled_alone_is_cancelled(census):
    census.script(ends="cancelled", overrides={"canceled": MISSING})
    with pytest.raises(errors.SyncRunCancelled):
        census.run()


def test_a_refusal_inside_a_200_starts_nothing(census):
    census.server.fault("trigger", body={"status": "error", "message": "sync is paused"})
    with pytest.raises(errors.SyncApiError, match="refused the trigger: sync is paused") as caught:
        census.run()
    assert caught.value.had_no_effect
    assert caught.value.status_code == 200
    assert not caught.value.retryable


def overtaken(census, **outcome):
    """Another run that our survey did not show yet: ours will be skipped."""
    census.server.fault("runs", body={"status": "success", "data": []})
    return census.other(**outcome)


def test_a_skipped_run_is_started_again_when_the_other_has_ended(census):
    other = overtaken(census, duration=100)
    heard = []
    stats = census.run([heard.append])
    skipped, ours = census.server.runs[1:]
    assert (stats["status"], stats["run_id"]) == ("completed", str(ours.id))
    assert skipped.created < other.finished_at <= ours.created
    assert f"run {other.id} is going on" in "".join(
        event.message for event in heard if event.kind == "blocked"
    )


def test_attach_joins_the_run_for_which_ours_was_skipped(census):
    other = overtaken(census, duration=100)
    assert census.run(if_already_running="attach")["run_id"] == str(other.id)
    assert len(census.asked("trigger")) == 1


def test_fail_ends_where_ours_was_skipped(census):
    overtaken(census, duration=100)
    with pytest.raises(errors.SyncRunSkipped):
        census.run(if_already_running="fail")
    assert len(census.asked("trigger")) == 1


def test_a_run_that_is_skipped_for_nothing_is_tried_a_few_times(census):
    census.script(duration=0, ends="skipped")
    with pytest.raises(errors.SyncRunSkipped, match="skipped 5 times, although no other run"):
        census.run()
    assert len(census.asked("trigger")) == 5


def test_a_skipped_run_after_a_lost_answer_is_started_again(census):
    other = overtaken(census, duration=100)
    census.server.fault("trigger", drop="after")
    stats = census.run()
    assert stats["status"] == "completed"
    assert census.server.runs[-1].created >= other.finished_at
    assert len(census.asked("trigger")) == 2


def test_the_list_of_runs_is_asked_for_newest_first(census):
    for _ in range(30):
        census.other(duration=1)
        census.clock.wind(2)
    newest = [str(run.id) for run in reversed(census.server.runs[-25:])]
    assert [it.handle.run_id for it in census.client.recent(census.request)] == newest
    (request,) = census.asked("runs")
    assert request.query == {"page": ["1"], "per_page": ["25"], "order": ["desc"]}


def test_the_trigger_is_a_post_without_a_body(census):
    census.run(wait=False)
    sent = census.asked("trigger")[0]
    assert (sent.method, sent.path) == ("POST", "/census/api/v1/syncs/1/trigger")
    assert (sent.body, sent.query) == (b"", {})


def test_an_unknown_sync_is_not_found(census):
    with pytest.raises(errors.SyncNotFound):
        census._replace(request=SyncRequest("999")).run()


@pytest.mark.parametrize(
    ("token", "asked", "version"),
    [
        ("secret-token:census-sandbox", None, 1),
        ("census_pat_sandbox", None, 2),
        ("census_pat_sandbox", 1, 1),
    ],
)
def test_the_token_chooses_the_version(census, token, asked, version):
    client = CensusClient(
        token, census.server.base_url, asked, census.clock, session=census.session
    )
    client.start(SyncRequest("1"))
    assert client.api_version == version
    assert census.sandbox.requests[0].path == f"/census/api/v{version}/syncs/1/trigger"


LINK = f"{US}/syncs/5/history?sync_run_id=7"
HANDLE = RunHandle("census", "5", "7", LINK)
TRIGGERED = {"status": "success", "data": {"sync_run_id": 7}}


def asked_of(call, *answers):
    """The requests that a call makes, and what it returns."""
    client = CensusClient("census_pat_x")
    client._http = Requests(*answers)
    return client._http.asked, call(client)


@pytest.mark.parametrize(("full", "params"), [(False, None), (True, {"force_full_sync": "true"})])
def test_the_request_of_a_trigger(full, params):
    request = SyncRequest("5", full_resync=full)
    asked, handle = asked_of(lambda client: client.start(request), TRIGGERED)
    assert asked == [("POST", "/syncs/5/trigger", params, None, 120.0, False)]
    assert handle == HANDLE


def test_the_requests_of_a_look_a_list_and_a_cancel():
    asked, report = asked_of(lambda client: client.look(HANDLE), {"data": RUN})
    assert asked == [("GET", "/sync_runs/7", None, None, 60.0, False)]
    assert report == parse_run({"data": RUN})
    query = {"page": "1", "per_page": "25", "order": "desc"}
    runs = {"data": [dict(RUN, id=7), {"id": 8}, {"status": "failed"}]}
    asked, found = asked_of(lambda client: client.recent(SyncRequest("5")), runs)
    assert asked == [("GET", "/syncs/5/sync_runs", query, None, 60.0, False)]
    assert found == [Sighting(HANDLE, parse_run({"data": dict(RUN, id=7)}))]
    asked, _ = asked_of(lambda client: client.cancel(HANDLE), None)
    assert asked == [("POST", "/sync_runs/7/cancel", None, None, 60.0, False)]


@pytest.mark.parametrize(
    ("call", "answer", "message", "knows"),
    [
        (
            lambda client: client.start(SyncRequest("5")),
            {"status": "error"},
            "Census refused the trigger: it gave no reason",
            (200, False, None, True),
        ),
        (
            lambda client: client.start(SyncRequest("5")),
            {"status": "Error", "message": "paused"},
            "Census refused the trigger: paused",
            (200, False, None, True),
        ),
        (
            lambda client: client.start(SyncRequest("5")),
            {"data": {"sync_run_id": "x"}},
            "Census' answer to the trigger names no run",
            (None, False, None, False),
        ),
        (
            lambda client: client.look(HANDLE),
            {},
            "Census' answer is not about a sync run",
            (None, True, None, False),
        ),
        (
            lambda client: client.recent(SyncRequest("5")),
            {},
            "the answer is not Census' list of sync runs",
            (None, True, None, False),
        ),
    ],
)
def test_an_answer_that_helps_nobody_is_told_word_for_word(call, answer, message, knows):
    with pytest.raises(errors.SyncApiError) as caught:
        asked_of(call, answer)
    assert (str(caught.value), caught.value.args[1:]) == (message, (None, *knows))


def test_a_client_is_made_of_its_arguments():
    client = CensusClient("census_pat_x", EU + "/")
    assert repr(client) == f"CensusClient({EU!r}, api_version=2)"
    assert (client._http.base_url, client._http._vendor) == (f"{EU}/api/v2", "Census")
    assert isinstance(client._http._clock, RealClock)
    assert client._http._redactor.text("census_pat_x") == "***"


NO_TOKEN = "must be a text of printable ASCII characters without spaces"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CensusClient("a b"), f"token: {NO_TOKEN}"),
        (
            lambda: CensusClient("secret-token:"),
            "token: the token behind 'secret-token:' is missing",
        ),
        (lambda: CensusClient("t", api_version=3), "api_version: must be 1, 2 or None"),
        (lambda: parse_api_trigger("x"), SHAPE),
        (lambda: parse_api_trigger(TRIGGER.replace("https:", "ftp:")), SHAPE),
        (
            lambda: parse_api_trigger(TRIGGER.replace("bearer", "admin")),
            SHAPE + "; the part before @ must be bearer:TOKEN",
        ),
        (
            lambda: parse_api_trigger(TRIGGER.replace("app.", "evil.")),
            f"api_trigger: the URL does not point to {US} or {EU}; the credential in it would "
            "go to another host (give that host as base_url if you mean it)",
        ),
        (
            lambda: parse_api_trigger(TRIGGER.replace("s:", ":"), ["http://app.getcensus.com"]),
            "api_trigger: plain http would send the credential readable to everyone on the way; "
            "use https (http is accepted on loopback only)",
        ),
        (
            lambda: parse_api_trigger(TRIGGER.replace("s3same", "%20")),
            f"api_trigger: {NO_TOKEN}",
        ),
        (
            lambda: parse_api_trigger(TRIGGER, [US, "x"]),
            "base_url: give a plain URL such as https://host.example or "
            "https://host.example:8443/prefix (scheme, host, port and path only; no user, "
            "no password, no query)",
        ),
    ],
)
def test_what_is_wrong_is_told_word_for_word(call, message):
    with pytest.raises(ValueError, match=message.split(":")[0]) as caught:
        call()
    assert str(caught.value) == message


def test_a_trigger_url_may_name_a_host_by_its_address():
    base = "https://[2001:db8::1]:8443"
    found = parse_api_trigger(f"https://bearer:t@{base[8:]}/api/v1/syncs/1/trigger", [base])
    assert str(found.base_url) == base
    assert repr(found) == f"TriggerUrl({base}, sync 1)"


def test_the_link_is_at_the_host_that_was_chosen():
    client = CensusClient("census_pat_x", EU)
    assert client._handle("1", "2").run_url == f"{EU}/syncs/1/history?sync_run_id=2"


@pytest.mark.parametrize(
    "arguments",
    [
        {"token": ""},
        {"token": None},
        {"token": "a b"},
        {"token": "a\nb"},
        {"token": "tökén"},
        {"token": "secret-token:"},
        {"token": "t", "base_url": "http://app.getcensus.com"},
        {"token": "t", "base_url": "https://u:p@app.getcensus.com"},
        {"token": "t", "api_version": 3},
    ],
)
def test_wrong_arguments_are_said_at_once(arguments):
    with pytest.raises(ValueError, match=r"^(token|base_url|api_version): "):
        CensusClient(**arguments)


# --- the trigger URL ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "base", "version", "token"),
    [
        (TRIGGER, US, 1, "secret-token:s3same"),
        (TRIGGER.replace("app.", "app-eu."), EU, 1, "secret-token:s3same"),
        (TRIGGER.replace("v1", "v2"), US, 2, "secret-token:s3same"),
        (
            TRIGGER.replace("app.getcensus.com", "APP.GetCensus.com:443"),
            US,
            1,
            "secret-token:s3same",
        ),
        (TRIGGER.replace("secret-token:s3same", "census_pat_1"), US, 1, "census_pat_1"),
        (TRIGGER.replace("s3same", "s3%2Fsame%40"), US, 1, "secret-token:s3/same@"),
        (TRIGGER.replace("secret-token:", "secret-token%3A"), US, 1, "secret-token:s3same"),
    ],
)
def test_good_trigger_urls(text, base, version, token):
    found = parse_api_trigger(text)
    assert (str(found.base_url), found.api_version, found.sync_id) == (base, version, "52")
    assert found.token == token
    assert "s3same" not in repr(found)


def test_another_host_is_good_if_it_was_chosen(sandbox):
    for version in (1, 2):
        text = sandbox.census.api_trigger(1, version)
        found = parse_api_trigger(text, [sandbox.census.base_url])
        assert str(found.base_url) == sandbox.census.base_url
        with pytest.raises(ValueError, match="does not point to"):
            parse_api_trigger(text)


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        b"https://bearer:secret-token:s3same@app.getcensus.com/api/v1/syncs/52/trigger",
        "",
        "https://bearer:secret-token:x@evil.example/y@app.getcensus.com/api/v1/syncs/1/trigger",
        TRIGGER + "\n",
        " " + TRIGGER,
        TRIGGER + "/",
        TRIGGER + "?force_full_sync=true",
        TRIGGER + "#",
        TRIGGER.replace("https", "http"),
        TRIGGER.replace("https", "ftp"),
        TRIGGER.replace("app.getcensus.com", "evil.example"),
        TRIGGER.replace("app.getcensus.com", "app.getcensus.com.evil.example"),
        TRIGGER.replace("app.getcensus.com", "evil.app.getcensus.com"),
        TRIGGER.replace("app.getcensus.com", "appxgetcensus.com"),
        TRIGGER.replace("app.getcensus.com", "app.getcensus.com."),
        TRIGGER.replace("app.getcensus.com", "app.getcensus.com:8443"),
        TRIGGER.replace("app.getcensus.com", "app.getcensus.com@evil.example"),
        TRIGGER.replace("app.getcensus.com", "evil.example\\@app.getcensus.com"),
        TRIGGER.replace("app.getcensus.com", "evil.example#@app.getcensus.com"),
        TRIGGER.replace("app.getcensus.com", "evil.example?@app.getcensus.com"),
        TRIGGER.replace("app.getcensus.com", "app.getcensus.com/evil"),
        TRIGGER.replace("app.getcensus.com", "аpp.getcensus.com"),  # noqa: RUF001
        TRIGGER.replace("app.getcensus.com", "app%2egetcensus.com"),
        TRIGGER.replace("/52/", "//"),
        TRIGGER.replace("/52/", "/0/"),
        TRIGGER.replace("/52/", "/052/"),
        TRIGGER.replace("/52/", "/٥٢/"),
        TRIGGER.replace("/52/", "/52/../53/"),
        TRIGGER.replace("v1", "v3"),
        TRIGGER.replace("bearer", "admin"),
        TRIGGER.replace("bearer:", ""),
        TRIGGER.replace("s3same", ""),
        TRIGGER.replace("secret-token:s3same", ""),
        TRIGGER.replace("s3same", "s3%0Asame"),
        TRIGGER.replace("s3same", "s3%00same"),
        TRIGGER.replace("s3same", "s3%20same"),
        TRIGGER.replace("s3same", "s3%same"),
        TRIGGER.replace("s3same", "s3[same"),
        TRIGGER.replace("s3same", "s3\tsame"),
        TRIGGER.replace("https://bearer:secret-token:s3same@", "https://"),
        TRIGGER.replace("https://", ""),
    ],
)
def test_every_other_text_is_refused_without_quoting_it(text):
    with pytest.raises(ValueError, match=r"^api_trigger: ") as caught:
        parse_api_trigger(text)
    assert "s3same" not in str(caught.value)
    assert "evil" not in str(caught.value)


TEXT = (
    "https:// HTTPS:// http:// // / \\ @ : ? # ; & . .. /. /.. /y@ x 0 1 52 % %2f %40 %3A %0a "
    "bearer: bearer secret-token: s3same bearer:secret-token:s3same@ app.getcensus.com "
    "app-eu.getcensus.com APP.getcensus.COM getcensus.com evil.example evil.example/ "
    "@evil.example .evil.example [::1] 127.0.0.1 :443 :80 :8443 :0443 /api/v1/syncs/ "
    "/api/v2/syncs/ /syncs/ /trigger trigger /cancel \u3002 \u0665 \u2170 \u212a \t \n \r \x00"
)
PIECES = st.sampled_from([*TEXT.split(" "), " ", "\xa0"])
PARTS = [
    "https://",
    "bearer:",
    "secret-token:s3same",
    "@",
    "app.getcensus.com",
    "",
    "/api/v1/syncs/",
    "52",
    "/trigger",
]


@st.composite
def spoiled(draw):
    """A good trigger URL with pieces put in, taken out and doubled."""
    parts = list(PARTS)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(parts)))
        parts[place : place + draw(st.integers(0, 1))] = draw(st.lists(PIECES, max_size=2))
    return "".join(parts)


@given(text=spoiled() | st.lists(PIECES, max_size=12).map("".join) | st.text())
@example(
    text="https://bearer:secret-token:x@evil.example/y@app.getcensus.com/api/v1/syncs/1/trigger"
)
@example(text=TRIGGER)
def test_the_token_goes_to_a_chosen_host_or_nowhere(text):
    try:
        found = parse_api_trigger(text)
    except ValueError as exc:
        assert "s3same" not in str(exc)
        assert "evil" not in str(exc)
        return
    assert str(found.base_url) in (US, EU)
    # Where requests would go: with what we send, and with the text as it came.
    sent = f"{found.base_url}/api/v{found.api_version}/syncs/{found.sync_id}/trigger"
    for url in (sent, text):
        prepared = requests.Request("POST", url).prepare().url
        assert (parse_url(prepared).host, parse_url(prepared).scheme) == (
            found.base_url.host,
            "https",
        )
    assert "s3same" not in sent
    assert re.fullmatch("[1-9][0-9]*", found.sync_id)
    room.check_token(found.token, "token")


@pytest.mark.parametrize(
    ("cut", "junk"),
    list(itertools.product(range(len(PARTS) + 1), ["@evil.example", "\n", "\\", "%"])),
)
def test_junk_at_any_seam_is_refused(cut, junk):
    text = "".join([*PARTS[:cut], junk, *PARTS[cut:]])
    with pytest.raises(ValueError, match="api_trigger"):
        parse_api_trigger(text)
