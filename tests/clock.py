"""A clock for tests: time passes only when somebody sleeps."""

import threading
from typing import List


class VirtualClock:
    """
    Implements the engine's `Clock`; several threads may share it.

    Args:
        - wall (float, optional): what `time()` says at the beginning
    """

    def __init__(self, wall: float = 1_800_000_000.0) -> None:
        self._lock = threading.Lock()
        self._now = 0.0
        self._wall = wall
        self.sleeps: List[float] = []

    def monotonic(self) -> float:
        return self._now

    def time(self) -> float:
        return self._wall + self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.sleeps.append(seconds)
            self._now += seconds
