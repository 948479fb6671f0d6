"""Whichever process imports this: what `requests` sends to the vendors' hosts goes to a sandbox.

The old classes know their vendors' hosts by heart, so there is no other way to bring them to one.
The sandbox has no Hightouch API of 2021: there the drop-in must find today's.
"""

import os
from typing import Any
from urllib.parse import urlsplit

import requests
from prefect.engine.state import State

#: The environment variable with the sandbox's address.
SANDBOX = "LEGACY_TESTS_SANDBOX"

_HOSTS = {
    "app.getcensus.com": "/census",
    "api.hightouch.io": "/gone",
    "api.hightouch.com": "/hightouch",
}
_send = requests.adapters.HTTPAdapter.send


def _send_home(
    adapter: requests.adapters.HTTPAdapter, request: requests.PreparedRequest, **kwargs: Any
) -> requests.Response:
    url = urlsplit(str(request.url))
    if url.hostname in _HOSTS and SANDBOX in os.environ:
        query = f"?{url.query}" if url.query else ""
        request.url = os.environ[SANDBOX] + _HOSTS[url.hostname] + url.path + query
    return _send(adapter, request, **kwargs)


requests.adapters.HTTPAdapter.send = _send_home  # type: ignore[assignment]


def brings_it_home(task: Any, old: State, new: State) -> State:
    """A state handler: who unpickles a task with it imports this module."""
    return new
