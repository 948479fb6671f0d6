"""An integer that is no `int`, as numpy's are, without numpy."""

import numbers
from typing import Any


class Int64:
    """As much of `numpy.int64` as the tasks make use of."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __index__(self) -> int:
        return self._value

    def __float__(self) -> float:
        return float(self._value)

    def __gt__(self, other: Any) -> bool:
        return self._value > other

    def __str__(self) -> str:
        return str(self._value)


numbers.Integral.register(Int64)
