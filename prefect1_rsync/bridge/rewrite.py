"""Rewrites a flow file: text in, text and findings out."""

import re
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

import libcst as cst

from .arguments import Arguments, Change, Plan, SecretNames, Undecided, positions
from .calls import with_plan
from .follow import CALLED, follow, result_is_used
from .imports import ImportPlan, Spec, has_comments, written
from .masks import HOST_FIRST, KEY_FIRST, masked, secrets_in
from .old import (
    COUNTERPARTS,
    DROP_INS,
    LEGACY,
    NEW,
    STARS,
    TARGETS,
    TIED,
    WITHOUT_COUNTERPART,
    locate,
)
from .source import Alias, ImportNode, Reference, Source, dotted

#: Kinds of findings: what becomes something else, what a person has to know or to do, what is left.
CHANGED, NOTE, LEFT = "changed", "note", "left"

_ROOTS = ("prefect", "prefect.tasks", NEW)
# What is in every file that there is something to say about; the others are not even parsed.
_MENTIONED = re.compile(r"census|hightouch|airbyte|legacy|prefect\.tasks\.['\"{]", re.I)
_AS_TEXT = re.compile(r"prefect\.tasks\.((census|hightouch|airbyte)\b.*)?", re.S)
_RESULTS = {
    "CensusSyncTask": (
        "what it returns is used: the stats now; sync_run_id is run_id there, what the stats have "
        'no key for is in raw["data"], and a sync that failed fails the task: a branch on the '
        "status failed is not reached (unless raise_on_failure=False)"
    ),
    "HightouchRunSync": (
        "what it returns is used: the stats now, with Hightouch's status as vendor_status, and "
        "its own answer as raw"
    ),
    "AirbyteConnectionTask": (
        "what it returns is used: the stats now; connection_id is sync_id there, job_status "
        "vendor_status, job_created_at started_at, job_updated_at finished_at, and status is the "
        "run's, not the connection's"
    ),
}


class NotPython(Exception):
    """A text that can't be parsed; the message names the place and quotes nothing of it."""


class Finding(NamedTuple):
    """
    Something in a file.

    Args:
        - line (int): where, from 1; in the file as it was
        - kind (str): `"changed"`, `"note"` or `"left"`
        - text (str): what; never a secret
    """

    line: int
    kind: str
    text: str


class Rewritten(NamedTuple):
    """
    A file, rewritten.

    Args:
        - text (str): the new text; the old one, if nothing changes
        - findings (list of Finding): in the order of the lines
        - secrets (set of str): texts in it that must not be shown
    """

    text: str
    findings: List[Finding]
    secrets: Set[str]

    def shown(self, text: str) -> str:
        """A text with `***` where a secret was."""
        return masked(text, self.secrets)


def rewrite(text: str, target: str = LEGACY, names: Optional[SecretNames] = None) -> Rewritten:
    """
    Rewrites a flow file that uses Prefect's own sync tasks.

    Args:
        - text (str): the file
        - target (str, optional): `"legacy"`: only the imports change, to the drop-ins;
            `"tasks"`: to the new tasks, arguments and all
        - names (SecretNames, optional): names for secrets, shared with other files

    Returns:
        - Rewritten: the new text, and what is to be said about it

    Raises:
        - NotPython: it can't be parsed, or is nested too deeply to be followed; a file that speaks
            of none of the tasks is not looked at that closely
    """
    if target not in TARGETS:
        raise ValueError(f"target: must be one of {', '.join(TARGETS)}")
    if not _MENTIONED.search(text):
        return Rewritten(text, [], set())
    try:
        return _rewritten(text, target, names or SecretNames())
    except cst.ParserSyntaxError as exc:
        # Its own text quotes the line, which may hold a secret.
        raise NotPython(f"line {exc.raw_line}: not Python that can be read") from None
    except RecursionError:
        # Each step walks the tree, so any of them may be the one that goes too deep.
        raise NotPython("nested too deeply") from None


def _rewritten(text: str, target: str, names: SecretNames) -> Rewritten:
    module = cst.parse_module(text)
    if module.code != text:
        raise NotPython("it can't be written back as it is")
    source = Source(module, target)
    names.avoid(text)
    migration = _ToDropIns(source) if target == LEGACY else _ToTasks(source, names)
    migration.hide()
    migration.decide()
    new = migration.apply()
    findings = sorted(
        dict.fromkeys(migration.findings), key=lambda found: (found.line, found.kind != CHANGED)
    )
    return Rewritten(new, findings, migration.secrets)


class _Migration:
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
        return self.source.module.visit(_Editor(self._edits, self._imports)).code

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
        self._say(
            alias.statement, CHANGED, f"{_import_text(alias)} -> {'; '.join(map(str, specs))}"
        )

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


class _ToDropIns(_Migration):
    """Other imports, and nothing else."""

    def decide(self) -> None:
        done: Set[int] = set()
        for alias in self.source.aliases:
            place = self.source.place(alias.path)
            if place is None:
                continue
            if place.kind == "other":
                self._say(alias.statement, LEFT, f"{alias.path} is none of the public names")
            elif place.kind == "name":
                self._move(alias, [Spec(DROP_INS, str(place.name), _asname_of(alias))])
                self._name(alias)
            elif self._module(alias):
                done.update(id(each.node) for each in self._through(alias))
        for reference in self.source.references:
            if id(reference.node) not in done and any(
                alias.meaning in _ROOTS for alias in reference.aliases
            ):
                self._through_root(reference)
        self._give_up_tasks()
        self._say_texts()
        self._say_stars()

    def _name(self, alias: Alias) -> None:
        for reference in self._through(alias):
            self._say_stays(reference)

    def _module(self, alias: Alias) -> bool:
        """`import prefect.tasks.airbyte as ab` and the like; False: left."""
        references = self._through(alias)
        odd = [each for each in references if each.place.kind != "name"]
        if odd:
            for each in odd:
                self._say(each.node, LEFT, _odd(self.source, each))
            stays = sorted({self.source.line(each.node) for each in odd})
            self._say(
                alias.statement,
                LEFT,
                f"{_import_text(alias)} stays, for line {', '.join(map(str, stays))}",
            )
            # What goes through `prefect.` can be rewritten one by one.
            return alias.whole
        if alias.whole:
            self._move(alias, [Spec(None, DROP_INS, alias.bound)])
            for each in references:
                self._say_stays(each)
                code = f"{alias.bound}.{each.place.name}"
                if self.source.code(each.node) != code:
                    self._replace(each.node, code)
            return True
        for each in references:
            self._dotted(each)
        self._move(alias, [Spec(None, DROP_INS)])
        return True

    def _dotted(self, reference: Reference) -> None:
        self._replace(reference.node, f"{DROP_INS}.{reference.place.name}")
        self._say(
            reference.node,
            CHANGED,
            f"{self.source.code(reference.node)} -> {DROP_INS}.{reference.place.name}",
        )

    def _through_root(self, reference: Reference) -> None:
        if reference.place.kind != "name":
            self._say(reference.node, LEFT, _odd(self.source, reference))
            return
        self._dotted(reference)
        self._plan(reference.aliases[0].statement).add(Spec(None, DROP_INS))

    def _say_stays(self, reference: Reference) -> None:
        code = self.source.code(reference.node)
        self._say(reference.node, CHANGED, f"{code} -> {DROP_INS}.{reference.place.name}")

    def _star(self, node: cst.ImportFrom, module: str) -> None:
        names = STARS.get(module)
        if names is None or {"hightouch_tasks", "hightouch_utils"} & self.source.bound_names():
            super()._star(node, module)
            return
        self._plan(node).moved[0] = [Spec(DROP_INS, name) for name in names]
        self._say(
            node, CHANGED, f"from {module} import * -> from {DROP_INS} import {', '.join(names)}"
        )


class _Made(NamedTuple):
    """A task that is made, and can be decided."""

    reference: Reference
    plans: List[Tuple[cst.Call, Plan]]
    annotation: Optional[Reference]
    notes: List[Tuple[cst.CSTNode, str]]


class _ToTasks(_Migration):
    """The new tasks, and their arguments."""

    def __init__(self, source: Source, names: SecretNames) -> None:
        super().__init__(source)
        self._names = names
        self._made: Dict[cst.CSTNode, _Made] = {}
        self._left: Dict[cst.CSTNode, Tuple[Reference, str]] = {}
        self._blocked: Dict[str, int] = {}

    def decide(self) -> None:
        self._look()
        self._block()
        rewritten = [each.reference for each in self._made.values()]
        rewritten += [each.annotation for each in self._made.values() if each.annotation]
        self._write_imports(rewritten)
        for made in self._made.values():
            self._write(made)
        for reference, why in self._left.values():
            self._say(reference.node, LEFT, f"{self._old(reference)}: {why}")
        self._say_unused()
        self._say_texts()
        self._say_stars()

    # Deciding

    def _look(self) -> None:
        references: Dict[cst.CSTNode, Reference]
        references = {each.node: each for each in self.source.references}
        annotations: Set[cst.CSTNode] = set()
        for reference in self.source.references:
            made = self._constructor(reference)
            if made is None:
                continue
            try:
                if not reference.sole:
                    raise Undecided("the name is not always this class")
                found = follow(self.source, made)
                annotation = None
                if found.annotation is not None:
                    annotation = references.get(found.annotation)
                    if annotation is None and not isinstance(found.annotation, cst.SimpleString):
                        raise Undecided("its annotation is another")
                    if annotation is None:
                        raise Undecided("its annotation is a text")
                    annotations.add(annotation.node)
                old = str(reference.place.name)
                plans = Arguments(self.source, old, self._names).plans(made, found.sites)
            except Undecided as exc:
                self._left[reference.node] = (reference, str(exc))
                continue
            notes: List[Tuple[cst.CSTNode, str]] = [
                (site.node, _RESULTS[old])
                for site in found.sites
                if result_is_used(self.source, site)
            ]
            self._made[reference.node] = _Made(reference, plans, annotation, notes)
        for reference in self.source.references:
            if reference.node in self._made or reference.node in self._left:
                continue
            if reference.node in annotations and any(
                each.annotation is reference for each in self._made.values()
            ):
                continue
            self._look_at_other(reference)

    def _look_at_other(self, reference: Reference) -> None:
        """Not a task that is made: a base class, the class as a value, a helper, a module."""
        name = str(reference.place.name)
        line = self.source.line(reference.node)
        parent = self.source.parent(reference.node)
        if reference.place.kind != "name":
            self._left[reference.node] = (reference, _odd(self.source, reference))
        elif name in WITHOUT_COUNTERPART:
            self._left[reference.node] = (reference, WITHOUT_COUNTERPART[name])
            if name in TIED:
                self._blocked.setdefault(TIED[name], line)
        elif isinstance(parent, cst.Arg) and isinstance(self.source.parent(parent), cst.ClassDef):
            self._left[reference.node] = (
                reference,
                f"a subclass has to be written anew, as one of {NEW}.{COUNTERPARTS[name]}",
            )
        else:
            self._left[reference.node] = (
                reference,
                "the class itself is used, and not only to make a task",
            )
            self._blocked.setdefault(name, line)

    def _block(self) -> None:
        """One name can't mean both classes, and what is tied together stays together."""
        for alias in self.source.aliases:
            place = self.source.place(alias.path)
            if place is None or not alias.whole or place.name not in COUNTERPARTS:
                continue
            for string in self.source.strings:
                if isinstance(string, cst.SimpleString) and string.evaluated_value == alias.bound:
                    self._blocked.setdefault(str(place.name), self.source.line(string))
        for node, made in list(self._made.items()):
            line = self._blocked.get(str(made.reference.place.name))
            if line is not None:
                self._leave(node, f"stays, for line {line} needs Prefect's own")
        for alias in self.source.aliases:
            place = self.source.place(alias.path)
            if place is None or place.name not in COUNTERPARTS:
                continue
            if alias.bound != place.name or COUNTERPARTS[place.name] == place.name:
                through = self._through(alias)
                left = [each for each in through if each.node in self._left]
                if left:
                    line = self.source.line(left[0].node)
                    for each in through:
                        if each.node in self._made:
                            why = f"stays, for line {line} needs Prefect's own under this name"
                            self._leave(each.node, why)

    def _leave(self, node: cst.CSTNode, why: str) -> None:
        made = self._made.pop(node)
        self._left[node] = (made.reference, why)
        if made.annotation is not None:
            self._left[made.annotation.node] = (made.annotation, why)

    # Writing

    def _write(self, made: _Made) -> None:
        old = str(made.reference.place.name)
        new = COUNTERPARTS[old]
        for number, (call, plan) in enumerate(made.plans):
            self._edits[call] = _call_edit(plan)
            self.secrets |= plan.secrets
            order = positions(old, at_run=number > 0)
            before = ", ".join(_argument_names(call, order, None))
            after = ", ".join(_argument_names(call, order, plan))
            if number == 0:
                self._say(call, CHANGED, f"{self._old(made.reference)}({before}) -> {new}({after})")
            elif before != after:
                self._say(call, CHANGED, f"{_called(call)}({before}) -> ({after})")
            for note in plan.notes:
                self._say(call, NOTE, note)
        for node, note in made.notes:
            self._say(node, NOTE, note)

    def _write_imports(self, rewritten: Sequence[Reference]) -> None:
        nodes = {each.node for each in rewritten}
        locals_: Dict[str, str] = {}
        for each in rewritten:
            new = COUNTERPARTS[str(each.place.name)]
            locals_.setdefault(new, self._local_name(new))
        for alias in self.source.aliases:
            place = self.source.place(alias.path)
            if place is None:
                continue
            through = self._through(alias)
            mine = [each for each in through if each.node in nodes]
            if not mine:
                continue
            left = [each for each in through if each.node not in nodes]
            if place.kind == "name":
                new = COUNTERPARTS[str(place.name)]
                asname = _asname_of(alias)
                if asname is None and locals_[new] != new:
                    asname = locals_[new]
                spec = Spec(NEW, new, asname)
                if left:
                    self._plan(alias.statement).add(spec)
                else:
                    self._move(alias, [spec])
                if _asname_of(alias) is None and (asname or new) != alias.bound:
                    for each in mine:
                        self._replace(each.node, asname or new)
                continue
            specs = self._specs(mine, locals_)
            if left:
                self._extra(alias, specs)
            else:
                self._move(alias, specs)
            for each in mine:
                self._replace(each.node, locals_[COUNTERPARTS[str(each.place.name)]])
        for each in rewritten:
            if each.node not in self._edits and any(
                alias.meaning in _ROOTS for alias in each.aliases
            ):
                self._replace(each.node, locals_[COUNTERPARTS[str(each.place.name)]])
                self._extra(each.aliases[0], self._specs([each], locals_))
        self._give_up_tasks()

    def _extra(self, alias: Alias, specs: Sequence[Spec]) -> None:
        homes = [self.source.module, self.source.home(alias.statement)]
        present = {
            (other.path, other.bound)
            for other in self.source.aliases
            if other.whole and any(self.source.home(other.statement) is home for home in homes)
        }
        for spec in specs:
            if (f"{spec.module}.{spec.name}", spec.asname or spec.name) not in present:
                self._plan(alias.statement).add(spec)

    def _specs(self, references: Sequence[Reference], locals_: Dict[str, str]) -> List[Spec]:
        news = sorted({COUNTERPARTS[str(each.place.name)] for each in references})
        return [Spec(NEW, new, None if locals_[new] == new else locals_[new]) for new in news]

    def _local_name(self, new: str) -> str:
        """The new class' name in this file: its own, unless that is taken."""
        bound = [alias for alias in self.source.aliases if alias.bound == new]
        taken = not all(self._is_new_or_old(alias, new) for alias in bound)
        for name in self.source.names:
            if name.value == new and self.source.is_variable(name):
                aliases, sole = self.source.origin(name)
                taken |= not (sole and all(self._is_new_or_old(each, new) for each in aliases))
        if not taken:
            return new
        local = "Rsync" + new
        while local in self.source.bound_names():
            local += "_"
        return local

    def _is_new_or_old(self, alias: Alias, new: str) -> bool:
        place = self.source.place(alias.path)
        old = place is not None and COUNTERPARTS.get(str(place.name)) == new
        return old or (alias.whole and alias.path == f"{NEW}.{new}")

    # Saying

    def _old(self, reference: Reference) -> str:
        code = self.source.code(reference.node)
        name = str(reference.place.name)
        if reference.place.kind != "name" or code.endswith(name):
            return code
        return f"{code} ({name})"

    def _say_unused(self) -> None:
        """Imported, and not used here: perhaps others import it from here."""
        for alias in self.source.aliases:
            place = self.source.place(alias.path)
            if place is None:
                continue
            if place.kind == "other":
                self._say(alias.statement, LEFT, f"{alias.path} is none of the public names")
            elif not self._through(alias):
                self._say(
                    alias.statement,
                    LEFT,
                    f"{_import_text(alias)}: not used here; other files may import it from here",
                )


def _odd(source: Source, reference: Reference) -> str:
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


def _import_text(alias: Alias) -> str:
    """The import of this one name."""
    asname = _asname_of(alias)
    if isinstance(alias.statement, cst.Import):
        return str(Spec(None, alias.path, asname))
    module, _, name = alias.path.rpartition(".")
    return str(Spec(module, name, asname))


def _asname_of(alias: Alias) -> Optional[str]:
    """The `as` of `from ... import X as Y`, also where X and Y are the same."""
    node = alias.statement.names[alias.number]  # type: ignore[index]
    return alias.bound if node.asname is not None else None


def _call_edit(plan: Plan) -> Callable[[cst.CSTNode], cst.CSTNode]:
    def edit(updated: cst.CSTNode) -> cst.CSTNode:
        assert isinstance(updated, cst.Call)
        return with_plan(updated, plan)

    return edit


def _argument_names(call: cst.Call, order: Sequence[str], plan: Optional[Plan]) -> List[str]:
    names = []
    for index, arg in enumerate(call.args):
        name = order[index] if arg.keyword is None else arg.keyword.value
        change = plan.changed.get(index, Change(name)) if plan is not None else Change(name)
        if change is not None:
            names.append(change.name)
    return names + [change.name for change in (plan.added if plan is not None else [])]


def _called(call: cst.Call) -> str:
    """`sync.map`; of what has no name, what is done with it."""
    return dotted(call.func).lstrip(".") or "its call"


class _Editor(cst.CSTTransformer):
    """Applies edits to the nodes that they are for."""

    def __init__(
        self,
        edits: Dict[cst.CSTNode, Callable[[cst.CSTNode], cst.CSTNode]],
        imports: Dict[ImportNode, ImportPlan],
    ) -> None:
        super().__init__()
        self._edits, self._imports = edits, imports
        # Of the line that is being left: what follows it, and comments of what went.
        self._more: List[cst.BaseSmallStatement] = []
        self._comments: List[cst.Comment] = []
        self._last: Optional[cst.BaseSmallStatement] = None

    def on_leave(self, original_node, updated_node):  # type: ignore[no-untyped-def]
        if isinstance(original_node, (cst.Import, cst.ImportFrom)):
            plan = self._imports.get(original_node)
            if plan is not None and plan.gone:
                return cst.RemoveFromParent()
            if plan is not None:
                new = written(updated_node, plan)
                self._more += new.more
                self._comments += new.comments
                self._last = new.statement
                return new.statement
        edit = self._edits.get(original_node)
        if edit is not None:
            updated_node = edit(updated_node)
        return super().on_leave(original_node, updated_node)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Union[cst.SimpleStatementLine, "cst.FlattenSentinel[cst.SimpleStatementLine]"]:
        more, comments, self._more, self._comments = self._more, self._comments, [], []
        above = [cst.EmptyLine(comment=comment) for comment in comments]
        if not more:
            return updated_node.with_changes(leading_lines=[*updated_node.leading_lines, *above])
        if len(updated_node.body) > 1:
            # What follows on the same line may need it.
            at = [each is self._last for each in updated_node.body].index(True) + 1
            body = [*updated_node.body[:at], *more, *updated_node.body[at:]]
            return updated_node.with_changes(body=body)
        lines = [cst.SimpleStatementLine(body=[each]) for each in more]
        lines[0] = lines[0].with_changes(leading_lines=above)
        return cst.FlattenSentinel([updated_node, *lines])

    def leave_SimpleStatementSuite(
        self, original_node: cst.SimpleStatementSuite, updated_node: cst.SimpleStatementSuite
    ) -> cst.SimpleStatementSuite:
        more, self._more, self._comments = self._more, [], []
        return updated_node.with_changes(body=[*updated_node.body, *more]) if more else updated_node


__all__ = ["CHANGED", "LEFT", "NOTE", "Finding", "NotPython", "Rewritten", "rewrite"]
