"""Every way to import the old names, for both targets."""

import ast
from typing import Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect1_rsync.bridge.old import COUNTERPARTS
from prefect1_rsync.bridge.rewrite import LEFT, rewrite

CONNECTION = "AirbyteConnectionTask"
MAKE = {
    "CensusSyncTask": "{}(name='x')",
    "HightouchRunSync": "{}(sync_id=1)",
    CONNECTION: "{}(connection_id='x')",
}


def legacy(text: str) -> str:
    return rewrite(text, "legacy").text


def tasks(text: str) -> str:
    return rewrite(text, "tasks").text


def left(text: str, target: str) -> List[Tuple[int, str]]:
    return [
        (found.line, found.text) for found in rewrite(text, target).findings if found.kind == LEFT
    ]


FORMS: Dict[str, Tuple[str, str, str]] = {
    "from the package": (
        "from prefect.tasks.airbyte import AirbyteConnectionTask\nAirbyteConnectionTask()()\n",
        "from prefect1_rsync.legacy import AirbyteConnectionTask\nAirbyteConnectionTask()()\n",
        "from prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "from the module, as": (
        "from prefect.tasks.airbyte.airbyte import AirbyteConnectionTask as Y\nY()()\n",
        "from prefect1_rsync.legacy import AirbyteConnectionTask as Y\nY()()\n",
        "from prefect1_rsync import AirbyteSyncTask as Y\nY(URL)()\n",
    ),
    "import as": (
        "import prefect.tasks.airbyte as ab\nab.AirbyteConnectionTask()()\n",
        "import prefect1_rsync.legacy as ab\nab.AirbyteConnectionTask()()\n",
        "from prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "import as, a module in it": (
        "import prefect.tasks.airbyte as ab\nab.airbyte.AirbyteConnectionTask()()\n",
        "import prefect1_rsync.legacy as ab\nab.AirbyteConnectionTask()()\n",
        "from prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "import": (
        "import prefect.tasks.airbyte\nprefect.tasks.airbyte.AirbyteConnectionTask()()\n",
        "import prefect1_rsync.legacy\nprefect1_rsync.legacy.AirbyteConnectionTask()()\n",
        "from prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "import, and prefect for more": (
        "import prefect.tasks.airbyte\nprefect.tasks.airbyte.AirbyteConnectionTask()()\n"
        "prefect.context\n",
        "import prefect1_rsync.legacy\nimport prefect\n"
        "prefect1_rsync.legacy.AirbyteConnectionTask()()\nprefect.context\n",
        "import prefect\nfrom prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n"
        "prefect.context\n",
    ),
    "from the parent": (
        "from prefect.tasks import airbyte\nairbyte.AirbyteConnectionTask()()\n",
        "import prefect1_rsync.legacy as airbyte\nairbyte.AirbyteConnectionTask()()\n",
        "from prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "from the grandparent": (
        "from prefect import tasks\ntasks.airbyte.AirbyteConnectionTask()()\n",
        "import prefect1_rsync.legacy\nprefect1_rsync.legacy.AirbyteConnectionTask()()\n",
        "from prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "from the grandparent, with more": (
        "from prefect import Flow, tasks\ntasks.airbyte.AirbyteConnectionTask()()\ntasks.shell\n",
        "from prefect import Flow, tasks\nimport prefect1_rsync.legacy\n"
        "prefect1_rsync.legacy.AirbyteConnectionTask()()\ntasks.shell\n",
        "from prefect import Flow, tasks\nfrom prefect1_rsync import AirbyteSyncTask\n"
        "AirbyteSyncTask(URL)()\ntasks.shell\n",
    ),
    "through prefect": (
        "import prefect\nprefect.tasks.airbyte.AirbyteConnectionTask()()\n",
        "import prefect\nimport prefect1_rsync.legacy\n"
        "prefect1_rsync.legacy.AirbyteConnectionTask()()\n",
        "import prefect\nfrom prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "through prefect, as": (
        "import prefect as p\np.tasks.airbyte.AirbyteConnectionTask()()\n",
        "import prefect as p\nimport prefect1_rsync.legacy\n"
        "prefect1_rsync.legacy.AirbyteConnectionTask()()\n",
        "import prefect as p\nfrom prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "several in one statement": (
        "import os, prefect.tasks.airbyte as ab, sys\nab.AirbyteConnectionTask()()\n",
        "import os, sys\nimport prefect1_rsync.legacy as ab\nab.AirbyteConnectionTask()()\n",
        "import os, sys\nfrom prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "two of the same": (
        "import prefect.tasks.airbyte\nimport prefect.tasks.census\n"
        "prefect.tasks.airbyte.AirbyteConnectionTask()()\nprefect.tasks.census.CensusSyncTask()()\n",
        "import prefect1_rsync.legacy\nprefect1_rsync.legacy.AirbyteConnectionTask()()\n"
        "prefect1_rsync.legacy.CensusSyncTask()()\n",
        "from prefect1_rsync import AirbyteSyncTask\nfrom prefect1_rsync import CensusSyncTask\n"
        "AirbyteSyncTask(URL)()\nCensusSyncTask()()\n",
    ),
    "on one line": (
        "import prefect; prefect.tasks.airbyte.AirbyteConnectionTask()()\n",
        "import prefect; import prefect1_rsync.legacy; "
        "prefect1_rsync.legacy.AirbyteConnectionTask()()\n",
        "import prefect; from prefect1_rsync import AirbyteSyncTask; AirbyteSyncTask(URL)()\n",
    ),
    "under an if": (
        "if yes: import prefect.tasks.airbyte as ab, os\nab.AirbyteConnectionTask()()\n",
        "if yes: import os; import prefect1_rsync.legacy as ab\nab.AirbyteConnectionTask()()\n",
        "if yes: import os; from prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "in a function": (
        "def f():\n\tfrom prefect.tasks import airbyte as a\n\ta.AirbyteConnectionTask()()\n",
        "def f():\n\timport prefect1_rsync.legacy as a\n\ta.AirbyteConnectionTask()()\n",
        "def f():\n\tfrom prefect1_rsync import AirbyteSyncTask\n\tAirbyteSyncTask(URL)()\n",
    ),
    "everything": (
        "from prefect.tasks.census import *\n",
        "from prefect1_rsync.legacy import CensusSyncTask\n",
        "from prefect.tasks.census import *\n",
    ),
    "from the drop-ins": (
        "import prefect1_rsync.legacy\nprefect1_rsync.legacy.AirbyteConnectionTask()()\n",
        "import prefect1_rsync.legacy\nprefect1_rsync.legacy.AirbyteConnectionTask()()\n",
        "from prefect1_rsync import AirbyteSyncTask\nAirbyteSyncTask(URL)()\n",
    ),
    "from a drop-in's module": (
        "from prefect1_rsync.legacy.airbyte import AirbyteConnectionTask as Y\nY()()\n",
        "from prefect1_rsync.legacy.airbyte import AirbyteConnectionTask as Y\nY()()\n",
        "from prefect1_rsync import AirbyteSyncTask as Y\nY(URL)()\n",
    ),
    "a helper": (
        "from prefect.tasks.hightouch.hightouch_utils import HightouchClient\nHightouchClient()\n",
        "from prefect1_rsync.legacy import HightouchClient\nHightouchClient()\n",
        "from prefect.tasks.hightouch.hightouch_utils import HightouchClient\nHightouchClient()\n",
    ),
}
URL = 'api_url="http://localhost:8000/api/public/v1", max_wait_seconds=None'


@pytest.mark.parametrize("form", FORMS)
def test_a_form(form: str) -> None:
    before, expected, new = FORMS[form]
    assert legacy(before) == expected
    assert tasks(before) == new.replace("URL", URL)


@pytest.mark.parametrize(
    "text",
    [
        "import prefect.tasks.airbyte as ab\nprint(ab)\nab.AirbyteConnectionTask()()\n",
        "import prefect.tasks.airbyte as ab\nab.sleep(1)\nab.AirbyteConnectionTask()()\n",
        "from prefect.tasks.airbyte.airbyte import sleep\nsleep(1)\n",
        "import prefect.tasks.airbyte\nprint(prefect.tasks.airbyte)\n",
        "from prefect.tasks.airbyte.airbyte import *\nAirbyteConnectionTask()()\n",
        "from prefect.tasks.hightouch import *\nhightouch_tasks.HightouchRunSync()\n",
        "import importlib\nimportlib.import_module('prefect.tasks.airbyte')\n",
        "import importlib\nimportlib.import_module(f'prefect.tasks.{vendor}')\n",
        "@mock.patch('prefect.tasks.airbyte.airbyte.sleep')\ndef test(): ...\n",
    ],
)
def test_what_is_not_followed_is_said_and_left(text: str) -> None:
    assert legacy(text) == text
    assert left(text, "legacy")
    assert left(text, "tasks")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "from prefect.tasks.secrets import PrefectSecret\n",
        "import prefect\nprefect.tasks.shell.ShellTask()\n",
        "from ours.prefect.tasks.airbyte import AirbyteConnectionTask\n",
        "from .prefect.tasks.airbyte import AirbyteConnectionTask\n",
        "def f(airbyte):\n    return airbyte.AirbyteConnectionTask\n",
        "import prefect\nimport prefect1_rsync\nprefect = 1\nprint(prefect.tasks)\n",
        '"""prefect.tasks.airbyte is no more."""\n',
    ],
)
def test_what_is_none_of_ours_is_not_touched(text: str) -> None:
    for target in ("legacy", "tasks"):
        result = rewrite(text, target)
        assert (result.text, result.findings) == (text, [])


def test_either_import_of_a_try_is_changed() -> None:
    text = (
        "try:\n    from prefect.tasks.airbyte import AirbyteConnectionTask\n"
        "except ImportError:\n    AirbyteConnectionTask = None\n"
        "sync = AirbyteConnectionTask()\nsync()\n"
    )
    assert legacy(text) == text.replace("prefect.tasks.airbyte", "prefect1_rsync.legacy")
    assert tasks(text) == text
    assert left(text, "tasks") == [(5, "AirbyteConnectionTask: the name is not always this class")]


def test_comments_of_a_name_that_moves_out_of_a_list_go_with_it() -> None:
    text = (
        "from prefect import (\n    Flow,  # ours\n    tasks,  # theirs\n)\n"
        "tasks.airbyte.AirbyteConnectionTask()()\n"
    )
    assert tasks(text).startswith(
        "from prefect import (\n    Flow,  # ours\n)\n# theirs\n"
        "from prefect1_rsync import AirbyteSyncTask\n"
    )


def test_a_name_that_is_taken_gets_another() -> None:
    text = (
        "from prefect.tasks.airbyte import AirbyteConnectionTask\n"
        "from ours import AirbyteSyncTask\nRsyncAirbyteSyncTask = 1\nAirbyteConnectionTask()()\n"
    )
    assert "import AirbyteSyncTask as RsyncAirbyteSyncTask_\n" in tasks(text)
    assert "\nRsyncAirbyteSyncTask_(api_url=" in tasks(text)


# --- for all forms at once ---

_NAMES = {
    "census": ["CensusSyncTask"],
    "hightouch": ["HightouchRunSync"],
    "airbyte": [CONNECTION],
}
_MODULES = {"census": "census", "hightouch": "hightouch_tasks", "airbyte": "airbyte"}


@st.composite
def flow_files(draw: st.DrawFn) -> str:
    """Any imports in any order, in any place, and a use of each."""
    lines: List[str] = draw(st.lists(st.sampled_from(["import prefect", "import os", "# why", ""])))
    uses: List[str] = []
    for number in range(draw(st.integers(1, 4))):
        vendor = draw(st.sampled_from(sorted(_NAMES)))
        name = draw(st.sampled_from(_NAMES[vendor]))
        package = f"prefect.tasks.{vendor}"
        module = draw(st.sampled_from([package, f"{package}.{_MODULES[vendor]}"]))
        alias = draw(st.sampled_from([f"alias{number}", ""]))
        form = draw(st.sampled_from(["name", "module", "from", "root", "through"]))
        suffix = f" as {alias}" if alias else ""
        if form == "name":
            statement, used = f"from {module} import {name}{suffix}", alias or name
        elif form == "module":
            statement, used = f"import {module}{suffix}", f"{alias or module}.{name}"
        elif form == "from":
            parent, _, last = module.rpartition(".")
            statement = f"from {parent} import {last}{suffix}"
            used = f"{alias or last}.{name}"
        elif form == "root":
            statement = f"from prefect import tasks{suffix}"
            used = f"{alias or 'tasks'}.{module[len('prefect.tasks.') :]}.{name}"
        else:
            statement, used = "import prefect", f"{module}.{name}"
        comment = draw(st.sampled_from(["", "  # import", "; import sys"]))
        indented = draw(st.booleans())
        use = draw(st.sampled_from(["{}()", "x = {}\nx()", "print({})", "x{n} = {}\nx{n}.map()"]))
        made = MAKE[name].format(used)
        code = use.replace("{n}", str(number)).format(made)
        if indented:
            body = "\n".join("    " + line for line in [statement + comment, *code.split("\n")])
            lines.append(f"def build{number}():\n{body}")
        else:
            lines.append(statement + comment)
            uses.append(code)
    return "\n".join([*lines, *uses]) + draw(st.sampled_from(["", "\n"]))


@given(flow_files())
@settings(max_examples=30)
def test_for_any_imports(text: str) -> None:
    for target in ("legacy", "tasks"):
        once = rewrite(text, target)
        ast.parse(once.text)
        assert rewrite(once.text, target).text == once.text
        assert once.text.count("#") == text.count("#")
        if once.text == text:
            assert all(found.kind == LEFT for found in once.findings)
    imports_only = rewrite(text, "legacy")
    assert "prefect.tasks." not in imports_only.text
    # The same calls of the same names, in the same order.
    assert [name for _, name in calls(imports_only.text)] == [name for _, name in calls(text)]


def calls(text: str) -> List[Tuple[int, str]]:
    """The names that are called, without what is before their last dot."""
    found = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [
        (node.lineno, node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", ""))
        for node in found
    ]


def test_every_old_name_is_a_drop_in() -> None:
    import prefect1_rsync
    import prefect1_rsync.legacy
    from prefect1_rsync.bridge.old import public_names

    for name in public_names():
        assert hasattr(prefect1_rsync.legacy, name)
    for name in COUNTERPARTS.values():
        assert hasattr(prefect1_rsync, name)


@pytest.mark.parametrize("vendor", ["census", "hightouch", "airbyte"])
def test_every_public_name_of_prefects_modules_is_known(vendor: str) -> None:
    import importlib
    import inspect
    import pkgutil

    from prefect1_rsync.bridge.old import locate

    package = importlib.import_module(f"prefect.tasks.{vendor}")
    modules = [f"{package.__name__}.{info.name}" for info in pkgutil.iter_modules(package.__path__)]
    for module in [package.__name__, *modules]:
        place = locate(module, "legacy")
        assert place is not None and place.kind == "module"
        for name, value in vars(importlib.import_module(module)).items():
            if inspect.isclass(value) and value.__module__.startswith(package.__name__):
                place = locate(f"{module}.{name}", "legacy")
                assert place is not None and place.kind == "name", name
