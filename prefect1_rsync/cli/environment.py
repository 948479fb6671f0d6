"""The environment variables with which the tasks find the sandbox, and nothing but the sandbox."""

import contextlib
import os
from typing import TYPE_CHECKING, Dict, Iterator

if TYPE_CHECKING:
    from ..sandbox import Sandbox

_PREFIXES = ("CENSUS_", "HIGHTOUCH_", "AIRBYTE_")


def variables(sandbox: "Sandbox") -> Dict[str, str]:
    """
    Addresses and credentials of a sandbox, under the names that the tasks read.

    Args:
        - sandbox (Sandbox): the sandbox, started

    Returns:
        - dict: name to value
    """
    return {
        "CENSUS_BASE_URL": sandbox.census.base_url,
        # For API v2: the token for v1 would make every task warn that v1 ends soon.
        "CENSUS_API_TOKEN": sandbox.census.personal_access_token,
        "HIGHTOUCH_BASE_URL": sandbox.hightouch.base_url,
        "HIGHTOUCH_API_KEY": sandbox.hightouch.api_key,
        "AIRBYTE_API_URL": sandbox.airbyte.api_url,
        "AIRBYTE_CLIENT_ID": sandbox.airbyte.client_id,
        "AIRBYTE_CLIENT_SECRET": sandbox.airbyte.client_secret,
    }


@contextlib.contextmanager
def pointing_at(sandbox: "Sandbox") -> Iterator[None]:
    """
    Lets this process' environment name the sandbox alone, and puts the old one back.

    Args:
        - sandbox (Sandbox): the sandbox, started
    """
    before = dict(os.environ)
    # What the user has set for the real vendors must not be mixed into requests to the sandbox.
    for name in before:
        if name.startswith(_PREFIXES):
            del os.environ[name]
    os.environ.update(variables(sandbox))
    # A proxy, which many companies set for everything, can't reach our loopback.
    os.environ.update(NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
