"""Time, as an argument: tests put a clock of their own here and never sleep."""

import sys
import time

if sys.version_info >= (3, 8):
    from typing import Protocol
else:
    from typing_extensions import Protocol

# Prefect stops a task in a LocalDask thread by an exception that Python delivers only between
# two bytecodes: a long sleep in C would hold it back, so we sleep in short slices.
SLICE_SECONDS = 0.25


class Clock(Protocol):
    """What the engine needs of time."""

    def monotonic(self) -> float:
        """Seconds that only ever grow; deadlines are measured on it."""

    def time(self) -> float:
        """Seconds since 1970 (UTC); only for comparing with the vendor's timestamps."""

    def sleep(self, seconds: float) -> None:
        """Waits so many seconds; an exception sent to the thread ends it within a second."""


class RealClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, SLICE_SECONDS))
