"""The pages against the code: links, arguments, statuses, stats, errors, secrets, bounds."""

import ast
import dataclasses
import inspect
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Dict, List, Set, Type

import cloudpickle
import pytest
import requests
import responses
from prefect import Flow, Parameter, Task
from prefect.engine.signals import FAIL
from prefect.tasks.airbyte import AirbyteConnectionTask
from prefect.tasks.census import CensusSyncTask as PrefectCensus
from prefect.tasks.hightouch import HightouchRunSync
from prefect.tasks.secrets import PrefectSecret

import prefect1_rsync
from prefect1_rsync import AirbyteSyncTask, CensusSyncTask, HightouchSyncTask, SyncApiError
from prefect1_rsync.engine import http, pacing, watch
from prefect1_rsync.engine.model import RunReport, SyncRequest, stats_of
from prefect1_rsync.sandbox import Fault, Outcome, Sandbox
from prefect1_rsync.tasks.base import COMMON, SyncTask
from prefect1_rsync.vendors import airbyte, census, hightouch
from tests.clock import VirtualClock
from tests.docs.pages import PAGES, ROOT, anchors_of, links_of, prose_of, table, tables_of

DOCS = ROOT / "docs"
INDEX, WAITING, SECRETS = (DOCS / f"{name}.md" for name in ("index", "waiting", "secrets"))
TASKS: Dict[str, Type[SyncTask]] = {
    "census": CensusSyncTask,
    "hightouch": HightouchSyncTask,
    "airbyte": AirbyteSyncTask,
}
every_vendor = pytest.mark.parametrize("vendor", TASKS)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def bare(cell: str) -> str:
    """A cell without the marks of code."""
    return cell.strip("`")


def every_text() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


# --- links ---


@every_page
def test_links_between_the_pages_lead_somewhere(page: Path) -> None:
    for link in links_of(page):
        if re.match("https?:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target in PAGES, link
        assert not anchor or anchor in anchors_of(target), link


def test_the_readme_and_the_index_lead_to_every_page() -> None:
    for start in (ROOT / "README.md", INDEX):
        found = {(start.parent / link.partition("#")[0]).resolve() for link in links_of(start)}
        assert found | {start} >= set(PAGES) - {ROOT / "README.md"}


@every_page
def test_every_page_but_the_first_leads_back(page: Path) -> None:
    if page.parent == DOCS and page != INDEX:
        assert "index.md" in links_of(page)


# --- arguments ---


@every_vendor
def test_every_argument_is_in_its_page_with_its_default(vendor: str) -> None:
    signature = inspect.signature(TASKS[vendor]).parameters
    expected = {
        name: parameter.default for name, parameter in signature.items() if name != "kwargs"
    }
    rows = table(DOCS / f"{vendor}.md", "argument", "default", "meaning")
    assert {bare(name): ast.literal_eval(bare(value)) for name, value, _ in rows} == expected
    assert [bare(row[0]) for row in rows] == list(expected)


@every_vendor
def test_the_default_waits(vendor: str) -> None:
    waits = {bare(name): ast.literal_eval(value.partition(":")[0].strip("`"))
             for name, value in table(WAITING, "task", "default")}  # fmt: skip
    kind = TASKS[vendor]
    assert waits[kind.__name__] == kind().max_wait_seconds
    assert len(waits) == len(TASKS)


@pytest.mark.parametrize("kind, call", [(Outcome, "duration"), (Fault, "times")])
def test_every_field_of_the_sandboxs_scripts_is_in_its_page(kind: Any, call: str) -> None:
    (rows,) = [
        rows[1:]
        for rows in tables_of(DOCS / "sandbox.md")
        if rows[0] == ["argument", "default", "meaning"] and bare(rows[1][0]) == call
    ]
    defaults = {
        field.name: field.default for field in dataclasses.fields(kind) if field.name != "operation"
    }
    assert {bare(name): ast.literal_eval(bare(value)) for name, value, _ in rows} == defaults


def test_the_environment_variables_are_those_of_the_code() -> None:
    names = re.compile(r"\b(?:CENSUS|HIGHTOUCH|AIRBYTE)_[A-Z_]+\b")
    in_code: Set[str] = set()
    for path in ROOT.glob("prefect1_rsync/tasks/*.py"):
        in_code |= set(names.findall(path.read_text(encoding="utf-8")))
    in_code.discard("AIRBYTE_")
    in_pages = {
        name for vendor in TASKS for name in names.findall(prose_of(DOCS / f"{vendor}.md"))
    } - {"CENSUS_TRIGGER_URL"}
    assert in_pages == in_code


# --- words, stats, errors ---


@pytest.mark.parametrize(
    "vendor, known",
    [
        ("census", census._STATUSES),
        ("hightouch", hightouch._STATUSES),
        ("airbyte", airbyte._STATUSES),
    ],
)
def test_every_status_is_in_its_page(vendor: str, known: Dict[str, str]) -> None:
    rows = table(DOCS / f"{vendor}.md", f"{vendor.capitalize()} says", "stats say", "what happens")
    assert {bare(word): bare(status) for word, status, _ in rows} == known


@every_vendor
def test_what_becomes_of_a_status_is_true(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(DOCS / f"{vendor}.md", f"{vendor.capitalize()} says", "stats say", "what happens")
    clock = VirtualClock()
    monkeypatch.setattr(SyncTask, "_clock", clock)
    for word, status, happens in rows:
        with Sandbox(clock=clock.monotonic) as sandbox:
            task = task_for(sandbox, vendor)
            sync = sandbox.airbyte.connection_id if vendor == "airbyte" else 1
            getattr(sandbox, vendor).script(sync, ends=bare(word))
            error: Any = None
            try:
                stats = task.run(max_wait_seconds=300)
            except prefect1_rsync.SyncError as exc:
                error, stats = exc, exc.stats or {}
        assert stats["status"] == bare(status), word
        expected = {"completed": "NoneType", "working": "SyncRunTimedOut"}.get(bare(status))
        if expected is None:
            (expected,) = re.findall(r"`(SyncRun\w+)`", happens)
        assert type(error).__name__ == expected, word


def task_for(sandbox: Sandbox, vendor: str) -> SyncTask:
    if vendor == "census":
        token = sandbox.census.personal_access_token
        return CensusSyncTask(sync_id=1, api_token=token, base_url=sandbox.census.base_url)
    if vendor == "hightouch":
        return HightouchSyncTask(
            sync_id=1, api_key=sandbox.hightouch.api_key, base_url=sandbox.hightouch.base_url
        )
    return AirbyteSyncTask(
        sandbox.airbyte.connection_id,
        bearer_token=sandbox.airbyte.bearer_token,
        api_url=sandbox.airbyte.api_url,
    )


def test_every_key_of_the_stats_is_in_the_page_with_its_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = table(WAITING, "key", "type", "meaning")
    types = {bare(name): kind.split(" or ") for name, kind, _ in rows}
    empty = stats_of("census", SyncRequest(""), None, RunReport("failed"))
    assert list(types) == list(empty)
    clock = VirtualClock()
    monkeypatch.setattr(SyncTask, "_clock", clock)
    seen: Dict[str, Set[str]] = {name: set() for name in types}
    with Sandbox(clock=clock.monotonic) as sandbox:
        all_stats = [empty, *(task_for(sandbox, vendor).run() for vendor in TASKS)]
        sandbox.hightouch.script(1, ends="failed", error_message="why")
        all_stats.append(task_for(sandbox, "hightouch").run(raise_on_failure=False))
    for stats in all_stats:
        for name, value in stats.items():
            seen[name].add("None" if value is None else type(value).__name__)
    # Each type that is said was seen, and no other.
    assert {name: set(kinds) for name, kinds in types.items()} == seen


def test_every_error_is_in_the_page_with_whether_prefect_retries_it() -> None:
    rows = table(WAITING, "error", "when", "Prefect retries")
    names = [name for name in prefect1_rsync.__all__ if name.startswith("Sync")]
    assert sorted(bare(row[0]) for row in rows) == sorted(names)
    for name, _, retried in rows:
        kind = getattr(prefect1_rsync, bare(name))
        if kind is SyncApiError:
            assert retried == "if `.transient`"
            assert [kind("", transient=yes).retryable for yes in (True, False)] == [True, False]
        elif retried:
            assert kind("").retryable is (retried == "yes"), name


AGAIN, NEVER = "asked again", "the task fails at once"
TROUBLE: Dict[str, List[Dict[str, Any]]] = {
    "no connection, no answer in time, a connection that breaks": [
        {"drop": "before"},
        {"drop": "middle"},
    ],
    "408, 425, 429, 5xx": [{"status": status} for status in (408, 425, 429, 500, 504)],
    "an answer that makes no sense": [{"malformed": how} for how in ("truncated", "wrong_type")],
    "a web page as the answer": [{"malformed": "html"}],
    "401, 403, 404, 410, any other 4xx, a redirect": [
        *({"status": status} for status in (401, 403, 404, 410, 418)),
        {"redirect": "https://elsewhere.example/"},
    ],
}


def test_what_trouble_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(WAITING, "what happens", "before the run is started", "while it is watched")
    assert [row[0] for row in rows] == list(TROUBLE)
    clock = VirtualClock()
    monkeypatch.setattr(SyncTask, "_clock", clock)
    for what, before, during in rows:
        for fault in TROUBLE[what]:
            for operation, promised in (("connection", before), ("run", during)):
                with Sandbox(clock=clock.monotonic) as sandbox:
                    sandbox.airbyte.fault(operation, times=2, **fault)
                    try:
                        survived = task_for(sandbox, "airbyte").run()["status"] == "completed"
                    except SyncApiError:
                        survived = False
                assert (AGAIN in promised.partition(";")[0]) is survived, (what, fault, operation)
                assert (NEVER in promised.partition(";")[0]) is not survived


def test_every_exported_name_is_in_the_index() -> None:
    text = INDEX.read_text(encoding="utf-8") + WAITING.read_text(encoding="utf-8")
    for name in prefect1_rsync.__all__:
        assert f"`{name}`" in text, name


def test_the_common_arguments_are_in_the_page_on_waiting() -> None:
    text = WAITING.read_text(encoding="utf-8")
    assert [name for name in COMMON if name not in text] == []


# --- numbers ---


def test_the_numbers_are_those_of_the_code() -> None:
    text = " ".join(prose_of(WAITING).split())
    rows = table(WAITING, "age of the run", "pause between two looks")
    ages = {"up to 50 s": 50, "5 minutes": 300, "10 minutes and more": 600}
    assert {age: f"{pacing.pause_after(ages[age]):.0f} s" for age, _ in rows} == dict(rows)
    looks, age = 0, 0.0
    while age < 3600:
        age += pacing.pause_after(age)
        looks += 1
    assert looks < 90 and "fewer than 90 looks" in text
    patience = re.findall(r"asked again for (\d+) s", text)
    assert {float(seconds) for seconds in patience} == {watch.PREPARE_PATIENCE_SECONDS}
    assert watch.TROUBLE_PATIENCE_SECONDS == http.MAX_RETRY_AFTER_SECONDS == 3600
    assert watch.CANCEL_PATIENCE_SECONDS == 60 and "up to a minute" in text
    assert f"{http.CONNECT_SECONDS:.0f} s to connect, {http.READ_SECONDS:.0f} s for" in text
    assert f"Census and Hightouch {census.TRIGGER_READ_SECONDS:.0f} s" in text
    assert census.TRIGGER_READ_SECONDS == hightouch.TRIGGER_READ_SECONDS
    assert f"Airbyte {airbyte.TRIGGER_READ_SECONDS:.0f} s" in text
    assert f"{http.MAX_BYTES // 1024**2} MiB" in text
    assert f"waited for {watch.UNLISTED_PATIENCE_SECONDS:.0f} seconds" in prose_of(
        DOCS / "hightouch.md"
    )
    assert census.V1_RETIREMENT in prose_of(DOCS / "census.md")
    for page in ("census.md", "airbyte.md"):
        assert f"up to {watch.MAX_BLOCKED} times" in prose_of(DOCS / page)
    assert watch.MAX_PHANTOMS == 5 and "five times in a row" in prose_of(DOCS / "census.md")
    for default in (census.US, census.EU, hightouch.BASE_URL, airbyte.CLOUD_API):
        assert f"`{default}`" in every_text()


def test_the_bounds_are_those_of_setup() -> None:
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    rows = table(DOCS / "pythons.md", "bound", "without it")
    bounded = re.findall(r"^    ['\"]([a-z_]+(?:[<=]|>=[\d.]+,<).+)['\"],", setup, flags=re.M)
    assert [bare(row[0]) for row in rows] == bounded


def test_the_changelog_knows_the_version() -> None:
    assert f"## {prefect1_rsync.__version__}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# --- secrets ---

CANARY = "canary-3141592653"


def by_parameter(flow: Flow) -> None:
    HightouchSyncTask(1)(api_key=Parameter("key", default=CANARY))


WAYS: Dict[str, Callable[[Flow], Any]] = {
    "literal in the constructor": lambda flow: HightouchSyncTask(1, api_key=CANARY)(),
    "literal at the call in the flow": lambda flow: HightouchSyncTask(1)(api_key=CANARY),
    "`Parameter(default=...)`": by_parameter,
    '`PrefectSecret("NAME")`': lambda flow: HightouchSyncTask(1)(api_key=PrefectSecret("NAME")),
    'by name, `api_key_secret="NAME"`': lambda flow: HightouchSyncTask(1, api_key_secret="NAME")(),
    "environment variable of the task": lambda flow: HightouchSyncTask(1)(),
}


def test_where_a_secret_ends_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", CANARY)
    monkeypatch.setenv("HIGHTOUCH_API_KEY", CANARY)
    seen: List[List[str]] = []
    for way, make in WAYS.items():
        with Flow("secret") as flow:
            make(flow)
        leaks = [CANARY in repr(cloudpickle.dumps(flow)), CANARY in repr(flow.serialize())]
        seen.append([way, *("**yes**" if leak else "no" for leak in leaks)])
    assert seen == table(
        SECRETS,
        "how the credential is given",
        "in the pickled flow",
        "in what the API is sent",
    )


def test_every_by_name_form_is_in_the_page() -> None:
    pairs = {(bare(a), bare(b)) for a, b in table(SECRETS, "argument", "by name")}
    forms = {
        (name, name + "_secret")
        for kind in TASKS.values()
        for name in kind._own
        if name + "_secret" in kind._own
    }
    assert pairs == forms


# --- what the README says of Prefect's own tasks ---

URL = "https://bearer:secret-token:canary@app.getcensus.com/api/v1/syncs/52/trigger"


class ForEver(Exception):
    """It sleeps and sleeps."""


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    sleeps: List[float] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) > 50:
            raise ForEver

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("prefect.tasks.airbyte.airbyte.sleep", sleep)


def waited_without_timeout() -> bool:
    return all(call.request.req_kwargs["timeout"] is None for call in responses.calls)


@pytest.mark.usefixtures("impatience")
@responses.activate
def test_prefects_census_task() -> None:
    task = PrefectCensus(api_trigger=URL)
    with pytest.raises(TypeError, match="api_trigger"):
        task.bind(flow=Flow("unusable"))
    run = "https://bearer:secret-token:canary@app.getcensus.com/api/v1/sync_runs/94"
    responses.add("POST", URL, json={"data": {"sync_run_id": 94}})
    for word in ("failed", "skipped", "cancelled"):
        responses.upsert("GET", run, json={"data": {"status": word}})
        assert task.run(api_trigger=URL)["status"] == word
    assert waited_without_timeout()
    responses.upsert("GET", run, status=502)
    with pytest.raises(ValueError):
        task.run(api_trigger=URL)
    responses.upsert("POST", URL, status=500)
    with pytest.raises(requests.HTTPError, match="canary"):
        task.run(api_trigger=URL)


@pytest.mark.usefixtures("impatience")
@responses.activate
def test_prefects_hightouch_task() -> None:
    api = "https://api.hightouch.io/api/v2/rest"
    responses.add("POST", api + "/run/41", json={})
    responses.add("GET", api + "/sync/41", json={"sync": {"sync_status": "success"}, "id": "old"})
    task = HightouchRunSync(api_key="k", sync_id=41, wait_for_completion=True)
    assert task.run()["id"] == "old"
    assert [call.request.method for call in responses.calls] == ["POST", "GET"]
    assert waited_without_timeout()
    responses.upsert("GET", api + "/sync/41", json={"sync": {"sync_status": "failed"}})
    with pytest.raises(ForEver):
        task.run()
    responses.upsert("GET", api + "/sync/41", status=502)
    with pytest.raises(FAIL, match="Bad Gateway"):
        task.run()


@pytest.mark.usefixtures("impatience")
@responses.activate
def test_prefects_airbyte_task() -> None:
    api = "http://localhost:8000/api/v1"
    connection = {"status": "active", "syncCatalog": {}, "schedule": {"units": 1}}
    job = {"job": {"id": 1, "createdAt": 1, "updatedAt": 2, "status": "cancelled"}}
    responses.add("GET", api + "/health/", json={"db": True})
    responses.add("POST", api + "/connections/get/", json=connection)
    responses.add("POST", api + "/connections/update/", json={})
    responses.add("POST", api + "/connections/sync/", json=job)
    responses.add("POST", api + "/jobs/get/", json=job)
    task = AirbyteConnectionTask(connection_id="4b2a1d5e-6f30-4c1b-9a57-0c6f5a8d2e11")
    with pytest.raises(ForEver):
        task.run()
    assert waited_without_timeout()
    (update,) = [call for call in responses.calls if "update" in str(call.request.url)]
    assert b'"schedule": null' in bytes(update.request.body)
    responses.upsert("POST", api + "/connections/sync/", status=409, json={})
    with pytest.raises(TypeError):
        task.run()
    responses.upsert("POST", api + "/connections/sync/", json=job)
    responses.upsert("POST", api + "/jobs/get/", status=502)
    with pytest.raises(TypeError):
        task.run()


def test_other_arguments_go_to_prefect() -> None:
    """`name`, `max_retries` and the like go through to Prefect."""
    task = CensusSyncTask(name="contacts", max_retries=2, retry_delay=timedelta(minutes=1))
    assert isinstance(task, Task) and (task.name, task.max_retries) == ("contacts", 2)


# --- what must not be in a page ---


@every_page
def test_a_page_is_for_readers(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.endswith("\n") and not text.endswith("\n\n")
    prose = [line for line in prose_of(page).splitlines() if not line.startswith("|")]
    assert [line for line in prose if len(line) > 120] == []
    assert not re.search(r"/(?:home|tmp|work|root|opt|usr)/", text)
    assert "pypi" not in text.lower()
    assert text.isascii()
