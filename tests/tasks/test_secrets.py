"""A canary in every credential, every way that a sync can go, and then a search for the canary."""

import base64
import datetime as dt
import json
import logging
import pickle
import traceback
import uuid
from typing import Any, Callable, Dict, Iterator, List, Tuple
from urllib.parse import quote

import cloudpickle
import prefect
import pytest
from prefect import Flow
from prefect.serialization.state import StateSchema

from prefect1_rsync import AirbyteSyncTask, CensusSyncTask, HightouchSyncTask
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.tasks.base import SyncTask
from tests.clock import VirtualClock

# With characters that URLs and JSON write in another way.
CANARY = "c4n4ry+3/14=15&92%65"
URL_CANARY = "c4n4ry-3.14~15_9265"
USER = "canary-user"


class Search:
    """Collects all that anybody could read, and searches it."""

    def __init__(self) -> None:
        self.seen: List[Tuple[str, bytes]] = []

    def add(self, what: str, thing: Any) -> None:
        data = thing if isinstance(thing, bytes) else str(thing).encode("utf-8", "replace")
        self.seen.append((what, data))

    def add_error(self, what: str, error: Any) -> None:
        if not isinstance(error, BaseException):
            return
        self.add(what, str(error))
        self.add(what, repr(error))
        self.add(what, pickle.dumps(error))
        self.add(what, "".join(traceback.format_exception(type(error), error, error.__traceback__)))
        for attribute in (error.__cause__, error.__context__):
            self.add_error(what, attribute)

    def find(self, *secrets: str) -> List[str]:
        forms = set()
        for secret in secrets:
            forms |= {
                secret,
                quote(secret, safe=""),
                json.dumps(secret)[1:-1],
                base64.b64encode(secret.encode()).decode(),
                base64.b64encode(f"{USER}:{secret}".encode()).decode(),
                base64.b64encode(f"bearer:{secret}".encode()).decode(),
            }
        return [what for what, data in self.seen for form in forms if form.encode("utf-8") in data]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    clock = VirtualClock()
    monkeypatch.setattr(SyncTask, "_clock", clock)
    return clock


@pytest.fixture
def sandbox(clock: VirtualClock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock.monotonic) as sandbox:
        sandbox.census.token = f"secret-token:{URL_CANARY}"
        sandbox.hightouch.api_key = CANARY
        sandbox.airbyte.client_secret = CANARY
        sandbox.airbyte.bearer_token = CANARY
        sandbox.airbyte.username, sandbox.airbyte.password = USER, CANARY
        yield sandbox


def census(sandbox: Sandbox) -> Tuple[Any, Dict[str, Any], str]:
    url = sandbox.census.api_trigger(1)
    return CensusSyncTask, {"api_trigger": url, "base_url": sandbox.census.base_url}, "api_trigger"


def census_token(sandbox: Sandbox) -> Tuple[Any, Dict[str, Any], str]:
    given = {"sync_id": 1, "api_token": sandbox.census.token, "base_url": sandbox.census.base_url}
    return CensusSyncTask, given, "api_token"


def hightouch(sandbox: Sandbox) -> Tuple[Any, Dict[str, Any], str]:
    given = {"sync_id": 1, "api_key": CANARY, "base_url": sandbox.hightouch.base_url}
    return HightouchSyncTask, given, "api_key"


def airbyte(sandbox: Sandbox, **credentials: str) -> Dict[str, Any]:
    return {
        "connection_id": sandbox.airbyte.connection_id,
        "api_url": sandbox.airbyte.api_url,
        **credentials,
    }


def airbyte_client(sandbox: Sandbox) -> Tuple[Any, Dict[str, Any], str]:
    given = airbyte(sandbox, client_id=sandbox.airbyte.client_id, client_secret=CANARY)
    return AirbyteSyncTask, given, "client_secret"


def airbyte_bearer(sandbox: Sandbox) -> Tuple[Any, Dict[str, Any], str]:
    return AirbyteSyncTask, airbyte(sandbox, bearer_token=CANARY), "bearer_token"


def airbyte_basic(sandbox: Sandbox) -> Tuple[Any, Dict[str, Any], str]:
    sandbox.airbyte.auth = "basic"
    return AirbyteSyncTask, airbyte(sandbox, username=USER, password=CANARY), "password"


KINDS = (census, census_token, hightouch, airbyte_client, airbyte_bearer, airbyte_basic)


def success(sandbox: Sandbox, vendor: Any, canary: str) -> None:
    """The vendor repeats the credential in its answer."""
    vendor.script(_sync(sandbox, vendor), overrides={"note": f"Bearer {canary}", canary: [canary]})


def failure(sandbox: Sandbox, vendor: Any, canary: str) -> None:
    ends = "failed"
    vendor.script(_sync(sandbox, vendor), ends=ends, error_message=f"login {canary} was refused")


def error_with(status: int) -> Callable[..., None]:
    def script(sandbox: Sandbox, vendor: Any, canary: str) -> None:
        vendor.fault(
            "*",
            times=1000,
            status=status,
            body=json.dumps({"message": f"bad token {canary}", "authorization": canary}),
        )

    script.__name__ = f"error_{status}"
    return script


def dropped(sandbox: Sandbox, vendor: Any, canary: str) -> None:
    vendor.fault("*", times=1000, drop="before")


def html(sandbox: Sandbox, vendor: Any, canary: str) -> None:
    vendor.fault("*", times=1000, status=200, body=f"<p>{canary}</p>", content_type="text/html")


def timeout(sandbox: Sandbox, vendor: Any, canary: str) -> None:
    vendor.script(_sync(sandbox, vendor), duration=1e6)


def trouble(sandbox: Sandbox, vendor: Any, canary: str) -> None:
    """Every look goes wrong, with the credential in the answer's text."""
    look = "runs" if vendor is sandbox.hightouch else "run"
    vendor.fault(look, times=1000, status=503, body=f"no luck, {canary}")


PATHS = (success, failure, error_with(401), error_with(500), dropped, html, timeout, trouble)


def _sync(sandbox: Sandbox, vendor: Any) -> Any:
    return sandbox.airbyte.connection_id if vendor is sandbox.airbyte else 1


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_secret_is_ever_shown(
    sandbox: Sandbox,
    kind: Callable[..., Any],
    path: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    make, given, secret_argument = kind(sandbox)
    vendor = getattr(sandbox, kind.__name__.split("_")[0])
    canary = URL_CANARY if vendor is sandbox.census else CANARY
    secret = given.pop(secret_argument)
    path(sandbox, vendor, canary)
    search = Search()
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    for level_logger in ("prefect", "prefect.TaskRunner", "prefect.FlowRunner"):
        logging.getLogger(level_logger).propagate = True
    with prefect.context(secrets={"CANARY_NAME": json.dumps(secret)}):
        states: List[Any] = []
        task = make(
            **given,
            **{secret_argument + "_secret": "CANARY_NAME"},
            max_wait_seconds=600.0,
            # A retry carries what the attempt before it knew in the context of its state.
            max_retries=1,
            retry_delay=dt.timedelta(seconds=0),
            state_handlers=[lambda task, old, new: states.append(new)],
        )
        with Flow("canary") as flow:
            bound = task()
        # The canary is in the context alone, which Prefect ships to its workers itself.
        search.add("pickled flow", cloudpickle.dumps(flow))
        search.add("serialized flow", json.dumps(flow.serialize()))
        search.add("repr of the task", (repr(task), str(task.__dict__)))
        client, request = task._plan(task._merged({}), resolve=True)
        search.add("repr of the client", (repr(client), str(request), repr(client._http)))
        search.add("repr of its parts", {k: repr(v) for k, v in vars(client._http).items()})
        state = flow.run()
        ended = state.result[bound]
        for one in states:
            search.add("state on the way", (repr(one), one.message, one.context))
            search.add("state on the way", json.dumps(StateSchema().dump(one)))
        search.add("state", (repr(state), state.message, repr(ended), ended.message))
        search.add("pickled state", cloudpickle.dumps(ended))
        search.add("serialized state", json.dumps(StateSchema().dump(ended)))
        search.add("result", json.dumps(ended.result, default=repr))
        search.add_error("error in the state", ended.result)
        try:
            search.add("stats", json.dumps(task.run()))
        except Exception as error:
            search.add_error("error", error)
    out, err = capfd.readouterr()
    search.add("stdout", out)
    search.add("stderr", err)
    for record in caplog.records:
        search.add(f"log of {record.name}", record.getMessage())
        search.add(f"log of {record.name}", pickle.dumps(record.__dict__.get("exc_text") or ""))
        if record.exc_info:
            search.add(
                f"log of {record.name}", logging.Formatter().formatException(record.exc_info)
            )
    assert len(search.seen) > 20
    assert any(record.name.startswith("urllib3") for record in caplog.records)
    assert ended.is_successful() is (path is success)
    assert sandbox.requests, "nothing was sent"
    assert search.find(canary, secret) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_bad_argument_shows_no_secret(sandbox: Sandbox, kind: Callable[..., Any]) -> None:
    make, given, secret_argument = kind(sandbox)
    bad_values = [given[secret_argument] + bad for bad in ("\n", " x", "\u00e9", "\x00", "@", "?")]
    refused = 0
    for value in bad_values:
        search = Search()
        try:
            task: SyncTask = make(**{**given, secret_argument: value})
            search.add("repr", repr(task))
        except ValueError as error:
            refused += 1
            search.add_error("error", error)
        assert search.find(URL_CANARY, CANARY, value) == []
    assert refused >= 2


def test_a_password_in_another_encoding_is_not_shown(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a byte that is not UTF-8, `os.environ` makes what can't be encoded again."""
    monkeypatch.setenv("AIRBYTE_USERNAME", USER)
    monkeypatch.setenv("AIRBYTE_PASSWORD", f"{URL_CANARY}\udcfc")
    task = AirbyteSyncTask(str(uuid.uuid4()), api_url=sandbox.airbyte.api_url)
    with Flow("latin") as flow:
        task()
    state = flow.run()
    search = Search()
    for ended in (state, *state.result.values()):
        search.add("message", ended.message)
        search.add_error("result", ended.result)
    assert "password: must be a text in UTF-8" in str(next(iter(state.result.values())).message)
    assert search.find(URL_CANARY) == []


def test_the_search_finds_what_is_there() -> None:
    """The other tests would also pass with a search that finds nothing."""
    for form in (CANARY, quote(CANARY, safe=""), base64.b64encode(CANARY.encode()).decode()):
        search = Search()
        search.add("here", f"before {form} behind")
        assert search.find(CANARY) == ["here"]
