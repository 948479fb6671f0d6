"""A flow file, read: which of its names come from Prefect's sync tasks, and who uses what."""

import ast
from typing import (
    Any,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

import libcst as cst
from libcst.metadata import (
    Assignment,
    ClassScope,
    GlobalScope,
    ImportAssignment,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
    Scope,
    ScopeProvider,
)

from .old import Place, locate

ImportNode = Union[cst.Import, cst.ImportFrom]


class Alias(NamedTuple):
    """
    One name of an import statement.

    Args:
        - statement (Import or ImportFrom): where it stands
        - number (int): which of the statement's, from 0
        - path (str): what is imported, in full
        - bound (str): the name that it has in the file
        - whole (bool): True: the name stands for the path; False: for its first part alone, as in
            `import prefect.tasks.airbyte`
    """

    statement: ImportNode
    number: int
    path: str
    bound: str
    whole: bool

    @property
    def meaning(self) -> str:
        """What the name stands for."""
        return self.path if self.whole else self.bound


class Reference(NamedTuple):
    """
    A use of one of the old names, or of an old module.

    Args:
        - node (Name or Attribute): the use
        - place (Place): what is used
        - path (str): where it is, in full
        - aliases (tuple of Alias): where the name comes from
        - sole (bool): whether the name comes from these imports alone
    """

    node: Union[cst.Name, cst.Attribute]
    place: Place
    path: str
    aliases: Tuple[Alias, ...]
    sole: bool


class Source:
    """
    A module with what is known of its names.

    Args:
        - module (cst.Module): the module
        - target (str): where the migration goes
    """

    def __init__(self, module: cst.Module, target: str) -> None:
        wrapper = MetadataWrapper(module)
        self.module = wrapper.module
        self.target = target
        # In one go, for each costs a walk through the whole file.
        found = wrapper.resolve_many([PositionProvider, ParentNodeProvider, ScopeProvider])
        self._positions: Mapping[cst.CSTNode, Any] = found[PositionProvider]
        self._parents: Mapping[cst.CSTNode, Any] = found[ParentNodeProvider]
        self._scopes: Mapping[cst.CSTNode, Any] = found[ScopeProvider]
        everything = _Everything()
        self.module.visit(everything)
        self.strings = everything.strings
        self.imports: List[ImportNode] = everything.imports
        self.aliases = [alias for node in self.imports for alias in _aliases_of(node)]
        self._by_statement: Dict[ImportNode, List[Alias]] = {}
        for alias in self.aliases:
            self._by_statement.setdefault(alias.statement, []).append(alias)
        self.names = everything.names
        self.references = list(self._find_references())

    def line(self, node: cst.CSTNode) -> int:
        """The line on which a node begins, from 1."""
        return int(self._positions[node].start.line)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode:
        """The node around a node."""
        found: cst.CSTNode = self._parents[node]
        return found

    def place(self, path: str) -> Optional[Place]:
        """What a path means here."""
        return locate(path, self.target)

    def code(self, node: cst.CSTNode) -> str:
        """The source of a node."""
        return self.module.code_for_node(node)

    def is_variable(self, name: cst.Name) -> bool:
        """Whether it is a name by itself, and not an attribute's or an argument's."""
        return self._scopes.get(name) is not None

    def bound_names(self) -> Set[str]:
        """Every name that is bound or used anywhere in the file."""
        named = {name.value for name in self.names if self._scopes.get(name) is not None}
        return named | {alias.bound for alias in self.aliases}

    def assignments(self, node: cst.Name) -> Sequence[Any]:
        """All that binds this name, seen from where it stands."""
        scope = self._scopes.get(node)
        return list(scope[node.value]) if isinstance(scope, Scope) else []

    def uses(self, node: cst.Name) -> Optional[List[cst.CSTNode]]:
        """
        The uses of the variable that is assigned here.

        Args:
            - node (cst.Name): the target of the assignment

        Returns:
            - list of nodes, optional: in the order of the text; None if it is assigned elsewhere
                too, or is an attribute of a class
        """
        assignments = self.assignments(node)
        if len(assignments) != 1 or not isinstance(assignments[0], Assignment):
            return None
        if isinstance(assignments[0].scope, ClassScope):
            return None
        nodes = {access.node for access in assignments[0].references}
        return sorted(nodes, key=lambda use: self._at(use))

    def every_use(self, node: cst.Name) -> List[cst.CSTNode]:
        """The uses of a variable, whatever else it may be."""
        return [
            access.node
            for assignment in self.assignments(node)
            for access in getattr(assignment, "references", ())
        ]

    def home(self, node: cst.CSTNode) -> cst.CSTNode:
        """The function, the class or the module whose names a statement binds."""
        while not isinstance(node, (cst.FunctionDef, cst.ClassDef, cst.Module)):
            node = self._parents[node]
        return node

    def known(self, node: cst.BaseExpression) -> Tuple[bool, Any]:
        """
        The value of a literal, or of a name that is given a literal once, at the top of the file.

        Returns:
            - tuple: whether it is known, and it
        """
        if isinstance(node, cst.Name) and node.value not in ("None", "True", "False"):
            value = self.constant(node)
            if value is None:
                return False, None
            node = value
        try:
            return True, ast.literal_eval(self.code(node).strip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return False, None

    def constant(self, node: cst.Name) -> Optional[cst.BaseExpression]:
        """The literal that a name stands for throughout, at the top of the file."""
        assignments = self.assignments(node)
        if len(assignments) != 1 or not isinstance(assignments[0].scope, GlobalScope):
            return None
        target = getattr(assignments[0], "node", None)
        parent = self._parents.get(target) if target is not None else None
        if isinstance(parent, cst.AnnAssign):
            return parent.value
        if isinstance(parent, cst.AssignTarget) and parent.target is target:
            statement = self._parents.get(parent)
            return statement.value if isinstance(statement, cst.Assign) else None
        return None

    @staticmethod
    def _is_bound_by(parent: Optional[cst.CSTNode], name: cst.Name) -> bool:
        """Whether this is where the name is given to something else."""
        if isinstance(parent, (cst.AssignTarget, cst.AnnAssign, cst.NamedExpr, cst.For)):
            return parent.target is name
        if isinstance(parent, (cst.ClassDef, cst.FunctionDef, cst.Param)):
            return parent.name is name
        return False

    def _at(self, node: cst.CSTNode) -> Tuple[int, int]:
        start = self._positions[node].start
        return start.line, start.column

    def _find_references(self) -> Iterator[Reference]:
        for name in self.names:
            if self._is_bound_by(self._parents.get(name), name):
                continue
            aliases, sole = self.origin(name)
            # More than one, where a try and its except import different things.
            paths = list(dict.fromkeys(alias.meaning for alias in aliases))
            node: Union[cst.Name, cst.Attribute] = name
            while paths:
                places = [self.place(path) for path in paths]
                parent = self._parents.get(node)
                longer = isinstance(parent, cst.Attribute) and parent.value is node
                for path, place in zip(paths, places):
                    if place is not None and (place.kind != "module" or not longer):
                        alike = {each and each[::2] for each in places} == {place[::2]}
                        yield Reference(node, place, path, aliases, sole and alike)
                        paths = []
                        break
                if not longer:
                    break
                assert isinstance(parent, cst.Attribute)
                node, paths = parent, [f"{path}.{parent.attr.value}" for path in paths]

    def origin(self, name: cst.Name) -> Tuple[Tuple[Alias, ...], bool]:
        """The imports that bind a name, and whether nothing else does."""
        found: List[Alias] = []
        assignments = self.assignments(name)
        for assignment in assignments:
            if isinstance(assignment, ImportAssignment):
                found += [
                    alias
                    for alias in self._by_statement.get(assignment.node, ())  # type: ignore[call-overload]
                    if alias.bound == name.value and alias not in found
                ]
        sole = bool(found) and all(isinstance(each, ImportAssignment) for each in assignments)
        return tuple(found), sole


class _Everything(cst.CSTVisitor):
    """Collects the imports, the names in use and the strings, in the order of the text."""

    def __init__(self) -> None:
        super().__init__()
        self.imports: List[ImportNode] = []
        self.names: List[cst.Name] = []
        self.strings: List[Union[cst.SimpleString, cst.FormattedStringText]] = []

    def visit_Import(self, node: cst.Import) -> bool:
        self.imports.append(node)
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        self.imports.append(node)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self.names.append(node)

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        self.strings.append(node)

    def visit_FormattedStringText(self, node: cst.FormattedStringText) -> None:
        self.strings.append(node)


def dotted(node: Optional[cst.BaseExpression]) -> str:
    """The text of a dotted name."""
    if isinstance(node, cst.Attribute):
        return f"{dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def _aliases_of(node: ImportNode) -> Iterator[Alias]:
    if isinstance(node, cst.ImportFrom):
        if node.relative or isinstance(node.names, cst.ImportStar):
            return
        module = dotted(node.module)
        for index, alias in enumerate(node.names):
            name = dotted(alias.name)
            yield Alias(node, index, f"{module}.{name}", _asname(alias) or name, True)
        return
    for index, alias in enumerate(node.names):
        path, asname = dotted(alias.name), _asname(alias)
        whole = asname is not None or "." not in path
        yield Alias(node, index, path, asname or path.split(".")[0], whole)


def _asname(alias: cst.ImportAlias) -> Optional[str]:
    name = alias.asname.name if alias.asname is not None else None
    return name.value if isinstance(name, cst.Name) else None
