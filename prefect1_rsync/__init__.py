"""Trigger and watch Census, Hightouch and Airbyte syncs from Prefect 1.

The names below are loaded when they are used: whoever wants the engine or a vendor's client
alone does not pay for Prefect, nor need it.
"""

import importlib
from typing import TYPE_CHECKING, Any, List

from ._compat import mend_pendulum
from ._version import __version__

if TYPE_CHECKING:
    from .engine.errors import (
        SyncAlreadyRunning,
        SyncApiError,
        SyncError,
        SyncNotFound,
        SyncRunCancelled,
        SyncRunDisabled,
        SyncRunError,
        SyncRunFailed,
        SyncRunInterrupted,
        SyncRunSkipped,
        SyncRunTimedOut,
        SyncUnauthorized,
    )
    from .tasks.airbyte import AirbyteSyncTask
    from .tasks.census import CensusSyncTask
    from .tasks.hightouch import HightouchSyncTask

__all__ = [
    "AirbyteSyncTask",
    "CensusSyncTask",
    "HightouchSyncTask",
    "SyncAlreadyRunning",
    "SyncApiError",
    "SyncError",
    "SyncNotFound",
    "SyncRunCancelled",
    "SyncRunDisabled",
    "SyncRunError",
    "SyncRunFailed",
    "SyncRunInterrupted",
    "SyncRunSkipped",
    "SyncRunTimedOut",
    "SyncUnauthorized",
    "__version__",
]

_TASKS = {
    "AirbyteSyncTask": ".tasks.airbyte",
    "CensusSyncTask": ".tasks.census",
    "HightouchSyncTask": ".tasks.hightouch",
}

mend_pendulum()


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_TASKS.get(name, ".engine.errors"), __name__)
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted(__all__)
