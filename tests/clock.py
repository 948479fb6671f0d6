"""Time that passes only when somebody sleeps."""

import threading
import time
from typing import Callable, List, Optional


class VirtualClock:
    """
    A clock for tests: `sleep` winds it and returns at once. Satisfies the engine's `Clock`.

    Args:
        - epoch (float, optional): seconds since 1970 at the beginning; default: now, so that it
            agrees with the times that a sandbox writes

    Attributes:
        - sleeps (list of float): what was slept, in order
        - on_sleep (callable, optional): called with the seconds after each sleep; may raise, as
            a signal would
    """

    def __init__(self, epoch: Optional[float] = None) -> None:
        self.sleeps: List[float] = []
        self.on_sleep: Optional[Callable[[float], None]] = None
        self._epoch = time.time() if epoch is None else epoch
        self._passed = 0.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        with self._lock:
            return 1000.0 + self._passed

    def time(self) -> float:
        with self._lock:
            return self._epoch + self._passed

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.wind(seconds)
        if self.on_sleep is not None:
            self.on_sleep(seconds)

    def wind(self, seconds: float) -> None:
        """Lets time pass without a sleep."""
        assert seconds >= 0, "time runs forward"
        with self._lock:
            self._passed += seconds
