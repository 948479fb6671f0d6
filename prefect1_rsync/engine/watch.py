"""One sync from its request to its end, a step at a time: start, look, look again, settle.

`SyncWatch` never sleeps: it says when its next step is due, and somebody else keeps the time.
`run_sync` is that somebody for one sync; a batch can be it for a thousand.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Set

from .clock import Clock, RealClock
from .errors import (
    SyncAlreadyRunning,
    SyncApiError,
    SyncError,
    SyncRunCancelled,
    SyncRunError,
    SyncRunFailed,
    SyncRunInterrupted,
    SyncRunSkipped,
    SyncRunTimedOut,
)
from .events import Event, Listener, tell
from .model import (
    CANCELLED,
    FAILED,
    REFUSES,
    SKIPPED,
    SKIPS,
    WORKING,
    RunHandle,
    RunReport,
    SyncRequest,
    Vendor,
    stats_of,
)
from .pacing import MIN_SECONDS, pause_after, pause_after_trouble

WAIT, ATTACH, FAIL = "wait", "attach", "fail"

#: How long a look-up before the start may go wrong: nothing runs yet, so nothing is lost.
PREPARE_PATIENCE_SECONDS = 300.0
#: How long a run that was accepted may be missing from the vendor's list.
UNLISTED_PATIENCE_SECONDS = 300.0
#: Without `max_wait_seconds`: how long every single look may go wrong before we give up.
TROUBLE_PATIENCE_SECONDS = 3600.0
#: How long a run that we asked to be cancelled may take to end.
CANCEL_PATIENCE_SECONDS = 60.0
#: How often we begin anew because another run was in the way.
MAX_STARTS = 20
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
    """

    poll_every: Optional[float] = None
    max_wait: Optional[float] = None
    wait: bool = True
    raise_on_failure: bool = True
    fail_on_warning: bool = False
    if_already_running: str = WAIT
    cancel_remote_run: bool = False


def run_sync(
    vendor: Vendor,
    request: SyncRequest,
    options: Optional[SyncOptions] = None,
    clock: Optional[Clock] = None,
    listeners: Sequence[Listener] = (),
) -> Dict[str, Any]:
    """
    Starts a run and watches it to its end.

    Args:
        - vendor (Vendor): where, with the credentials
        - request (SyncRequest): what
        - options (SyncOptions, optional): how
        - clock (Clock, optional): another time than the machine's
        - listeners (sequence of callables, optional): told each `Event`

    Returns:
        - dict: the stats (see `stats_of`)

    Raises:
        - SyncRunError: the run did not end well
        - SyncApiError: the vendor's API did not do what was asked
    """
    clock = clock or RealClock()
    watch = SyncWatch(vendor, request, options or SyncOptions(), clock, listeners)
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
        self._began = self.due
        self._deadline = None if options.max_wait is None else self.due + options.max_wait
        self._stats: Optional[Dict[str, Any]] = None
        self._error: Optional[SyncError] = None
        self._next: Callable[[], None] = self._prepare
        self._ours = False  # whether `handle` is a run that we started
        self._other: Optional[RunHandle] = None  # a run that is in the way
        self._watched_since = self.due
        self._starts = 0
        self._phantoms = 0
        self._failures = 0
        self._trouble_since = self.due
        self._unknown_words: Set[Optional[str]] = set()
        self._listed_at = self.due
        self._cancel_until: Optional[float] = None
        self._refusal: SyncError = SyncAlreadyRunning("another run is going on")

    def step(self) -> None:
        """Does what is due."""
        if self.done:
            return
        phase = self._next
        try:
            phase()
        except SyncApiError as exc:
            if exc.transient and phase != self._start:
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
        if self.done or not self._going_on():
            return
        if stopped and self._options.cancel_remote_run and self._ours:
            self._ask_to_cancel(f"stopped by {why}")
            while not self.done and self._cancel_until is not None:
                self._clock.sleep(max(0.0, self.due - self._clock.monotonic()))
                self.step()
        else:
            self._tell("left", f"{self._who()}: stopped by {why}; {self._goes_on()}")

    # --- the phases, in their order -------------------------------------------------------

    def _prepare(self) -> None:
        self.request = self._vendor.prepare(self.request)
        self._go_on(self._before_start)

    def _before_start(self) -> None:
        """Looks for a run in the way, where the vendor's answer to a trigger won't tell."""
        policy = self._options.if_already_running
        if policy != WAIT and self._vendor.when_running != REFUSES:
            other = self._vendor.running(self.request)
            if other is not None:
                self._in_the_way(other)
                return
        self._go_on(self._start)

    def _start(self) -> None:
        if self._late():
            self._time_out()
            return
        self._starts += 1
        try:
            handle = self._vendor.start(self.request)
        except SyncAlreadyRunning as exc:
            if self._options.if_already_running == FAIL or self._starts >= MAX_STARTS:
                raise
            self._refusal = exc
            self._go_on(self._find_other)
            return
        self._adopt(handle, ours=True)
        if not self._options.wait:
            self._settle(self.report)

    def _look(self) -> None:
        assert self.handle is not None
        now = self._clock.monotonic()
        report = self._vendor.look(self.handle)
        self.report = report
        self._tell("looked", self._sentence(report))
        if report.listed:
            self._listed_at = now
        if not report.known and report.vendor_status not in self._unknown_words:
            self._unknown_words.add(report.vendor_status)
            self._tell(
                "unknown_status",
                f"{self._who()}: {report.vendor_status!r} is a status that this version does "
                "not know; taken as still working",
            )
        if report.ended:
            self._end(report)
        elif now - self._listed_at >= UNLISTED_PATIENCE_SECONDS:
            self._fail(
                SyncRunTimedOut(
                    f"accepted, but not listed by {self._vendor.title} for "
                    f"{now - self._listed_at:.0f} s; is the sync switched off?"
                )
            )
        else:
            self._wait_on()

    def _find_other(self) -> None:
        """The vendor said, or showed, that another run is going on: which one?"""
        other = self._vendor.running(self.request)
        if other is not None:
            self._phantoms = 0
            self._in_the_way(other)
            return
        self._phantoms += 1
        if self._phantoms >= MAX_PHANTOMS:
            raise self._refusal
        # It has ended in between, or is not listed yet.
        self._pause(MIN_SECONDS, self._start)

    def _look_at_other(self) -> None:
        assert self._other is not None
        report = self._vendor.look(self._other)
        if report.ended:
            self._other = None
            self._go_on(self._start)
        else:
            self._wait_on()

    # --- transitions ----------------------------------------------------------------------

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
        if self._cancel_until is not None and now >= self._cancel_until:
            self._fail(self._timed_out("it was asked to cancel, but has not ended"))
        elif self._cancel_until is None and self._deadline is not None and now >= self._deadline:
            self._time_out()
        elif self._cancel_until is not None:
            self._pause(MIN_SECONDS)
        else:
            self._pause(pause_after(now - self._watched_since, self._options.poll_every))

    def _bear(self, exc: SyncApiError) -> None:
        """A request that may be repeated got no usable answer."""
        now = self._clock.monotonic()
        self._failures += 1
        if self._failures == 1:
            self._trouble_since = now
        since = now - self._trouble_since
        before_start = self._next not in (self._look, self._look_at_other)
        patience = PREPARE_PATIENCE_SECONDS if before_start else TROUBLE_PATIENCE_SECONDS
        if self._cancel_until is not None and now >= self._cancel_until:
            self._fail(self._timed_out("it was asked to cancel; whether it did is unknown"))
        elif self._cancel_until is None and self._deadline is not None and now >= self._deadline:
            self._time_out(exc)
        elif since >= patience and (before_start or self._deadline is None):
            self._fail(exc)
        else:
            age = now - self._watched_since
            pause = MIN_SECONDS if before_start else pause_after(age, self._options.poll_every)
            pause = pause_after_trouble(self._failures, pause, exc.retry_after)
            self._pause(pause)
            self._tell(
                "trouble",
                f"{self._who()}: {exc}; asking again in {self.due - self._clock.monotonic():.0f} s",
            )

    def _in_the_way(self, other: RunHandle) -> None:
        """Another run is going on: join it, wait for it, or give up, as the user wishes."""
        policy = self._options.if_already_running
        if policy == FAIL:
            raise SyncAlreadyRunning(f"run {other.run_id} is going on", had_no_effect=True)
        if policy == ATTACH:
            self._adopt(other, ours=False)
            if not self._options.wait:
                self._settle(self.report)
            return
        self._other = other
        self._watched_since = self._clock.monotonic()
        self._tell(
            "blocked",
            f"{self._who()}: run {other.run_id} is going on; ours starts when it has ended",
        )
        self._next = self._look_at_other
        self._wait_on()

    def _adopt(self, handle: RunHandle, ours: bool) -> None:
        self.handle, self._ours = handle, ours
        self.report = RunReport(WORKING)
        self._watched_since = self._listed_at = self._clock.monotonic()
        self._tell(
            "started" if ours else "attached",
            "{}: {}{}".format(
                self._who(),
                "started" if ours else "was going on already; watching it",
                ". " + handle.run_url if handle.run_url else "",
            ),
        )
        self._next = self._look
        self._pause(pause_after(0.0, self._options.poll_every))

    def _end(self, report: RunReport) -> None:
        if self._cancel_until is not None and report.status == CANCELLED:
            # We cancelled it ourselves: what failed is the wait.
            self._fail(self._timed_out("it was cancelled"))
            return
        policy = self._options.if_already_running
        in_the_way = report.status == SKIPPED and self._vendor.when_running == SKIPS
        late = self._deadline is not None and self._clock.monotonic() >= self._deadline
        if in_the_way and self._ours and policy != FAIL and not late and self._starts < MAX_STARTS:
            # Another run was going on, so this one did nothing: begin anew.
            self._refusal = SyncRunSkipped(
                f"skipped {self._phantoms + 1} times, although no other run is listed"
            )
            self._go_on(self._find_other)
        else:
            self._settle(report)

    def _settle(self, report: RunReport) -> None:
        """The run is over (or not waited for): make the stats, and say how it went."""
        if report.status not in (WORKING, FAILED, CANCELLED, SKIPPED):
            rejected = report.rejected
            if self._options.fail_on_warning and (report.warning or rejected):
                report = report._replace(
                    status=FAILED,
                    error_message="{} rejected{}".format(
                        "some records were"
                        if rejected is None
                        else "1 record was"
                        if rejected == 1
                        else f"{rejected} records were",
                        ": " + report.error_message if report.error_message else "",
                    ),
                )
        self.report = report
        self._stats = self._make_stats()
        self.done = True
        error = _error_for(report)
        sentence = self._sentence(report)
        self._tell("ended", sentence)
        if error is not None and self._options.raise_on_failure:
            self._error = error(self._with_link(sentence), self._stats)

    def _time_out(self, trouble: Optional[SyncApiError] = None) -> None:
        if self._going_on() and self._ours and self._options.cancel_remote_run:
            self._ask_to_cancel(f"not over after {self._seconds():.0f} s")
            return
        how = f"last, {trouble}" if trouble is not None else ""
        self._fail(self._timed_out(how))

    def _timed_out(self, how: str) -> SyncRunTimedOut:
        text = f"not over after {self._seconds():.0f} s"
        if self.handle is None:
            text = f"not started after {self._seconds():.0f} s"
        elif self.report.vendor_status:
            text += f" (last seen as {self.report.vendor_status})"
        return SyncRunTimedOut(f"{text}; {how}" if how else text)

    def _ask_to_cancel(self, why: str) -> None:
        assert self.handle is not None
        self._cancel_until = self._clock.monotonic() + CANCEL_PATIENCE_SECONDS
        self._tell("cancelling", f"{self._who()}: {why}; cancelling it")
        try:
            self._vendor.cancel(self.handle)
        except SyncError as exc:
            self._tell("trouble", f"{self._who()}: the cancel went wrong: {exc}")
        self._pause(MIN_SECONDS, self._look)

    def _fail(self, exc: SyncError) -> None:
        """Ends the watch with an error that names the sync, the run and the link."""
        text = f"{self._who()}: {exc}"
        if self._going_on() and self._cancel_until is None:
            text += "; " + self._goes_on()
        self._error = type(exc)(self._with_link(text), self._make_stats(), *exc.args[2:])
        self.done = True
        self._tell("ended", text)

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
        if report.records_processed is not None:
            text += f", {report.records_processed} records"
        return text

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
                message,
            ),
            self._listeners,
        )


def _error_for(report: RunReport) -> Optional[Callable[..., SyncRunError]]:
    if report.interrupted:
        return SyncRunInterrupted
    errors: Dict[str, Callable[..., SyncRunError]] = {
        FAILED: SyncRunFailed,
        CANCELLED: SyncRunCancelled,
        SKIPPED: SyncRunSkipped,
    }
    return errors.get(report.status)
