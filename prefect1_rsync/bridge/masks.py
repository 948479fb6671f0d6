"""What must not be shown: secrets that stand in a flow file as text.

What a credential is made of is followed by names alone, wherever in the file they stand: a mask too
many spoils a line of a diff, one too few a secret.
"""

import re
from typing import Dict, Iterable, List, Sequence, Set, Tuple

import libcst as cst

MASK = "***"

#: What an argument, a variable or a key is called that holds a secret ...
_SECRET = re.compile(
    r"api_?key|token|secret|passw|pwd|credential|api_?trigger|trigger_?url|auth", re.I
)
# ... and what holds but the name of one.
_HARMLESS = re.compile(r"(env_?var|(?<!^client)_secret|_name|_env)$", re.I)
_TRIGGER_URL = re.compile(r"(bearer:)[^@\s\"']+(@)")
_TOKEN = re.compile(r"(secret-token:)[^@\s\"']+")
# `user:password@` of a URL, or at the beginning of a text: a host's.
_PASSWORD = re.compile(r"((?:://|[\"'])[^/@:\s\"']*:)[^\s\"']+(@)")
# A shorter text is hidden only where it is a whole literal: it may be part of any word.
_LONG = 6

#: The tasks (and the client) whose first argument is a key or a trigger URL, or a host.
KEY_FIRST = ("CensusSyncTask", "HightouchRunSync", "HightouchClient")
HOST_FIRST = ("AirbyteConnectionTask", "AirbyteConfigurationExport")
_HOST = "airbyte_server_host"

# Calls that give back what they are given ...
_THROUGH = ("unmapped", "Constant", "str", "bytes", "flatten", "SecretStr", "b64decode")
# ... and those that look a name up: it is their first argument, and what follows is a default.
_LOOKUP = re.compile(
    r"^(get|pop|setdefault|read|open|fetch|load(?!s))|secret|param|env|variable|vault|config|path",
    re.I,
)
_ITS_NAME = ("name", "key")


def secrets_in(
    module: cst.Module,
    keys: Sequence[cst.BaseExpression] = (),
    hosts: Sequence[cst.BaseExpression] = (),
) -> Set[str]:
    """
    The texts in a module that look like secrets, by the name of what they are given to.

    Args:
        - module (cst.Module): the module
        - keys (sequence of cst.BaseExpression, optional): what is a credential, whatever its name
        - hosts (sequence of cst.BaseExpression, optional): what is a host, perhaps with a password

    Returns:
        - set of str: as they are written and as they are read
    """
    found = _Given()
    module.visit(found)
    found.hand_over()
    texts = _texts(found.by_name, found.bound, False)
    texts |= _texts([*found.keys, *keys], found.bound, True)
    for host in (*found.hosts, *hosts):
        made_of = _texts([host], found.bound, True)
        if any("@" in text for text in made_of):
            texts |= made_of
    return texts - {MASK}


def texts_in(value: cst.BaseExpression) -> Set[str]:
    """The string literals that a value is made of, but for those by which it is looked up."""
    return _texts([value], {}, True)


def masked(text: str, secrets: Iterable[str]) -> str:
    """
    A text without its secrets; as many lines as before.

    Args:
        - text (str): source code, a part of it, or a diff
        - secrets (iterable of str): what `secrets_in` found
    """
    for secret in sorted(secrets, key=len, reverse=True):
        hidden = MASK + "\n" * secret.count("\n")
        if len(secret) >= _LONG:
            text = text.replace(secret, hidden)
        for quote in ("'", '"'):
            text = text.replace(quote + secret + quote, quote + hidden + quote)
    for pattern in (_TRIGGER_URL, _PASSWORD):
        text = pattern.sub(r"\1" + MASK + r"\2", text)
    return _TOKEN.sub(r"\1" + MASK, text)


class _Given(cst.CSTVisitor):
    """
    Collects what is given to what.

    Attributes:
        - bound (dict): a name to all that it is given, anywhere: as a variable, an attribute, an
            argument, a key of a dict, the result of a function
        - keys (list): what is given to a credential's argument
        - by_name (list): what is given to something else with a secret's name
        - hosts (list): what is given as a host
    """

    def __init__(self) -> None:
        super().__init__()
        self.bound: Dict[str, List[cst.BaseExpression]] = {}
        self.keys: List[cst.BaseExpression] = []
        self.by_name: List[cst.BaseExpression] = []
        self.hosts: List[cst.BaseExpression] = []
        self._inside: List[str] = []
        self._parameters: List[Tuple[str, List[str]]] = []
        self._calls: Dict[str, List[cst.Call]] = {}

    def hand_over(self) -> None:
        """What the file's own functions are called with, by position."""
        for called, parameters in self._parameters:
            for call in self._calls.get(called, ()):
                for name, arg in zip(parameters, call.args):
                    if arg.keyword is not None or arg.star:
                        break
                    self._bind(name, arg.value)

    def visit_Arg(self, node: cst.Arg) -> None:
        if node.keyword is None:
            return
        name = node.keyword.value
        self._bind(name, node.value)
        if _is_secret(name):
            self.keys.append(node.value)
        elif name == _HOST:
            self.hosts.append(node.value)

    def visit_Assign(self, node: cst.Assign) -> None:
        for target in node.targets:
            self._assign(target.target, node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value is not None:
            self._assign(node.target, node.value)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        self._assign(node.target, node.value)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self._assign(node.target, node.value)

    def visit_For(self, node: cst.For) -> None:
        self._assign(node.target, node.iter)

    def visit_CompFor(self, node: cst.CompFor) -> None:
        self._assign(node.target, node.iter)

    def visit_WithItem(self, node: cst.WithItem) -> None:
        if node.asname is not None and isinstance(node.asname.name, cst.BaseExpression):
            self._assign(node.asname.name, node.item)

    def visit_Param(self, node: cst.Param) -> None:
        if node.default is not None:
            self._assign(node.name, node.default)

    def visit_DictElement(self, node: cst.DictElement) -> None:
        self._give(_text(node.key), node.value)

    def visit_Return(self, node: cst.Return) -> None:
        if node.value is not None and self._inside:
            self._bind(self._inside[-1], node.value)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._inside.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self._inside.pop()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        name = node.name.value
        parameters = [
            each.name.value for each in (*node.params.posonly_params, *node.params.params)
        ]
        if parameters[:1] in (["self"], ["cls"]):
            parameters = parameters[1:]
        if name == "__init__" and self._inside:
            name = self._inside[-1]
        self._parameters.append((name, parameters))
        self._inside.append(name)

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._inside.pop()

    def visit_Call(self, node: cst.Call) -> None:
        called = _last_name(node.func)
        self._calls.setdefault(called, []).append(node)
        if not node.args:
            return
        # `Parameter("api_key", default="...")`, `os.environ.setdefault("TOKEN", "...")`,
        # `@click.option("--api-key", default="...")`.
        name = _text(node.args[0].value).lstrip("-").replace("-", "_")
        for arg in node.args[1:]:
            self._give(name, arg.value)
        first = node.args[0]
        if first.keyword is None and first.star != "**":
            if called in KEY_FIRST:
                self.keys.append(first.value)
            elif called in HOST_FIRST:
                self.hosts.append(first.value)

    def _assign(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        if not isinstance(target, (cst.Tuple, cst.List)):
            self._give(_last_name(target), value)
            return
        targets = [element.value for element in target.elements]
        values = [value] * len(targets)
        if isinstance(value, (cst.Tuple, cst.List)) and len(value.elements) == len(targets):
            values = [element.value for element in value.elements]
        for each, its in zip(targets, values):
            self._assign(each, its)

    def _give(self, name: str, value: cst.BaseExpression) -> None:
        self._bind(name, value)
        if _is_secret(name):
            self.by_name.append(value)

    def _bind(self, name: str, value: cst.BaseExpression) -> None:
        if name:
            self.bound.setdefault(name, []).append(value)


def _texts(
    values: Iterable[cst.BaseExpression],
    bound: Dict[str, List[cst.BaseExpression]],
    whole: bool,
) -> Set[str]:
    """
    The string literals that values are made of.

    Args:
        - values (iterable of cst.BaseExpression): the values
        - bound (dict): what the names in them stand for
        - whole (bool): whether calls of what we don't know are looked into: they are, where it is
            sure to be a credential that comes out
    """
    made_of = _MadeOf(bound, whole)
    made_of.pending.extend(values)
    while made_of.pending:
        made_of.pending.pop().visit(made_of)
    # No comma and no space, by which others are joined.
    return {text for text in made_of.texts if len(text) >= _LONG or re.search(r"\w", text)}


class _MadeOf(cst.CSTVisitor):
    """String literals, but for those by which something is looked up, and names."""

    def __init__(self, bound: Dict[str, List[cst.BaseExpression]], whole: bool) -> None:
        super().__init__()
        self.texts: Set[str] = set()
        self.pending: List[cst.BaseExpression] = []
        self._bound, self._whole = bound, whole
        self._seen: Set[str] = set()

    def visit_Name(self, node: cst.Name) -> None:
        self._follow(node.value)

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        self._follow(node.attr.value)
        node.value.visit(self)
        return False

    def visit_Subscript(self, node: cst.Subscript) -> bool:
        key = _last_name(node)
        if key in self._bound:
            self._follow(key)
        else:
            node.value.visit(self)
        return False

    def visit_Call(self, node: cst.Call) -> bool:
        node.func.visit(self)
        called = _last_name(node.func)
        of_text = isinstance(node.func, cst.Attribute) and isinstance(
            node.func.value, cst.BaseString
        )
        if of_text or called in _THROUGH:
            looked_up = 0
        elif called == "getattr":
            looked_up = 2
        elif _LOOKUP.search(called):
            looked_up = 1
        elif self._whole:
            looked_up = 0
        else:
            return False
        for number, arg in enumerate(node.args):
            if arg.keyword is None and not arg.star and number < looked_up:
                self._follow(_text(arg.value))
            elif arg.keyword is None or not looked_up or arg.keyword.value not in _ITS_NAME:
                arg.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        node.value.visit(self)
        return False

    def visit_DictElement(self, node: cst.DictElement) -> bool:
        node.value.visit(self)
        return False

    def visit_IfExp(self, node: cst.IfExp) -> bool:
        node.body.visit(self)
        node.orelse.visit(self)
        return False

    def visit_Comparison(self, node: cst.Comparison) -> bool:
        return False

    def visit_ConcatenatedString(self, node: cst.ConcatenatedString) -> None:
        self._add(node.evaluated_value)

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        self._add(node.raw_value)
        self._add(node.evaluated_value)

    def visit_FormattedStringText(self, node: cst.FormattedStringText) -> None:
        self._add(node.value)

    def _add(self, text: object) -> None:
        if isinstance(text, str):
            self.texts.add(text)

    def _follow(self, name: str) -> None:
        if name not in self._seen:
            self._seen.add(name)
            self.pending += self._bound.get(name, ())


def _is_secret(name: str) -> bool:
    return bool(_SECRET.search(name)) and not _HARMLESS.search(name)


def _last_name(node: cst.CSTNode) -> str:
    if isinstance(node, cst.Attribute):
        return node.attr.value
    if isinstance(node, cst.Subscript) and node.slice:
        part = node.slice[0].slice
        return _text(part.value) if isinstance(part, cst.Index) else ""
    return node.value if isinstance(node, cst.Name) else ""


def _text(node: cst.CSTNode) -> str:
    value = node.evaluated_value if isinstance(node, cst.SimpleString) else ""
    return value if isinstance(value, str) else ""
