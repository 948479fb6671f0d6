"""What the tasks of all vendors have in common."""

import logging
from typing import Any, Dict, Optional, Tuple

import prefect
from prefect import Task
from prefect.engine.state import Retrying, Running, State

from ..engine.claim import Record
from ..engine.clock import Clock, RealClock
from ..engine.errors import SyncError
from ..engine.events import Event
from ..engine.model import SyncRequest, Vendor
from ..engine.watch import run_sync
from .arguments import options_from

COMMON = (
    "poll_status_every_n_seconds",
    "max_wait_seconds",
    "wait_for_completion",
    "raise_on_failure",
    "fail_on_warning",
    "if_already_running",
    "cancel_remote_run",
    "full_resync",
    "resume",
)

# What an attempt has started: the key in the context of a Retrying state, and in Prefect's context
# while the next attempt runs.
_EARLIER = "prefect1_rsync_earlier_run"

_LEVELS = {
    "looked": logging.DEBUG,
    "unknown_status": logging.WARNING,
    "trouble": logging.WARNING,
    "cancelling": logging.WARNING,
    "left": logging.WARNING,
}


class SyncTask(Task):
    """
    A task that starts a sync and watches it. A vendor's task says what its arguments mean.

    Every argument of the constructor is a default; `run()` overrides it, and `None` there means
    "the constructor's", so that a `Parameter` without a value wipes nothing.
    """

    #: The arguments of `run()`, in their order.
    _own: Tuple[str, ...] = ()
    #: What `run()` puts aside of the constructor's when it is given this argument itself.
    _replaces: Dict[str, Tuple[str, ...]] = {}
    #: The time; tests put their own here.
    _clock: Clock = RealClock()

    def __init__(self, **kwargs: Any) -> None:
        for name in COMMON:
            setattr(self, name, kwargs.pop(name))
        super().__init__(**kwargs)
        # A new list: Prefect would append to the one that the caller gave.
        self.state_handlers = [*self.state_handlers, _on_state_change]
        arguments = self._merged({})
        options_from(arguments)
        self._plan(arguments, resolve=False)

    def _plan(
        self, arguments: Dict[str, Any], resolve: bool
    ) -> Tuple[Optional[Vendor], SyncRequest]:
        """
        Checks the vendor's own arguments, and makes a client and a request of all.

        Args:
            - arguments (dict): all arguments; those that all tasks share are checked already
            - resolve (bool): False in the constructor: what may still come at `run()` or from
                the environment may be missing, and there is no client
        """
        raise NotImplementedError

    def _sync(self, given: Dict[str, Any]) -> Dict[str, Any]:
        """Runs the sync with what `run()` was given."""
        earlier = _left_by_the_attempt_before()
        known = [earlier]
        vendor: Optional[Vendor] = None
        try:
            arguments = self._merged(given)
            options = options_from(arguments)
            vendor, request = self._plan(arguments, resolve=True)
            assert vendor is not None
            listeners = [self._log_event]
            return run_sync(vendor, request, options, self._clock, listeners, earlier, known.append)
        except BaseException as exc:
            # An attribute of the exception is what reaches the state handler on every executor;
            # Prefect's timeout is no Exception, but a BaseException.
            record = known[-1]
            exc.remote_run = record and record._asdict()  # type: ignore[attr-defined]
            raise
        finally:
            # Once: a second call of run() in the same attempt is another sync.
            prefect.context.pop(_EARLIER, None)
            if vendor is not None:
                vendor.close()

    def _merged(self, given: Dict[str, Any]) -> Dict[str, Any]:
        """What `run()` was given over the constructor's."""
        at_run = {name: given[name] for name in self._own + COMMON if given.get(name) is not None}
        aside = {other for name in at_run for other in self._replaces.get(name, ())}
        merged = {
            name: None if name in aside else getattr(self, name) for name in self._own + COMMON
        }
        merged.update(at_run)
        return merged

    def _log_event(self, event: Event) -> None:
        self._log(_LEVELS.get(event.kind, logging.INFO), event.message)

    def _log(self, level: int, message: str) -> None:
        # In a flow, the context's logger has the mapped child's own name; the task's has not.
        logger = prefect.context.get("logger") if prefect.context.get("task_slug") else None
        logger = logger or self.logger
        logger.log(level, "%s", message)


def left_in_doubt() -> bool:
    """Whether the attempt before this one has left a trigger without a clear answer."""
    record = _left_by_the_attempt_before()
    return record is not None and record.claim() is not None


def _left_by_the_attempt_before() -> Optional[Record]:
    return Record.from_json(prefect.context.get(_EARLIER))


def _on_state_change(task: Task, old: State, new: State) -> Optional[State]:
    """
    Carries the run that an attempt has started to the next attempt, and spends no retry on what
    can't get better: a wrong credential, an unknown sync, a bad argument.

    Prefect retries by turning Failed into Retrying, and Retrying into Running; the context of the
    Retrying state is kept by every executor and by Prefect's backend. A state handler must never
    raise: that would fail the task for good.
    """
    if isinstance(new, Retrying):
        error = old.result
        if old.is_failed() and _is_hopeless(error):
            return old
        record = getattr(error, "remote_run", None)
        if record is not None:
            new.context[_EARLIER] = record
    elif isinstance(old, Retrying) and isinstance(new, Running):
        prefect.context[_EARLIER] = old.context.get(_EARLIER)
    return new


def _is_hopeless(error: object) -> bool:
    if isinstance(error, SyncError):
        return not error.retryable
    return isinstance(error, ValueError)
