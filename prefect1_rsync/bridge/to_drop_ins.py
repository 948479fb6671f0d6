"""The way to the drop-ins: other imports, and nothing else."""

from typing import Set

import libcst as cst

from .findings import CHANGED, LEFT
from .imports import Spec
from .migration import ROOTS, Migration, asname_of, import_text, odd
from .old import DROP_INS, STARS
from .source import Alias, Reference


class ToDropIns(Migration):
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
                self._move(alias, [Spec(DROP_INS, str(place.name), asname_of(alias))])
                self._name(alias)
            elif self._module(alias):
                done.update(id(each.node) for each in self._through(alias))
        for reference in self.source.references:
            if id(reference.node) not in done and any(
                alias.meaning in ROOTS for alias in reference.aliases
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
        left = [each for each in references if each.place.kind != "name"]
        if left:
            for each in left:
                self._say(each.node, LEFT, odd(self.source, each))
            stays = sorted({self.source.line(each.node) for each in left})
            self._say(
                alias.statement,
                LEFT,
                f"{import_text(alias)} stays, for line {', '.join(map(str, stays))}",
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
            self._say(reference.node, LEFT, odd(self.source, reference))
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
