"""Reads vendors' JSON leniently: whatever comes in, a value or None comes out.

Every field of every vendor was seen null, missing or of another type somewhere (the vendors'
pages in the docs have the evidence), so nothing here trusts a schema.
"""

import datetime as dt
import math
import re
from typing import Any, Dict, List, Optional

from .errors import SyncApiError

MAX_TEXT = 2000

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d)?)?"
)
_DIGITS = re.compile(r"[+-]?[0-9]{1,18}")


def as_dict(value: Any) -> Dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> List[Any]:
    """The value if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def listed(answer: Any, what: str) -> List[Dict[str, Any]]:
    """
    The objects of a list in the envelope `{"data": [...]}` that all three vendors use.

    Raises:
        - SyncApiError: if there is no list: "nothing is there" must be said, not guessed.
            Transient, for a good answer may follow
    """
    data = as_dict(answer).get("data")
    if not isinstance(data, list):
        raise SyncApiError(f"the answer is not {what}", transient=True)
    return [as_dict(item) for item in data]


def as_int(value: Any) -> Optional[int]:
    """A whole number, also where it came as `123.0` or `"123"`; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    return None


def as_id(value: Any) -> Optional[str]:
    """An id as text: `123`, `123.0` and `"123"` are the same one (Hightouch sends all three)."""
    number = as_int(value)
    if number is not None:
        return str(number)
    return as_text(value)


def as_text(value: Any) -> Optional[str]:
    """A text that can be printed, logged and stored; None for an empty one or another type."""
    if not isinstance(value, str):
        return None
    text = value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "").strip()
    return text[:MAX_TEXT] or None


def as_word(value: Any) -> Optional[str]:
    """A status word, for comparing: lower case."""
    text = as_text(value)
    return text.lower() if text else None


def as_time(value: Any) -> Optional[str]:
    """An instant as ISO 8601 in UTC (`2026-01-31T23:59:59.123456Z`); None if it is none."""
    moment = parse_time(value)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None


def parse_time(value: Any) -> Optional[dt.datetime]:
    """
    An instant from ISO 8601 text or from seconds since 1970.

    Airbyte leaves the seconds out where they are zero and sends numbers in its Config API;
    Hightouch's sequences write `+00:00` where its runs write `Z`. A text without a zone is UTC.
    """
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            moment = dt.datetime.fromtimestamp(value, dt.timezone.utc)
            return moment if moment.year >= 1000 else None
        match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
        if not match:
            return None
        year, month, day, hour, minute = (int(part) for part in match.group(1, 2, 3, 4, 5))
        second, fraction, _, sign, zone_hours, zone_minutes = match.group(6, 7, 8, 9, 10, 11)
        micro = int((fraction or "0").ljust(6, "0")[:6])
        moment = dt.datetime(
            year, month, day, hour, minute, int(second or 0), micro, dt.timezone.utc
        )
        if sign:
            offset = dt.timedelta(hours=int(zone_hours), minutes=int(zone_minutes or 0))
            moment = moment - offset if sign == "+" else moment + offset
        return moment if moment.year >= 1000 else None
    except (ValueError, OverflowError, OSError):
        return None


def seconds_between(start: Any, end: Any) -> Optional[float]:
    """Seconds from one instant to another, or None where one of them is not known."""
    first, last = parse_time(start), parse_time(end)
    if first is None or last is None or last < first:
        return None
    return (last - first).total_seconds()


def total(*values: Optional[int]) -> Optional[int]:
    """The sum of the counts that are known; None if none is (unknown is never 0)."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def reason_in(answer: Any, depth: int = 0) -> Optional[str]:
    """
    The part of an error's answer that tells a person most.

    Airbyte hides it in `data.message` (`detail` is boilerplate), Hightouch splits it into
    `message` and `details`, Census sends `message`, or only a status.
    """
    if isinstance(answer, str):
        return as_text(answer)
    if isinstance(answer, list):
        return reason_in(answer[0], depth + 1) if answer and depth < 4 else None
    if not isinstance(answer, dict) or depth >= 4:
        return None
    inner = reason_in(answer.get("data"), depth + 1) if answer.get("data") else None
    found = [inner] if inner else []
    keys = ("message", "detail", "details", "error", "errors", "title", "errorId")
    for key in keys if not found else ():
        text = reason_in(answer.get(key), depth + 1)
        if text and text not in found:
            found.append(text)
    if not found and depth > 0:
        # Hightouch's validation errors: {"field": "what is wrong with it"}.
        for key, item in list(answer.items())[:5]:
            text = reason_in(item, depth + 1)
            if text:
                found.append(f"{key}: {text}")
    return as_text("; ".join(found))
