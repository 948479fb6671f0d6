"""What must not be shown: secrets that stand in a flow file as text."""

import re
from typing import Iterable, List, Set

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
# A shorter text is hidden only where it is a whole literal: it may be part of any word.
_LONG = 6


def secrets_in(module: cst.Module) -> Set[str]:
    """
    The texts in a module that look like secrets, by the name of what they are given to.

    Args:
        - module (cst.Module): the module

    Returns:
        - set of str: as they are written and as they are read
    """
    found = _Literals()
    # Twice: what a key is read from may stand above it.
    module.visit(found)
    module.visit(found)
    return {text for text in found.texts if text and text != MASK}


def texts_in(value: cst.BaseExpression) -> Set[str]:
    """The string literals that a value is made of, but for those by which it is looked up."""
    inside = _Strings()
    value.visit(inside)
    return {text for text in inside.texts if text}


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
    return _TOKEN.sub(r"\1" + MASK, _TRIGGER_URL.sub(r"\1" + MASK + r"\2", text))


class _Literals(cst.CSTVisitor):
    """Collects the string literals that are given to something with a secret's name."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: Set[str] = set()
        self._names: Set[str] = set()

    def visit_Arg(self, node: cst.Arg) -> None:
        if node.keyword is not None and _is_secret(node.keyword.value):
            self._collect(node.value)
            if isinstance(node.value, cst.Name):
                self._names.add(node.value.value)

    def visit_Assign(self, node: cst.Assign) -> None:
        if any(self._holds_secret(target.target) for target in node.targets):
            self._collect(node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value is not None and self._holds_secret(node.target):
            self._collect(node.value)

    def visit_Param(self, node: cst.Param) -> None:
        if node.default is not None and _is_secret(node.name.value):
            self._collect(node.default)

    def visit_DictElement(self, node: cst.DictElement) -> None:
        if _is_secret(_text(node.key)):
            self._collect(node.value)

    def visit_Call(self, node: cst.Call) -> None:
        """`Parameter("api_key", default="...")`, `os.environ.setdefault("TOKEN", "...")`."""
        first = _text(node.args[0].value) if node.args else ""
        if _is_secret(first):
            for arg in node.args[1:]:
                self._collect(arg.value)
        name = _last_name(node.func)
        if name in ("HightouchRunSync", "HightouchClient"):
            # The first argument by position is the key.
            for arg in node.args[:1]:
                if arg.keyword is None:
                    self._collect(arg.value)

    def _holds_secret(self, target: cst.BaseExpression) -> bool:
        name = _last_name(target)
        return _is_secret(name) or name in self._names

    def _collect(self, value: cst.BaseExpression) -> None:
        self.texts |= texts_in(value)
        if isinstance(value, cst.Call) and _last_name(value.func) == "Parameter":
            for arg in value.args:
                if arg.keyword is not None and arg.keyword.value == "default":
                    self.texts |= texts_in(arg.value)


class _Strings(cst.CSTVisitor):
    """String literals, but for those by which something is looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: List[str] = []

    def visit_Call(self, node: cst.Call) -> bool:
        # unmapped("...") wraps a value; other calls look one up, as PrefectSecret("NAME") does.
        return _last_name(node.func) in ("unmapped", "Constant", "str", "flatten")

    def visit_Subscript(self, node: cst.Subscript) -> bool:
        return False

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        self.texts.append(node.raw_value)
        value = node.evaluated_value
        if isinstance(value, str):
            self.texts.append(value)

    def visit_FormattedStringText(self, node: cst.FormattedStringText) -> None:
        self.texts.append(node.value)


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
