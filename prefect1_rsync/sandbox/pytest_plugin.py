"""The fixture `sync_sandbox`: a started sandbox for one test."""

from typing import TYPE_CHECKING, Iterator

import pytest

if TYPE_CHECKING:
    from . import Sandbox


@pytest.fixture
def sync_sandbox() -> Iterator["Sandbox"]:
    """The vendors' APIs on loopback, started; see `prefect1_rsync.sandbox.Sandbox`."""
    from . import Sandbox

    with Sandbox() as sandbox:
        yield sandbox
