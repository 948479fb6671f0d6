"""The way over, whatever its target: what is decided about a file, and how it is applied."""

import re
from typing import Callable, Dict, List, Optional, Sequence, Set, Tuple, Union

import libcst as cst

from .editor import Editor
from .findings import CHANGED, LEFT, Finding
from .follow import CALLED
from .imports import ImportPlan, Spec, has_comments
from .masks import HOST_FIRST, KEY_FIRST, secrets_in
from .old import COUNTERPARTS, NEW, locate
from .source import Alias, ImportNode, Reference, Source, dotted

ROOTS = ("prefect", "prefect.tasks", NEW)
_AS_TEXT = re.compile(r"prefect\.tasks\.((census|hightouch|airbyte)\b.*)?", re.S)


class Migration:
    """What both targets have in common: edits and findings are collected, then applied."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: List[Finding] = []
        self.secrets: Set[str] = set()
        self._edits: Dict[cst.CSTNode, Callable[[cst.CSTNode], cst.CSTNode]] = {}
        self._imports: Dict[ImportNode, ImportPlan] = {}

    def decide(self) -> None:
        raise NotImplementedError

    def apply(self) -> str:
        """The new text."""
        if not self._edits and not self._imports:
            return self.source.module.code
        self._keep_roots()
        self._merge_imports()
        return self.source.module.visit(Editor(self._edits, self._imports)).code

    def _merge_imports(self) -> None:
        """What two statements of a block became the same: the second goes, if it stands alone."""
        seen: Set[Tuple[cst.CSTNode, Spec]] = set()
        for statement, plan in sorted(
            self._imports.items(), key=lambda item: self.source.line(item[0])
        ):
            line = self.source.parent(statement)
            block = self.source.parent(line)
            specs = [spec for moved in plan.moved.values() for spec in moved] + plan.extra
            names = statement.names
            alone = isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1
            if (
                alone
                and not isinstance(names, cst.ImportStar)
                and len(plan.moved) == len(names)
                and not has_comments(line)
                and all((block, spec) in seen for spec in specs)
            ):
                plan.gone = True
            plan.extra = [spec for spec in plan.extra if (block, spec) not in seen]
            seen |= {(block, spec) for spec in specs}

    def _say(self, node: cst.CSTNode, kind: str, text: str) -> None:
        self.findings.append(Finding(self.source.line(node), kind, text))

    def _plan(self, statement: ImportNode) -> ImportPlan:
        return self._imports.setdefault(statement, ImportPlan())

    def _move(self, alias: Alias, specs: Sequence[Spec]) -> None:
        self._plan(alias.statement).moved[alias.number] = list(specs)
        self._say(alias.statement, CHANGED, f"{import_text(alias)} -> {'; '.join(map(str, specs))}")

    def _replace(self, node: Union[cst.Name, cst.Attribute], code: str) -> None:
        new = cst.parse_expression(code)

        def edit(updated: cst.CSTNode) -> cst.CSTNode:
            assert isinstance(updated, (cst.Name, cst.Attribute))
            return new.with_changes(lpar=updated.lpar, rpar=updated.rpar)

        self._edits[node] = edit

    def _through(self, alias: Alias) -> List[Reference]:
        """The references that an import's name leads to; of `import a.b.c`, those into a.b.c."""
        found = [reference for reference in self.source.references if alias in reference.aliases]
        if alias.whole:
            return found
        prefix = _package(alias.path)
        return [each for each in found if f"{each.path}.".startswith(prefix + ".")]

    def _still_used(self, alias: Alias) -> bool:
        """Whether the name that an import binds is used for something that is not rewritten."""
        nodes = {_root(node) for node in self._edits if isinstance(node, (cst.Name, cst.Attribute))}
        return any(
            name.value == alias.bound and name not in nodes and alias in self.source.origin(name)[0]
            for name in self.source.names
        )

    def _keep_roots(self) -> None:
        """`import prefect.tasks.airbyte` went; the name `prefect` stays, where it is needed."""
        for statement, plan in self._imports.items():
            for alias in self.source.aliases:
                if alias.statement is not statement or alias.number not in plan.moved:
                    continue
                others = [
                    other
                    for other in self.source.aliases
                    if other.bound == alias.bound
                    and (other.whole or self.source.place(other.path) is None)
                    and self.source.home(other.statement) is self.source.home(statement)
                ]
                if not alias.whole and not others and self._still_used(alias):
                    plan.add(Spec(None, alias.bound))

    def _give_up_tasks(self) -> None:
        """`from prefect import tasks` goes, where nothing needs it any more."""
        for alias in self.source.aliases:
            plan = self._imports.get(alias.statement)
            if plan is None or alias.path != "prefect.tasks" or not alias.whole:
                continue
            if plan.extra and not self._still_used(alias):
                specs, plan.extra = plan.extra, []
                self._move(alias, specs)

    def _constructor(self, reference: Reference) -> Optional[cst.Call]:
        parent = self.source.parent(reference.node)
        if reference.place.name in COUNTERPARTS and isinstance(parent, cst.Call):
            return parent if parent.func is reference.node else None
        return None

    def hide(self) -> None:
        """What is given without a name, in its place: a key or a trigger URL; Airbyte's, a host."""
        keys: List[cst.BaseExpression] = []
        hosts: List[cst.BaseExpression] = []
        for reference in self.source.references:
            made = self.source.parent(reference.node)
            if not isinstance(made, cst.Call) or made.func is not reference.node:
                continue
            parent = self.source.parent(made)
            target = parent.targets[0].target if isinstance(parent, cst.Assign) else None
            uses = self.source.every_use(target) if isinstance(target, cst.Name) else [made]
            name = str(reference.place.name)
            given = hosts if name in HOST_FIRST else keys if name in KEY_FIRST else []
            for call in [made, *filter(None, map(self._call_of, uses))]:
                # A dict after ** has names.
                given += [
                    arg.value for arg in call.args[:1] if not arg.keyword and arg.star != "**"
                ]
        self.secrets |= secrets_in(self.source.module, keys, hosts)

    def _call_of(self, use: cst.CSTNode) -> Optional[cst.Call]:
        """`use(...)`, `use.map(...)` and the like."""
        around = self.source.parent(use)
        if isinstance(around, cst.Attribute) and around.attr.value in CALLED:
            use, around = around, self.source.parent(around)
        return around if isinstance(around, cst.Call) and around.func is use else None

    def _say_texts(self) -> None:
        """Names of the old modules in strings: for import_module(), for mocks."""
        for node in self.source.strings:
            value = node.evaluated_value if isinstance(node, cst.SimpleString) else node.value
            if isinstance(value, str) and _AS_TEXT.fullmatch(value) and " " not in value:
                self._say(node, LEFT, "the old module is named in a text, which is not followed")

    def _say_stars(self) -> None:
        for node in self.source.imports:
            if isinstance(node, cst.ImportFrom) and isinstance(node.names, cst.ImportStar):
                module = dotted(node.module)
                if not node.relative and locate(module, self.source.target) is not None:
                    self._star(node, module)

    def _star(self, node: cst.ImportFrom, module: str) -> None:
        self._say(node, LEFT, f"from {module} import *: what it brings is not followed")


def odd(source: Source, reference: Reference) -> str:
    code = source.code(reference.node)
    if reference.place.kind == "module":
        return f"{code} itself is used, which is not followed"
    return f"{code} is none of the public names"


def _package(path: str) -> str:
    """`prefect.tasks.airbyte` of anything in it."""
    return ".".join(path.split(".")[: 3 if path.startswith("prefect.") else 2])


def _root(node: cst.BaseExpression) -> cst.BaseExpression:
    while isinstance(node, cst.Attribute):
        node = node.value
    return node


def import_text(alias: Alias) -> str:
    """The import of this one name."""
    asname = asname_of(alias)
    if isinstance(alias.statement, cst.Import):
        return str(Spec(None, alias.path, asname))
    module, _, name = alias.path.rpartition(".")
    return str(Spec(module, name, asname))


def asname_of(alias: Alias) -> Optional[str]:
    """The `as` of `from ... import X as Y`, also where X and Y are the same."""
    node = alias.statement.names[alias.number]  # type: ignore[index]
    return alias.bound if node.asname is not None else None
