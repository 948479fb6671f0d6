"""When to look next: never too often for the vendor, never too late for the user."""

from typing import Optional

#: No run is looked at more often than this, whatever is asked.
MIN_SECONDS = 5.0
#: Without an explicit interval, no pause is longer than this.
MAX_SECONDS = 60.0
#: Without an explicit interval, the pause is the run's age divided by this.
AGE_DIVISOR = 10.0


def pause_after(age: float, every: Optional[float] = None) -> float:
    """
    The pause between a look at a run and the next.

    Given an interval, that is the pause (but never under 5 s). Given none, the pause is a tenth
    of the run's age, at least 5 s and at most 60 s: so a run's end is seen within
    max(5 s, min(60 s, a tenth of its age)), and an hour costs fewer than 90 looks.

    Args:
        - age (float): seconds since the run was started
        - every (float, optional): the interval that the user asked for, in seconds

    Returns:
        - float: seconds to wait
    """
    if every is not None:
        return max(MIN_SECONDS, every)
    return max(MIN_SECONDS, min(MAX_SECONDS, age / AGE_DIVISOR))


def pause_after_trouble(failures: int, pause: float, retry_after: Optional[float] = None) -> float:
    """
    The pause after a look that got no usable answer.

    Args:
        - failures (int): how many looks in a row got none, this one included
        - pause (float): the pause that would have been due without trouble, in seconds
        - retry_after (float, optional): what the vendor asked for, in seconds

    Returns:
        - float: seconds to wait: the largest of the pause, what the vendor asked for, and a
            back-off that doubles from 5 s up to 60 s
    """
    backoff = min(MAX_SECONDS, MIN_SECONDS * 2.0 ** min(failures - 1, 10))
    return max(pause, backoff, retry_after or 0.0)
