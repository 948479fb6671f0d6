"""A few hundred examples of the torture; `make torture` runs ten thousand."""

import os

from hypothesis import settings

from tests.torture.machine import Torture, totals

EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "300"))

TestTorture = Torture.TestCase
TestTorture.settings = settings(
    settings.get_profile("default"), max_examples=EXAMPLES, stateful_step_count=30
)


def test_the_torture_hurts() -> None:
    """Runs after the class above: it has really done what it says."""
    assert totals["examples"] >= EXAMPLES / 2
    for what in ("faults", "kills", "other runs", "successes", "triggers accepted"):
        assert totals[what] > 10, totals
    print(dict(totals))
