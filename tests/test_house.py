"""The arrows of the house: who may import whom, read from the code itself."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Iterator, Set, Tuple

import pytest

from prefect1_rsync import _compat

PACKAGE = Path(__file__).parent.parent / "prefect1_rsync"
GROUND = {"_version", "_compat"}
# A room and the rooms that it may enter, itself and the ground floor apart.
ARROWS = {
    "engine": set(),
    "vendors": {"engine"},
    "tasks": {"vendors", "engine"},
    "legacy": {"tasks", "vendors", "engine"},
    "sandbox": set(),
    "bridge": set(),
    "cli": {"tasks", "vendors", "engine", "sandbox", "bridge"},
    "__init__": {"tasks", "engine"},
    "_compat": set(),
    "_version": set(),
}
PREFECT_ALLOWED = {"tasks", "legacy", "cli"}


def modules() -> Iterator[Tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield parts[0], path


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, as an absolute name."""
    here = ("prefect1_rsync", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level] if node.level else ()
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield name
            if not node.module:
                for alias in node.names:
                    yield f"{name}.{alias.name}"


def own_rooms(path: Path) -> Set[str]:
    names = {name.split(".")[1] for name in imports(path) if name.startswith("prefect1_rsync.")}
    return names & set(ARROWS) - GROUND


@pytest.mark.parametrize(
    "room, path", list(modules()), ids=lambda value: getattr(value, "name", value)
)
def test_every_arrow_goes_down(room: str, path: Path) -> None:
    assert room in ARROWS, f"{path}: a room that ARROWS does not know"
    assert own_rooms(path) - {room} <= ARROWS[room], path


def test_no_vendor_enters_another_vendors_room() -> None:
    vendors = {path.stem for path in (PACKAGE / "vendors").glob("*.py")} - {"__init__"}
    for vendor in vendors:
        others = {f"prefect1_rsync.vendors.{other}" for other in vendors - {vendor}}
        assert not others & set(imports(PACKAGE / "vendors" / f"{vendor}.py"))


def test_only_the_tasks_know_prefect() -> None:
    for room, path in modules():
        if any(name.split(".")[0] == "prefect" for name in imports(path)):
            assert room in PREFECT_ALLOWED, path


def test_nothing_but_the_sandbox_and_its_users_imports_the_sandbox() -> None:
    for room, path in modules():
        if "sandbox" in own_rooms(path):
            assert room in {"sandbox", "cli"}, path


def test_the_engine_and_the_vendors_run_without_prefect() -> None:
    """Measured, not read: Prefect is not loaded, not even by somebody else."""
    code = (
        "import sys, prefect1_rsync\n"
        "from prefect1_rsync import SyncError\n"
        "import prefect1_rsync.engine.watch\n"
        "from prefect1_rsync.vendors import airbyte, census, hightouch\n"
        "import prefect1_rsync.sandbox\n"
        "sys.exit('prefect' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_engine_and_the_vendors_need_requests_alone() -> None:
    """As after `pip install --no-deps`: what setup.py wants besides can't be imported."""
    setup = (PACKAGE.parent / "setup.py").read_text(encoding="utf-8")
    wanted = set(re.findall(r"^    ['\"]([a-z_]+)[=<>;]", setup, flags=re.M))
    assert {"prefect", "pendulum", "marshmallow", "tornado"} <= wanted
    absent = wanted - {"requests", "urllib3", "typing_extensions"}
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({sorted(absent)!r}))\n"
        "import prefect1_rsync.engine.events, prefect1_rsync.engine.watch\n"
        "from prefect1_rsync import SyncError\n"
        "from prefect1_rsync.vendors import airbyte, census, hightouch\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_without_pendulum_there_is_nothing_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.12's case, also where the tests run on an older one."""
    monkeypatch.setattr(_compat, "sys", SimpleNamespace(version_info=(3, 12)))
    for name in [name for name in sys.modules if name.split(".")[0] == "pendulum"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pendulum", None)  # type: ignore[arg-type]
    _compat.mend_pendulum()


def test_the_face_has_what_it_promises() -> None:
    import prefect1_rsync

    for name in prefect1_rsync.__all__:
        assert getattr(prefect1_rsync, name) is not None
    assert dir(prefect1_rsync) == sorted(prefect1_rsync.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        prefect1_rsync.nonsense  # noqa: B018
