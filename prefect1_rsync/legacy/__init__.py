"""Prefect 1.4.1's own sync tasks by name and signature, on this package's engine.

`from prefect.tasks.census import CensusSyncTask` becomes
`from prefect1_rsync.legacy import CensusSyncTask`, and so on: docs/from-prefects-own-tasks.md has
every name, and what the drop-ins do better.
"""

from .airbyte import (
    AirbyteClient,
    AirbyteConfigurationExport,
    AirbyteConnectionTask,
    AirbyteExportConfigurationFailed,
    AirbyteServerNotHealthyException,
    AirbyteSyncJobFailed,
    ConnectionNotFoundException,
    JobNotFoundException,
)
from .census import CensusSyncTask
from .hightouch import HightouchClient, HightouchRunSync

__all__ = [
    "AirbyteClient",
    "AirbyteConfigurationExport",
    "AirbyteConnectionTask",
    "AirbyteExportConfigurationFailed",
    "AirbyteServerNotHealthyException",
    "AirbyteSyncJobFailed",
    "CensusSyncTask",
    "ConnectionNotFoundException",
    "HightouchClient",
    "HightouchRunSync",
    "JobNotFoundException",
]
