"""The drop-in for `prefect.tasks.census`."""

import logging
import re
import time
from typing import Any, Dict, List, Match, Optional, Tuple

import requests
from prefect.utilities.tasks import defaults_from_attrs

from ..engine.answers import as_dict
from ..engine.clock import Clock
from ..engine.errors import SyncApiError, SyncError
from ..engine.model import QUEUES, RunHandle, Sighting, SyncRequest, Vendor
from ..vendors.census import V1_RETIREMENT, CensusClient, parse_api_trigger
from .base import LegacyTask, LoginInUrl, Reticent, asks, ends, reason_phrase

MIN_WAIT_TIME, DEFAULT_WAIT_TIME = 5, 60

# Two groups, as the old helper had them: the secret without its prefix, and the sync's id.
_TRIGGER = re.compile(
    r"https://bearer:(?:secret-token:)?(.+)@[^@]+/api/v[12]/syncs/([0-9]+)/trigger", re.I
)


class CensusSyncTask(LegacyTask):
    """
    Prefect's own Census task, on this package's engine: starts a sync and watches it to its end.

    For new flows there is `prefect1_rsync.CensusSyncTask`, which can do more.

    Args:
        - api_trigger (str, optional): default trigger URL, as the sync's configuration page
            shows it; US and EU, API v1 and v2
        - **kwargs (dict, optional): keyword arguments of `prefect.Task`, and those that all
            tasks of `prefect1_rsync` share (`raise_on_failure`, `max_wait_seconds`, ...)

    Raises:
        - ValueError: `api_trigger` is no trigger URL (it is not quoted, for it holds a secret), or
            an argument that all tasks share is wrong
    """

    _own = ("api_trigger",)
    _pace_argument = "it to run()"

    def __init__(self, api_trigger: Optional[str] = None, **kwargs: Any) -> None:
        if api_trigger:
            self.check_invalid_api(api_trigger)
        self.api_trigger = api_trigger
        super().__init__(**kwargs)

    @defaults_from_attrs("api_trigger")
    def run(
        self,
        api_trigger: Optional[str] = None,
        poll_status_every_n_seconds: int = DEFAULT_WAIT_TIME,
    ) -> Dict[str, Any]:
        """
        Runs the sync.

        Args:
            - api_trigger (str, optional): the trigger URL; default: the constructor's
            - poll_status_every_n_seconds (int, optional): seconds between looks, at least 5

        Returns:
            - dict: the run as Census tells it: `status`, `records_processed`, `records_updated`,
                `records_failed`, `records_invalid`, `error_message` and more

        Raises:
            - ValueError: `api_trigger` is missing or wrong
            - requests.HTTPError, requests.ConnectionError: the sync could not be started
            - StatusFailed: a `ValueError` and a `SyncApiError`: the run can't be looked at
            - SyncRunError: the run failed, was cancelled or skipped
        """
        api_trigger = self.api_trigger if api_trigger is None else api_trigger
        if not api_trigger:
            raise ValueError(
                "Value for parameter `api_trigger` must be provided. See Census sync "
                "configuration page."
            )
        given = poll_status_every_n_seconds
        every = max(MIN_WAIT_TIME, DEFAULT_WAIT_TIME if given is None else given)
        _, stats = self._as_before({"api_trigger": api_trigger}, lambda: time.sleep, every, every)
        return as_dict(as_dict(stats["raw"]).get("data")) or {
            "status": stats["status"],
            "sync_run_id": int(stats["run_id"]),
        }

    @staticmethod
    def check_invalid_api(api_trigger: str) -> "Match[str]":
        """
        Checks that a text is a trigger URL of Census.

        Args:
            - api_trigger (str): the text

        Returns:
            - Match: its groups are the secret and the sync's id

        Raises:
            - ValueError: if it is anything else; the text is not quoted
        """
        try:
            parse_api_trigger(api_trigger)
        except ValueError as exc:
            raise ValueError(
                "Invalid parameter for `api_trigger` please paste directly from the Census sync "
                f"configuration page. This is CaSe SenSITiVe. ({exc})"
            ) from None
        match = _TRIGGER.fullmatch(api_trigger)
        assert match is not None, "the two patterns agree"
        return match

    def _plan(
        self, arguments: Dict[str, Any], resolve: bool
    ) -> Tuple[Optional[Vendor], SyncRequest]:
        if not resolve:
            return None, SyncRequest("")
        self.check_invalid_api(arguments["api_trigger"])
        client = _Client(arguments["api_trigger"], asks(arguments), self._clock)
        if client.api_version == 1:
            self._log(
                logging.WARNING,
                f"Census switches API v1 off on {V1_RETIREMENT}. Make a personal access token in "
                "Census, and put it, and v2, into the trigger URL",
            )
        return client, SyncRequest(client.sync_id, full_resync=arguments["full_resync"])

    def _translated(self, exc: SyncError) -> BaseException:
        stats = exc.stats or {}
        if not isinstance(exc, SyncApiError) or not stats.get("run_id"):
            return exc
        text = (
            f"Getting status of sync failed, please visit Census Logs at {stats['run_url']} to "
            f"see more. {exc}"
        )
        return StatusFailed(text, *exc.args[1:])


class StatusFailed(SyncApiError, ValueError):
    """The run can't be looked at. (A bare `ValueError` would not be retried: see `SyncTask`.)"""


class _Client(Reticent, CensusClient):
    """Census as the old task asks it: nothing but a trigger and looks, the same addresses."""

    # A run that is skipped is an end here, and not a reason to begin anew.
    when_running = QUEUES

    def __init__(self, api_trigger: str, asks: bool, clock: Clock) -> None:
        Reticent.__init__(self, asks)
        url = parse_api_trigger(api_trigger)
        self.sync_id = url.sync_id
        userinfo = api_trigger.split("://", 1)[1].rpartition("@")[0]
        CensusClient.__init__(
            self,
            url.token,
            str(url.base_url),
            url.api_version,
            clock=clock,
            session=LoginInUrl(userinfo),
        )

    def start(self, request: SyncRequest) -> RunHandle:
        try:
            return super().start(request)
        except SyncApiError as exc:
            status = exc.status_code
            if status is not None and not 200 <= status < 300:
                url = f"{self._http.base_url}/syncs/{request.sync_id}/trigger"
                raise ends(exc, lambda text: _http_error(status, url, text)) from None
            if status is None and exc.transient:
                raise ends(exc, requests.ConnectionError) from None
            # The old task ended in a JSONDecodeError or a KeyError: no error that anyone wanted.
            raise self._refused(exc) from None

    def recent(self, request: SyncRequest) -> List[Sighting]:
        self._hold_back()
        return super().recent(request)


def _http_error(status: int, url: str, text: str) -> requests.HTTPError:
    """As `raise_for_status()` says it, but with a URL that holds no token."""
    response = requests.Response()
    response.status_code, response.reason, response.url = status, reason_phrase(status), url
    who = "Server" if status >= 500 else "Client"
    return requests.HTTPError(
        f"{status} {who} Error: {response.reason} for url: {url} ({text})", response=response
    )
