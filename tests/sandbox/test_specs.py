"""The check against the vendors' documents finds what it should."""

import json

import pytest

from prefect1_rsync.sandbox import Sandbox
from tests.specs import check_answer, check_request, needs_specs

pytestmark = needs_specs
JSON = {"Content-Type": "application/json"}


def recorded(method, path, fields=None, headers=JSON):
    sandbox = Sandbox()
    sandbox.respond(method, path, headers, b"" if fields is None else json.dumps(fields))
    return sandbox.requests[0]


def test_answers():
    lists = ("GET", "/hightouch/api/v1/syncs")
    assert check_answer(lists, 200, {"data": [], "hasMore": False})
    assert not check_answer(lists, 429, {})
    assert not check_answer(("GET", "/census/api/v1/syncs"), 200, {})
    for status, answer in ((200, {"data": []}), (200, {"data": [{}], "hasMore": False}), (201, {})):
        with pytest.raises(AssertionError):
            check_answer(lists, status, answer)


@pytest.mark.parametrize(
    "request_, complaint",
    [
        (("GET", "/hightouch/api/v1/syncs?page=1"), "unknown parameters"),
        (("GET", "/hightouch/api/v1/syncs?limit=many"), "limit"),
        (("GET", "/hightouch/api/v1/syncs/one"), "path"),
        (("GET", "/hightouch/api/v1/syncs", {}), "a body where none is due"),
        (("GET", "/hightouch/api/v1/runs"), "in no document"),
        (("POST", "/hightouch/api/v1/syncs/trigger"), "no body"),
        (("POST", "/hightouch/api/v1/syncs/trigger", {"syncId": 1}), "body"),
        (("POST", "/hightouch/api/v1/syncs/1/trigger", {"fullSync": True}), "unknown fields"),
        (("POST", "/hightouch/api/v1/syncs/1/trigger", {}, {}), "a body of no type"),
        (("POST", "/airbyte/api/public/v1/jobs", {"connectionId": "x"}), "jobType"),
        (("POST", "/airbyte/api/v1/jobs/list", {}), "configTypes"),
        (("GET", "/airbyte/api/public/v1/jobs?limit=1000"), "limit"),
    ],
)
def test_requests(request_, complaint):
    with pytest.raises(AssertionError, match=complaint):
        check_request(recorded(*request_))


def test_good_requests():
    assert check_request(
        recorded("POST", "/hightouch/api/v1/syncs/1/trigger", {"fullResync": True})
    )
    assert check_request(recorded("POST", "/airbyte/api/v1/jobs/get_without_logs/", {"id": 1}))
    assert not check_request(recorded("GET", "/census/api/v1/anything"))
