"""User and password in Airbyte's host: sent as the old tasks sent them, and shown to nobody."""

import base64
import json
import logging
import pickle
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional
from urllib.parse import quote

import cloudpickle
import prefect
import pytest
import requests
import responses
from prefect import Flow
from prefect.serialization.state import StateSchema
from prefect.tasks.secrets import PrefectSecret

from prefect1_rsync.legacy import (
    AirbyteClient,
    AirbyteConfigurationExport,
    AirbyteConnectionTask,
    AirbyteExportConfigurationFailed,
    AirbyteServerNotHealthyException,
)
from prefect1_rsync.sandbox import Sandbox
from prefect1_rsync.tasks.base import SyncTask
from tests.clock import VirtualClock
from tests.legacy.kit import BOTH, CONNECTION, DROP_IN, Names, job, patched
from tests.tasks.test_secrets import CANARY, PATHS, USER, Search, success

LOGIN = f"{USER}:{quote(CANARY, safe='')}"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def answer(root: str) -> None:
    """A healthy server at this address, whose jobs succeed; it exports its configuration."""
    for method, path, body in (
        ("GET", "health", {"available": True}),
        ("POST", "connections/get", {"status": "active"}),
        ("POST", "connections/sync", job("pending")),
        ("POST", "jobs/get", job("succeeded")),
    ):
        responses.add(method, f"{root}/api/v1/{path}/", json=body)
    responses.add("POST", f"{root}/api/v1/deployment/export/", body=b"gz")


# --- what is sent ---


@pytest.mark.parametrize("kind", ["AirbyteConnectionTask", "AirbyteConfigurationExport"])
@pytest.mark.parametrize(
    "login, sent",
    [
        ("airbyte:password", basic("airbyte", "password")),
        ("airbyte:p%40ss%2Fword%25", basic("airbyte", "p@ss/word%")),
        ("a%3Ab:c:d", basic("a:b", "c:d")),
        ("me:p@ss word", basic("me", "p@ss word")),
        (":password", basic("", "password")),
        ("airbyte:", basic("airbyte", "")),
        # A user alone is no login.
        ("airbyte", None),
        (":", None),
    ],
)
@pytest.mark.parametrize("name", BOTH)
@responses.activate
def test_a_login_in_the_host(
    name: str, login: str, sent: Optional[str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mocks have the login in their URLs, as whoever mocks the old tasks' requests has."""
    names: Names = BOTH[name]
    patched(monkeypatch, names)
    answer(f"http://{login}@box:8000")
    more = {"connection_id": CONNECTION} if kind == "AirbyteConnectionTask" else {}
    result = getattr(names.airbyte, kind)(airbyte_server_host=f"{login}@box", **more).run()
    assert result == b"gz" or result["job_status"] == "succeeded"
    headers = [call.request.headers.get("Authorization") for call in responses.calls]
    assert headers == [sent] * (2 if result == b"gz" else 4)


@responses.activate
def test_a_login_behind_a_scheme_before_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    patched(monkeypatch, DROP_IN)
    answer("https://me:secret@box.example.:8443/prefix")
    host = "https://me:secret@box.example.:8443/prefix/"
    result = AirbyteConnectionTask(host, connection_id=CONNECTION).run()
    assert result["job_status"] == "succeeded"
    assert responses.calls[0].request.headers["Authorization"] == basic("me", "secret")


@pytest.mark.parametrize("make", [AirbyteConnectionTask, AirbyteConfigurationExport])
@responses.activate
def test_no_netrc_is_read(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    patched(monkeypatch, DROP_IN)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine box login somebody password elses\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    answer("http://box:8000")
    more = {"connection_id": CONNECTION} if make is AirbyteConnectionTask else {}
    make(airbyte_server_host="box", **more).run()
    assert len(responses.calls) > 1
    assert not any("Authorization" in call.request.headers for call in responses.calls)


@pytest.mark.parametrize(
    "host, warned",
    [
        ("me:secret@box", True),
        ("https://me:secret@box", False),
        ("me:secret@127.0.0.1", False),
        ("box", False),
    ],
)
@responses.activate
def test_a_readable_password_is_warned_of(
    host: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    task = AirbyteConfigurationExport(host)
    with pytest.raises(AirbyteServerNotHealthyException):
        task.run()
    assert ("plain http" in caplog.text) is warned
    assert "secret" not in caplog.text


# --- what is shown ---


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    clock = VirtualClock()
    monkeypatch.setattr(SyncTask, "_clock", clock)
    return clock


@pytest.fixture
def sandbox(clock: VirtualClock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock.monotonic) as sandbox:
        sandbox.airbyte.auth = "basic"
        sandbox.airbyte.username, sandbox.airbyte.password = USER, CANARY
        yield sandbox


def host_of(sandbox: Sandbox) -> str:
    return sandbox.airbyte.base_url.replace("://", f"://{LOGIN}@")


def add_logs(search: Search, caplog: pytest.LogCaptureFixture) -> None:
    for record in caplog.records:
        search.add(f"log of {record.name}", record.getMessage())
        if record.exc_info:
            text = logging.Formatter().formatException(record.exc_info)
            search.add(f"log of {record.name}", text)


@pytest.fixture
def log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> pytest.LogCaptureFixture:
    """All that is logged, by whomever, for the time of a test."""
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "prefect", "prefect.TaskRunner", "prefect.FlowRunner"):
        caplog.set_level(logging.DEBUG, logger=name)
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
    return caplog


def trouble(sandbox: Sandbox, vendor: Any, canary: str) -> None:
    """Every look goes wrong; the Config API's looks have another name than the public API's."""
    vendor.fault("job_details", times=1000, status=503, body=f"no luck, {canary}")


@pytest.mark.parametrize("path", [*PATHS[:-1], trouble], ids=lambda path: path.__name__)
def test_no_password_is_ever_shown(
    sandbox: Sandbox, path: Callable[..., None], log: pytest.LogCaptureFixture
) -> None:
    path(sandbox, sandbox.airbyte, CANARY)
    search = Search()
    states: List[Any] = []
    task = AirbyteConnectionTask(
        connection_id=sandbox.airbyte.connection_id,
        stream_output=True,
        max_wait_seconds=600.0,
        state_handlers=[lambda task, old, new: states.append(new)],
    )
    with prefect.context(secrets={"HOST": json.dumps(host_of(sandbox))}):
        with Flow("login") as flow:
            bound = task(airbyte_server_host=PrefectSecret("HOST"))
        search.add("pickled flow", cloudpickle.dumps(flow))
        ended = flow.run().result[bound]
    for one in [*states, ended]:
        search.add("state", (repr(one), one.message, one.context))
        search.add("serialized state", json.dumps(StateSchema().dump(one)))
        search.add("pickled state", cloudpickle.dumps(one))
    search.add_error("error", ended.result)
    add_logs(search, log)
    assert ended.is_successful() is (path is success), ended.message
    assert sandbox.requests and len(search.seen) > 15
    assert search.find(CANARY, LOGIN) == []


FAULTS: Dict[str, Dict[str, Any]] = {
    "no connection": {"body": requests.ConnectionError(f"no way to http://{LOGIN}@box")},
    "refused": {"status": 401, "body": CANARY},
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("where", ["health", "deployment/export"])
@responses.activate
def test_no_export_shows_the_password(
    where: str, fault: str, log: pytest.LogCaptureFixture
) -> None:
    """An error of `requests` would hold the request, and the request the password."""
    search = Search()
    root = f"http://{LOGIN}@box:8000"
    responses.add("GET", f"{root}/api/v1/health/", json={"available": True})
    method = "GET" if where == "health" else "POST"
    responses.upsert(method, f"{root}/api/v1/{where}/", **FAULTS[fault])
    errors = (AirbyteServerNotHealthyException, AirbyteExportConfigurationFailed)
    with pytest.raises(errors) as caught:
        AirbyteConfigurationExport(f"{LOGIN}@box").run()
    search.add_error("error", caught.value)
    search.add("the error's own", pickle.dumps(vars(caught.value)))
    add_logs(search, log)
    assert search.find(CANARY, LOGIN) == []


def test_the_client_shows_no_password(log: pytest.LogCaptureFixture) -> None:
    client = AirbyteClient(logging.getLogger("client"), f"http://{LOGIN}@box:8000/api/v1")
    assert client.airbyte_base_url == "http://box:8000/api/v1"
    search = Search()
    search.add("repr", [repr(client), *map(repr, vars(client).values())])
    add_logs(search, log)
    assert search.find(CANARY, LOGIN) == []


@pytest.mark.parametrize(
    "login", [f"{CANARY}%0A:x", f"x:{CANARY}%00", f"x:{CANARY}/", f"{CANARY} "]
)
def test_a_login_that_can_not_be_is_not_quoted(login: str) -> None:
    search = Search()
    for make in (AirbyteConnectionTask, AirbyteConfigurationExport):
        task: Any = make(airbyte_server_host=f"{login}@box?")
        with pytest.raises(ValueError, match="airbyte_server_host") as caught:
            task.run(**({"connection_id": CONNECTION} if make is AirbyteConnectionTask else {}))
        search.add_error("error", caught.value)
    assert search.find(CANARY, quote(CANARY)) == []


def test_a_wrong_login_is_told(sandbox: Sandbox) -> None:
    host = host_of(sandbox).replace(USER, "nobody")
    task = AirbyteConnectionTask(host, connection_id=sandbox.airbyte.connection_id)
    with pytest.raises(AirbyteServerNotHealthyException, match=r"401.*user:password@") as caught:
        task.run()
    assert CANARY not in str(caught.value)
