"""Which run is ours? After a trigger that got no clear answer, and after a restart.

A trigger that timed out may have started a run. Sending it again would start a second one, so
the vendor's list of runs is read, and our run is told apart from others by what was there before
the trigger and by the time at which it was created.
"""

import math
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .answers import parse_time
from .model import COMPLETED, FAILED, RunHandle, Sighting

#: How far the vendor's clock and ours may be apart where we know what was there before; and how
#: much later than the trigger its run may be created.
SKEW_SECONDS = 3600.0
#: The same where we do not: then the time is all that tells an old run from ours.
STRICT_SKEW_SECONDS = 60.0


class Claim(NamedTuple):
    """
    A trigger on its way: what we know of it, to find its run later.

    Args:
        - sent_at (float): when it was sent; seconds since 1970 on our clock
        - before (tuple of str, optional): the ids of the runs that were there before; None if
            the list could not be read
    """

    sent_at: float
    before: Optional[Tuple[str, ...]] = None


def claimed(claim: Claim, sightings: List[Sighting]) -> Optional[Sighting]:
    """
    The run that a trigger made, if it made one.

    Args:
        - claim (Claim): the trigger
        - sightings (list of Sighting): the vendor's newest runs

    Returns:
        - Sighting: of the runs that were not there before, the one that was created nearest to
            the moment of the trigger (of several, the newest); None if there is none
    """
    skew = STRICT_SKEW_SECONDS if claim.before is None else SKEW_SECONDS
    near: List[Tuple[float, int]] = []
    for index, sighting in enumerate(sightings):
        if sighting.handle.run_id in (claim.before or ()):
            continue
        moment = parse_time(sighting.report.created_at)
        if moment is not None:
            late = moment.timestamp() - claim.sent_at
            if -skew <= late <= SKEW_SECONDS:
                # Within a second they are as near: Airbyte's times are whole seconds.
                near.append((round(abs(late)), index))
        elif claim.before is not None:
            # A list without times: that it is new is all that we know of it.
            near.append((0.0, index))
    return sightings[min(near)[1]] if near else None


def running(sightings: List[Sighting]) -> Optional[Sighting]:
    """
    The newest run that is not over; None if all are.

    One that is older than a run which did its work is over, whatever its status says: a run that
    its vendor forgot, or whose status we do not know, must not be in the way for ever.
    """
    for sighting in sightings:
        if not sighting.report.ended:
            return sighting
        if sighting.report.status in (COMPLETED, FAILED):
            break
    return None


class Record(NamedTuple):
    """
    What the next attempt of the same task must know of this one; plain values for JSON.

    Args:
        - sync_id (str): the vendor's id of the sync
        - run_id (str, optional): the run that was started or joined
        - run_url (str, optional): its link
        - ours (bool): whether we started it
        - sent_at (float, optional): of a trigger that is not resolved, see `Claim`
        - before (list of str, optional): likewise
    """

    sync_id: str
    run_id: Optional[str] = None
    run_url: Optional[str] = None
    ours: bool = False
    sent_at: Optional[float] = None
    before: Optional[List[str]] = None

    def handle(self, vendor: str) -> Optional[RunHandle]:
        """The run, or None where none is known."""
        if self.run_id is None:
            return None
        return RunHandle(vendor, self.sync_id, self.run_id, self.run_url)

    def claim(self) -> Optional[Claim]:
        """The trigger that is not resolved, or None."""
        if self.sent_at is None:
            return None
        return Claim(self.sent_at, None if self.before is None else tuple(self.before))

    @classmethod
    def from_json(cls, value: Any) -> "Optional[Record]":
        """Reads what `_asdict()` made; None for anything else: it went through a database."""
        if not isinstance(value, dict) or not isinstance(value.get("sync_id"), str):
            return None
        known: Dict[str, Any] = {key: value[key] for key in cls._fields if key in value}
        record = cls(**known)
        whole = (
            isinstance(record.run_id, (str, type(None)))
            and isinstance(record.run_url, (str, type(None)))
            and isinstance(record.ours, bool)
            and (record.sent_at is None or _is_number(record.sent_at))
            and isinstance(record.before, (list, type(None)))
        )
        return record if whole else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
