"""One sync from its request to its end, a step at a time: start, look, look again, settle.

`SyncWatch` never sleeps: it says when its next step is due, and somebody else keeps the time.
`run_sync` is that somebody for one sync; a batch can be it for a thousand.

The phases of a watch, in their order (each is a method):

    rejoin -> a former attempt left a run: look at it
    prepare -> survey -> start -> look -> look ... -> settled
                 |         |  `-> resolve: did the trigger that got no clear answer start a run?
                 |         `-> find_other: the vendor says that another run is going on
                 `-> look_at_other: wait for a run that is in the way, then survey again
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from .claim import Claim, Record, claimed, running
from .clock import Clock, RealClock
from .errors import (
    SyncAlreadyRunning,
    SyncApiError,
    SyncError,
    SyncNotFound,
    SyncRunSkipped,
    SyncRunTimedOut,
    SyncUnauthorized,
)
from .events import Event, Listener, tell
from .model import (
    CANCELLED,
    COMPLETED,
    FAILED,
    QUEUES,
    REFUSES,
    SKIPPED,
    SKIPS,
    WORKING,
    RunHandle,
    RunReport,
    Sighting,
    SyncRequest,
    Vendor,
    stats_of,
)
from .outcome import error_for, judged
from .pacing import MIN_SECONDS, pause_after, pause_after_trouble

WAIT, ATTACH, FAIL = "wait", "attach", "fail"

#: How long a look-up before the start may go wrong: nothing runs yet, so nothing is lost.
PREPARE_PATIENCE_SECONDS = 300.0
#: How long a run that was accepted may be missing from the vendor's list.
UNLISTED_PATIENCE_SECONDS = 300.0
#: How long we look for the run of a trigger without a clear answer before it is sent again.
RESOLVE_PATIENCE_SECONDS = 60.0
#: Without `max_wait_seconds`: how long every single look may go wrong before we give up.
TROUBLE_PATIENCE_SECONDS = 3600.0
#: How long a run that we asked to be cancelled may take to end.
CANCEL_PATIENCE_SECONDS = 60.0
#: How often a trigger is sent, at most, when none of the former ones has started a run.
MAX_SENDS = 3
#: How often another run may be in the way of ours.
MAX_BLOCKED = 20
#: How often the vendor may say "already running" of a sync of which it lists no run.
MAX_PHANTOMS = 5


class SyncOptions(NamedTuple):
    """
    How a sync is watched.

    Args:
        - poll_every (float, optional): seconds between two looks; None: see `pacing`
        - max_wait (float, optional): seconds from the request to the end; None: no bound
        - wait (bool): whether to watch the run at all
        - raise_on_failure (bool): whether a run that ended badly raises
        - fail_on_warning (bool): whether rejected records make a run a failure
        - if_already_running (str): `wait`, `attach` or `fail`
        - cancel_remote_run (bool): cancel the run at the vendor when we give up on it
        - resume (bool): join a run that is going on already, as if we had started it
    """

    poll_every: Optional[float] = None
    max_wait: Optional[float] = None
    wait: bool = True
    raise_on_failure: bool = True
    fail_on_warning: bool = False
    if_already_running: str = WAIT
    cancel_remote_run: bool = False
    resume: bool = False


def run_sync(
    vendor: Vendor,
    request: SyncRequest,
    options: Optional[SyncOptions] = None,
    clock: Optional[Clock] = None,
    listeners: Sequence[Listener] = (),
    record: Optional[Record] = None,
    remember: Optional[Callable[[Optional[Record]], None]] = None,
) -> Dict[str, Any]:
    """
    Starts a run and watches it to its end.

    Args:
        - vendor (Vendor): where, with the credentials
        - request (SyncRequest): what
        - options (SyncOptions, optional): how
        - clock (Clock, optional): another time than the machine's
        - listeners (sequence of callables, optional): told each `Event`
        - record (Record, optional): what a former attempt left: its run is joined, if it is still
            going on or has ended well
        - remember (callable, optional): told the `Record` whenever it changes; None: there is
            nothing that another attempt should join

    Returns:
        - dict: the stats (see `stats_of`)

    Raises:
        - SyncRunError: the run did not end well
        - SyncApiError: the vendor's API did not do what was asked
    """
    clock = clock or RealClock()
    watch = SyncWatch(vendor, request, options or SyncOptions(), clock, listeners, record, remember)
    try:
        while not watch.done:
            pause = watch.due - clock.monotonic()
            if pause > 0:
                clock.sleep(pause)
            watch.step()
    except BaseException as exc:
        # KeyboardInterrupt, SystemExit, Prefect's timeout: the flow is being stopped.
        watch.abandon(type(exc).__name__, stopped=not isinstance(exc, Exception))
        raise
    return watch.result()


class SyncWatch:
    """
    One sync on its way.

    Call `step` whenever `due` (on the clock's monotonic time) has come, until `done`; then
    `result` returns the stats or raises. Each step makes few requests and never sleeps.

    Args: see `run_sync`.
    """

    def __init__(
        self,
        vendor: Vendor,
        request: SyncRequest,
        options: SyncOptions,
        clock: Clock,
        listeners: Sequence[Listener] = (),
        record: Optional[Record] = None,
        remember: Optional[Callable[[Optional[Record]], None]] = None,
    ) -> None:
        self.request = request
        self.handle: Optional[RunHandle] = None
        self.report = RunReport(WORKING)
        self.due = clock.monotonic()
        self.done = False
        self._vendor = vendor
        self._options = options
        self._clock = clock
        self._listeners: List[Listener] = list(listeners)
        self._remember_elsewhere = remember
        self._began = self.due
        self._deadline = None if options.max_wait is None else self.due + options.max_wait
        self._stats: Optional[Dict[str, Any]] = None
        self._error: Optional[SyncError] = None
        self._ours = False  # whether `handle` is a run that we started
        self._other: Optional[RunHandle] = None  # a run that is in the way
        self._before: Optional[Tuple[str, ...]] = None  # the runs that the survey found
        self._surveyed = False
        self._claim: Optional[Claim] = None  # a trigger that is not resolved
        self._doubt: Optional[SyncApiError] = None  # why it is not
        self._resolve_until = self.due
        self._watched_since = self.due
        self._sends = 0
        self._blocked = 0
        self._phantoms = 0
        self._refusal: SyncError = SyncAlreadyRunning("another run is going on")
        self._failures = 0
        self._trouble: Optional[SyncApiError] = None
        self._trouble_since = self.due
        self._unknown_words: Set[Optional[str]] = set()
        self._unlisted_since: Optional[float] = self.due
        self._cancel_until: Optional[float] = None
        self._cancel_sent = False
        self._next: Callable[[], None] = self._prepare
        if record is not None and request.sync_id in ("", record.sync_id):
            self._take_over(record)

    def step(self) -> None:
        """Does what is due."""
        if self.done:
            return
        try:
            self._next()
        except SyncApiError as exc:
            # A trigger raises here only if it surely had no effect: see `_start`.
            if exc.transient:
                self._bear(exc)
            else:
                self._fail(exc)
        except SyncError as exc:
            self._fail(exc)
        else:
            self._failures = 0

    def result(self) -> Dict[str, Any]:
        """
        The stats of the finished sync.

        Raises:
            - SyncError: what went wrong, with the stats as `.stats`
        """
        if self._error is not None:
            raise self._error
        assert self._stats is not None, "the sync is not done yet"
        return self._stats

    def abandon(self, why: str, stopped: bool = True) -> None:
        """
        Gives the run up, because the flow is being stopped.

        Args:
            - why (str): what stops us
            - stopped (bool, optional): whether it was a stop (then the run is cancelled if
                `cancel_remote_run` says so) and not a mere error of a program
        """
        if self.done:
            return
        cancel = stopped and self._options.cancel_remote_run
        if cancel and self._claim is not None:
            self._look_for_claim()
        if cancel and self._ours and self._going_on():
            self._ask_to_cancel(f"stopped by {why}")
            while not self.done and self._cancel_until is not None:
                self._clock.sleep(max(0.0, self.due - self._clock.monotonic()))
                self.step()
        elif self._going_on() or self._claim is not None:
            text = f"{self._who()}: stopped by {why}; {self._goes_on()}"
            self._tell("left", self._with_link(text))

    # --- the phases, in their order -------------------------------------------------------

    def _rejoin(self) -> None:
        """A former attempt has started, or joined, a run: how is it?"""
        assert self.handle is not None
        report = self._vendor.look(self.handle)
        counts = judged(report, self._options.fail_on_warning).status
        if report.ended and counts != COMPLETED:
            # It ended badly, and the retry is there to start anew.
            self.handle, self._ours = None, False
            self._remember(None)
            self._go_on(self._prepare)
            return
        self._adopt(self.handle, self._ours, "was left by a former attempt; watching it", report)
        if report.ended and not self.done:
            self._settle(report)

    def _prepare(self) -> None:
        self.request = self._vendor.prepare(self.request)
        if self._claim is not None:
            self._resolve_until = self._clock.monotonic() + RESOLVE_PATIENCE_SECONDS
            self._go_on(self._resolve)
        else:
            self._go_on(self._survey)

    def _survey(self) -> None:
        """What is there before we start? Tells our run from others later, and who is in the way."""
        policy = self._options.if_already_running
        sightings = self._newest()
        self._before = None if sightings is None else tuple(it.handle.run_id for it in sightings)
        other = running(sightings or [])
        first, self._surveyed = not self._surveyed, True
        if other is not None and self._options.resume and first:
            self._adopt(other.handle, False, "was going on already; resuming it", other.report)
            return
        if other is not None and (policy != WAIT or self._vendor.when_running != QUEUES):
            self._in_the_way(other.handle)
            return
        # At once: what others start in between would look as if we had started it.
        self._go_on(self._start)
        self._start()

    def _start(self) -> None:
        if self._late():
            self._time_out(self._trouble)
            return
        if self._doubt is None:
            # A run that was skipped is no longer what we speak of.
            self.handle, self._ours, self.report = None, False, RunReport(WORKING)
            self._claim = Claim(self._clock.time(), self._before)
            self._remember_claim()
        assert self._claim is not None
        before = self._claim.before
        try:
            handle = self._vendor.start(self.request)
        except SyncAlreadyRunning as exc:
            if not exc.had_no_effect or self._doubt is not None:
                # The run that is going on may be the one that we asked for.
                self._in_doubt(exc)
                return
            self._unclaim()
            if self._options.if_already_running == FAIL:
                raise
            self._refusal = exc
            self._go_on(self._find_other)
        except SyncApiError as exc:
            if not exc.had_no_effect:
                self._in_doubt(exc)
                return
            if self._doubt is None:
                self._unclaim()
                self._next = self._survey
            raise
        else:
            # Airbyte may answer with a job that was waiting already: then it isn't ours. Without
            # the list nobody knows, and what may not be ours is never cancelled.
            if before is None and self._vendor.when_running == REFUSES:
                self._adopt(handle, False, "was started, or was waiting already; watching it")
            elif handle.run_id in (before or ()):
                self._adopt(handle, False, "was waiting already; watching it")
            else:
                self._adopt(handle, True, "started")

    def _resolve(self) -> None:
        """The trigger got no clear answer: did it start a run?"""
        assert self._claim is not None
        found = claimed(self._claim, self._vendor.recent(self.request))
        if found is not None:
            # If it is over: what a list says of it is not all (Airbyte's has no reasons).
            ended = found.report.ended
            report = None if ended else found.report
            self._adopt(found.handle, True, "was started after all; watching it", report)
            if not self.done and ended:
                self._look()
            elif not self.done and self._late():
                self._time_out()
        elif self._late():
            self._time_out()
        elif self._clock.monotonic() < self._resolve_until:
            self._pause(MIN_SECONDS)
        elif self._sends < MAX_SENDS:
            self._go_on(self._start)
        else:
            text = f"the trigger was sent {self._sends} times and started no run; {self._doubt}"
            self._claim = None
            self._fail(SyncApiError(text, transient=True))

    def _look(self) -> None:
        assert self.handle is not None
        if self._cancel_until is not None and not self._cancel_sent:
            self._send_cancel()
        now = self._clock.monotonic()
        report = self._vendor.look(self.handle)
        self.report = report
        self._tell("looked", self._sentence(report))
        self._tell_unknown(report, self._who())
        if report.listed:
            self._unlisted_since = None
        elif self._unlisted_since is None:
            self._unlisted_since = now
        unlisted = 0.0 if self._unlisted_since is None else now - self._unlisted_since
        if report.ended:
            self._end(report)
        elif unlisted >= UNLISTED_PATIENCE_SECONDS:
            self._fail(
                SyncRunTimedOut(
                    f"accepted, but not listed by {self._vendor.title} for {unlisted:.0f} s; "
                    "is the sync switched off?"
                )
            )
        else:
            self._wait_on()

    def _find_other(self) -> None:
        """The vendor said, or showed, that another run is going on: which one?"""
        other = running(self._newest() or [])
        if other is not None:
            self._in_the_way(other.handle)
            return
        self._phantoms += 1
        if self._phantoms >= MAX_PHANTOMS:
            self._give_up(self._refusal)
            return
        # It has ended in between, or is not listed yet.
        self._pause(MIN_SECONDS, self._survey)

    def _look_at_other(self) -> None:
        assert self._other is not None
        try:
            report = self._vendor.look(self._other)
        except SyncNotFound:
            report = RunReport(CANCELLED)
        self._tell_unknown(report, f"{self._who()}: run {self._other.run_id}")
        if report.ended:
            self._other = None
            self._go_on(self._survey)
        else:
            self._wait_on()

    # --- transitions ----------------------------------------------------------------------

    def _take_over(self, record: Record) -> None:
        """Begins where a former attempt has stopped."""
        # Again from the beginning: this attempt may end before it has learnt anything itself.
        self._remember(record)
        self.request = self.request._replace(sync_id=record.sync_id)
        self.handle = record.handle(self._vendor.name)
        self._ours = record.ours
        if self.handle is not None:
            self._next = self._rejoin
            return
        self._claim = record.claim()
        if self._claim is not None:
            self._doubt = SyncApiError("a former attempt got no clear answer to its trigger")

    def _newest(self) -> Optional[List[Sighting]]:
        """
        The newest runs. None where there is no list at all (Census documents none for API v2) and
        we can do without: then a trigger that goes wrong is told apart by its time alone.
        """
        try:
            return self._vendor.recent(self.request)
        except SyncApiError as exc:
            needed = self._options.if_already_running != WAIT or self._options.resume
            # Trouble that may pass is waited for.
            if needed or exc.transient or isinstance(exc, SyncUnauthorized):
                raise
            return None

    def _go_on(self, phase: Callable[[], None]) -> None:
        self._next = phase
        self.due = self._clock.monotonic()

    def _pause(self, seconds: float, phase: Optional[Callable[[], None]] = None) -> None:
        """The next step after so many seconds; one last time at the deadline, if that is sooner."""
        if phase is not None:
            self._next = phase
        now = self._clock.monotonic()
        end = self._cancel_until if self._cancel_until is not None else self._deadline
        self.due = now + seconds
        if end is not None:
            self.due = max(now + MIN_SECONDS, min(self.due, end))

    def _late(self) -> bool:
        return self._deadline is not None and self._clock.monotonic() >= self._deadline

    def _wait_on(self) -> None:
        now = self._clock.monotonic()
        if self._cancel_until is not None:
            if now >= self._cancel_until:
                self._fail(self._timed_out("it was asked to cancel, but has not ended"))
                return
            self._pause(MIN_SECONDS)
        elif self._late():
            self._time_out()
        else:
            self._pause(pause_after(now - self._watched_since, self._options.poll_every))

    def _bear(self, exc: SyncApiError) -> None:
        """A request that may be repeated got no usable answer."""
        now = self._clock.monotonic()
        self._trouble = exc
        self._failures += 1
        if self._failures == 1:
            self._trouble_since = now
        since = now - self._trouble_since
        phases = (self._prepare, self._survey, self._start, self._find_other)
        before_start = self._next in phases and self._claim is None
        patience = PREPARE_PATIENCE_SECONDS if before_start else TROUBLE_PATIENCE_SECONDS
        if self._cancel_until is not None and now >= self._cancel_until:
            self._fail(self._timed_out("it was asked to cancel; whether it did is unknown"))
        elif self._cancel_until is None and self._late():
            self._time_out(exc)
        elif since >= patience and (before_start or self._deadline is None):
            self._fail(exc)
        else:
            age = now - self._watched_since
            pause = MIN_SECONDS if before_start else pause_after(age, self._options.poll_every)
            pause = pause_after_trouble(self._failures, pause, exc.retry_after)
            if self._cancel_until is not None:
                # Little time is left to get the cancel through.
                pause = max(MIN_SECONDS, exc.retry_after or 0.0)
            self._pause(pause)
            self._tell(
                "trouble",
                f"{self._who()}: {exc}; asking again in {self.due - self._clock.monotonic():.0f} s",
            )

    def _in_doubt(self, exc: SyncApiError) -> None:
        """Whether the trigger has started a run is not known: find out before anything else."""
        self._doubt = exc
        self._sends += 1
        silence = exc.retry_after or 0.0
        self._resolve_until = self._clock.monotonic() + silence + RESOLVE_PATIENCE_SECONDS
        self._tell(
            "trouble",
            f"{self._who()}: {exc}; whether a run was started is not known; looking for it",
        )
        self._pause(max(MIN_SECONDS, silence), self._resolve)

    def _in_the_way(self, other: RunHandle) -> None:
        """Another run is going on: join it, wait for it, or give up, as the user wishes."""
        policy = self._options.if_already_running
        if policy == FAIL:
            raise SyncAlreadyRunning(f"run {other.run_id} is going on", had_no_effect=True)
        if policy == ATTACH:
            self._adopt(other, False, "was going on already; watching it")
            return
        self._phantoms = 0
        self._blocked += 1
        if self._blocked >= MAX_BLOCKED:
            text = f"{self._blocked} times, another run was there before ours"
            self._give_up(SyncAlreadyRunning(text))
            return
        self._other = other
        self._watched_since = self._clock.monotonic()
        self._tell(
            "blocked",
            f"{self._who()}: run {other.run_id} is going on; ours starts when it has ended",
        )
        self._next = self._look_at_other
        self._wait_on()

    def _give_up(self, why: SyncError) -> None:
        """Ours does not get its turn: it was skipped, or never started."""
        if self.report.status != SKIPPED:
            raise why
        self._settle(self.report._replace(error_message=str(why)))

    def _adopt(
        self, handle: RunHandle, ours: bool, how: str, report: Optional[RunReport] = None
    ) -> None:
        """From now on, this is the run that we watch."""
        self.handle, self._ours = handle, ours
        self.report = report or RunReport(WORKING)
        self._claim = self._doubt = self._trouble = None
        self._sends = 0
        self._watched_since = self._unlisted_since = self._clock.monotonic()
        self._remember(Record(handle.sync_id, handle.run_id, handle.run_url, ours))
        self._tell("started" if ours else "attached", self._with_link(f"{self._who()}: {how}"))
        self._pause(pause_after(0.0, self._options.poll_every), self._look)
        if not self._options.wait:
            self._settle(RunReport(WORKING) if self.report.ended else self.report)

    def _end(self, report: RunReport) -> None:
        if self._cancel_until is not None and report.status == CANCELLED:
            # We cancelled it ourselves: what failed is the wait.
            self._remember(None)
            self._fail(self._timed_out("it was cancelled"))
            return
        policy = self._options.if_already_running
        in_the_way = report.status == SKIPPED and self._vendor.when_running == SKIPS
        if (
            in_the_way
            and self._ours
            and policy != FAIL
            and self._cancel_until is None
            and not self._late()
        ):
            # Another run was going on, so this one did nothing: begin anew.
            self._remember(None)
            self._refusal = SyncRunSkipped(
                f"skipped {self._phantoms + 1} times, although no other run is listed"
            )
            self._go_on(self._find_other)
        else:
            self._settle(report)

    def _settle(self, report: RunReport) -> None:
        """The run is over (or not waited for): make the stats, and say how it went."""
        self.report = report = judged(report, self._options.fail_on_warning)
        self._stats = self._make_stats()
        self.done = True
        error = error_for(report)
        sentence = self._sentence(report)
        if error is not None:
            # The next attempt starts anew.
            self._remember(None)
        if error is not None and self._options.raise_on_failure:
            self._error = error(self._with_link(sentence), self._stats)
        self._tell("ended", sentence)

    def _time_out(self, trouble: Optional[SyncApiError] = None) -> None:
        if self._going_on() and self._ours and self._options.cancel_remote_run:
            self._ask_to_cancel(f"not over after {self._seconds():.0f} s")
            return
        how = f"last, {trouble}" if trouble is not None else ""
        self._fail(self._timed_out(how))

    def _timed_out(self, how: str) -> SyncRunTimedOut:
        text = f"not over after {self._seconds():.0f} s"
        if self._claim is not None:
            text += f"; {self._doubt}"
        elif not self._going_on() and self._cancel_until is None:
            text = f"not started after {self._seconds():.0f} s"
            if self._other is not None:
                text += f", for run {self._other.run_id} is still going on"
        elif self.report.vendor_status:
            text += f" (last seen as {self.report.vendor_status})"
        return SyncRunTimedOut(f"{text}; {how}" if how else text)

    def _ask_to_cancel(self, why: str) -> None:
        assert self.handle is not None
        self._cancel_until = self._clock.monotonic() + CANCEL_PATIENCE_SECONDS
        self._tell("cancelling", f"{self._who()}: {why}; cancelling it")
        self._send_cancel()
        self._pause(MIN_SECONDS, self._look)

    def _send_cancel(self) -> None:
        """Asks for it; again at the next look, where the vendor was in trouble."""
        assert self.handle is not None
        self._cancel_sent = True
        try:
            self._vendor.cancel(self.handle)
        except SyncError as exc:
            self._cancel_sent = not (isinstance(exc, SyncApiError) and exc.transient)
            self._tell("trouble", f"{self._who()}: the cancel went wrong: {exc}")

    def _look_for_claim(self) -> None:
        """We are stopped while a trigger is under way: one look for its run, to cancel it."""
        assert self._claim is not None
        try:
            found = claimed(self._claim, self._vendor.recent(self.request))
        except SyncError:
            return
        if found is not None:
            self._adopt(found.handle, True, "was started", found.report)

    def _fail(self, exc: SyncError) -> None:
        """Ends the watch with an error that names the sync, the run and the link."""
        text = f"{self._who()}: {exc}"
        in_doubt = self._claim is not None and self._doubt is not None
        if in_doubt or (self._going_on() and self._cancel_until is None):
            text += "; " + self._goes_on()
        stats = self._make_stats()
        stats["error_message"] = stats["error_message"] or str(exc)
        self._error = type(exc)(self._with_link(text), stats, *exc.args[2:])
        self.done = True
        self._tell("ended", text)

    # --- what the next attempt should know ------------------------------------------------

    def _remember(self, record: Optional[Record]) -> None:
        if self._remember_elsewhere is not None:
            self._remember_elsewhere(record)

    def _remember_claim(self) -> None:
        assert self._claim is not None
        before = None if self._claim.before is None else list(self._claim.before)
        self._remember(Record(self.request.sync_id, sent_at=self._claim.sent_at, before=before))

    def _unclaim(self) -> None:
        self._claim = None
        self._remember(None)

    # --- words ----------------------------------------------------------------------------

    def _make_stats(self) -> Dict[str, Any]:
        report = self.report
        if self.handle is None and report.status == WORKING:
            # No run was started, so none is working.
            report = report._replace(status=FAILED)
        return stats_of(self._vendor.name, self.request, self.handle, report)

    def _going_on(self) -> bool:
        """Whether there is a run that, as far as we know, is not over."""
        return self.handle is not None and not self.report.ended

    def _seconds(self) -> float:
        return self._clock.monotonic() - self._began

    def _who(self) -> str:
        sync = self.request.sync_id or self.request.sync_slug
        text = f"{self._vendor.title} sync {sync}"
        return f"{text}, run {self.handle.run_id}" if self.handle else text

    def _goes_on(self) -> str:
        if self._claim is not None:
            return f"a run may have been started, and goes on at {self._vendor.title}"
        return f"the run goes on at {self._vendor.title}"

    def _with_link(self, text: str) -> str:
        link = self.handle.run_url if self.handle else None
        return f"{text} ({link})" if link else text

    def _sentence(self, report: RunReport) -> str:
        text = f"{self._who()}: {report.status}"
        if report.vendor_status and report.vendor_status != report.status:
            text += f" ({report.vendor_status})"
        if report.error_message:
            text += f": {report.error_message}"
        if report.records_processed is not None and report.status in (WORKING, COMPLETED):
            text += f", {report.records_processed} records"
        return text

    def _tell_unknown(self, report: RunReport, who: str) -> None:
        """A word that we do not know: once each."""
        if not report.known and report.vendor_status not in self._unknown_words:
            self._unknown_words.add(report.vendor_status)
            self._tell(
                "unknown_status",
                f"{who}: {report.vendor_status!r} is a status that this version does not know; "
                "taken as still working",
            )

    def _tell(self, kind: str, message: str) -> None:
        handle = self.handle
        tell(
            Event(
                kind,
                self._vendor.title,
                self.request.sync_id or self.request.sync_slug or "",
                handle.run_id if handle else None,
                handle.run_url if handle else None,
                self._seconds(),
                self.report,
                self._error,
                message,
            ),
            self._listeners,
        )
