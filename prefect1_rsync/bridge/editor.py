"""Applies what was decided to a file's tree."""

from typing import Callable, Dict, List, Optional, Union

import libcst as cst

from .imports import ImportPlan, written
from .source import ImportNode


class Editor(cst.CSTTransformer):
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
