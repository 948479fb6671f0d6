"""docs/from-prefects-own-tasks.md against the signatures of the old classes, ours, and the new."""

import ast
import inspect
import re
from typing import Any, Dict, List, NamedTuple, Optional, Set

import prefect.tasks.airbyte.airbyte
import prefect.tasks.census.census
import prefect.tasks.hightouch.hightouch_tasks
import prefect.tasks.hightouch.hightouch_utils
import pytest
import requests
from prefect import Task
from prefect.engine.signals import FAIL

import prefect1_rsync
from prefect1_rsync import AirbyteSyncTask, CensusSyncTask, HightouchSyncTask, legacy
from tests.docs.pages import ROOT, tables_of

PAGE = ROOT / "docs" / "from-prefects-own-tasks.md"


class Subject(NamedTuple):
    """A class, its drop-in, and the new task."""

    old: Any
    ours: Any
    new: Optional[Any]


SUBJECTS = {
    "CensusSyncTask": Subject(
        prefect.tasks.census.census.CensusSyncTask, legacy.CensusSyncTask, CensusSyncTask
    ),
    "HightouchRunSync": Subject(
        prefect.tasks.hightouch.hightouch_tasks.HightouchRunSync,
        legacy.HightouchRunSync,
        HightouchSyncTask,
    ),
    "HightouchClient": Subject(
        prefect.tasks.hightouch.hightouch_utils.HightouchClient, legacy.HightouchClient, None
    ),
    "AirbyteConnectionTask": Subject(
        prefect.tasks.airbyte.airbyte.AirbyteConnectionTask,
        legacy.AirbyteConnectionTask,
        AirbyteSyncTask,
    ),
    "AirbyteConfigurationExport": Subject(
        prefect.tasks.airbyte.airbyte.AirbyteConfigurationExport,
        legacy.AirbyteConfigurationExport,
        None,
    ),
    "AirbyteClient": Subject(
        prefect.tasks.airbyte.airbyte.AirbyteClient, legacy.AirbyteClient, None
    ),
}
every_class = pytest.mark.parametrize("name", SUBJECTS)


def rows_of(name: str, kind: str) -> List[List[str]]:
    """The rows of a class's table, of one kind: the old cell, ours, and the new."""
    (rows,) = [
        rows[1:]
        for rows in tables_of(PAGE)
        if rows[0][1:3] == ["kind", "drop-in"] and rows[0][0].strip("`").endswith("." + name)
    ]
    kinds = {"constructor", "run()", "attribute", "method", "result", "exception"}
    assert {row[1] for row in rows} <= kinds
    return [[row[0], row[2], row[3]] for row in rows if row[1] == kind]


def codes(cell: str) -> List[str]:
    return re.findall(r"`([^`]+)`", cell)


def written(parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        return parameter.name
    return f"{parameter.name}={parameter.default!r}"


def arguments(function: Any) -> List[str]:
    return [
        written(parameter)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD and parameter.name != "self"
    ]


def public(names: Any) -> Set[str]:
    return {name for name in names if not name.startswith("_")}


def made(kind: Any) -> Any:
    """An instance: the clients need arguments."""
    given = {
        "HightouchClient": ("key",),
        "AirbyteClient": (None, "http://localhost:8000/api/v1"),
    }
    return kind(*given.get(kind.__name__, ()))


@every_class
@pytest.mark.parametrize("kind, method", [("constructor", "__init__"), ("run()", "run")])
def test_every_argument(name: str, kind: str, method: str) -> None:
    subject, rows = SUBJECTS[name], rows_of(name, kind)
    if not hasattr(subject.old, method):
        assert rows == []
        return
    assert [codes(old)[0] for old, _, _ in rows] == arguments(getattr(subject.old, method))
    assert [codes(ours)[0] for _, ours, _ in rows] == arguments(getattr(subject.ours, method))
    if subject.new is not None:
        known = set(arguments(getattr(subject.new, method)))
        for _, _, new in rows:
            assert new.startswith("none") or codes(new), new
            assert set(codes(new)) - {"raw"} <= known, new


@every_class
def test_every_attribute(name: str) -> None:
    subject, rows = SUBJECTS[name], rows_of(name, "attribute")
    old, ours = made(subject.old), made(subject.ours)
    of_tasks = set(vars(Task())) if issubclass(subject.old, Task) else set()
    constants = {it for it in vars(subject.old) if it.isupper()}
    assert {codes(cell)[0] for cell, _, _ in rows} == public(set(vars(old)) - of_tasks) | constants
    for cell, own, new in rows:
        attribute = codes(cell)[0]
        assert codes(own) == [attribute]
        if attribute != "session":
            assert getattr(ours, attribute) == getattr(old, attribute)
        if subject.new is not None and new != "none":
            assert hasattr(subject.new(), codes(new)[0])


@every_class
def test_every_method(name: str) -> None:
    subject, rows = SUBJECTS[name], rows_of(name, "method")
    methods = {
        it
        for it, value in vars(subject.old).items()
        if not it.startswith("_") and it != "run" and not it.isupper() and it != "__doc__"
        if callable(getattr(subject.old, it)) and value is not None
    }
    assert {codes(old)[0].partition("(")[0] for old, _, _ in rows} == methods
    for old, ours, _ in rows:
        assert codes(old) == codes(ours)
        method, given = codes(old)[0].rstrip(")").split("(")
        for kind in (subject.old, subject.ours):
            assert arguments(getattr(kind, method)) == given.split(", ")


def raised_by(kind: Any) -> Set[str]:
    """The names of all errors that the old class raises by itself."""
    names = set()
    for node in ast.walk(ast.parse(inspect.getsource(kind))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            names.add(getattr(node.exc.func, "id", ""))
    return names


@every_class
def test_every_exception(name: str) -> None:
    subject, rows = SUBJECTS[name], rows_of(name, "exception")
    known: Dict[str, Any] = {**vars(legacy), **vars(prefect1_rsync), "FAIL": FAIL}
    for error in (ValueError, TypeError):
        known[error.__name__] = error
    for word in ("HTTPError", "ConnectionError"):
        known[f"requests.{word}"] = getattr(requests, word)
    for it in prefect1_rsync.__all__:
        known[it] = getattr(prefect1_rsync, it)
    for row in rows:
        for cell in row:
            assert cell.startswith("none") or codes(cell), row
        for word in codes(row[0]) + codes(row[1])[:1] + codes(row[2]):
            assert word in known or word in ("raw", "stream_output"), word
        assert row[0] == "none" or codes(row[0])[0] == codes(row[1])[0]
    documented = {word for old, _, _ in rows for word in codes(old)}
    # The client raises what the tasks pass on.
    extra = {"AirbyteConfigurationExport": raised_by(SUBJECTS["AirbyteClient"].old)}
    if name != "AirbyteClient":
        assert raised_by(subject.old) | extra.get(name, set()) <= documented


def test_the_modules_are_there() -> None:
    (rows,) = [rows[1:] for rows in tables_of(PAGE) if rows[0] == ["before", "after"]]
    for before, after in rows:
        names = {
            it
            for path in codes(before)
            for it, value in vars(__import__(path, fromlist=["x"])).items()
            if getattr(value, "__module__", "") in codes(before)
        }
        assert names
        for path in codes(after):
            module = __import__(path, fromlist=["x"])
            assert [it for it in names if not hasattr(module, it)] == []


def test_each_difference_says_how_to_get_the_old_way() -> None:
    heading = ["", "before", "after", "how to get the old way"]
    (rows,) = [rows[1:] for rows in tables_of(PAGE) if rows[0] == heading]
    assert len(rows) > 13 and all(all(row) for row in rows)
    text = " ".join(row[3] for row in rows)
    for argument in re.findall(r"`(\w+)=", text):
        task = legacy.AirbyteConnectionTask()
        assert argument == "trigger" or hasattr(task, argument), argument
