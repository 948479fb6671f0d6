"""The environment variables with which the tasks find the sandbox, and nothing but the sandbox."""

import contextlib
import os
from typing import TYPE_CHECKING, Dict, Iterator

if TYPE_CHECKING:
    from ..sandbox import Sandbox

#: What the tasks read too, and must not find while they are to find the sandbox: a second kind of
#: credential, and addresses of a real server that the sandbox's credential would be sent to.
OTHERS = (
    "HIGHTOUCH_WORKSPACE_SLUG",
    "AIRBYTE_CONFIG_API_URL",
    "AIRBYTE_BEARER_TOKEN",
    "AIRBYTE_USERNAME",
    "AIRBYTE_PASSWORD",
)
_PREFIXES = ("CENSUS_", "HIGHTOUCH_", "AIRBYTE_")


def variables(sandbox: "Sandbox") -> Dict[str, str]:
    """
    Addresses and credentials of a sandbox, under the names that the tasks read, and the way to
    it past a proxy.

    Args:
        - sandbox (Sandbox): the sandbox, started

    Returns:
        - dict: name to value
    """
    from ..sandbox.proxies import past_proxies

    return {
        "CENSUS_BASE_URL": sandbox.census.base_url,
        # For API v2: the token for v1 would make every task warn that v1 ends soon.
        "CENSUS_API_TOKEN": sandbox.census.personal_access_token,
        "HIGHTOUCH_BASE_URL": sandbox.hightouch.base_url,
        "HIGHTOUCH_API_KEY": sandbox.hightouch.api_key,
        "AIRBYTE_API_URL": sandbox.airbyte.api_url,
        "AIRBYTE_CLIENT_ID": sandbox.airbyte.client_id,
        "AIRBYTE_CLIENT_SECRET": sandbox.airbyte.client_secret,
        **past_proxies(),
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
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
