"""Whatever is asked, in whichever order: the sandbox answers, and its state machines hold."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from prefect1_rsync.sandbox import Outcome, Sandbox
from tests.sandbox.kit import Clock

WORDS = st.sampled_from(["1", "sync", "true", "createdAt", "-1", "x", "1,2", "ASC", "é"])
NAMES = st.sampled_from(
    [
        "connectionId",
        "jobType",
        "id",
        "syncId",
        "syncSlug",
        "fullResync",
        "configTypes",
        "configId",
        "statuses",
        "pagination",
        "orderByField",
        "createdAtStart",
        "schedule",
        "status",
        "name",
        "limit",
        "offset",
        "page",
        "per_page",
        "orderBy",
        "runId",
        "after",
        "within",
        "workspaceIds",
        "client_id",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_request_has_an_answer(data):
    sandbox = Sandbox(clock=Clock())
    sandbox.airbyte.auth = "none"
    sandbox.airbyte.start_other_run(sandbox.airbyte.connection_id)
    vendor = data.draw(st.sampled_from([sandbox.census, sandbox.hightouch, sandbox.airbyte]))
    method, pattern, _, _ = data.draw(st.sampled_from(vendor.routes()))
    part = data.draw(st.sampled_from(["1", "1234", sandbox.airbyte.connection_id, "x"]))
    path = pattern.replace("[12]", "1").replace("(get|get_without_logs|get_light)", "get")
    path = path.replace("([^/]+)", part).replace("/?", "")
    query = data.draw(st.dictionaries(NAMES, WORDS, max_size=2))
    fields = data.draw(JSON | st.dictionaries(NAMES, JSON, max_size=3))
    if isinstance(fields, dict):
        known = {"connectionId": sandbox.airbyte.connection_id, "id": 1234, "configTypes": ["sync"]}
        fields = dict(known, **fields)
    token = {"census": sandbox.census.token, "hightouch": sandbox.hightouch.api_key}
    headers = {"Authorization": "Bearer " + token.get(vendor.name, "")}
    asked = f"/{vendor.name}{path}?" + "&".join("=".join(pair) for pair in query.items())
    answer = sandbox.respond(method, asked, headers, json.dumps(fields))
    assert answer.status in (200, 400, 403, 404, 409, 422, 500)
    assert sandbox.requests[-1].operation


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["trigger", "other", "cancel", "wind"]),
        st.integers(min_value=0, max_value=20),
    ),
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_one_run_at_a_time(steps):
    clock = Clock()
    sandbox = Sandbox(clock=clock)
    hightouch, airbyte, census = sandbox.hightouch, sandbox.airbyte, sandbox.census
    states = [vendor.state for vendor in (hightouch, airbyte, census)]
    seen = {}
    for step, number in steps:
        if step == "wind":
            clock.wind(number)
        for state in states:
            (sync,) = state.syncs.values()
            active = state.active(sync)
            if step == "trigger" and not (active and state is airbyte.state):
                state.trigger(sync)
            elif step == "other" and not active:
                state.start_other(sync, Outcome(duration=number))
            elif step == "cancel" and active:
                state.cancel(active)
            working = [run for run in state.runs if run.started and not run.finished]
            assert len(working) <= 1
            for run in state.runs:
                # What has ended stays as it is.
                ended = (run.status, run.finished_at)
                assert seen.get((state, run.id), ended) == ended
                if run.finished:
                    seen[state, run.id] = ended
