"""What the three vendors' state has in common: clock, scripted outcomes, syncs and runs."""

import dataclasses
import itertools
import math
from datetime import datetime, timezone
from time import time
from typing import Any, Callable, Dict, Generic, List, Optional, Tuple, TypeVar

__all__ = ["MISSING", "Clock", "Outcome", "Run", "State", "Sync"]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


#: As a value in `overrides`: the field is left out of the answer.
MISSING = _Missing()


@dataclasses.dataclass
class Outcome:
    """
    What a run will do.

    Args:
        - duration (float, optional): seconds of work, `math.inf` for ever; starts after the queue
        - ends (str, optional): the vendor's word for the end, or any word nobody knows; None is
            the vendor's word for success
        - queued_for (float, optional): seconds in the queue, on top of waiting for an earlier run
        - records_processed, records_updated, records_failed, records_invalid, bytes_synced
            (int, optional): counts at the end. None: 100 rows without a loss if the run succeeds,
            else whatever the vendor says of a run without counts
        - error_message (str, optional): the vendor's reason, if the run doesn't succeed
        - statuses (list of (float, str), optional): the run's status word from so many seconds
            after its creation on, until it ends; instead of the vendor's usual words
        - visible_after (float, optional): Hightouch: seconds until lists show the run
        - overrides (dict, optional): replaces or adds fields of the run's JSON; `MISSING` removes
        - canceled (bool, optional): Census: the run ends with `canceled` true
        - times (int, optional): how many runs do this, if another outcome is scripted after it
        - attempts (int, optional): Airbyte: attempts that share the duration, all but the last fail
        - failure_origin, failure_type (str, optional): Airbyte: of the attempts' failure
        - partial_success (bool, optional): Airbyte: in the attempts' failure summary
        - attempt_overrides (dict, optional): Airbyte: like `overrides`, for the last attempt's JSON

    Raises:
        - ValueError: an argument makes no sense; the text names it
    """

    duration: float = 2.0
    ends: Optional[str] = None
    queued_for: float = 0.0
    records_processed: Optional[int] = None
    records_updated: Optional[int] = None
    records_failed: Optional[int] = None
    records_invalid: Optional[int] = None
    bytes_synced: Optional[int] = None
    error_message: Optional[str] = None
    statuses: Optional[List[Tuple[float, str]]] = None
    visible_after: float = 0.0
    overrides: Optional[Dict[str, Any]] = None
    canceled: bool = False
    times: int = 1
    attempts: int = 1
    failure_origin: str = "source"
    failure_type: str = "system_error"
    partial_success: bool = False
    attempt_overrides: Optional[Dict[str, Any]] = None

    def __post_init__(self) -> None:
        for name in ("duration", "queued_for", "visible_after"):
            seconds(name, getattr(self, name))
        for name in ("times", "attempts"):
            whole(name, getattr(self, name), least=1)
        for name, value in vars(self).items():
            if name.startswith("records_") or name == "bytes_synced":
                whole(name, value, none=True)
        for kind, names in (
            (str, ("ends", "error_message", "failure_origin", "failure_type")),
            (dict, ("overrides", "attempt_overrides")),
            (bool, ("canceled", "partial_success")),
        ):
            for name in names:
                value = getattr(self, name)
                if value is not None and (not isinstance(value, kind) or value == ""):
                    raise ValueError(f"{name}: expected a {kind.__name__}, got {value!r}")
        for pair in self.statuses or ():
            if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not pair[1]:
                raise ValueError(f"statuses: expected (seconds, word), got {pair!r}")
            seconds("statuses", pair[0])


class Clock:
    """
    The sandbox's time: seconds of any clock, and the wall time that they stand for.

    Args:
        - read (callable): returns the seconds; a test may pass a clock that it winds itself
    """

    def __init__(self, read: Callable[[], float]):
        self.now = read
        self._offset = time() - read()

    def wall(self, at: float) -> float:
        """Seconds since 1970 at this time of the clock."""
        return self._offset + at

    def iso(self, at: float) -> Optional[str]:
        """`2021-10-20T02:51:07.546Z`, as Census and Hightouch write it; None for never."""
        if math.isinf(at):
            return None
        wall = datetime.fromtimestamp(self.wall(at), timezone.utc)
        return wall.strftime("%Y-%m-%dT%H:%M:%S.") + f"{wall.microsecond // 1000:03d}Z"


@dataclasses.dataclass
class Sync:
    """What every vendor's sync has: an id, fields to override, what its next runs do."""

    id: Any
    created: float
    overrides: Optional[Dict[str, Any]] = None
    outcomes: List[Outcome] = dataclasses.field(default_factory=list)
    used: int = 0

    def next_outcome(self) -> Outcome:
        """What the script says of the next run; the last outcome repeats."""
        while len(self.outcomes) > 1 and self.used >= self.outcomes[0].times:
            del self.outcomes[0]
            self.used = 0
        self.used += 1
        return self.outcomes[0] if self.outcomes else Outcome()


SyncT = TypeVar("SyncT", bound=Sync)


@dataclasses.dataclass(eq=False)
class Run:
    """
    One run of a sync. Where it stands is worked out from the clock whenever somebody looks.

    Args:
        - id (int): the vendor's id
        - sync_id (int or str): what runs
        - outcome (Outcome): what it will do
        - created (float): when, on the sandbox's clock
        - by_api (bool): whether a request started it, not `start_other_run`
        - options (dict): what the trigger asked for (full sync, job type)
        - state (State): where it belongs
        - after (Run, optional): the run that it queues behind
        - cancelled_at (float, optional): when a cancellation takes effect
    """

    id: int
    sync_id: Any
    outcome: Outcome
    created: float
    by_api: bool
    options: Dict[str, Any]
    state: "State[Any]" = dataclasses.field(repr=False)
    after: Optional["Run"] = dataclasses.field(default=None, repr=False)
    cancelled_at: float = math.inf

    @property
    def status(self) -> str:
        """The vendor's word for where the run stands now."""
        return self.state.status(self)

    @property
    def started_at(self) -> float:
        """When work starts or started."""
        ready = max(self.created, self.after.finished_at) if self.after else self.created
        return ready + self.outcome.queued_for

    @property
    def finished_at(self) -> float:
        """When the run ends or ended, `math.inf` for never."""
        return min(self.started_at + self.outcome.duration, self.cancelled_at)

    @property
    def started(self) -> bool:
        """Whether work has begun."""
        return self.started_at <= min(self.state.clock.now(), self.cancelled_at)

    @property
    def finished(self) -> bool:
        """Whether the run has ended, in whichever way."""
        return self.state.clock.now() >= self.finished_at

    @property
    def ended(self) -> bool:
        """Whether it has ended as its outcome says, not by a cancellation."""
        return self.finished and not self.cancelled_at < self.started_at + self.outcome.duration

    @property
    def failed(self) -> bool:
        """Whether it has ended by itself and without success."""
        return self.ended and self.outcome.ends not in self.state.succeeded

    @property
    def share(self) -> float:
        """How much of the work is done: 0 to 1; never-ending work is always half done."""
        if not self.started or self.ended:
            return 1.0 if self.ended else 0.0
        done = min(self.state.clock.now(), self.finished_at) - self.started_at
        return 0.5 if math.isinf(self.outcome.duration) else done / self.outcome.duration


class State(Generic[SyncT]):
    """
    One vendor's syncs and runs; a vendor adds its words and its rules.

    Args:
        - clock (Clock): what time it is
    """

    #: words for an end without failure (the first is the usual one), for waiting, for cancelled
    succeeded: Tuple[str, ...]
    queued: str
    cancelled: str
    first_run_id = 1001

    def __init__(self, clock: Clock):
        self.clock = clock
        self.cancel_takes = 0.0
        self.clear()

    def clear(self) -> None:
        """Forget all syncs and runs."""
        self.syncs: Dict[str, SyncT] = {}
        self.runs: List[Run] = []
        self._ids = itertools.count(self.first_run_id)

    def find(self, sync_id: Any) -> Optional[SyncT]:
        """The sync of this id, as number or as text."""
        return self.syncs.get(str(sync_id).lower())

    def find_run(self, run_id: Any) -> Optional[Run]:
        """The run of this id, as number or as text."""
        return next((run for run in self.runs if str(run.id) == str(run_id)), None)

    def runs_of(self, sync: SyncT) -> List[Run]:
        """The sync's runs, oldest first."""
        return [run for run in self.runs if run.sync_id == sync.id]

    def active(self, sync: SyncT) -> Optional[Run]:
        """The newest run of the sync that hasn't ended."""
        return next((run for run in reversed(self.runs_of(sync)) if not run.finished), None)

    def start(
        self,
        sync: SyncT,
        outcome: Optional[Outcome] = None,
        by_api: bool = True,
        after: Optional[Run] = None,
        **options: Any,
    ) -> Run:
        """Create a run that does what the sync's script says, or `outcome`."""
        outcome = self._filled(outcome or sync.next_outcome())
        now = self.clock.now()
        run = Run(next(self._ids), sync.id, outcome, now, by_api, options, self, after)
        self.runs.append(run)
        return run

    def start_other(self, sync: SyncT, outcome: Outcome) -> Run:
        """Create a run as the vendor's schedule does."""
        return self.start(sync, outcome, by_api=False)

    def cancel(self, run: Run) -> None:
        """Cancel the run, effective after `cancel_takes` seconds; nothing if it has ended."""
        if not run.finished:
            run.cancelled_at = min(run.cancelled_at, self.clock.now() + self.cancel_takes)

    def status(self, run: Run) -> str:
        """The vendor's word for where the run stands now."""
        if run.finished:
            return str(run.outcome.ends) if run.ended else self.cancelled
        age = self.clock.now() - run.created
        scripted = [word for since, word in run.outcome.statuses or () if since <= age]
        if scripted:
            return scripted[-1]
        return self.working(run) if run.started else self.queued

    def working(self, run: Run) -> str:
        """The vendor's word for a run at work."""
        raise NotImplementedError

    def accepted(self, sync_id: Any = None) -> int:
        """How many runs requests have created, of one sync or of all."""
        wanted = None if sync_id is None else str(sync_id).lower()
        return sum(run.by_api and wanted in (None, str(run.sync_id)) for run in self.runs)

    def _filled(self, outcome: Outcome) -> Outcome:
        """The outcome with the vendor's word and plausible counts where the script has none."""
        fields: Dict[str, Any] = {"ends": outcome.ends or self.succeeded[0]}
        if fields["ends"] in self.succeeded and not outcome.canceled:
            processed = outcome.records_processed
            fields["records_processed"] = processed = 100 if processed is None else processed
            fields.update(records_failed=0, records_invalid=0, bytes_synced=100 * processed)
        scripted = {name: value for name, value in vars(outcome).items() if value is not None}
        fields.update(scripted)
        if "records_processed" in fields:
            rest = fields["records_processed"] - fields.get("records_failed", 0)
            fields.setdefault("records_updated", max(0, rest))
        return Outcome(**fields)


def merged(fields: Dict[str, Any], overrides: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    """The JSON object with the overrides applied."""
    together = dict(fields, **(overrides or {}))
    return {name: value for name, value in together.items() if value is not MISSING}


def parse_iso(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 time; ValueError if it isn't one."""
    # datetime.fromisoformat doesn't take a Z before Python 3.11.
    for form in ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"):
        try:
            return datetime.strptime(text, form).timestamp()
        except ValueError:
            pass
    raise ValueError(text)


def seconds(name: str, value: Any) -> None:
    """ValueError unless the argument is a duration."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError(f"{name}: expected seconds, got {value!r}")


def whole(name: str, value: Any, least: int = 0, none: bool = False) -> None:
    """ValueError unless the argument is a whole number, or perhaps None."""
    if value is None and none:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name}: expected a whole number from {least}, got {value!r}")
