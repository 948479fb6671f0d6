import base64
import email.utils
import gzip
import io
import json
import pickle
import socket
import threading
import time
import traceback

import pytest
import requests
import urllib3

from prefect1_rsync.engine import errors, http
from prefect1_rsync.engine.http import (
    BasicAuth,
    BearerAuth,
    HttpClient,
    NoAuth,
    check_credential,
)
from prefect1_rsync.engine.redact import Redactor
from prefect1_rsync.sandbox import Sandbox

TOKEN = "secret-token:census-sandbox"
RUN = "/sync_runs/1"
GOOD = {"data": {"status": "completed"}}


@pytest.fixture
def sandbox(clock):
    with Sandbox(clock=clock.monotonic) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox, clock):
    client = client_at(sandbox.census.base_url + "/api/v1", clock)
    yield client
    client.close()


def client_at(base_url, clock, auth=None):
    return HttpClient(base_url, "Census", auth or BearerAuth(TOKEN), Redactor([TOKEN]), clock)


def answer_with(sandbox, body, status=200, **fault):
    """The next answer: this status and body."""
    sandbox.census.fault("run", status=status, body=body, **fault)


def refused(client, kind=errors.SyncApiError, path=RUN, **arguments):
    with pytest.raises(kind) as caught:
        client.request("GET", path, **arguments)
    return caught.value


# --- what is sent ------------------------------------------------------------------------


def test_a_request_says_who_it_is_and_what_it_wants(sandbox, client):
    client.get("/syncs", {"page": "1"})
    sent = sandbox.requests[0]
    assert (sent.method, sent.path, sent.query) == ("GET", "/census/api/v1/syncs", {"page": ["1"]})
    assert sent.headers["Accept"] == "application/json"
    assert sent.headers["User-Agent"].startswith("prefect1-rsync/")
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (NoAuth(), None),
        (BearerAuth("mine"), "Bearer mine"),
        (BasicAuth("me", "pä:ss"), "Basic " + base64.b64encode("me:pä:ss".encode()).decode()),
    ],
)
def test_the_password_in_a_netrc_file_is_never_sent(
    sandbox, clock, monkeypatch, tmp_path, auth, header
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password elses\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client = client_at(sandbox.census.base_url + "/api/v1", clock, auth)
    with pytest.raises(errors.SyncUnauthorized):
        client.get(RUN)
    assert [request.headers.get("Authorization") for request in sandbox.requests] == [header]


def test_reprs_hold_no_secret(client):
    assert repr(client) == f"HttpClient({client.base_url!r})"
    assert repr(BearerAuth(TOKEN)) == "BearerAuth()"


def test_a_credential_is_returned_as_it_is():
    assert check_credential("!k:y~", "key") == "!k:y~"
    assert check_credential(" pä \x80\ue000\U0001f511", "password", basic=True) == (
        " pä \x80\ue000\U0001f511"
    )


@pytest.mark.parametrize("text", [None, 7, b"same", "", "s3 same", "s3same\n", "s3säme", "s3\x7f"])
def test_what_no_header_can_hold_is_no_credential(text):
    with pytest.raises(ValueError, match="key") as caught:
        check_credential(text, "key")
    assert str(caught.value) == "key: must be a text of printable ASCII characters without spaces"


@pytest.mark.parametrize(
    "text", [None, "", "s3same\n", "\x00", "\x1f", "s3\x7f", "M\ud800", "M\udcfcller", "\udfff"]
)
def test_a_password_is_unicode_without_control_characters(text):
    with pytest.raises(ValueError, match="password") as caught:
        check_credential(text, "password", basic=True)
    assert str(caught.value) == "password: must be a text in UTF-8 without control characters"


class Recorder:
    """A session that answers with what it is given, or raises it, and notes what it was sent."""

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def request(self, method, url, **arguments):
        self.sent.append((method, url, arguments))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code, headers, body = answer
        response.headers.update(headers)
        response.raw = urllib3.HTTPResponse(
            io.BytesIO(body), headers=headers, preload_content=False
        )
        return response


def recorded(clock, *answers, auth=None):
    session = Recorder(*answers)
    auth = auth or NoAuth()
    return session, HttpClient("http://h.example/v1", "Census", auth, Redactor(), clock, session)


class RenewedAuth(NoAuth):
    def renew(self):
        return True


def test_a_request_is_bounded_and_never_redirected(clock):
    auth = RenewedAuth()
    session, client = recorded(clock, (401, {}, b""), (200, {}, b"7"), (200, {}, b"8"), auth=auth)
    assert client.request("POST", "/x", {"a": "b"}, {"c": 1}, 7.0) == 7
    assert client.get("/y", {"a": "b"}) == 8
    arguments = {
        "params": {"a": "b"},
        "json": {"c": 1},
        "auth": auth,
        "headers": {"Accept": "application/json", "User-Agent": http.USER_AGENT},
        "timeout": (10.0, 7.0),
        "allow_redirects": False,
        "stream": True,
    }
    assert session.sent[:2] == [("POST", "http://h.example/v1/x", arguments)] * 2
    arguments.update(json=None, timeout=(10.0, 60.0))
    assert session.sent[2:] == [("GET", "http://h.example/v1/y", arguments)]


# --- answers -----------------------------------------------------------------------------


@pytest.mark.parametrize("body", [GOOD, [1], 7, None, "text"])
def test_json_of_any_kind_is_an_answer(sandbox, client, body):
    answer_with(sandbox, json.dumps(body))
    assert client.get(RUN) == body


@pytest.mark.parametrize("body", ["", " \n "])
def test_an_empty_answer_is_none(sandbox, client, body):
    answer_with(sandbox, body)
    assert client.get(RUN) is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_what_is_no_number_in_json_is_none_or_no_answer(sandbox, client, number):
    answer_with(sandbox, f'{{"data": {{"x": [{number}]}}}}')
    try:
        answer = client.get(RUN)
    except errors.SyncApiError as exc:
        assert exc.transient
    else:
        json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize("drip", [0, 0.001])
def test_a_compressed_answer_is_read_whole(sandbox, client, drip):
    body = gzip.compress(json.dumps(dict(GOOD, more=list(range(50)))).encode())
    answer_with(sandbox, body, headers={"Content-Encoding": "gzip"}, drip=drip)
    assert client.get(RUN)["more"] == list(range(50))


def test_a_large_answer_costs_little_time(sandbox, client):
    answer_with(sandbox, json.dumps("x" * 200000))
    began = time.monotonic()
    assert client.get(RUN) == "x" * 200000
    assert time.monotonic() - began < 1


def test_a_broken_compression_is_trouble(sandbox, client):
    answer_with(sandbox, b"no gzip", headers={"Content-Encoding": "gzip"})
    assert refused(client).transient


def test_secrets_are_taken_out_of_answers_unless_they_are_asked_for(sandbox, client):
    body = {"echo": f"it was {TOKEN}", "access_token": "another"}
    answer_with(sandbox, body)
    assert client.get(RUN) == {"echo": "it was ***", "access_token": "***"}
    answer_with(sandbox, body)
    assert client.request("GET", RUN, reveal=True) == body


# --- trouble -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("malformed", ["html", "truncated", "not_utf8", "deep", "huge"])
def test_a_malformed_answer_is_trouble(sandbox, client, malformed, status):
    sandbox.census.fault("syncs", malformed=malformed, status=status, process=True)
    error = refused(client, path="/syncs")
    assert (error.transient, error.had_no_effect) == (True, False)
    if malformed != "huge":
        assert error.status_code == status
        assert "not JSON" in str(error)


def test_an_answer_without_end_is_not_read_to_the_end(sandbox, client, monkeypatch):
    monkeypatch.setattr(http, "MAX_BYTES", 1000)
    answer_with(sandbox, json.dumps("x" * 100000))
    assert "larger than 1000 bytes" in str(refused(client))
    answer_with(sandbox, json.dumps("x" * 998))
    assert client.get(RUN) == "x" * 998
    answer_with(sandbox, json.dumps("x" * 999))
    assert "larger than 1000 bytes" in str(refused(client))


def test_a_compressed_answer_counts_by_what_it_becomes(sandbox, client, monkeypatch):
    monkeypatch.setattr(http, "MAX_BYTES", 100000)
    answer_with(sandbox, gzip.compress(b" " * 10**6), headers={"Content-Encoding": "gzip"})
    assert "larger than" in str(refused(client))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"delay": 5}, "no answer in time"),
        ({"drip": 0.02, "body": "x" * 10**5}, "was not complete after 0 s"),
    ],
)
def test_a_slow_answer_is_bounded(sandbox, client, fault, words):
    sandbox.census.fault("run", **fault)
    began = time.monotonic()
    error = refused(client, read_seconds=0.2)
    assert time.monotonic() - began < 2
    assert (words in str(error), error.transient, error.status_code) == (True, True, None)


class RawServer(threading.Thread):
    """Sends what it is told, a piece at a time; speaks no HTTP itself."""

    def __init__(self, pieces, pause=0.0):
        super().__init__(daemon=True)
        self.pieces, self.pause, self.done = pieces, pause, threading.Event()
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()
        self.base_url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def run(self):
        connection, _ = self.socket.accept()
        with connection:
            connection.recv(65536)
            try:
                for piece in self.pieces:
                    connection.sendall(piece)
                    if self.done.wait(self.pause):
                        break
            except OSError:
                pass

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()
        self.socket.close()


def test_an_answer_that_begins_fast_and_then_drips_is_bounded(clock):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b" " * 500000
    with RawServer([head] + [b" "] * 1500, pause=0.02) as server:
        began = time.monotonic()
        error = refused(client_at(server.base_url, clock), read_seconds=0.3)
        # It drips for 30 s; the rest is what a busy machine needs.
        assert time.monotonic() - began < 15
    assert error.transient


@pytest.mark.parametrize("pieces", [[b"SSH-2.0-OpenSSH\r\n"], [b"\x00\xff" * 100], []])
def test_a_server_that_speaks_no_http_is_trouble(clock, pieces):
    with RawServer(pieces) as server:
        error = refused(client_at(server.base_url, clock), read_seconds=0.2)
    assert (error.transient, error.had_no_effect) == (True, False)


@pytest.mark.parametrize("drop", ["before", "middle", "after"])
def test_a_dropped_connection_is_trouble(sandbox, client, drop):
    sandbox.census.fault("syncs", drop=drop)
    error = refused(client, path="/syncs")
    assert (error.transient, error.had_no_effect) == (True, False)
    # urllib3 1.26 takes half an answer for an answer.
    assert "could not be reached at GET" in str(error) or "not JSON" in str(error)
    assert len(sandbox.requests) == 1


def test_a_server_that_is_not_there_is_trouble_without_effect(clock):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    error = refused(client_at(url, clock))
    assert (error.transient, error.had_no_effect) == (True, True)
    assert "Connection refused" in str(error)


def test_a_host_without_an_address_is_trouble_without_effect(clock):
    error = refused(client_at("http://nowhere.invalid", clock))
    assert (error.transient, error.had_no_effect) == (True, True)
    assert "object at 0x" not in str(error)


def with_(exception, **attributes):
    for name, value in attributes.items():
        setattr(exception, name, value)
    return exception


def unreachable():
    return urllib3.exceptions.NewConnectionError(None, "no")


def test_wrapped_errors_are_unwrapped_with_a_bound():
    error = innermost = ValueError()
    for _ in range(10):
        error = ValueError(error)
    assert http._innermost(error) is innermost
    assert http._innermost(ValueError(error)) is not innermost


class FailingSession(requests.Session):
    def __init__(self, exception):
        super().__init__()
        self.exception = exception

    def send(self, request, **_):
        self.exception.request = request
        raise self.exception


@pytest.mark.parametrize(
    ("exception", "words", "had_no_effect"),
    [
        (requests.ConnectTimeout(), "no connection within 10 s", True),
        (requests.ReadTimeout(), "no answer in time", False),
        (
            requests.exceptions.SSLError(),
            "the TLS certificate was not accepted, or TLS failed",
            False,
        ),
        (requests.exceptions.ProxyError(), "the proxy did not answer", False),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer", False),
        # What requests says of a REQUESTS_CA_BUNDLE that is not there.
        (OSError("invalid path: /none.pem"), "invalid path: /none.pem", False),
        (OSError(), "the connection broke (OSError)", False),
        (ConnectionResetError(), "the connection broke (ConnectionResetError)", False),
        (
            requests.ConnectionError(unreachable()),
            "the connection broke (NewConnectionError)",
            True,
        ),
        (with_(unreachable(), __cause__=OSError(1, "no route")), "no route", True),
        (with_(unreachable(), __context__=OSError(1, "no route")), "no route", True),
        (
            with_(urllib3.exceptions.ProtocolError("x"), reason="a text"),
            "the connection broke (ProtocolError)",
            False,
        ),
        (urllib3.exceptions.ProtocolError("broken"), "the connection broke (ProtocolError)", False),
        (
            requests.ConnectionError(
                urllib3.exceptions.MaxRetryError(
                    None,
                    "/",
                    urllib3.exceptions.ProtocolError("x", ConnectionResetError(1, "gone")),
                )
            ),
            "gone",
            False,
        ),
    ],
)
def test_every_kind_of_trouble_has_words(clock, exception, words, had_no_effect):
    session = FailingSession(exception)
    client = HttpClient(
        "http://h.example", "Census", BearerAuth(TOKEN), Redactor([TOKEN]), clock, session
    )
    error = refused(client)
    assert str(error) == f"Census could not be reached at GET http://h.example{RUN}: {words}"
    assert error.args[1:] == (None, None, True, None, had_no_effect)
    no_trace_of_the_credential(error)


def no_trace_of_the_credential(error):
    """Neither the error nor anything behind it knows the request."""
    while error is not None:
        assert not isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError))
        assert TOKEN not in repr(error.args) + str(error) + repr(vars(error))
        assert TOKEN.encode() not in pickle.dumps(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "before"},
        {"drop": "middle"},
        {"delay": 5},
        {"malformed": "html"},
        {"malformed": "huge"},
        {"status": 401, "body": f"Bearer {TOKEN} is wrong"},
        {"status": 500, "body": {"message": f"failed for {TOKEN}"}},
        {"redirect": f"http://bearer:{TOKEN}@evil.example/"},
    ],
)
def test_an_error_and_its_traceback_hold_no_credential(sandbox, client, fault):
    sandbox.census.fault("syncs", **fault)
    error = refused(client, path="/syncs", read_seconds=0.3)
    no_trace_of_the_credential(error)
    assert "census-sandbox" not in "".join(traceback.format_exception(None, error, None))


WHERE = "to GET http://h.example/v1/x"
CHECK = "(check the credential and what it may do)"
NO_ID = "(check the id, and that the credential belongs to it)"
NO_REDIRECT = "(a redirect, which is not followed; give the right address as the base URL)"
HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("answer", "message", "knows"),
    [
        (
            (200, HTML, b"<html>"),
            f"200 {WHERE} with something that is not JSON (text/html)",
            (200, True, None, False),
        ),
        (
            (201, {}, b"\xff"),
            f"201 {WHERE} with something that is not JSON (no content type)",
            (201, True, None, False),
        ),
        ((299, HTML, b"{"), f"299 {WHERE} with something that is not JSON (text/html)", None),
        ((199, {}, b""), f"199 {WHERE}", (199, False, None, False)),
        ((300, {}, b""), f"300 {WHERE} {NO_REDIRECT}", (300, False, None, True)),
        ((399, {}, b""), f"399 {WHERE} {NO_REDIRECT}", (399, False, None, True)),
        ((400, {}, b'{"message": "bad"}'), f"400 {WHERE}: bad", (400, False, None, True)),
        ((400, {}, b"b\xff"), f"400 {WHERE}: b\ufffd", None),
        ((400, {}, b"x" * 199 + b"<"), f"400 {WHERE}", None),
        ((400, {}, b"x" * 200 + b"<"), f"400 {WHERE}: " + "x" * 200 + "<", None),
        ((400, {}, b"x" * 501), f"400 {WHERE}: " + "x" * 500, None),
        ((401, {}, b"no"), f"401 {WHERE}: no {CHECK}", None),
        ((403, {}, b""), f"403 {WHERE} {CHECK}", None),
        ((404, {}, b""), f"404 {WHERE} {NO_ID}", None),
        ((410, {}, b""), f"410 {WHERE} {NO_ID}", None),
        ((499, {}, b""), f"499 {WHERE}", (499, False, None, True)),
        ((500, {"Retry-After": "7"}, b""), f"500 {WHERE}", (500, True, 7.0, False)),
    ],
)
def test_an_answer_that_is_none_is_told_word_for_word(clock, answer, message, knows):
    _, client = recorded(clock, answer)
    error = refused(client, path="/x")
    assert str(error) == f"Census answered {message}"
    assert knows is None or error.args[2:] == knows


# --- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "transient", "had_no_effect"),
    [
        (400, errors.SyncApiError, False, True),
        (401, errors.SyncUnauthorized, False, True),
        (403, errors.SyncUnauthorized, False, True),
        (404, errors.SyncNotFound, False, True),
        (408, errors.SyncApiError, True, False),
        (409, errors.SyncApiError, False, True),
        (410, errors.SyncNotFound, False, True),
        (422, errors.SyncApiError, False, True),
        (425, errors.SyncApiError, True, True),
        (429, errors.SyncApiError, True, True),
        (500, errors.SyncApiError, True, False),
        (502, errors.SyncApiError, True, False),
        (503, errors.SyncApiError, True, False),
        (504, errors.SyncApiError, True, False),
        (301, errors.SyncApiError, False, True),
        (304, errors.SyncApiError, False, True),
    ],
)
def test_a_status_code_says_whether_asking_again_may_help(
    sandbox, client, status, kind, transient, had_no_effect
):
    sandbox.census.fault("run", status=status)
    error = refused(client)
    assert type(error) is kind
    assert (error.status_code, error.transient) == (status, transient)
    assert error.had_no_effect is had_no_effect
    assert f"Census answered {status} to GET http://127.0.0.1" in str(error)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"status": "error", "message": "No such sync"}, ": No such sync"),
        ("HTTP Basic: Access denied.\n", ": HTTP Basic: Access denied."),
        (b'"Internal Server Error"', ": Internal Server Error"),
        ("<html>Bad gateway</html>", ""),
        (b"[" * 100000, ": [["),
        (b"\xff\xfe", ": "),
        ("", ""),
    ],
)
def test_a_refusal_gives_the_vendors_reason(sandbox, client, body, reason):
    answer_with(sandbox, body, status=400)
    text = str(refused(client))
    assert text.split(RUN, 1)[1].startswith(reason)
    assert "<" not in text
    assert len(text) < 3000


@pytest.mark.parametrize("position", range(470, 505, 5))
def test_a_secret_is_taken_out_before_a_text_is_cut(sandbox, client, position):
    answer_with(sandbox, "x" * position + TOKEN, status=400)
    assert "secret-token" not in str(refused(client))


def test_a_secret_is_taken_out_before_a_reason_is_cut(sandbox, client):
    answer_with(sandbox, {"message": "x" * 1990 + TOKEN}, status=400)
    assert "secret-tok" not in str(refused(client))


@pytest.mark.parametrize(
    "body",
    [
        {"message": {"password": "sesame"}},
        {"details": {"access_token": "sesame"}},
        {"message": f"Bearer {TOKEN}"},
        {"details": {TOKEN: "is wrong"}},
    ],
)
def test_a_refusal_quotes_no_secret(sandbox, client, body):
    answer_with(sandbox, body, status=422)
    text = str(refused(client))
    assert "sesame" not in text
    assert "census-sandbox" not in text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "{}/census/api/v1/syncs",
        "/census/api/v1/syncs",
        "https://evil.example/",
        "http://",
        "http://[bad",
        "http://x/\xff",
        "",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_is_never_followed_and_never_borne(sandbox, client, status, location):
    location = location.format(sandbox.url)
    sandbox.census.fault("run", status=status, headers={"Location": location}, times=None)
    error = refused(client)
    assert (error.status_code, error.transient) == (status, False)
    assert "a redirect, which is not followed" in str(error)
    assert len(sandbox.requests) == 1


def test_the_body_of_a_redirect_is_bounded_too(sandbox, client):
    sandbox.census.fault("run", redirect="/x", body="x" * 150, drip=0.02)
    began = time.monotonic()
    refused(client, read_seconds=0.2)
    assert time.monotonic() - began < 2


# --- Retry-After -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0.5", 0.5),
        ("-5", 0),
        ("999999", 3600),
        ("inf", 3600),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_as_a_number(sandbox, client, header, seconds):
    headers = {} if header is None else {"Retry-After": header}
    sandbox.census.fault("run", status=429, headers=headers)
    assert refused(client).retry_after == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(90, 90), (-90, 0), (10**6, 3600)])
def test_retry_after_as_a_date(sandbox, client, clock, ahead, seconds):
    clock.wind(5000)
    date = email.utils.formatdate(clock.time() + ahead, usegmt=True)
    sandbox.census.fault("run", status=503, headers={"Retry-After": date})
    assert refused(client).retry_after == pytest.approx(seconds, abs=1)


# --- old and new urllib3 -----------------------------------------------------------------


class OldRaw:
    """urllib3 before 2.2 has no `read1`, and 1.26 returns nothing while its decoder waits."""

    def __init__(self, body):
        self._body, self._end, self._waits = io.BytesIO(body), len(body), 3

    def read(self, size, decode_content):
        assert decode_content
        self._waits -= 1
        return b"" if self._waits >= 0 else self._body.read(size)

    def isclosed(self):
        return self._body.tell() == self._end


def test_an_answer_is_read_whole_with_an_old_urllib3():
    response = requests.Response()
    response.raw = OldRaw(b"x" * 100000)
    assert http._read(response, 5) == b"x" * 100000


def test_http_basic_is_user_and_password():
    request = requests.Request("GET", "http://h.example", auth=BasicAuth("me", "it")).prepare()
    assert request.headers["Authorization"] == "Basic bWU6aXQ="


class SlowRaw:
    """Notes how much it is asked for; each read takes so many seconds of a false time."""

    def __init__(self, name, *lasts):
        self.lasts, self.asked, self.now = list(lasts), [], 0.0
        setattr(self, name, self._read)

    def monotonic(self):
        return self.now

    def _read(self, size, decode_content):
        assert decode_content is True
        self.asked.append(size)
        self.now += self.lasts.pop(0)
        return b"x" if self.lasts else b""

    def isclosed(self):
        return not self.lasts


@pytest.mark.parametrize(
    ("name", "asked"), [("read", [16, 16, 32, 64, 128, 128, 16]), ("read1", [65536] * 7)]
)
def test_what_comes_slowly_is_asked_for_in_small_pieces(monkeypatch, name, asked):
    response = requests.Response()
    response.raw = raw = SlowRaw(name, 0.1, 0, 0, 0, 0, 0.5, 0)
    monkeypatch.setattr(http, "time", raw)
    # What lasts just as long as it may is in time.
    assert http._read(response, 0.6) == b"x" * 6
    assert raw.asked == asked


def test_json_holds_only_what_json_has():
    assert http._loads("[NaN, -Infinity, 1e999, 1.5, 2]") == [None, None, None, 1.5, 2]
