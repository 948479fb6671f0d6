"""The fixture `sync_sandbox`: a started sandbox for one test."""

from typing import TYPE_CHECKING, Iterator

import pytest

if TYPE_CHECKING:
    from . import Sandbox


@pytest.fixture
def sync_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator["Sandbox"]:
    """
    The vendors' APIs on loopback, started; see `prefect1_rsync.sandbox.Sandbox`.

    For the time of the test, the environment says that it is reached without a proxy.
    """
    from . import Sandbox
    from .proxies import past_proxies

    for name, value in past_proxies().items():
        monkeypatch.setenv(name, value)
    with Sandbox() as sandbox:
        yield sandbox
