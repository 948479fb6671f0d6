"""Commands as processes of their own."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager

COMMAND = [sys.executable, "-c", "from prefect1_rsync.cli import main; main()"]
#: Longer than anything here may take, on the slowest machine.
PATIENCE = 120.0


@contextmanager
def process(*arguments, **environment):
    """A command that is killed if it outlives the test, or our patience."""
    # What a developer's shell says of colours must not decide a test.
    kept = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "TTY_COMPATIBLE")}
    running = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(kept, **environment),
        universal_newlines=True,
    )
    timer = threading.Timer(PATIENCE, running.kill)
    timer.start()
    try:
        with running:
            try:
                yield running
            finally:
                running.kill()
    finally:
        timer.cancel()
        timer.join()
