"""Import statements with other names in them."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Union

import libcst as cst

from .source import ImportNode


class Spec(NamedTuple):
    """
    One import to write.

    Args:
        - module (str, optional): of `from MODULE import NAME`; None: `import NAME`
        - name (str): what
        - asname (str, optional): as what
    """

    module: Optional[str]
    name: str
    asname: Optional[str] = None

    def __str__(self) -> str:
        name = self.name if self.asname is None else f"{self.name} as {self.asname}"
        return f"import {name}" if self.module is None else f"from {self.module} import {name}"


class ImportPlan:
    """
    What an import statement becomes.

    Attributes:
        - moved (dict): index of a name to the imports that take its place
        - extra (list of Spec): imports to stand beside it
        - gone (bool): the whole statement goes
    """

    def __init__(self) -> None:
        self.moved: Dict[int, List[Spec]] = {}
        self.extra: List[Spec] = []
        self.gone = False

    def add(self, spec: Spec) -> None:
        """One more beside it, once."""
        if spec not in self.extra:
            self.extra.append(spec)


class Written(NamedTuple):
    """
    An import statement as planned.

    Args:
        - statement (cst.BaseSmallStatement): what stands in its place
        - more (list of cst.BaseSmallStatement): what follows it
        - comments (list of cst.Comment): of names that went
    """

    statement: cst.BaseSmallStatement
    more: List[cst.BaseSmallStatement]
    comments: List[cst.Comment]


def written(node: ImportNode, plan: ImportPlan) -> Written:
    """
    An import statement as planned.

    Args:
        - node (Import or ImportFrom): the statement
        - plan (ImportPlan): what becomes of it
    """
    if isinstance(node.names, cst.ImportStar):
        first, *more = _statements([spec for specs in plan.moved.values() for spec in specs])
        return Written(_in_place_of(node, first), more, [])
    names: Sequence[cst.ImportAlias] = node.names
    moved = [plan.moved.get(index) for index in range(len(names))]
    if isinstance(node, cst.ImportFrom) and all(
        specs is not None and len(specs) == 1 and specs[0].module for specs in moved
    ):
        flat = [specs[0] for specs in moved if specs]
        if len({spec.module for spec in flat}) == 1:
            # The usual case: other names in the same places.
            aliases = [_renamed(alias, spec) for alias, spec in zip(names, flat)]
            module = _name(str(flat[0].module))
            return Written(
                node.with_changes(module=module, names=aliases), _statements(plan.extra), []
            )
    new: List[Spec] = []
    for spec in [*(spec for specs in moved for spec in specs or ()), *plan.extra]:
        if spec not in new:
            new.append(spec)
    kept = [alias for alias, specs in zip(names, moved) if specs is None]
    gone = [alias for alias, specs in zip(names, moved) if specs is not None]
    comments = _Comments()
    for alias in gone:
        alias.visit(comments)
    statements = _statements(new)
    if not kept:
        return Written(_in_place_of(node, statements[0]), statements[1:], comments.found)
    if gone:
        node = _with_names(node, kept)
    return Written(node, statements, comments.found)


def has_comments(node: cst.CSTNode) -> bool:
    """Whether there are comments in a node, or on its lines."""
    comments = _Comments()
    node.visit(comments)
    return bool(comments.found)


def _with_names(node: ImportNode, kept: List[cst.ImportAlias]) -> ImportNode:
    """The statement with some of its names; the last one ends as the last one did."""
    assert not isinstance(node.names, cst.ImportStar)
    old, last = node.names[-1].comma, kept[-1].comma
    if kept[-1] is not node.names[-1] and isinstance(last, cst.Comma):
        after = last.whitespace_after
        if not has_comments(after):
            kept[-1] = kept[-1].with_changes(comma=old)
        elif isinstance(old, cst.Comma):
            # What its own comment stands in, and then what led to the parenthesis.
            kept[-1] = kept[-1].with_changes(
                comma=old.with_changes(whitespace_after=_ending(after, old.whitespace_after))
            )
        elif isinstance(node, cst.ImportFrom) and node.rpar is not None:
            space = _ending(after, node.rpar.whitespace_before)
            kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
            node = node.with_changes(rpar=node.rpar.with_changes(whitespace_before=space))
    return node.with_changes(names=kept)


def _ending(
    space: cst.BaseParenthesizableWhitespace, end: cst.BaseParenthesizableWhitespace
) -> cst.BaseParenthesizableWhitespace:
    """A space with the comments of one and the end of another."""
    if isinstance(end, cst.ParenthesizedWhitespace):
        return space.with_changes(indent=end.indent, last_line=end.last_line)
    return space


def _statements(specs: Sequence[Spec]) -> List[cst.BaseSmallStatement]:
    """The imports, those from one module in one statement."""
    statements: List[cst.BaseSmallStatement] = []
    modules: Dict[str, List[Spec]] = {}
    for spec in specs:
        if spec.module is None:
            statements.append(cst.Import(names=[_alias(spec)]))
        else:
            modules.setdefault(spec.module, []).append(spec)
    for module, found in modules.items():
        names = [_alias(spec) for spec in sorted(found)]
        statements.append(cst.ImportFrom(module=_name(module), names=names))
    return statements


def _in_place_of(node: ImportNode, new: cst.BaseSmallStatement) -> cst.BaseSmallStatement:
    return new.with_changes(semicolon=node.semicolon)


def _renamed(alias: cst.ImportAlias, spec: Spec) -> cst.ImportAlias:
    asname = alias.asname
    if spec.asname is None:
        asname = None
    elif asname is None:
        asname = cst.AsName(name=cst.Name(spec.asname))
    return alias.with_changes(name=cst.Name(spec.name), asname=asname)


def _alias(spec: Spec) -> cst.ImportAlias:
    asname = None if spec.asname is None else cst.AsName(name=cst.Name(spec.asname))
    return cst.ImportAlias(name=_name(spec.name), asname=asname)


def _name(path: str) -> Union[cst.Name, cst.Attribute]:
    first, *rest = path.split(".")
    node: Union[cst.Name, cst.Attribute] = cst.Name(first)
    for part in rest:
        node = cst.Attribute(value=node, attr=cst.Name(part))
    return node


class _Comments(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: List[cst.Comment] = []

    def visit_Comment(self, node: cst.Comment) -> None:
        self.found.append(node)
