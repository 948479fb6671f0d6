"""A vendor without HTTP: runs that last so long and end so, and whatever trouble a test wants."""

from typing import Any, Callable, List, Optional, Tuple

from prefect1_rsync.engine.answers import as_time
from prefect1_rsync.engine.errors import SyncAlreadyRunning, SyncApiError
from prefect1_rsync.engine.model import (
    CANCELLED,
    COMPLETED,
    QUEUES,
    REFUSES,
    SKIPPED,
    SKIPS,
    WORKING,
    RunHandle,
    RunReport,
    Sighting,
    SyncRequest,
)
from prefect1_rsync.engine.watch import SyncOptions, SyncWatch, run_sync
from tests.clock import VirtualClock

REQUEST = SyncRequest("s1")


def trouble(retry_after: Optional[float] = None) -> SyncApiError:
    """What a 503 is to the engine."""
    return SyncApiError("the API is down", None, 503, True, retry_after)


def no_effect(retry_after: Optional[float] = None) -> SyncApiError:
    """What a 429 is to the engine."""
    return SyncApiError("too many requests", None, 429, True, retry_after, True)


class FakeRun:
    """One run: from when to when, how it ends, and when the vendor says it was created."""

    def __init__(
        self, run_id: str, start: float, end: float, report: RunReport, created: Optional[str]
    ) -> None:
        self.run_id, self.start, self.end, self.report = run_id, start, end, report
        self.created = created


class FakeVendor:
    """
    Satisfies `prefect1_rsync.engine.model.Vendor`.

    Args:
        - clock (VirtualClock): the time
        - lasts (float, optional): how long our runs take, in seconds
        - ends (RunReport or str, optional): how they end
        - when_running (str, optional): how a trigger is taken during a run
        - http (float, optional): seconds that each request takes

    Attributes:
        - tape (list): what the next looks bring, first things first: an exception to raise, a
            report, or None for the truth
        - on_prepare, on_start, on_recent, on_cancel (list): exceptions for the next such calls,
            which do nothing then; None lets one pass
        - on_lost (list): exceptions for the next starts, which make their run all the same
        - looks (list of (float, str)), starts, cancels, prepares, lists (list): what was asked,
            when
        - hides_runs (bool): whether the list of runs is empty
        - lists_after (float): seconds until a run is in the list
        - before_start (callable, optional): called by each trigger, before it is carried out
    """

    name, title = "fake", "Fake"

    def __init__(
        self,
        clock: VirtualClock,
        lasts: float = 10.0,
        ends: Any = COMPLETED,
        when_running: str = QUEUES,
        http: float = 0.0,
    ) -> None:
        self.clock, self.lasts, self.when_running, self.http = clock, lasts, when_running, http
        self.ends = ends if isinstance(ends, RunReport) else RunReport(ends, ends)
        self.runs: List[FakeRun] = []
        self.tape: List[Any] = []
        self.on_prepare: List[Exception] = []
        self.on_start: List[Any] = []
        self.on_recent: List[Any] = []
        self.on_lost: List[Any] = []
        self.on_cancel: List[Exception] = []
        self.looks: List[Tuple[float, str]] = []
        self.starts: List[float] = []
        self.prepares: List[float] = []
        self.lists: List[float] = []
        self.cancels: List[str] = []
        self.cancel_takes = 0.0
        self.hides_runs = False
        self.lists_after = 0.0
        self.before_start: Optional[Callable[[], Any]] = None

    def add_run(self, lasts: float, ends: str = COMPLETED) -> FakeRun:
        """A run that somebody else started, now."""
        now = self.clock.monotonic()
        report, created = RunReport(ends, ends), as_time(self.clock.time())
        run = FakeRun(str(100 + len(self.runs)), now, now + lasts, report, created)
        self.runs.append(run)
        return run

    def prepare(self, request: SyncRequest) -> SyncRequest:
        assert isinstance(request, SyncRequest)
        self._take(self.on_prepare, self.prepares)
        return request

    def start(self, request: SyncRequest) -> RunHandle:
        assert isinstance(request, SyncRequest)
        self._take(self.on_start, self.starts)
        if self.before_start is not None:
            self.before_start()
        busy = self._active()
        if busy and self.when_running == REFUSES:
            raise SyncAlreadyRunning("busy", status_code=409, had_no_effect=True)
        run = self.add_run(self.lasts)
        run.report = self.ends
        if busy and self.when_running == SKIPS:
            run.end, run.report = run.start, RunReport(SKIPPED, SKIPPED)
        if busy and self.when_running == QUEUES:
            run.end += busy.end - run.start
        lost = self.on_lost.pop(0) if self.on_lost else None
        if lost is not None:
            raise lost
        return self._handle(run)

    def look(self, handle: RunHandle) -> RunReport:
        self.looks.append((self.clock.monotonic(), handle.run_id))
        self.clock.wind(self.http)
        item = self.tape.pop(0) if self.tape else None
        if isinstance(item, BaseException):
            raise item
        if item is not None:
            return item
        run = next(run for run in self.runs if run.run_id == handle.run_id)
        return self._report(run)

    def recent(self, request: SyncRequest) -> List[Sighting]:
        assert isinstance(request, SyncRequest)
        self._take(self.on_recent, self.lists)
        listed = self.clock.monotonic() - self.lists_after
        return [
            Sighting(self._handle(run), self._report(run)._replace(created_at=run.created))
            for run in reversed(self.runs)
            if run.start <= listed and not self.hides_runs
        ]

    def cancel(self, handle: RunHandle) -> None:
        self.cancels.append(handle.run_id)
        self._take(self.on_cancel, [])
        run = next(run for run in self.runs if run.run_id == handle.run_id)
        run.end = self.clock.monotonic() + self.cancel_takes
        run.report = RunReport(CANCELLED, CANCELLED)

    def close(self) -> None:
        pass

    def look_times(self, run_id: Optional[str] = None) -> List[float]:
        """When the run was looked at, on the clock; all runs if none is named."""
        return [at for at, looked_at in self.looks if run_id in (None, looked_at)]

    def _take(self, exceptions: List[Any], calls: List[float]) -> None:
        calls.append(self.clock.monotonic())
        self.clock.wind(self.http)
        exception = exceptions.pop(0) if exceptions else None
        if exception is not None:
            raise exception

    def _active(self) -> Optional[FakeRun]:
        now = self.clock.monotonic()
        return next((run for run in reversed(self.runs) if run.end > now), None)

    def _report(self, run: FakeRun) -> RunReport:
        over = self.clock.monotonic() >= run.end
        return run.report if over else RunReport(WORKING, WORKING)

    def _handle(self, run: FakeRun) -> RunHandle:
        return RunHandle(self.name, "s1", run.run_id, f"https://fake.example/{run.run_id}")


def run(
    vendor: FakeVendor,
    listeners: Any = (),
    record: Any = None,
    remember: Any = None,
    **options: Any,
) -> Any:
    """`run_sync` with these options."""
    return run_sync(
        vendor, REQUEST, SyncOptions(**options), vendor.clock, listeners, record, remember
    )


def watch(
    vendor: FakeVendor,
    listeners: Any = (),
    record: Any = None,
    remember: Any = None,
    **options: Any,
) -> SyncWatch:
    """A `SyncWatch` with these options."""
    return SyncWatch(
        vendor, REQUEST, SyncOptions(**options), vendor.clock, listeners, record, remember
    )


def go_on(sync: SyncWatch, vendor: FakeVendor, times: int = 10**6) -> None:
    """Takes the next so many steps, each when it is due; all that are left if not told."""
    for _ in range(times):
        if sync.done:
            break
        vendor.clock.sleep(max(0.0, sync.due - vendor.clock.monotonic()))
        sync.step()
