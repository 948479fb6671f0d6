import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from prefect1_rsync.engine.urls import parse_base_url, require_encryption

GOOD = [
    ("https://app.getcensus.com", "https://app.getcensus.com"),
    ("https://app.getcensus.com/", "https://app.getcensus.com"),
    ("https://App.GetCensus.COM:443//", "https://app.getcensus.com"),
    ("http://127.0.0.1:80", "http://127.0.0.1"),
    ("https://host.example:8443/a/b.c/", "https://host.example:8443/a/b.c"),
    ("http://localhost:8000/api/public/v1", "http://localhost:8000/api/public/v1"),
    ("https://[::1]:8443", "https://[::1]:8443"),
    ("https://host.example:65535", "https://host.example:65535"),
]
BAD = [
    "",
    " ",
    None,
    7,
    b"https://host.example",
    "host.example",
    "ftp://host.example",
    "https://",
    "https:///path",
    "https://user@host.example",
    "https://user:sesame@host.example",
    "https://host.example?token=sesame",
    "https://host.example#sesame",
    "https://host.example\\@evil.example",
    "https://host.example\n",
    " https://host.example",
    "https://host.example/a b",
    "https://host.example/a%2fb",
    "https://host.example/../b",
    "https://host.example/./b",
    "https://host.example//b",
    "https://host.example:65536",
    "https://host.example:",
    "https://host.example:٤٤٣",
    "https://.host.example",
    "https://host.example.",
    "https://hоst.example",  # noqa: RUF001 - a Cyrillic letter, on purpose
    "https://host。example",
    "https://[::::]",
    "https://[1.2.3.4]",
    "https://host.example:0",
]


def connects_to(url):
    """The host that requests would connect to; None if it refuses."""
    try:
        prepared = requests.Request("POST", url).prepare()
    except (requests.RequestException, ValueError):
        return None
    return (parse_url(prepared.url).host or "").lower()


@pytest.mark.parametrize(("text", "parsed"), GOOD)
def test_good_base_urls(text, parsed):
    base = parse_base_url(text, "base_url")
    assert str(base) == parsed
    assert parse_base_url(str(base), "base_url") == base
    assert connects_to(str(base) + "/api") == base.host


@pytest.mark.parametrize("text", BAD)
def test_everything_else_is_refused_without_quoting_it(text):
    with pytest.raises(ValueError, match=r"^base_url: ") as caught:
        parse_base_url(text, "base_url")
    assert str(caught.value) == (
        "base_url: give a plain URL such as https://host.example or "
        "https://host.example:8443/prefix (scheme, host, port and path only; no user, no "
        "password, no query)"
    )


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("http://localhost", True),
        ("http://LOCALHOST:1", True),
        ("http://127.0.0.1", True),
        ("http://127.255.0.9", True),
        ("http://[::1]", True),
        ("http://10.0.0.1", False),
        ("http://[::2]", False),
        ("http://localhost.example", False),
        ("http://127.0.0.1.example", False),
        ("http://0177.0.0.1", False),
        ("http://2130706433", False),
    ],
)
def test_plain_http_is_for_loopback_alone(text, loopback):
    base = parse_base_url(text, "base_url")
    assert base.is_loopback is loopback
    if loopback:
        require_encryption(base, "base_url")
    else:
        with pytest.raises(ValueError, match=r"^base_url: plain http") as caught:
            require_encryption(base, "base_url")
        assert str(caught.value) == (
            "base_url: plain http would send the credential readable to everyone on the way; "
            "use https (http is accepted on loopback only)"
        )
    require_encryption(base._replace(scheme="https"), "base_url")


TEXT = (
    "https:// http:// // / \\ @ : ? # %2f %40 . .. - _ a 0 443 [ ] [::1] HOST localhost "
    "127.0.0.1 host.example evil.example user:sesame@ xn-- \u0664 \u3002 \ufb00 \u212a \t \n \x00"
)
PIECES = st.sampled_from([*TEXT.split(" "), " "])


@given(text=st.lists(PIECES, max_size=9).map("".join) | st.text())
@example(text="https://[::::]")
@example(text="https://h:0")
def test_what_is_accepted_is_where_requests_goes(text):
    for candidate in (text, "https://" + text, "https://host.example" + text):
        try:
            base = parse_base_url(candidate, "base_url")
        except ValueError as exc:
            assert "sesame" not in str(exc)
        else:
            assert str(base).isascii()
            assert "@" not in str(base)
            url = str(base) + "/api/v1/syncs/1/trigger"
            assert connects_to(url) == base.host
            assert (parse_url(url).port, parse_url(url).scheme) == (base.port, base.scheme)
