"""The drop-in for `prefect.tasks.hightouch`."""

import math
import os
import time
from typing import Any, Dict, Optional, Tuple

import requests
from prefect.engine.signals import FAIL
from prefect.utilities.tasks import defaults_from_attrs

from ..engine.answers import as_dict
from ..engine.clock import RealClock
from ..engine.errors import SyncApiError, SyncError, SyncRunTimedOut
from ..engine.model import RunHandle, SyncRequest, Vendor
from ..engine.watch import SyncOptions, run_sync
from ..tasks import arguments as check
from .base import LegacyTask, Pace, as_before, asks, ends, reason_phrase
from .hightouch_v2 import HightouchV2


class HightouchRunSync(LegacyTask):
    """
    Prefect's own Hightouch task, on this package's engine: starts a sync and, if told to, watches
    the run that it started to its end.

    For new flows there is `prefect1_rsync.HightouchSyncTask`, which can do more.

    Args:
        - api_key (str, optional): the API key
        - api_key_env_var (str, optional): name of the environment variable that holds it, if
            `api_key` is not given
        - sync_id (int, optional): the sync
        - wait_for_completion (bool, optional): whether to wait for the run's end
        - wait_time_between_api_calls (int, optional): seconds between looks; 10 if not above 0
        - max_wait_time (int, optional): seconds to wait at most; None, 0 or infinity: no bound
        - **kwargs (dict, optional): keyword arguments of `prefect.Task`, and those that all
            tasks of `prefect1_rsync` share (`raise_on_failure`, `fail_on_warning`, ...)

    Raises:
        - ValueError: an argument that all tasks share is wrong
    """

    _own = (
        "api_key",
        "api_key_env_var",
        "sync_id",
        "wait_time_between_api_calls",
        "max_wait_time",
    )
    _pace_argument = "wait_time_between_api_calls"

    def __init__(
        self,
        api_key: Optional[str] = None,
        api_key_env_var: Optional[str] = None,
        sync_id: Optional[int] = None,
        wait_for_completion: bool = False,
        wait_time_between_api_calls: int = 10,
        max_wait_time: Optional[int] = None,
        **kwargs: Any,
    ) -> None:
        self.api_key = api_key
        self.api_key_env_var = api_key_env_var
        self.sync_id = sync_id
        self.wait_time_between_api_calls = wait_time_between_api_calls
        self.max_wait_time = max_wait_time
        super().__init__(wait_for_completion=wait_for_completion, **kwargs)

    @defaults_from_attrs(
        "api_key",
        "api_key_env_var",
        "sync_id",
        "wait_for_completion",
        "wait_time_between_api_calls",
        "max_wait_time",
    )
    def run(
        self,
        api_key: Optional[str] = None,
        api_key_env_var: Optional[str] = None,
        sync_id: Optional[int] = None,
        wait_for_completion: bool = False,
        wait_time_between_api_calls: int = 10,
        max_wait_time: Optional[int] = None,
    ) -> Dict[str, Any]:
        """
        Runs the sync.

        Args: those of the constructor; None means "the constructor's".

        Returns:
            - dict: the answer to the trigger, or with `wait_for_completion` the last answer about
                the sync, as in `{"sync": {"sync_status": "success", ...}, ...}`

        Raises:
            - ValueError: the API key or `sync_id` is missing or wrong, or `max_wait_time` is wrong
            - prefect.engine.signals.FAIL: the sync could not be started, or did not end well
            - requests.ConnectionError: there was no answer to the trigger
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        arguments = self._merged(given)
        if not arguments["api_key"] and not arguments["api_key_env_var"]:
            raise ValueError(
                "Neither `api_key` nor `api_key_env_var` have been provided. Please provide "
                "either an API key or an environment variable where the API is stored."
            )
        name = arguments["api_key_env_var"]
        if not arguments["api_key"] and name not in os.environ:
            raise ValueError(
                f"We were unable to find the environment variable ${name}. Please make sure the "
                "provided environment variable has been set with your Hightouch API key."
            )
        if not arguments["sync_id"]:
            raise ValueError(
                "`sync_id` has not been provided. Please provide the ID for the Hightouch sync "
                "that you would like to trigger."
            )
        if arguments["wait_for_completion"]:
            given["max_wait_seconds"] = _bound(arguments["max_wait_time"])
        every = arguments["wait_time_between_api_calls"]
        every = every if every and every > 0 else 10
        one, stats = self._as_before(given, lambda: time.sleep, 0.0, every)
        return _answer(one._vendor, stats, arguments["wait_for_completion"])

    def _merged(self, given: Dict[str, Any]) -> Dict[str, Any]:
        merged = super()._merged(given)
        # The old task took 1 for True, and so on.
        return {**merged, "wait_for_completion": bool(merged["wait_for_completion"])}

    def _plan(
        self, arguments: Dict[str, Any], resolve: bool
    ) -> Tuple[Optional[Vendor], SyncRequest]:
        if arguments["cancel_remote_run"]:
            raise ValueError(
                "cancel_remote_run: Hightouch's API has no way to cancel a run; leave it False"
            )
        if arguments["full_resync"]:
            raise ValueError("full_resync: use prefect1_rsync.HightouchSyncTask for that")
        if not resolve:
            return None, SyncRequest("")
        key = arguments["api_key"] or os.environ[arguments["api_key_env_var"]]
        self._vendor = _Vendor(str(key), asks(arguments), self._clock)
        sync_id = check.number_id("sync_id", arguments["sync_id"])
        return self._vendor, SyncRequest(sync_id or "")

    def _translated(self, exc: SyncError) -> BaseException:
        return _failed(exc)


class HightouchClient:
    """
    Prefect's own client of Hightouch, on this package's engine.

    Args:
        - api_key (str): the API key
    """

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key
        self.session = requests.Session()
        self.session.headers.update(
            {"Content-type": "application/json", "Authorization": f"Bearer {api_key}"}
        )

    def get_sync_run_status(self, sync_id: int) -> Dict[str, Any]:
        """
        The answer about a sync.

        Args:
            - sync_id (int): the sync

        Raises:
            - prefect.engine.signals.FAIL: there was none
        """
        vendor = self._vendor()
        try:
            return as_dict(vendor.sync(check.number_id("sync_id", sync_id) or ""))
        except SyncApiError as exc:
            error = _no_status(exc)
        raise error

    def start_sync_run(
        self,
        sync_id: int,
        wait_for_completion: bool,
        wait_time_between_api_calls: int,
        max_wait_time: int,
    ) -> Dict[str, Any]:
        """
        Starts a sync and, if told to, watches its run to its end.

        Args: those of `HightouchRunSync`.

        Raises:
            - ValueError: `sync_id` or `max_wait_time` is wrong
            - prefect.engine.signals.FAIL: it could not be started, or did not end well
        """
        max_wait = _bound(max_wait_time) if wait_for_completion else None
        vendor = self._vendor()
        pace = Pace(RealClock(), lambda: time.sleep, 0.0, wait_time_between_api_calls)
        options = SyncOptions(
            poll_every=float(wait_time_between_api_calls),
            max_wait=max_wait,
            wait=bool(wait_for_completion),
        )
        request = SyncRequest(check.number_id("sync_id", sync_id) or "")
        try:
            stats = run_sync(vendor, request, options, pace, [pace.heard])
            return _answer(vendor, stats, options.wait)
        except SyncError as exc:
            error = as_before(exc, _failed)
        raise error

    def _vendor(self) -> "_Vendor":
        return _Vendor(self.api_key, False, RealClock(), self.session)


class _Vendor(HightouchV2):
    """The old API, with the old errors where no run was started."""

    def start(self, request: SyncRequest) -> RunHandle:
        try:
            return super().start(request)
        except SyncApiError as exc:
            status = exc.status_code
            if status is not None and not 200 <= status < 300:
                start = f"Error while starting sync run. Error is: {reason_phrase(status)}."
                raise ends(exc, lambda text: FAIL(f"{start} {text}")) from None
            if status is None and (exc.transient or exc.had_no_effect):
                raise ends(exc, requests.ConnectionError) from None
            raise self._refused(exc) from None


def _failed(exc: SyncError) -> BaseException:
    if isinstance(exc, SyncRunTimedOut):
        return FAIL(f"Sync run exceeded `max_wait_time`: {exc}")
    if isinstance(exc, SyncApiError) and (exc.stats or {}).get("run_id"):
        return _no_status(exc)
    return FAIL(str(exc))


def _no_status(exc: SyncApiError) -> BaseException:
    if exc.status_code is None and exc.transient:
        return requests.ConnectionError(str(exc))
    return FAIL(
        f"Error while retrieving sync run status. Error is: {reason_phrase(exc.status_code)}. {exc}"
    )


def _answer(vendor: HightouchV2, stats: Dict[str, Any], waited: bool) -> Dict[str, Any]:
    answer = stats["raw"] if waited else vendor.started
    return as_dict(answer if answer is not None else stats["raw"])


def _bound(max_wait_time: Any) -> Optional[float]:
    """
    The seconds to wait at most; None: no bound, as 0 and infinity were for the old task.

    Raises:
        - ValueError: what would end the wait before the first look, or is no number
    """
    try:
        seconds = float(max_wait_time or math.inf)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not seconds > 0:
        raise ValueError(
            "max_wait_time: must be a number of seconds above 0; None, 0 and infinity are no bound"
        )
    return None if seconds == math.inf else seconds
