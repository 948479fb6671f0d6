"""A call with other arguments: what stays keeps its place, its spaces and its comments."""

from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

import libcst as cst

from .arguments import Change, Plan

Space = Union[cst.SimpleWhitespace, cst.ParenthesizedWhitespace]
_EQUAL = cst.AssignEqual(
    whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")
)
_ONE = cst.SimpleWhitespace(" ")


class _Piece(NamedTuple):
    """An argument and what stands between it and the next, or the parenthesis."""

    arg: cst.Arg
    after: Space


def with_plan(call: cst.Call, plan: Plan) -> cst.Call:
    """
    A call as planned.

    Args:
        - call (cst.Call): the call
        - plan (Plan): what its arguments become

    Returns:
        - cst.Call: another
    """
    before, pieces, comma = _taken_apart(call)
    kept: List[_Piece] = []
    # What stood around arguments that went, for their comments stay.
    pending: Optional[Space] = None
    for index, piece in enumerate(pieces):
        change = plan.changed.get(index, piece.arg)
        if change is None:
            if kept:
                kept[-1] = kept[-1]._replace(after=_joined(kept[-1].after, piece.after))
            else:
                pending = piece.after if pending is None else _joined(pending, piece.after)
            continue
        if pending is not None:
            before = _joined(before, pending) if _comments(pending) else before
            pending = None
        if isinstance(change, Change):
            piece = piece._replace(arg=_changed(piece.arg, change))
        kept.append(piece)
    for added in plan.added:
        if kept:
            kept = _with_another(before, kept, _new(added))
        else:
            kept = [_Piece(_new(added), pending or cst.SimpleWhitespace(""))]
            pending = None
    if pending is not None:
        before = _joined(before, pending)
    return _put_together(call, before, kept, comma)


def _taken_apart(call: cst.Call) -> Tuple[Space, List[_Piece], bool]:
    """The space before the arguments, they, and whether the last has a comma."""
    pieces = []
    comma = False
    for arg in call.args:
        comma = isinstance(arg.comma, cst.Comma)
        after: Space = arg.whitespace_after_arg  # type: ignore[assignment]
        if isinstance(arg.comma, cst.Comma):
            space: Space = arg.comma.whitespace_after  # type: ignore[assignment]
            after = _joined(after, space) if _comments(after) else space
        pieces.append(_Piece(arg, after))
    return call.whitespace_before_args, pieces, comma  # type: ignore[return-value]


def _put_together(call: cst.Call, before: Space, pieces: List[_Piece], comma: bool) -> cst.Call:
    args = []
    for number, (arg, after) in enumerate(pieces, start=1):
        if number < len(pieces) or comma:
            arg = arg.with_changes(
                comma=cst.Comma(whitespace_after=after),
                whitespace_after_arg=cst.SimpleWhitespace(""),
            )
        else:
            arg = arg.with_changes(comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=after)
        args.append(arg)
    return call.with_changes(args=args, whitespace_before_args=before)


def _changed(arg: cst.Arg, change: Change) -> cst.Arg:
    equal = arg.equal if arg.keyword is not None else _EQUAL
    value = arg.value if change.value is None else cst.parse_expression(change.value)
    if change.elements is not None:
        value = _with_elements(value, change.elements)
    return arg.with_changes(keyword=cst.Name(change.name), equal=equal, value=value)


def _with_elements(value: cst.BaseExpression, codes: Sequence[str]) -> cst.BaseExpression:
    """A list with other things in it; its comments and its spaces stay."""
    if isinstance(value, cst.Call):  # unmapped([...])
        inner = _with_elements(value.args[0].value, codes)
        return value.with_changes(args=[value.args[0].with_changes(value=inner)])
    assert isinstance(value, (cst.List, cst.Tuple))
    elements = [
        element.with_changes(value=cst.parse_expression(code))
        for element, code in zip(value.elements, codes)
    ]
    return value.with_changes(elements=elements)


def _new(change: Change) -> cst.Arg:
    assert change.value is not None
    return cst.Arg(
        value=cst.parse_expression(change.value), keyword=cst.Name(change.name), equal=_EQUAL
    )


def _with_another(before: Space, pieces: List[_Piece], arg: cst.Arg) -> List[_Piece]:
    """One argument more, set as the others are: on their line, or on one of its own."""
    last = pieces[-1]
    pattern = pieces[-2].after if len(pieces) > 1 else before
    between: Space = _ONE
    if isinstance(pattern, cst.ParenthesizedWhitespace):
        between = _without_comments(pattern)
    after: Space = last.after
    if isinstance(after, cst.ParenthesizedWhitespace):
        if _comments(after):
            # The comment is the last argument's, and so stays on its line.
            inner = between if isinstance(between, cst.ParenthesizedWhitespace) else after
            between = after.with_changes(indent=inner.indent, last_line=inner.last_line)
        after = _without_comments(after)
    return [*pieces[:-1], last._replace(after=between), _Piece(arg, after)]


def _comments(space: Space) -> bool:
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return False
    lines: Sequence[Union[cst.TrailingWhitespace, cst.EmptyLine]]
    lines = [space.first_line, *space.empty_lines]
    return any(line.comment is not None for line in lines)


def _without_comments(space: cst.ParenthesizedWhitespace) -> cst.ParenthesizedWhitespace:
    return space.with_changes(
        first_line=space.first_line.with_changes(comment=None, whitespace=cst.SimpleWhitespace("")),
        empty_lines=[],
    )


def _joined(first: Space, second: Space) -> Space:
    """Two spaces as one, that ends as the second does and has the comments of both."""
    if not isinstance(first, cst.ParenthesizedWhitespace) or not _comments(first):
        if isinstance(first, cst.ParenthesizedWhitespace) and not isinstance(
            second, cst.ParenthesizedWhitespace
        ):
            return first
        return second
    if not isinstance(second, cst.ParenthesizedWhitespace):
        return first
    lines = list(first.empty_lines)
    comment: Optional[cst.Comment] = second.first_line.comment
    if comment is not None:
        lines.append(
            cst.EmptyLine(
                indent=first.indent,
                whitespace=first.last_line,
                comment=comment,
                newline=second.first_line.newline,
            )
        )
    return first.with_changes(
        empty_lines=[*lines, *second.empty_lines],
        indent=second.indent,
        last_line=second.last_line,
    )
