"""A task run among faults, retries, kills and other people's runs, on a virtual clock.

The machine drives the real engine and the real clients against the sandbox, in memory. What it
does to them is chosen by hypothesis; what must hold whatever it chooses is in `conclude` and
`teardown`.
"""

import json
import pickle
from collections import Counter
from typing import Any, Dict, List, Optional

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from prefect1_rsync.engine.claim import Record
from prefect1_rsync.engine.errors import (
    SyncAlreadyRunning,
    SyncError,
    SyncRunCancelled,
    SyncRunFailed,
    SyncRunInterrupted,
    SyncRunSkipped,
    SyncRunTimedOut,
)
from prefect1_rsync.engine.events import Event
from prefect1_rsync.engine.model import SyncRequest
from prefect1_rsync.engine.watch import CANCEL_PATIENCE_SECONDS, SyncOptions, SyncWatch
from prefect1_rsync.sandbox import Sandbox
from tests import wire
from tests.clock import VirtualClock

CANARY = "c4n4ry-3141592653"
ATTEMPTS = 4

#: What happened over all examples, for the figures of `make torture`.
totals: "Counter[str]" = Counter()

ENDS = {
    "census": ["completed", "failed", "cancelled"],
    "hightouch": ["success", "warning", "failed", "cancelled", "interrupted"],
    "airbyte": ["succeeded", "failed", "cancelled"],
}
GOOD = {"completed", "success", "warning", "succeeded"}
ERRORS = {
    "failed": SyncRunFailed,
    "cancelled": SyncRunCancelled,
    "interrupted": SyncRunInterrupted,
    "skipped": SyncRunSkipped,
}
OPERATIONS = {
    "census": ["trigger", "run", "runs", "cancel", "*"],
    "hightouch": ["trigger", "runs", "syncs", "*"],
    "airbyte": ["trigger", "run", "runs", "connection", "token", "cancel", "job_details", "*"],
}
FAULTS: List[Dict[str, Any]] = [
    {"status": 429, "headers": {"Retry-After": "7"}},
    {"status": 429, "headers": {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}},
    {"status": 500},
    {"status": 502, "process": True},
    {"status": 503},
    {"status": 504, "process": True},
    {"drop": "before"},
    {"drop": "middle"},
    {"drop": "after"},
    {"delay": 3.0},
    {"delay": 300.0},
    {"drip": 1.0},
    {"malformed": "html"},
    {"malformed": "truncated"},
    {"malformed": "empty"},
    {"malformed": "wrong_type"},
    {"malformed": "not_utf8"},
    {"malformed": "deep"},
]


class Torture(RuleBasedStateMachine):
    """See the module."""

    @initialize(
        vendor=st.sampled_from(["census", "hightouch", "airbyte"]),
        policy=st.sampled_from(["wait", "wait", "attach", "fail"]),
        max_wait=st.sampled_from([None, 20.0, 120.0, 900.0]),
        every=st.sampled_from([None, 1.0, 30.0]),
        cancel=st.booleans(),
        by_slug=st.booleans(),
        outcomes=st.lists(
            st.tuples(
                st.sampled_from([1.0, 8.0, 40.0, 400.0]),
                st.integers(0, 4),
                st.sampled_from([0.0, 0.0, 20.0]),
                st.sampled_from([0.0, 0.0, 30.0]),
            ),
            min_size=1,
            max_size=3,
        ),
    )
    def begin(
        self,
        vendor: str,
        policy: str,
        max_wait: Optional[float],
        every: Optional[float],
        cancel: bool,
        by_slug: bool,
        outcomes: List[Any],
    ) -> None:
        self.clock = VirtualClock()
        self.sandbox = Sandbox(clock=self.clock.monotonic)
        self.sandbox.census.token = "secret-token:" + CANARY
        self.sandbox.hightouch.api_key = CANARY
        self.sandbox.airbyte.client_secret = CANARY
        self.vendor, self.room = vendor, getattr(self.sandbox, vendor)
        self.sync = self.sandbox.airbyte.connection_id if vendor == "airbyte" else 1
        for duration, end, queued, unseen in outcomes:
            ends = ENDS[vendor][end % len(ENDS[vendor])]
            self.room.script(
                self.sync,
                duration=duration,
                ends=ends,
                queued_for=queued,
                visible_after=unseen if vendor == "hightouch" else 0.0,
                error_message=f"refused: {CANARY}" if ends not in GOOD else None,
            )
        self.options = SyncOptions(
            poll_every=every,
            max_wait=max_wait,
            if_already_running=policy,
            cancel_remote_run=cancel and vendor != "hightouch",
        )
        slug = by_slug and vendor == "hightouch"
        self.request = SyncRequest("" if slug else str(self.sync), "demo-sync" if slug else None)
        self.attempts = 0
        self.over = False
        self.hard_kills: List[float] = []
        self.others: List[Any] = []
        self.heard: List[Event] = []
        self.record: Optional[Record] = None
        self.resume = False
        totals["examples"] += 1
        self.attempt()

    # --- what happens -----------------------------------------------------------------------

    def attempt(self, resume: bool = False) -> None:
        """A new attempt of the same task: what the former one has left went through JSON."""
        self.attempts += 1
        # The task's argument stays as it is over all retries.
        self.resume = self.resume or resume
        record = None
        if self.record is not None:
            record = Record.from_json(json.loads(json.dumps(self.record._asdict())))
            assert record == self.record
        # Only what this attempt remembers itself reaches the next one.
        self.record = None
        client = wire.client(self.sandbox, self.vendor, self.clock)
        self.watch = SyncWatch(
            client,
            self.request,
            self.options._replace(resume=self.resume),
            self.clock,
            [self.heard.append],
            record,
            self.remember,
        )
        self.began = self.clock.monotonic()
        self.late = 0.0

    def remember(self, record: Optional[Record]) -> None:
        self.record = record

    @precondition(lambda self: not self.over)
    @rule(steps=st.integers(1, 6))
    def go_on(self, steps: int) -> None:
        """Time passes until the next step is due, and it is done."""
        for _ in range(steps):
            if self.over:
                return
            self.clock.wind(max(0.0, self.watch.due - self.clock.monotonic()))
            before = self.clock.monotonic()
            self.watch.step()
            # Answers that are late are not the engine's fault.
            self.late += self.clock.monotonic() - before
            if self.watch.done:
                self.conclude()

    @precondition(lambda self: not self.over)
    @rule(data=st.data(), fault=st.sampled_from(FAULTS), times=st.integers(1, 4))
    def break_something(self, data: Any, fault: Dict[str, Any], times: int) -> None:
        operation = data.draw(st.sampled_from(OPERATIONS[self.vendor]))
        self.room.fault(operation, times=times, **fault)
        totals["faults"] += times

    # Somebody's run that begins while we look for the run of a trigger without an answer can be
    # taken for ours: the risk that the docs name. Everywhere else we must tell them apart.
    @precondition(lambda self: not self.over and self.watch._claim is None)
    @rule(duration=st.sampled_from([3.0, 30.0, 200.0]))
    def somebody_starts_a_run(self, duration: float) -> None:
        state = self.room.state
        if state.active(state.find(self.sync)) is None:
            self.others.append(self.room.start_other_run(self.sync, duration=duration))
            totals["other runs"] += 1
            # The same instant would be a tie.
            self.clock.wind(2.0)

    @precondition(lambda self: not self.over)
    @rule(program=st.booleans())
    def stop(self, program: bool) -> None:
        """Ctrl-C, or Prefect's timeout; or an error of a program: then the retry goes on."""
        self.watch.abandon("ValueError" if program else "KeyboardInterrupt", stopped=not program)
        totals["kills"] += 1
        if program and self.attempts < ATTEMPTS:
            self.attempt()
            return
        handle = self.watch.handle
        if not program and self.options.cancel_remote_run and handle is not None:
            run = self.room.state.find_run(handle.run_id)
            asked = any(r.operation == "cancel" for r in self.sandbox.requests)
            assert run.finished or asked or not self.watch._ours, "the run was left alone"
        self.over = True

    @precondition(lambda self: not self.over and self.attempts < ATTEMPTS)
    @rule()
    def kill(self) -> None:
        """SIGKILL: nothing is remembered. The flow run is restarted, with resume."""
        if any(run.outcome.visible_after for run in self.room.runs if not run.finished):
            # A run that its vendor does not list yet can't be resumed: a limit, in the docs.
            return
        self.hard_kills.append(self.clock.monotonic())
        self.record = None
        totals["kills"] += 1
        self.attempt(resume=True)

    @precondition(lambda self: self.over)
    @rule()
    def rest(self) -> None:
        """The task is over; hypothesis wants something to do."""

    # --- what must hold ---------------------------------------------------------------------

    def conclude(self) -> None:
        """An attempt has ended: was it right, and does Prefect retry?"""
        took = self.clock.monotonic() - self.began - self.late
        if self.options.max_wait is not None:
            bound = max(self.options.max_wait, 0.0) + 5.0 + 5.0 + CANCEL_PATIENCE_SECONDS + 5.0
            assert took <= bound, f"the attempt took {took} s of {self.options.max_wait}"
        error: Optional[SyncError] = None
        stats: Optional[Dict[str, Any]] = None
        try:
            stats = self.watch.result()
        except SyncError as exc:
            error = exc
            again = pickle.loads(pickle.dumps(exc))
            assert (str(again), again.stats) == (str(exc), exc.stats)
            stats = exc.stats
        shown = (repr(error), json.dumps(stats, allow_nan=False), self.heard, self.record)
        assert CANARY not in repr(shown), "a secret is shown"
        handle = self.watch.handle
        run = None if handle is None else self.room.state.find_run(handle.run_id)
        joined = self.options.if_already_running == "attach" or bool(self.hard_kills)
        if run is not None and not run.by_api:
            assert joined, "another's run was taken for ours"
        if error is None:
            totals["successes"] += 1
            assert run is not None and run.ended, "success before the end"
            assert run.outcome.ends in GOOD and not run.outcome.canceled, "a false success"
            assert stats is not None and stats["run_id"] == str(run.id)
            self.over = True
            return
        totals[type(error).__name__] += 1
        for word, kind in ERRORS.items():
            if type(error) is kind:
                assert run is not None and run.finished
                end = "cancelled" if not run.ended else run.outcome.ends
                assert word == end, f"{kind.__name__}, but the run ended as {end}"
        if type(error) is SyncRunTimedOut:
            assert self.options.max_wait is not None or "not listed" in str(error)
        assert type(error) is not SyncAlreadyRunning or self.options.if_already_running == "fail", (
            str(error)
        )
        if error.retryable and self.attempts < ATTEMPTS:
            self.attempt()
        else:
            self.over = True

    def teardown(self) -> None:
        if not hasattr(self, "watch"):
            return
        self.room.clear_faults()
        for _ in range(2000):
            if self.over:
                break
            self.go_on(1)
        assert self.over, "the task never ends"
        ours = [run for run in self.room.runs if run.by_api]
        totals["triggers accepted"] += len(ours)
        for one, two in zip(ours, ours[1:]):
            bad = one.finished_at <= two.created and not (one.ended and one.outcome.ends in GOOD)
            killed = any(
                one.created <= kill and one.finished_at <= two.created for kill in self.hard_kills
            )
            assert bad or killed, f"run {two.id} was started beside, or after, the good {one.id}"
        assert all(run.cancelled_at == float("inf") for run in self.others), (
            "another's was cancelled"
        )
        for request in self.sandbox.requests:
            assert request.operation != "connection_update"
