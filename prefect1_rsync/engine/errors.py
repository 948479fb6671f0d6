"""What can go wrong with a sync, as exceptions that pickle and hold no secret.

SyncError
├── SyncRunError            the run was looked at (or refused) and did not end well
│   ├── SyncRunFailed       the vendor says that it failed
│   ├── SyncRunCancelled    somebody or the vendor cancelled it
│   ├── SyncRunSkipped      the vendor did not carry it out: another run was going on
│   ├── SyncRunInterrupted  the vendor broke it off and goes on in a run of its own
│   ├── SyncRunDisabled     the sync is switched off, locked or deleted at the vendor
│   └── SyncRunTimedOut     it was still going on when our patience ended
└── SyncApiError            the vendor's API did not do what was asked
    ├── SyncUnauthorized    401 or 403
    ├── SyncNotFound        404
    └── SyncAlreadyRunning  another run of the same sync is in the way
"""

from typing import Any, Dict, Optional

Stats = Dict[str, Any]


class SyncError(Exception):
    """
    The base of all errors of this package.

    All that an error knows is in `args`, so that it survives every pickle that Prefect and Dask
    put it through (an attribute set elsewhere is lost in some of them).

    Args:
        - message (str): what happened, for a person; must hold no secret
        - stats (dict, optional): the stats of the run, as far as they are known
    """

    #: Whether the same call may succeed later. Prefect's retries are not spent where it is False.
    retryable = True

    def __init__(self, message: str, stats: Optional[Stats] = None, *more: Any) -> None:
        super().__init__(message, stats, *more)

    @property
    def stats(self) -> Optional[Stats]:
        """The stats of the run (see `prefect1_rsync.engine.model.stats_of`), or None."""
        stats: Optional[Stats] = self.args[1]
        return stats

    @stats.setter
    def stats(self, stats: Optional[Stats]) -> None:
        self.args = (self.args[0], stats, *self.args[2:])

    def __str__(self) -> str:
        return str(self.args[0])

    def __repr__(self) -> str:
        # Prefect puts the repr into the state's message: the stats would drown it.
        return f"{type(self).__name__}({str(self)!r})"


class SyncRunError(SyncError):
    """A run did not end well, or could not be carried out."""


class SyncRunFailed(SyncRunError):
    """The vendor says that the run failed (or `fail_on_warning` says so)."""


class SyncRunCancelled(SyncRunError):
    """The run was cancelled."""


class SyncRunSkipped(SyncRunError):
    """The vendor did not carry the run out, because an earlier one was still going on."""


class SyncRunInterrupted(SyncRunError):
    """The vendor broke the run off (Hightouch goes on in another run, which has no link)."""


class SyncRunDisabled(SyncRunError):
    """The sync is switched off, locked or deleted at the vendor: no run can be started."""

    retryable = False


class SyncRunTimedOut(SyncRunError):
    """The run was still going on at the end of `max_wait_seconds`."""


class SyncApiError(SyncError):
    """
    The vendor's API did not do what was asked.

    Args:
        - message (str): what happened, for a person; must hold no secret
        - stats (dict, optional): the stats of the run, as far as they are known
        - status_code (int, optional): the HTTP status; None where no answer came
        - transient (bool, optional): whether asking again may help
        - retry_after (float, optional): seconds that the vendor asked to be left alone
        - had_no_effect (bool, optional): whether the request surely changed nothing at the
            vendor (it was never sent, or was refused)
    """

    def __init__(
        self,
        message: str,
        stats: Optional[Stats] = None,
        status_code: Optional[int] = None,
        transient: bool = False,
        retry_after: Optional[float] = None,
        had_no_effect: bool = False,
    ) -> None:
        super().__init__(message, stats, status_code, transient, retry_after, had_no_effect)

    @property
    def status_code(self) -> Optional[int]:
        """The HTTP status of the answer, or None where no answer came."""
        code: Optional[int] = self.args[2]
        return code

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later (429, 5xx, a dropped connection...)."""
        return bool(self.args[3])

    @property
    def retry_after(self) -> Optional[float]:
        """Seconds that the vendor asked to be left alone, or None."""
        seconds: Optional[float] = self.args[4]
        return seconds

    @property
    def had_no_effect(self) -> bool:
        """Whether the request surely changed nothing at the vendor."""
        return bool(self.args[5])

    @property
    def retryable(self) -> bool:  # type: ignore[override]
        """A new attempt is of use only where the trouble may pass."""
        return self.transient


class SyncUnauthorized(SyncApiError):
    """401 or 403: the credential is wrong, expired, or may not do this."""


class SyncNotFound(SyncApiError):
    """404: the vendor knows no such sync or run (or not with this credential)."""


class SyncAlreadyRunning(SyncApiError):
    """Another run of the same sync is going on, and ours could not be started beside it."""

    @property
    def retryable(self) -> bool:  # type: ignore[override]
        """The other run ends some day."""
        return True
