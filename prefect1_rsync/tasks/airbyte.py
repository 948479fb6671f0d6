"""The Airbyte task."""

import logging
import os
from typing import Any, Dict, Optional, Tuple

from ..engine.model import SyncRequest
from ..engine.urls import parse_base_url, require_encryption
from ..vendors.airbyte import CLOUD_API, AirbyteClient, Credentials, check_connection_id
from . import arguments as check
from .base import SyncTask

_KINDS = (("client_id", "client_secret"), ("bearer_token",), ("username", "password"))
_CREDENTIALS = tuple(name for kind in _KINDS for name in kind)


def _replaced_by(name: str) -> Tuple[str, ...]:
    """A credential puts its other form aside, and the other kinds of credential."""
    base = name[: -len("_secret")] if name.endswith("_secret") and name != "client_secret" else name
    kind = next(kind for kind in _KINDS if base in kind)
    others = [other for other in _CREDENTIALS if other not in kind]
    forms = [form for other in others for form in (other, other + "_secret")]
    return (*forms, base if name != base else base + "_secret")


class AirbyteSyncTask(SyncTask):
    """
    Starts a job of an Airbyte connection and watches it to its end; Cloud and self-managed.

    The connection's schedule and catalog are never touched. All arguments can be given here, as
    defaults, or at `run()`.

    Args:
        - connection_id (str, optional): the connection's UUID
        - client_id (str, optional): of an application in Airbyte; default: environment variable
            `AIRBYTE_CLIENT_ID`
        - client_secret (str, optional): belongs to `client_id`; default: environment variable
            `AIRBYTE_CLIENT_SECRET`
        - bearer_token (str, optional): a token, instead; default: environment variable
            `AIRBYTE_BEARER_TOKEN`
        - username (str, optional): HTTP Basic, instead; default: environment variable
            `AIRBYTE_USERNAME`
        - password (str, optional): belongs to `username`; default: environment variable
            `AIRBYTE_PASSWORD`
        - client_id_secret, client_secret_secret, bearer_token_secret, username_secret,
            password_secret (str, optional): the name of a Prefect secret, else of an environment
            variable, that holds the value
        - api_url (str, optional): the root of the public API; default: environment variable
            `AIRBYTE_API_URL`, else Airbyte Cloud's, `https://api.airbyte.com/v1`. Self-managed:
            `https://HOST/api/public/v1`
        - config_api_url (str, optional): the root of the Config API, which alone knows why a job
            failed; default: environment variable `AIRBYTE_CONFIG_API_URL`, else derived from
            `api_url`
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
        - cancel_remote_run (bool, optional): cancel the run at Airbyte on timeout and when the
            flow is stopped
        - full_resync (bool, optional): must be False: Airbyte's public API has no full refresh
            (`refresh` jobs are answered with 422)
        - resume (bool, optional): join a run of the sync that is going on already, as if this task
            had started it: for a flow run that is restarted after its worker was killed
        - **kwargs (dict, optional): keyword arguments of `prefect.Task`

    Raises:
        - ValueError: an argument is wrong
    """

    _own = (
        "connection_id",
        *_CREDENTIALS,
        *(name + "_secret" for name in _CREDENTIALS),
        "api_url",
        "config_api_url",
    )
    _replaces = {
        form: _replaced_by(form) for name in _CREDENTIALS for form in (name, name + "_secret")
    }

    def __init__(
        self,
        connection_id: Optional[str] = None,
        client_id: Optional[str] = None,
        client_secret: Optional[str] = None,
        bearer_token: Optional[str] = None,
        username: Optional[str] = None,
        password: Optional[str] = None,
        client_id_secret: Optional[str] = None,
        client_secret_secret: Optional[str] = None,
        bearer_token_secret: Optional[str] = None,
        username_secret: Optional[str] = None,
        password_secret: Optional[str] = None,
        api_url: Optional[str] = None,
        config_api_url: Optional[str] = None,
        poll_status_every_n_seconds: Optional[float] = None,
        max_wait_seconds: Optional[float] = 1800,
        wait_for_completion: bool = True,
        raise_on_failure: bool = True,
        fail_on_warning: bool = False,
        if_already_running: str = "wait",
        cancel_remote_run: bool = False,
        full_resync: bool = False,
        resume: bool = False,
        **kwargs: Any,
    ) -> None:
        self.connection_id = connection_id
        self.client_id = client_id
        self.client_secret = client_secret
        self.bearer_token = bearer_token
        self.username = username
        self.password = password
        self.client_id_secret = client_id_secret
        self.client_secret_secret = client_secret_secret
        self.bearer_token_secret = bearer_token_secret
        self.username_secret = username_secret
        self.password_secret = password_secret
        self.api_url = api_url
        self.config_api_url = config_api_url
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
        connection_id: Optional[str] = None,
        client_id: Optional[str] = None,
        client_secret: Optional[str] = None,
        bearer_token: Optional[str] = None,
        username: Optional[str] = None,
        password: Optional[str] = None,
        client_id_secret: Optional[str] = None,
        client_secret_secret: Optional[str] = None,
        bearer_token_secret: Optional[str] = None,
        username_secret: Optional[str] = None,
        password_secret: Optional[str] = None,
        api_url: Optional[str] = None,
        config_api_url: Optional[str] = None,
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
        Runs a sync of the connection.

        Args: those of the constructor; None means "the constructor's".

        Returns:
            - dict: the stats of the run

        Raises:
            - ValueError: an argument is wrong or missing
            - SyncRunError: the run did not end well
            - SyncApiError: Airbyte's API did not do what was asked
        """
        return self._sync(locals())

    def _plan(
        self, arguments: Dict[str, Any], resolve: bool
    ) -> Tuple[Optional[AirbyteClient], SyncRequest]:
        if arguments["full_resync"]:
            raise ValueError(
                "full_resync: Airbyte's public API has no full refresh; leave it False"
            )
        api_url = check.text("api_url", arguments)
        config_api_url = check.text("config_api_url", arguments)
        for name, url in (("api_url", api_url), ("config_api_url", config_api_url)):
            if url is not None:
                _is_readable(url, name)
        connection_id = None
        if arguments["connection_id"] is not None:
            connection_id = check_connection_id(arguments["connection_id"], "connection_id")
        credentials = self._credentials(arguments, resolve)
        request = SyncRequest(connection_id or "")
        if not resolve:
            return None, request
        if connection_id is None:
            raise ValueError("connection_id: missing")
        api_url = api_url or os.environ.get("AIRBYTE_API_URL") or CLOUD_API
        config_api_url = config_api_url or os.environ.get("AIRBYTE_CONFIG_API_URL") or None
        base = parse_base_url(api_url, "api_url")
        if str(base) == CLOUD_API and not any(credentials):
            raise ValueError(
                "client_id and client_secret: missing; Airbyte Cloud needs them (or "
                "bearer_token). Give them, or their by-name forms, or set the environment "
                "variables AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET"
            )
        for name, url in (("api_url", api_url), ("config_api_url", config_api_url)):
            if url is not None and _is_readable(url, name):
                self._log(
                    logging.WARNING,
                    f"{name}: {url} is plain http; everyone on the way can read the credential "
                    "and the data. Put https in front of Airbyte",
                )
        return AirbyteClient(credentials, str(base), config_api_url, clock=self._clock), request

    def _credentials(self, arguments: Dict[str, Any], resolve: bool) -> Credentials:
        # The environment comes last: it completes a credential that was begun, and is a credential
        # of its own only where none was.
        begun = [kind for kind in _KINDS if check.given(kind, arguments)]
        from_environment = {name for kind in begun or _KINDS for name in kind}
        values = {
            name: check.credential(
                name,
                arguments,
                resolve,
                "AIRBYTE_" + name.upper() if name in from_environment else None,
            )
            for name in _CREDENTIALS
        }
        if not resolve:
            # A name stands for its value: whether the whole is whole can be told all the same.
            for name in _CREDENTIALS:
                if arguments[name + "_secret"] is not None:
                    values[name] = "by-name"
            # The other half may still come at run().
            for kind in _KINDS:
                if any(values[name] is not None for name in kind):
                    values.update({name: values[name] or "later" for name in kind})
        credentials = Credentials(**values)
        credentials.check()
        return credentials


def _is_readable(url: str, argument: str) -> bool:
    """Whether the URL is plain http to another machine: allowed for self-managed Airbyte alone."""
    base = parse_base_url(url, argument)
    if base.host == "airbyte.com" or base.host.endswith(".airbyte.com"):
        require_encryption(base, argument)
    return base.scheme == "http" and not base.is_loopback
