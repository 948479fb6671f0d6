import pytest

from tests.sandbox.kit import Caller


@pytest.fixture
def ask():
    return Caller()
