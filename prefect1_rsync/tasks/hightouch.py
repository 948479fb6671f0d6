"""The Hightouch task."""

import os
from typing import Any, Dict, Optional, Tuple, Union

from ..engine.http import check_credential
from ..engine.model import SyncRequest
from ..engine.urls import parse_base_url, require_encryption
from ..vendors.hightouch import BASE_URL, HightouchClient
from . import arguments as check
from .base import SyncTask


class HightouchSyncTask(SyncTask):
    """
    Starts a Hightouch sync and watches the run that it started to its end.

    All arguments can be given here, as defaults, or at `run()`.

    Args:
        - sync_id (int or str, optional): the sync's id
        - sync_slug (str, optional): the sync's slug, instead of the id
        - api_key (str, optional): the workspace's API key; default: environment variable
            `HIGHTOUCH_API_KEY`
        - api_key_secret (str, optional): the name of a Prefect secret, else of an environment
            variable, that holds the API key
        - base_url (str, optional): what stands before `/api/v1`; default: environment variable
            `HIGHTOUCH_BASE_URL`, else `https://api.hightouch.com`
        - workspace_slug (str, optional): the workspace's name in links to the web app (in
            Hightouch under Settings > Workspace; the API does not tell it); default:
            environment variable `HIGHTOUCH_WORKSPACE_SLUG`
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
            (Hightouch queues ours behind it), `"attach"` to it, or `"fail"`
        - cancel_remote_run (bool, optional): must be False: Hightouch's API can't cancel a run
        - full_resync (bool, optional): sync every record (Hightouch: `fullResync`)
        - resume (bool, optional): join a run of the sync that is going on already, as if this task
            had started it: for a flow run that is restarted after its worker was killed
        - **kwargs (dict, optional): keyword arguments of `prefect.Task`

    Raises:
        - ValueError: an argument is wrong
    """

    _own = ("sync_id", "sync_slug", "api_key", "api_key_secret", "base_url", "workspace_slug")
    _replaces = {
        "sync_id": ("sync_slug",),
        "sync_slug": ("sync_id",),
        "api_key": ("api_key_secret",),
        "api_key_secret": ("api_key",),
    }

    def __init__(
        self,
        sync_id: Optional[Union[int, str]] = None,
        sync_slug: Optional[str] = None,
        api_key: Optional[str] = None,
        api_key_secret: Optional[str] = None,
        base_url: Optional[str] = None,
        workspace_slug: Optional[str] = None,
        poll_status_every_n_seconds: Optional[float] = None,
        max_wait_seconds: Optional[float] = 900,
        wait_for_completion: bool = True,
        raise_on_failure: bool = True,
        fail_on_warning: bool = False,
        if_already_running: str = "wait",
        cancel_remote_run: bool = False,
        full_resync: bool = False,
        resume: bool = False,
        **kwargs: Any,
    ) -> None:
        self.sync_id = sync_id
        self.sync_slug = sync_slug
        self.api_key = api_key
        self.api_key_secret = api_key_secret
        self.base_url = base_url
        self.workspace_slug = workspace_slug
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
        sync_id: Optional[Union[int, str]] = None,
        sync_slug: Optional[str] = None,
        api_key: Optional[str] = None,
        api_key_secret: Optional[str] = None,
        base_url: Optional[str] = None,
        workspace_slug: Optional[str] = None,
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
            - SyncApiError: Hightouch's API did not do what was asked
        """
        return self._sync(locals())

    def _plan(
        self, arguments: Dict[str, Any], resolve: bool
    ) -> Tuple[Optional[HightouchClient], SyncRequest]:
        if arguments["cancel_remote_run"]:
            raise ValueError(
                "cancel_remote_run: Hightouch's API has no way to cancel a run; leave it False"
            )
        base_url = check.text("base_url", arguments)
        if base_url is not None:
            require_encryption(parse_base_url(base_url, "base_url"), "base_url")
        workspace_slug = check.text("workspace_slug", arguments)
        sync_id = check.number_id("sync_id", arguments["sync_id"])
        sync_slug = check.text("sync_slug", arguments)
        if sync_id is not None and sync_slug is not None:
            raise ValueError("sync_id and sync_slug: give one of them, not both")
        key = check.credential("api_key", arguments, resolve, "HIGHTOUCH_API_KEY")
        if key is not None:
            check_credential(key, "api_key")
        request = SyncRequest(sync_id or "", sync_slug, arguments["full_resync"])
        if not resolve:
            return None, request
        if sync_id is None and sync_slug is None:
            raise ValueError("sync_id: missing; give it, or sync_slug")
        if key is None:
            raise ValueError(
                "api_key: missing; give it, or api_key_secret, or set the environment variable "
                "HIGHTOUCH_API_KEY"
            )
        client = HightouchClient(
            key,
            base_url or os.environ.get("HIGHTOUCH_BASE_URL") or BASE_URL,
            workspace_slug or os.environ.get("HIGHTOUCH_WORKSPACE_SLUG") or None,
            clock=self._clock,
        )
        return client, request
