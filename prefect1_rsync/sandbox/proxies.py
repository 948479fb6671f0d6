"""A proxy, which many companies set for everything, can't reach our loopback."""

import os
from typing import Dict

HOST = "127.0.0.1"


def past_proxies() -> Dict[str, str]:
    """
    What the environment has to say so that requests to the sandbox go past a proxy.

    Returns:
        - dict: `NO_PROXY` and `no_proxy` with this machine, behind what they hold already
    """
    found = {}
    # Some programs read the one and some the other; set alone, it would hide the other's hosts.
    for name, other in (("NO_PROXY", "no_proxy"), ("no_proxy", "NO_PROXY")):
        hosts = (os.environ.get(name) or os.environ.get(other) or "").strip()
        # "*" stands for all hosts only as long as it stands alone.
        known = hosts == "*" or HOST in hosts.replace(" ", "").split(",")
        found[name] = hosts if known else f"{hosts},{HOST}" if hosts else HOST
    return found
