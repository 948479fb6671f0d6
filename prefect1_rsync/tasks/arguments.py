"""Checks what users give: a clear `ValueError` that names the argument, never its secret."""

import math
import numbers
import operator
import os
from typing import Any, Dict, Optional, Sequence, Union

import prefect

from ..engine.watch import ATTACH, FAIL, WAIT, SyncOptions

POLICIES = (WAIT, ATTACH, FAIL)


def options_from(arguments: Dict[str, Any]) -> SyncOptions:
    """
    The arguments that all tasks have in common, checked.

    Raises:
        - ValueError: one of them is wrong
    """
    policy = arguments["if_already_running"]
    if policy not in POLICIES:
        raise ValueError(
            "if_already_running: must be one of {}".format(", ".join(map(repr, POLICIES)))
        )
    options = SyncOptions(
        poll_every=_seconds("poll_status_every_n_seconds", arguments),
        max_wait=_seconds("max_wait_seconds", arguments),
        wait=flag("wait_for_completion", arguments),
        raise_on_failure=flag("raise_on_failure", arguments),
        fail_on_warning=flag("fail_on_warning", arguments),
        if_already_running=policy,
        cancel_remote_run=flag("cancel_remote_run", arguments),
        resume=flag("resume", arguments),
    )
    # No option of the watch: it goes into the request.
    flag("full_resync", arguments)
    return options


def flag(name: str, arguments: Dict[str, Any]) -> bool:
    """A switch: True or False, nothing that merely looks like it."""
    value = arguments[name]
    if not isinstance(value, bool):
        raise ValueError(f"{name}: must be True or False")
    return value


def text(name: str, arguments: Dict[str, Any]) -> Optional[str]:
    """A text that is not empty, or None."""
    value = arguments[name]
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name}: must be a text that is not empty")
    return value


def number_id(name: str, value: object) -> Optional[str]:
    """A vendor's id that is a whole number above 0, as a number or as text; or None."""
    if value is None:
        return None
    digits = value if isinstance(value, str) else _digits(value)
    if not digits.isdigit() or not digits.isascii() or len(digits) > 18 or int(digits) == 0:
        raise ValueError(f"{name}: must be a whole number above 0, as in the sync's address")
    return str(int(digits))


def _digits(value: Any) -> str:
    # Of anything that is an integer: what comes out of a table may be numpy's.
    try:
        return "" if isinstance(value, bool) else str(operator.index(value))
    except TypeError:
        return ""


def credential(
    name: str, arguments: Dict[str, Any], resolve: bool = True, environment: Optional[str] = None
) -> Optional[str]:
    """
    A credential given as it is, or by name, or in the environment.

    Args:
        - name (str): the argument; `NAME_secret` is its by-name form
        - arguments (dict): all arguments
        - resolve (bool, optional): False in a constructor: nothing is looked up then, and a
            credential by name is None
        - environment (str, optional): the environment variable that comes last

    Raises:
        - ValueError: given twice, or not a text, or named but not found
    """
    value, by_name = arguments[name], text(name + "_secret", arguments)
    if value is not None and by_name is not None:
        raise ValueError(f"{name} and {name}_secret: give one of them, not both")
    if by_name is not None:
        if not resolve:
            return None
        value = _named(name, by_name)
    if value is None and resolve and environment is not None:
        value = os.environ.get(environment) or None
    return None if value is None else _credential_text(name, value)


def given(names: Sequence[str], arguments: Dict[str, Any]) -> bool:
    """Whether one of these credentials was given, as it is or by name."""
    return any(arguments[form] is not None for name in names for form in (name, name + "_secret"))


def _named(name: str, secret: str) -> Union[str, Any]:
    """A Prefect secret of that name, else an environment variable."""
    try:
        value = prefect.client.Secret(secret).get()
    except (ValueError, KeyError):
        value = None
    if value is None:
        value = os.environ.get(secret) or None
    if value is None:
        raise ValueError(
            f"{name}_secret: there is neither a Prefect secret nor an environment variable "
            f"of the name {secret!r}"
        )
    return value


def _credential_text(name: str, value: Any) -> str:
    # Prefect reads local secrets as JSON: a key of digits alone arrives as a number.
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise ValueError(
            f"{name}: must be a text that is not empty (if it comes from a Prefect secret, "
            "which is read as JSON: store it with quotes around it)"
        )
    return value


def _seconds(name: str, arguments: Dict[str, Any]) -> Optional[float]:
    value = arguments[name]
    if value is None:
        return None
    try:
        # Any real number: what comes out of a table may be numpy's.
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        seconds = float(value) if number else math.nan
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds) or seconds <= 0:
        raise ValueError(f"{name}: must be a number of seconds above 0, or None")
    return seconds
