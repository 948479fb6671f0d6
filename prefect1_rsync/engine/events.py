"""What happens on the way, for whoever wants to hear it: the log, a progress table, tests."""

import contextlib
import logging
from typing import Callable, Iterator, List, NamedTuple, Optional

from .errors import SyncError
from .model import RunReport

_logger = logging.getLogger("prefect1_rsync")


class Event(NamedTuple):
    """
    Something that happened to a sync.

    Args:
        - kind (str): `started`, `attached`, `blocked` (an earlier run is in the way), `looked`,
            `unknown_status`, `trouble` (a request got no usable answer; asked again later),
            `cancelling`, `left` (the run goes on at the vendor without us), `ended`
        - vendor (str): the vendor's name for people
        - sync_id (str): the vendor's id of the sync
        - run_id (str, optional): the vendor's id of the run
        - run_url (str, optional): where a person can see the run
        - seconds (float): since the sync was asked for
        - report (RunReport, optional): the run as it was last seen
        - error (SyncError, optional): with `ended`: why the sync did not end well
        - message (str): one sentence for a person
    """

    kind: str
    vendor: str
    sync_id: str
    run_id: Optional[str]
    run_url: Optional[str]
    seconds: float
    report: Optional[RunReport]
    error: Optional[SyncError]
    message: str


Listener = Callable[[Event], None]
_listeners: List[Listener] = []


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """
    Lets a function hear the events of all syncs of this process, in whichever thread they run.

    Args:
        - listener (callable): called with each `Event`, in the thread of its sync
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(event: Event, listeners: List[Listener]) -> None:
    """Tells an event to the given listeners and to those of the process."""
    for listener in listeners + _listeners:
        try:
            listener(event)
        except Exception:
            # A broken progress bar must not lose a sync.
            _logger.warning("A listener failed on the event %r", event.kind, exc_info=True)
