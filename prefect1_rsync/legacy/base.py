"""What the drop-ins have in common: the old tasks' pace and errors around the engine.

The rule for errors: until the run is started, a drop-in fails where the old task had an error of
its own, at once and with that error; from then on nothing but the run's end, or an answer that
leaves no hope, ends the wait.
"""

import copy
import http
import time
from typing import Any, Callable, Dict, Optional, Tuple

import requests

from ..engine.clock import Clock, RealClock
from ..engine.errors import SyncAlreadyRunning, SyncApiError, SyncError
from ..engine.events import Event
from ..engine.watch import WAIT
from ..tasks.base import SyncTask, left_in_doubt

Sleep = Callable[[float], None]
_REAL_SLEEP = time.sleep
_MOMENT_SECONDS = 1.0

#: What the new tasks' common arguments are here, unless the constructor's **kwargs say otherwise.
_COMMON: Dict[str, Any] = {
    "poll_status_every_n_seconds": None,
    "max_wait_seconds": None,
    "wait_for_completion": True,
    "raise_on_failure": True,
    "fail_on_warning": False,
    "if_already_running": WAIT,
    "cancel_remote_run": False,
    "full_resync": False,
    "resume": False,
}


class Pace:
    """
    The clock of one run, at the old task's pace.

    The engine never looks more often than every 5 s; two of the old tasks looked at once after
    the trigger, and then as often as they were told. Pauses after trouble stay the engine's.

    Where somebody has put another function in the place of `time.sleep`, as tests of the old
    tasks must, it is told the whole pause, and is believed that the time has passed.

    Args:
        - clock (Clock): the time
        - module_sleep (callable): returns the sleep function of the drop-in's module
        - first (float): seconds to the first look
        - every (float): seconds between two looks
    """

    def __init__(
        self, clock: Clock, module_sleep: Callable[[], Sleep], first: float, every: float
    ) -> None:
        self._clock, self._module_sleep = clock, module_sleep
        # Out of a table they may be numpy's.
        first, every = float(first), float(every)
        self._pauses = {"started": first, "attached": first}
        self._pauses.update(looked=every, unknown_status=every)
        self._kind = ""
        self._believed = 0.0

    def heard(self, event: Event) -> None:
        """What the next pause is for."""
        self._kind = event.kind

    def monotonic(self) -> float:
        return self._clock.monotonic() + self._believed

    def time(self) -> float:
        return self._clock.time() + self._believed

    def sleep(self, seconds: float) -> None:
        pause = self._pauses.get(self._kind, seconds)
        # Shorter, where a deadline is near; but not for the moment that a request has taken.
        if seconds > pause - _MOMENT_SECONDS:
            seconds = pause
        if seconds <= 0:
            return
        sleep = self._module_sleep()
        if sleep is _REAL_SLEEP:
            sleep = time.sleep
        if sleep is _REAL_SLEEP or not isinstance(self._clock, RealClock):
            self._clock.sleep(seconds)
        else:
            sleep(seconds)
            self._believed += seconds


class Ends(SyncApiError):
    """Ends the watch at once: the request surely had no effect. Carries the old task's error."""

    def __init__(self, message: str, stats: Any = None, *more: Any) -> None:
        SyncError.__init__(self, message, stats, *more)


class EndsInDoubt(SyncError):
    """The same, where a run may have been started: a retry of the task looks for it first."""


def ends(exc: SyncApiError, old: Callable[[str], BaseException]) -> SyncError:
    """
    The end of a watch whose run could not be started.

    Args:
        - exc (SyncApiError): what happened
        - old (callable): makes the error that the old task raised, of a text
    """
    if exc.had_no_effect:
        return Ends(str(exc), None, exc.status_code, False, None, True, old(str(exc)))
    text = f"{exc}; whether a run was started is not known"
    return EndsInDoubt(text, None, old(text))


def reason_phrase(status: Optional[int]) -> str:
    """`Not Found` for 404: what `requests` calls the reason."""
    try:
        return http.HTTPStatus(status or 0).phrase
    except ValueError:
        return "no answer" if status is None else f"status {status}"


def as_before(exc: SyncError, translate: Callable[[SyncError], BaseException]) -> BaseException:
    """The error that the old task's callers know, with the stats and the run of ours."""
    if isinstance(exc, (Ends, EndsInDoubt)):
        old: BaseException = exc.args[-1]
    else:
        old = translate(exc)
    if old is not exc:
        old.stats = exc.stats  # type: ignore[attr-defined]
        # For the next attempt: see `SyncTask`.
        old.remote_run = getattr(exc, "remote_run", None)  # type: ignore[attr-defined]
    return old


class LoginInUrl(requests.Session):
    """
    Puts user and password back into the URL, at the last moment.

    On the wire nothing of it is seen (the credential goes in a header), and no message is made of
    it; but the old tasks' URLs had them, so whoever mocks their requests has mocked such URLs.

    Args:
        - userinfo (str): what stands before the `@`; may be empty
    """

    def __init__(self, userinfo: str) -> None:
        super().__init__()
        self._userinfo = userinfo

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        if self._userinfo:
            request.url = str(request.url).replace("://", f"://{self._userinfo}@", 1)
        return super().send(request, **kwargs)


class Reticent:
    """
    A vendor that asks for the list of runs only when the trigger got no clear answer: the old
    tasks never did, and who mocks their endpoints mocks no others.

    Args:
        - asks (bool): whether the list is asked for before the trigger too
    """

    def __init__(self, asks: bool) -> None:
        self._asks = asks

    def _hold_back(self) -> None:
        """The engine asks before the trigger, and does without where there is no list."""
        if not self._asks:
            raise SyncApiError("the list of runs was not asked for")

    def _refused(self, exc: SyncApiError) -> SyncApiError:
        """The trigger did not start a run, or not surely: is the list needed from now on?"""
        if isinstance(exc, SyncAlreadyRunning) or not exc.had_no_effect:
            self._asks = True
        return exc


def asks(arguments: Dict[str, Any]) -> bool:
    """
    Whether a list of runs is needed before the trigger: to join a run, to refuse to start beside
    one, to cancel none but ours, or to find the one that the attempt before has left in doubt.
    """
    return bool(
        left_in_doubt()
        or arguments["resume"]
        or arguments["cancel_remote_run"]
        or arguments["if_already_running"] != WAIT
    )


class LegacyTask(SyncTask):
    """A drop-in: the old task's arguments, result and errors, the new tasks' engine."""

    #: Where the seconds between two looks are given: each old task has its own place for them.
    _pace_argument: str

    def __init__(self, **kwargs: Any) -> None:
        if kwargs.get("poll_status_every_n_seconds") is not None:
            raise ValueError(
                "poll_status_every_n_seconds: the constructor does not take it; give "
                f"{self._pace_argument}"
            )
        super().__init__(**{**_COMMON, **kwargs})

    def _as_before(
        self,
        given: Dict[str, Any],
        module_sleep: Callable[[], Sleep],
        first: float,
        every: float,
    ) -> "Tuple[Any, Dict[str, Any]]":
        """Runs the sync; returns the copy of the task that has done it, and the stats."""
        # A copy for this run alone: the children of a mapped task share the task.
        one = copy.copy(self)
        one._clock = Pace(self._clock, module_sleep, first, every)
        # The engine takes no pause under 5 s: the rest is up to `Pace`.
        given["poll_status_every_n_seconds"] = max(5.0, every)
        try:
            return one, one._sync(given)
        except SyncError as exc:
            error = as_before(exc, self._translated)
        raise error

    def _translated(self, exc: SyncError) -> BaseException:
        """The old task's error for what the engine raised; itself where there was none."""
        raise NotImplementedError

    def _log_event(self, event: Event) -> None:
        if isinstance(self._clock, Pace):
            self._clock.heard(event)
        super()._log_event(event)
