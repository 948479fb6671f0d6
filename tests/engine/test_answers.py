import datetime as dt
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prefect1_rsync.engine import answers
from tests.engine.strategies import JSON

UTC_TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (123, 123),
        (123.0, 123),
        ("123", 123),
        (" 123 ", 123),
        ("-5", -5),
        (0, 0),
        (True, None),
        (False, None),
        (None, None),
        (1.5, None),
        (float("nan"), None),
        (float("inf"), None),
        ("", None),
        ("12x", None),
        ("1.0", None),
        ("1" * 19, None),
        ([1], None),
        ({}, None),
    ],
)
def test_as_int(value, expected):
    assert answers.as_int(value) == expected


@pytest.mark.parametrize("value", [693970492, 693970492.0, "693970492"])
def test_one_id_in_three_forms_is_the_same(value):
    assert answers.as_id(value) == "693970492"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("abc", "abc"), (" abc ", "abc"), ("", None), (None, None), (True, None), ({}, None)],
)
def test_other_ids_are_text(value, expected):
    assert answers.as_id(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("reason", "reason"),
        ("  reason\n", "reason"),
        ("a\x00b", "ab"),
        ("a\ud800b", "a?b"),
        ("x" * 5000, "x" * answers.MAX_TEXT),
        (" \n", None),
        (7, None),
        (None, None),
    ],
)
def test_as_text(value, expected):
    assert answers.as_text(value) == expected


def test_as_word_is_lower_case():
    assert (answers.as_word(" Completed "), answers.as_word(None)) == ("completed", None)


def test_as_dict_and_as_list_take_nothing_else():
    assert answers.as_dict({"a": 1}) == {"a": 1}
    assert answers.as_list([1]) == [1]
    assert [answers.as_dict(value) for value in ([], None, "x", 1)] == [{}] * 4
    assert [answers.as_list(value) for value in ({}, None, "x", 1)] == [[]] * 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2021-10-20T02:51:07.546Z", "2021-10-20T02:51:07.546000Z"),
        ("2023-03-25T01:30Z", "2023-03-25T01:30:00.000000Z"),
        ("2023-03-25T01:30:50Z", "2023-03-25T01:30:50.000000Z"),
        ("2023-03-25 01:30:50", "2023-03-25T01:30:50.000000Z"),
        ("2023-03-25T01:30:50.123456789Z", "2023-03-25T01:30:50.123456Z"),
        ("2023-03-25T01:30:50,5z", "2023-03-25T01:30:50.500000Z"),
        ("2023-03-25T01:30:50+00:00", "2023-03-25T01:30:50.000000Z"),
        ("2023-03-25T01:30:50+0530", "2023-03-24T20:00:50.000000Z"),
        ("2023-03-25T01:30:50-05", "2023-03-25T06:30:50.000000Z"),
        (0, "1970-01-01T00:00:00.000000Z"),
        (1679707850.25, "2023-03-25T01:30:50.250000Z"),
        ("2023-02-30T00:00:00Z", None),
        ("2023-03-25T25:00:00Z", None),
        ("0000-01-01T00:00:00Z", None),
        ("0999-12-31T23:59:59Z", None),
        ("1000-01-01T00:00:00Z", "1000-01-01T00:00:00.000000Z"),
        (-30610224000, "1000-01-01T00:00:00.000000Z"),
        (-30610224001, None),
        ("9999-12-31T23:59:59-01:00", None),
        ("2023-03-25", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        (float("nan"), None),
        (10**40, None),
        (-6e10, None),
    ],
)
def test_as_time(value, expected):
    assert answers.as_time(value) == expected


@pytest.mark.parametrize("value", [0, "1970-01-01T00:00Z", "1970-01-01T01:00+01:00"])
def test_a_moment_has_a_zone(value):
    assert answers.parse_time(value) == dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


@given(value=JSON | st.floats() | st.datetimes().map(str))
@example(value=-6e10)
def test_a_time_is_utc_text_or_none(value):
    moment, text = answers.parse_time(value), answers.as_time(value)
    assert (moment is None) == (text is None)
    if text is not None:
        assert moment.tzinfo is dt.timezone.utc
        assert UTC_TEXT.fullmatch(text)
        assert answers.parse_time(text) == moment


@given(start=JSON, end=JSON)
def test_durations_are_never_negative(start, end):
    seconds = answers.seconds_between(start, end)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00.5+00:00", 3600.5),
        ("2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z", None),
        ("2026-01-01T00:00:00Z", "2026-01-01T01:00+01:00", 0.0),
        (None, "2026-01-01T00:00:00Z", None),
        ("2026-01-01T00:00:00Z", None, None),
    ],
)
def test_seconds_between(start, end, seconds):
    assert answers.seconds_between(start, end) == seconds


@given(value=JSON | st.floats())
def test_whatever_comes_in_a_value_of_the_right_type_or_none_comes_out(value):
    assert type(answers.as_int(value)) in (int, type(None))
    assert type(answers.as_dict(value)) is dict
    assert type(answers.as_list(value)) is list
    for text in (answers.as_id(value), answers.as_text(value), answers.as_word(value)):
        assert text is None or text.encode("utf-8")


@pytest.mark.parametrize(
    ("counts", "sum_"), [((), None), ((None, None), None), ((None, 0), 0), ((2, None, 3), 5)]
)
def test_the_total_of_nothing_known_is_unknown(counts, sum_):
    assert answers.total(*counts) == sum_


AIRBYTE_409 = {
    "status": 409,
    "type": "https://reference.airbyte.com/reference/errors#try-again-later",
    "title": "try-again-later",
    "detail": "Please try again later.",
    "data": {"message": "A sync is already running for: c0ffee"},
}
HIGHTOUCH_401 = {"message": "Authentication error", "details": "Token is invalid"}
HIGHTOUCH_422 = {
    "message": "Validation failed",
    "details": {"body.syncId": {"message": "Not match in '^[0-9]+$'", "value": "x"}},
}
MICRONAUT = {"message": "Bad Request", "_embedded": {"errors": [{"message": "id"}]}}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (AIRBYTE_409, "A sync is already running for: c0ffee"),
        (HIGHTOUCH_401, "Authentication error; Token is invalid"),
        (HIGHTOUCH_422, "Validation failed; body.syncId: Not match in '^[0-9]+$'"),
        (MICRONAUT, "Bad Request"),
        ({"status": "error", "message": "No such sync"}, "No such sync"),
        ({"status": 404}, None),
        ({"errorId": "e-1"}, "e-1"),
        ({"title": "gone", "data": {}}, "gone"),
        ({"error": "same", "message": "same"}, "same"),
        ({"message": "a", "detail": "b", "error": "c", "title": "d"}, "a; b; c; d"),
        ({"data": {"x": "bad"}}, "x: bad"),
        ({"data": [{"x": "bad"}], "message": "hidden"}, "x: bad"),
        ({"x": "bad"}, None),
        ([{"x": "bad"}], "x: bad"),
        ({"data": {"data": {"data": {"message": "deep"}}}}, "deep"),
        ({"message": {"message": {"message": {"message": "deep"}}}}, "deep"),
        ({"message": {"message": {"message": {"message": {"message": "too deep"}}}}}, None),
        ({"errors": {"a": {"b": {"c": "deep"}}}}, "a: b: c: deep"),
        ({"errors": {"a": {"b": {"c": {"d": "too deep"}}}}}, None),
        ([[[["deep"]]]], "deep"),
        ([[[[["too deep"]]]]], None),
        ([[[{"message": "deep"}]]], "deep"),
        ([[[[{"message": "too deep"}]]]], None),
        ({"errors": dict.fromkeys("abcdefg", "bad")}, "a: bad; b: bad; c: bad; d: bad; e: bad"),
        ({"errors": [{"message": "first"}, {"message": "second"}]}, "first"),
        ("Internal Server Error", "Internal Server Error"),
        ([], None),
        (None, None),
        (7, None),
        ({"data": {"data": {"data": {"data": {"message": "too deep"}}}}}, None),
    ],
)
def test_reason_in(answer, reason):
    assert answers.reason_in(answer) == reason


@given(answer=JSON)
@example(answer={"details": {"\ud800": "bad"}})
@example(answer={"details": {"a\x00b": "bad"}})
def test_a_reason_can_be_printed_logged_and_stored(answer):
    reason = answers.reason_in(answer)
    if reason is not None:
        assert reason
        assert len(reason) <= answers.MAX_TEXT
        assert "\x00" not in reason
        reason.encode("utf-8")
