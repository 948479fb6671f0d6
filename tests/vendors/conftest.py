"""What the tests of the vendors share: a sandbox on a virtual clock, no real sleep."""

import pytest

from prefect1_rsync.sandbox import Sandbox
from tests.vendors.bench import bench_of


@pytest.fixture(autouse=True)
def _no_long_sleep(no_long_sleep):
    pass


@pytest.fixture
def sandbox(clock):
    with Sandbox(clock=clock.monotonic) as sandbox:
        yield sandbox


@pytest.fixture(params=["census", "hightouch", "airbyte"])
def bench(request, sandbox, clock):
    """Each vendor in turn."""
    bench = bench_of(request.param, sandbox, clock)
    yield bench
    bench.client.close()


def _bench(name):
    @pytest.fixture(name=name)
    def fixture(sandbox, clock):
        bench = bench_of(name, sandbox, clock)
        yield bench
        bench.client.close()

    return fixture


census, hightouch, airbyte = _bench("census"), _bench("hightouch"), _bench("airbyte")
