"""JSON as it may come in: of any shape, and in the shape of a real answer with values changed."""

import copy
from typing import Any, List

from hypothesis import strategies as st

# What Python's `json` makes of an answer; NaN and infinities the HTTP layer keeps out.
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.text(st.characters(), max_size=5)
    | st.sampled_from(["", " ", "0", "-1", "1e3", "123.0", "null", "\ud800", "\x00", "٣"])
    | st.sampled_from(["2026-01-31T23:59Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59-23:59"])
    | st.sampled_from([-(10**11), 10**11, 1e18, -6e10, 1769903999.5])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def mutated(draw: Any, answer: Any, words: List[str] = ()) -> Any:
    """A real answer in which some values, anywhere, are replaced or missing."""
    answer = copy.deepcopy(answer)
    for _ in range(draw(st.integers(0, 4))):
        places = list(_places(answer))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        if draw(st.integers(0, 5)) == 0:
            del holder[key]
        else:
            holder[key] = draw(st.sampled_from(words) | JSON if words else JSON)
    return answer


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        yield value, key
        if isinstance(item, (dict, list)):
            yield from _places(item)
