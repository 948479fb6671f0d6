"""The way to the new tasks: imports, calls, and arguments."""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import libcst as cst

from .arguments import Arguments, Change, Plan, SecretNames, Undecided, positions
from .calls import with_plan
from .findings import CHANGED, LEFT, NOTE
from .follow import follow, result_is_used
from .imports import Spec
from .migration import ROOTS, Migration, asname_of, import_text, odd
from .old import COUNTERPARTS, NEW, TIED, WITHOUT_COUNTERPART
from .source import Alias, Reference, Source, dotted

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


class _Made(NamedTuple):
    """A task that is made, and can be decided."""

    reference: Reference
    plans: List[Tuple[cst.Call, Plan]]
    annotation: Optional[Reference]
    notes: List[Tuple[cst.CSTNode, str]]


class ToTasks(Migration):
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
            self._left[reference.node] = (reference, odd(self.source, reference))
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
                asname = asname_of(alias)
                if asname is None and locals_[new] != new:
                    asname = locals_[new]
                spec = Spec(NEW, new, asname)
                if left:
                    self._plan(alias.statement).add(spec)
                else:
                    self._move(alias, [spec])
                if asname_of(alias) is None and (asname or new) != alias.bound:
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
                alias.meaning in ROOTS for alias in each.aliases
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
                    f"{import_text(alias)}: not used here; other files may import it from here",
                )


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
