"""What the tests of the vendors share: a sandbox without sockets, on a virtual clock."""

import pytest

from tests.vendors.bench import bench_of, sandbox_of


@pytest.fixture(autouse=True)
def _no_long_sleep(no_long_sleep):
    pass


@pytest.fixture
def sandbox(clock):
    return sandbox_of(clock)


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
