"""Where a task that is made in a file goes, and whether it can be followed."""

from typing import List, NamedTuple, Optional

import libcst as cst

from .arguments import Site, Undecided
from .source import Source, dotted

#: A task is called by itself, or by one of these.
CALLED = ("map", "run", "bind")
# Attributes of every Prefect task that have nothing to do with the arguments.
_HARMLESS = {
    "cache_for",
    "cache_key",
    "cache_validator",
    "checkpoint",
    "log_stdout",
    "logger",
    "max_retries",
    "name",
    "result",
    "retry_delay",
    "set_downstream",
    "set_upstream",
    "skip_on_upstream_skip",
    "slug",
    "state_handlers",
    "tags",
    "target",
    "task_run_name",
    "timeout",
    "trigger",
}
# Methods that a task is given to as it is.
_TAKERS = {"add_task", "set_downstream", "set_reference_tasks", "set_upstream"}


class Followed(NamedTuple):
    """
    A task that could be followed.

    Args:
        - sites (list of Site): all its calls
        - annotation (cst.BaseExpression, optional): of the variable that it is given to
    """

    sites: List[Site]
    annotation: Optional[cst.BaseExpression] = None


def follow(source: Source, made: cst.Call) -> Followed:
    """
    All that is done with a task.

    Args:
        - source (Source): the file
        - made (cst.Call): where it is made

    Raises:
        - Undecided: something is done that can't be followed
    """
    parent = source.parent(made)
    if isinstance(parent, cst.Assign):
        if len(parent.targets) == 1:
            return Followed(_of_variable(source, parent.targets[0].target))
        raise Undecided("it is given to several names at once")
    if isinstance(parent, cst.AnnAssign):
        return Followed(_of_variable(source, parent.target), parent.annotation.annotation)
    if isinstance(parent, cst.Expr):
        raise Undecided("it is made and not used")
    site = _use(source, made)
    return Followed([] if site is None else [site])


def result_is_used(source: Source, site: Site) -> bool:
    """Whether something looks at what a call returns, rather than wait for it."""
    node = site.node
    parent = source.parent(node)
    if isinstance(parent, cst.Expr) or site.method == "bind":
        return False
    target = parent.targets[0].target if isinstance(parent, cst.Assign) else None
    if isinstance(target, cst.Name):
        uses = source.uses(target)
        return uses is None or not all(_only_waits(source, use) for use in uses)
    return not _only_waits(source, node)


def _of_variable(source: Source, target: cst.BaseExpression) -> List[Site]:
    if not isinstance(target, cst.Name):
        raise Undecided(f"it is given to {source.code(target)}, which is not followed")
    uses = source.uses(target)
    if uses is None:
        raise Undecided(f"{target.value} is not only this")
    if not uses:
        raise Undecided(f"{target.value} is not used here: other files may call it")
    sites = []
    for use in uses:
        try:
            site = _use(source, use)
        except Undecided as exc:
            raise Undecided(f"line {source.line(use)}: {exc}") from None
        if site is not None:
            sites.append(site)
    return sites


def _use(source: Source, node: cst.CSTNode) -> Optional[Site]:
    """A call; None: something that leaves the arguments alone."""
    parent = source.parent(node)
    if isinstance(parent, cst.Call) and parent.func is node:
        return Site(parent, "")
    if isinstance(parent, cst.Attribute) and parent.value is node:
        around = source.parent(parent)
        called = isinstance(around, cst.Call) and around.func is parent
        if parent.attr.value in CALLED and isinstance(around, cst.Call) and called:
            return Site(around, parent.attr.value)
        if parent.attr.value in _HARMLESS:
            if called and isinstance(around, cst.Call) and _has_key(around):
                raise Undecided("an argument is given to it by its key")
            return None
        raise Undecided(f"its attribute {parent.attr.value} is used")
    if _only_waits(source, node):
        return None
    raise Undecided("it is passed on")


def _only_waits(source: Source, node: cst.CSTNode) -> bool:
    """Whether this is about the order of tasks alone: `upstream_tasks=[node]` and the like."""
    parent = source.parent(node)
    if isinstance(parent, cst.Attribute):
        around = source.parent(parent)
        waits = parent.attr.value in ("set_upstream", "set_downstream")
        return waits and not (isinstance(around, cst.Call) and _has_key(around))
    while True:
        call = source.parent(parent) if isinstance(parent, cst.Arg) else None
        if isinstance(call, cst.Call) and dotted(call.func).split(".")[-1] == "unmapped":
            parent = source.parent(call)
        elif isinstance(parent, (cst.Element, cst.List, cst.Tuple)):
            parent = source.parent(parent)
        else:
            break
    if not isinstance(parent, cst.Arg):
        return False
    if parent.keyword is not None and parent.keyword.value == "upstream_tasks":
        return True
    call = source.parent(parent)
    if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
        return False
    if parent.keyword is not None and parent.keyword.value != "task":
        return False
    return dotted(call.func.attr) in _TAKERS and not _has_key(call)


def _has_key(call: cst.Call) -> bool:
    """`set_upstream(task, key="NAME")` hands an argument over."""
    keys = [arg for arg in call.args if arg.keyword is not None and arg.keyword.value == "key"]
    return bool(keys) or len(call.args) > 2 or any(arg.star for arg in call.args)
