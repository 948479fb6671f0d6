import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect1_rsync.engine.redact import MASK, MAX_DEPTH, Redactor
from tests.engine.strategies import JSON

SECRET = "secret-token:aB3/+=&x y"


def encoded(text):
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        "aB3/+=&x y",
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        encoded(SECRET),
        encoded("aB3/+=&x y"),
        encoded(quote(SECRET, safe="")),
    ],
)
def test_a_secret_is_taken_out_in_every_form(form):
    redactor = Redactor([SECRET])
    assert redactor.text(f"before {form} after") in (
        f"before {MASK} after",
        f"before secret-token:{MASK} after",
    )
    assert redactor.value({"a": [{form: form}]}) == {"a": [{MASK: MASK}]}


@pytest.mark.parametrize(
    ("secret", "form"), [("abc", "abc"), ("p:abc:def", "abc:def"), ("aaa:zzz", "aaa:zzz")]
)
def test_of_a_secret_nothing_is_left(secret, form):
    assert Redactor([secret]).text(form) == MASK


def test_a_password_is_taken_out_as_http_basic_sends_it():
    redactor = Redactor()
    redactor.add_basic("airbyte", "pass word")
    assert redactor.text("Basic " + encoded("airbyte:pass word")) == f"Basic {MASK}"
    assert redactor.text("it was pass%20word") == f"it was {MASK}"
    assert redactor.text("user airbyte") == "user airbyte"


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "access_token",
        "accessToken",
        "Authorization",
        "X-Api-Key",
        "apiKey",
        "client_secret",
        "clientSecret",
        "password",
        "credentials",
    ],
)
@pytest.mark.parametrize("value", ["x", 7, ["x"], {"y": "x"}, False])
def test_values_of_secret_keys_are_masked_whoever_made_them_up(key, value):
    assert Redactor().value([{key: value}]) == [{key: MASK}]


@pytest.mark.parametrize("key", ["tokens_used", "status", "secretary", "next_page"])
def test_other_keys_keep_their_values(key):
    assert Redactor().value({key: "x", "token": None}) == {key: "x", "token": None}


@pytest.mark.parametrize("secret", [None, "", "ab"])
def test_what_is_too_short_is_no_secret(secret):
    assert Redactor([secret]).text("ab and more") == "ab and more"


def test_what_is_nested_too_deeply_is_cut():
    deep = "leaf"
    for _ in range(MAX_DEPTH * 2):
        deep = [deep]
    text = json.dumps(Redactor().value(deep))
    assert text == "[" * MAX_DEPTH + '"(cut: nested too deeply)"' + "]" * MAX_DEPTH
    deep = {"a": deep}
    assert json.dumps(Redactor().value(deep)).count("[") == MAX_DEPTH - 1
    deep = "leaf"
    for _ in range(MAX_DEPTH):
        deep = {"a": deep}
    assert Redactor().value(deep) == deep


def test_the_repr_shows_no_secret():
    assert repr(Redactor([SECRET])) == "Redactor(8 forms)"


@given(value=JSON)
def test_without_secrets_and_secret_keys_a_value_is_kept(value):
    assert Redactor(["never in there"]).value(value) == value


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
    value=JSON,
)
def test_a_secret_never_gets_through(secret, value):
    redactor = Redactor([secret])
    for form in (secret, quote(secret, safe=""), encoded(secret)):
        nested = {form: [value, form], "text": f"a {form} b{form}"}
        assert form not in json.dumps(redactor.value(nested), ensure_ascii=False)
