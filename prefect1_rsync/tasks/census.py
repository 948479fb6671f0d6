"""The Census task."""

import logging
import os
from typing import Any, Dict, Optional, Tuple, Union

from ..engine.model import SyncRequest
from ..engine.urls import parse_base_url, require_encryption
from ..vendors.census import (
    EU,
    US,
    V1_RETIREMENT,
    CensusClient,
    check_token,
    parse_api_trigger,
    version_for,
)
from . import arguments as check
from .base import SyncTask


class CensusSyncTask(SyncTask):
    """
    Starts a Census (Fivetran Activations) sync and watches it to its end.

    Name the sync by its trigger URL, or by its id and a token. All arguments can be given here,
    as defaults, or at `run()`.

    Args:
        - api_trigger (str, optional): the trigger URL of the sync's Configuration page,
            `https://bearer:TOKEN@app.getcensus.com/api/v1/syncs/ID/trigger`; US and EU, API v1
            and v2. The credential in it is never sent anywhere but to that host
        - sync_id (int or str, optional): the sync's id, instead of `api_trigger`
        - api_token (str, optional): a workspace API key (`secret-token:...`, API v1) or a
            personal access token (API v2); default: environment variable `CENSUS_API_TOKEN`
        - api_trigger_secret (str, optional): the name of a Prefect secret, else of an
            environment variable, that holds the trigger URL
        - api_token_secret (str, optional): the same for `api_token`
        - api_version (int, optional): 1 or 2; default: what the token is for. API v1 is switched
            off on 15 January 2027
            (https://fivetran.com/docs/activations/rest-api/api-reference/migrate-v1-to-v2)
        - base_url (str, optional): what stands before `/api/v1`; default: environment variable
            `CENSUS_BASE_URL`, else `https://app.getcensus.com`
        - poll_status_every_n_seconds (float, optional): seconds between looks at the run, never
            under 5; None: 5 s at first, then ever more rarely as the run grows older, up to 60 s
        - max_wait_seconds (float, optional): seconds to wait in all, queueing included; None: no
            bound
        - wait_for_completion (bool, optional): False: return stats with status `working` as soon
            as the run is started
        - raise_on_failure (bool, optional): False: return the stats of a run that ended badly
            instead of failing the task
        - fail_on_warning (bool, optional): a run with rejected records fails
        - if_already_running (str, optional): while another run of the sync is going on: `"wait"`
            for it and then start ours, `"attach"` to it, or `"fail"`
        - cancel_remote_run (bool, optional): cancel the run at Census on timeout and when the
            flow is stopped
        - full_resync (bool, optional): sync every record (Census: `force_full_sync`)
        - resume (bool, optional): join a run of the sync that is going on already, as if this task
            had started it: for a flow run that is restarted after its worker was killed
        - **kwargs (dict, optional): keyword arguments of `prefect.Task`

    Raises:
        - ValueError: an argument is wrong
    """

    _own = (
        "api_trigger",
        "sync_id",
        "api_token",
        "api_trigger_secret",
        "api_token_secret",
        "api_version",
        "base_url",
    )
    _replaces = {
        "api_trigger": (
            "api_trigger_secret",
            "sync_id",
            "api_token",
            "api_token_secret",
            "api_version",
        ),
        "api_trigger_secret": (
            "api_trigger",
            "sync_id",
            "api_token",
            "api_token_secret",
            "api_version",
        ),
        "sync_id": ("api_trigger", "api_trigger_secret"),
        "api_token": ("api_token_secret",),
        "api_token_secret": ("api_token",),
    }

    def __init__(
        self,
        api_trigger: Optional[str] = None,
        sync_id: Optional[Union[int, str]] = None,
        api_token: Optional[str] = None,
        api_trigger_secret: Optional[str] = None,
        api_token_secret: Optional[str] = None,
        api_version: Optional[int] = None,
        base_url: Optional[str] = None,
        poll_status_every_n_seconds: Optional[float] = None,
        max_wait_seconds: Optional[float] = None,
        wait_for_completion: bool = True,
        raise_on_failure: bool = True,
        fail_on_warning: bool = False,
        if_already_running: str = "wait",
        cancel_remote_run: bool = False,
        full_resync: bool = False,
        resume: bool = False,
        **kwargs: Any,
    ) -> None:
        self.api_trigger = api_trigger
        self.sync_id = sync_id
        self.api_token = api_token
        self.api_trigger_secret = api_trigger_secret
        self.api_token_secret = api_token_secret
        self.api_version = api_version
        self.base_url = base_url
        super().__init__(
            poll_status_every_n_seconds=poll_status_every_n_seconds,
            max_wait_seconds=max_wait_seconds,
            wait_for_completion=wait_for_completion,
            raise_on_failure=raise_on_failure,
            fail_on_warning=fail_on_warning,
            if_already_running=if_already_running,
            cancel_remote_run=cancel_remote_run,
            full_resync=full_resync,
            resume=resume,
            **kwargs,
        )

    def run(  # type: ignore[override]
        self,
        api_trigger: Optional[str] = None,
        sync_id: Optional[Union[int, str]] = None,
        api_token: Optional[str] = None,
        api_trigger_secret: Optional[str] = None,
        api_token_secret: Optional[str] = None,
        api_version: Optional[int] = None,
        base_url: Optional[str] = None,
        poll_status_every_n_seconds: Optional[float] = None,
        max_wait_seconds: Optional[float] = None,
        wait_for_completion: Optional[bool] = None,
        raise_on_failure: Optional[bool] = None,
        fail_on_warning: Optional[bool] = None,
        if_already_running: Optional[str] = None,
        cancel_remote_run: Optional[bool] = None,
        full_resync: Optional[bool] = None,
        resume: Optional[bool] = None,
    ) -> Dict[str, Any]:
        """
        Runs the sync.

        Args: those of the constructor; None means "the constructor's".

        Returns:
            - dict: the stats of the run

        Raises:
            - ValueError: an argument is wrong or missing
            - SyncRunError: the run did not end well
            - SyncApiError: Census' API did not do what was asked
        """
        return self._sync(locals())

    def _plan(
        self, arguments: Dict[str, Any], resolve: bool
    ) -> Tuple[Optional[CensusClient], SyncRequest]:
        version = arguments["api_version"]
        if version not in (None, 1, 2) or isinstance(version, bool):
            raise ValueError("api_version: must be 1, 2 or None")
        base_url = check.text("base_url", arguments)
        if base_url is not None:
            require_encryption(parse_base_url(base_url, "base_url"), "base_url")
        sync_id = check.number_id("sync_id", arguments["sync_id"])
        by_url = check.given(["api_trigger"], arguments)
        if by_url and (sync_id is not None or check.given(["api_token"], arguments)):
            raise ValueError(
                "api_trigger: the URL names the sync and holds the token; give either it, or "
                "sync_id and api_token"
            )
        trigger = check.credential("api_trigger", arguments, resolve)
        if trigger is not None:
            hosts = (US, EU) if base_url is None else (base_url,)
            url = parse_api_trigger(trigger, hosts)
            if version not in (None, url.api_version):
                raise ValueError(
                    f"api_version: the trigger URL is for API v{url.api_version}; leave "
                    "api_version out"
                )
            sync_id, token = url.sync_id, url.token
            base_url, version = str(url.base_url), url.api_version
        else:
            given = check.credential("api_token", arguments, resolve, "CENSUS_API_TOKEN")
            token = check_token(given, "api_token") if given is not None else ""
        request = SyncRequest(sync_id or "", full_resync=arguments["full_resync"])
        if not resolve:
            return None, request
        if sync_id is None:
            raise ValueError("sync_id: missing; give it, or api_trigger")
        if not token:
            raise ValueError(
                "api_token: missing; give it, or api_token_secret, or set the environment "
                "variable CENSUS_API_TOKEN"
            )
        version = version or version_for(token)
        if version == 1:
            self._log(
                logging.WARNING,
                f"Census switches API v1 off on {V1_RETIREMENT}. Make a personal access token "
                "in Census and use it as api_token with this sync_id (or put it, and v2, into "
                "the trigger URL): then API v2 is used",
            )
        base_url = base_url or os.environ.get("CENSUS_BASE_URL") or US
        return CensusClient(token, base_url, version, clock=self._clock), request
