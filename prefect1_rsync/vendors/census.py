"""Census, now Fivetran Activations: the Management API, versions 1 and 2.

Vendor facts rest on the documentation at https://fivetran.com/docs/activations/rest-api (its
pages on syncs, sync runs, authorization and the migration from API v1 to v2) unless said
otherwise.
"""

import re
from typing import Any, List, NamedTuple, Optional, Sequence
from urllib.parse import unquote, urlsplit

import requests

from ..engine import answers
from ..engine.answers import as_dict, as_id, as_int, as_text, as_time, as_word, listed
from ..engine.clock import Clock, RealClock
from ..engine.errors import SyncApiError
from ..engine.http import BearerAuth, HttpClient, check_credential
from ..engine.model import (
    CANCELLED,
    COMPLETED,
    FAILED,
    SKIPPED,
    SKIPS,
    WORKING,
    RunHandle,
    RunReport,
    Sighting,
    SyncRequest,
)
from ..engine.redact import Redactor
from ..engine.urls import BaseUrl, parse_base_url, require_encryption

US = "https://app.getcensus.com"
EU = "https://app-eu.getcensus.com"

#: Day on which the vendor switches API v1 off (its page "Migrate from API V1 to V2").
V1_RETIREMENT = "15 January 2027"

# Workspace API keys carry this prefix, personal access tokens do not.
WORKSPACE_PREFIX = "secret-token:"

#: A trigger may be slow: the vendor's own client says that the API's own timeout is 60 s.
TRIGGER_READ_SECONDS = 120.0

_STATUSES = {
    "completed": COMPLETED,
    "failed": FAILED,
    "skipped": SKIPPED,
    "cancelled": CANCELLED,
    "canceled": CANCELLED,
    "queued": WORKING,
    "working": WORKING,
    # Words of 2023 and before, which old mirrors of the API may still say.
    "preparing": WORKING,
    "unknown": WORKING,
    "new": WORKING,
    "retrying": WORKING,
}
_RUNS_LOOKED_THROUGH = 25

_TRIGGER = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<userinfo>[^/?#@\\\s]*)@"
    r"(?P<place>[^/?#@\\\s]+(?:/[^?#@\\\s]*)?)"
    r"/api/v(?P<version>[12])/syncs/(?P<sync_id>[1-9][0-9]{0,17})/trigger"
)
_PASSWORD = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})+")


class TriggerUrl(NamedTuple):
    """What an `api_trigger` URL says, the credential apart from the address."""

    base_url: BaseUrl
    api_version: int
    sync_id: str
    token: str

    def __repr__(self) -> str:
        return f"TriggerUrl({self.base_url}, sync {self.sync_id})"


def parse_api_trigger(text: object, base_urls: Sequence[str] = (US, EU)) -> TriggerUrl:
    """
    Parses the trigger URL that Census shows on a sync's configuration page.

    Args:
        - text (str): `https://bearer:TOKEN@HOST/api/v1/syncs/ID/trigger`, or the same with `v2`
        - base_urls (sequence of str, optional): what may stand before `/api/v1`; default: Census'
            own hosts, US and EU

    Returns:
        - TriggerUrl: its parts

    Raises:
        - ValueError: if it is anything else, or names another host; the text is not quoted
    """
    shape = (
        "api_trigger: not a trigger URL; it looks like "
        "https://bearer:secret-token:TOKEN@app.getcensus.com/api/v1/syncs/SYNC_ID/trigger "
        "(copy it whole from the sync's Configuration page)"
    )
    match = _TRIGGER.fullmatch(text) if isinstance(text, str) and text.isascii() else None
    if not match:
        raise ValueError(shape)
    user, _, password = match.group("userinfo").partition(":")
    if user != "bearer" or not _PASSWORD.fullmatch(password):
        raise ValueError(shape + "; the part before @ must be bearer:TOKEN")
    place = "{}://{}".format(match.group("scheme"), match.group("place"))
    try:
        found = parse_base_url(place, "api_trigger")
    except ValueError:
        raise ValueError(shape) from None
    chosen = [parse_base_url(base_url, "base_url") for base_url in base_urls]
    # The host as the standard library reads the whole text: two readers must agree.
    if found not in chosen or urlsplit(str(text)).hostname != found.host.strip("[]"):
        raise ValueError(
            "api_trigger: the URL does not point to {}; the credential in it would go to "
            "another host (give that host as base_url if you mean it)".format(
                " or ".join(str(base) for base in chosen)
            )
        )
    require_encryption(found, "api_trigger")
    token = check_token(unquote(password), "api_trigger")
    return TriggerUrl(found, int(match.group("version")), match.group("sync_id"), token)


def check_token(token: object, argument: str) -> str:
    """
    Checks that a text can be a token.

    Raises:
        - ValueError: if it is no credential, or the prefix alone; it is not quoted
    """
    if check_credential(token, argument) == WORKSPACE_PREFIX:
        raise ValueError(f"{argument}: the token behind {WORKSPACE_PREFIX!r} is missing")
    return str(token)


def version_for(token: str) -> int:
    """The API version that takes this token: workspace keys v1, personal access tokens v2."""
    return 1 if token.startswith(WORKSPACE_PREFIX) else 2


class CensusClient:
    """
    Census' API, for the engine and for people. See `prefect1_rsync.engine.model.Vendor`.

    Args:
        - token (str): workspace API key (`secret-token:...`) or personal access token
        - base_url (str, optional): what stands before `/api/v1`; default: the US host
        - api_version (int, optional): 1 or 2; default: what the token is for
        - clock (Clock, optional): the time
        - session (requests.Session, optional): another transport, for tests

    Raises:
        - ValueError: an argument is wrong
    """

    name = "census"
    title = "Census"
    when_running = SKIPS

    def __init__(
        self,
        token: str,
        base_url: str = US,
        api_version: Optional[int] = None,
        clock: Optional[Clock] = None,
        session: Optional[requests.Session] = None,
    ) -> None:
        check_token(token, "token")
        base = parse_base_url(base_url, "base_url")
        require_encryption(base, "base_url")
        if api_version not in (None, 1, 2):
            raise ValueError("api_version: must be 1, 2 or None")
        self.api_version = api_version or version_for(token)
        self._web = str(base)
        self._http = HttpClient(
            f"{base}/api/v{self.api_version}",
            self.title,
            BearerAuth(token),
            Redactor([token]),
            clock or RealClock(),
            session,
        )

    def __repr__(self) -> str:
        return f"CensusClient({self._web!r}, api_version={self.api_version})"

    def close(self) -> None:
        """Gives the connections back; the client can be used again."""
        self._http.close()

    def prepare(self, request: SyncRequest) -> SyncRequest:
        """Nothing needs to be looked up."""
        return request

    def start(self, request: SyncRequest) -> RunHandle:
        """
        Triggers a run.

        Args:
            - request (SyncRequest): which sync; `full_resync` is sent as the query parameter
                `force_full_sync`, the only form that is documented

        Returns:
            - RunHandle: the run

        Raises:
            - SyncApiError: no run was started, or none that we could name
        """
        answer = self._http.request(
            "POST",
            f"/syncs/{request.sync_id}/trigger",
            params={"force_full_sync": "true"} if request.full_resync else None,
            read_seconds=TRIGGER_READ_SECONDS,
        )
        # Older documentation has refusals inside a 200.
        if as_word(as_dict(answer).get("status")) == "error":
            raise SyncApiError(
                "Census refused the trigger: {}".format(
                    answers.reason_in(answer) or "it gave no reason"
                ),
                status_code=200,
                had_no_effect=True,
            )
        run_id = as_int(as_dict(as_dict(answer).get("data")).get("sync_run_id"))
        if run_id is None:
            raise SyncApiError("Census' answer to the trigger names no run")
        return self._handle(request.sync_id, str(run_id))

    def look(self, handle: RunHandle) -> RunReport:
        """Looks at the run, once."""
        return parse_run(self._http.get(f"/sync_runs/{handle.run_id}"))

    def recent(self, request: SyncRequest) -> List[Sighting]:
        """The newest runs of the sync, the newest first."""
        answer = self._http.get(
            f"/syncs/{request.sync_id}/sync_runs",
            {"page": "1", "per_page": str(_RUNS_LOOKED_THROUGH), "order": "desc"},
        )
        found = []
        for run in listed(answer, "Census' list of sync runs"):
            run_id = as_id(run.get("id"))
            if run_id and as_word(run.get("status")):
                handle = self._handle(request.sync_id, run_id)
                found.append(Sighting(handle, parse_run({"data": run})))
        return found

    def cancel(self, handle: RunHandle) -> None:
        """Asks Census to cancel the run."""
        self._http.request("POST", f"/sync_runs/{handle.run_id}/cancel")

    def _handle(self, sync_id: str, run_id: str) -> RunHandle:
        # The form that the vendor's own Airflow provider 2.1.0 links to; no page documents one.
        url = f"{self._web}/syncs/{sync_id}/history?sync_run_id={run_id}"
        return RunHandle(self.name, sync_id, run_id, url)


def parse_run(answer: Any) -> RunReport:
    """
    Reads an answer to "fetch sync run".

    `canceled` beats the status (the vendor's own example shows a cancelled run as `completed`),
    `completed_at` may be null on runs that are over, and the invalid records have two names.

    Args:
        - answer (Any): the JSON

    Returns:
        - RunReport: the run

    Raises:
        - SyncApiError: if this is not about a run; transient, for a good answer may follow
    """
    run = as_dict(as_dict(answer).get("data"))
    word = as_word(run.get("status"))
    cancelled = run.get("canceled") is True
    if word is None and not cancelled:
        raise SyncApiError("Census' answer is not about a sync run", transient=True)
    status = CANCELLED if cancelled else _STATUSES.get(word or "", WORKING)
    invalid = as_int(run.get("source_record_invalids"))
    if invalid is None:
        invalid = as_int(run.get("records_invalid"))
    started = as_time(run.get("created_at"))
    finished = as_time(run.get("completed_at"))
    if finished is None and status != WORKING:
        finished = as_time(run.get("updated_at"))
    return RunReport(
        status=status,
        vendor_status="canceled" if cancelled else word,
        known=cancelled or word in _STATUSES,
        error_message=_reason(run),
        records_processed=as_int(run.get("records_processed")),
        records_updated=as_int(run.get("records_updated")),
        records_failed=as_int(run.get("records_failed")),
        records_invalid=invalid,
        created_at=started,
        started_at=started,
        finished_at=finished if status != WORKING else None,
        raw=answer,
    )


def _reason(run: Any) -> Optional[str]:
    parts: List[str] = []
    for key in ("error_message", "error_detail", "error_code"):
        text = as_text(run.get(key))
        if text and text not in parts:
            parts.append(text)
    return "; ".join(parts) or None
