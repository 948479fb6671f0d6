"""Which names Prefect 1.4.1's sync tasks have, where they can be imported from, what they become.

Read from its modules `prefect.tasks.census`, `.hightouch` and `.airbyte`.
"""

from typing import Dict, List, NamedTuple, Optional, Tuple

#: The targets of a migration.
LEGACY, TASKS = "legacy", "tasks"
TARGETS = (LEGACY, TASKS)

#: Where the drop-ins are, all vendors' in one place.
DROP_INS = "prefect1_rsync.legacy"
#: Where the new tasks are.
NEW = "prefect1_rsync"

_OLD = "prefect.tasks"
_SUBMODULES = {
    "census": ("census",),
    "hightouch": ("hightouch_tasks", "hightouch_utils"),
    "airbyte": ("airbyte",),
}
_NAMES = {
    "census": ("CensusSyncTask",),
    "hightouch": ("HightouchRunSync", "HightouchClient"),
    "airbyte": (
        "AirbyteConfigurationExport",
        "AirbyteConnectionTask",
        "AirbyteClient",
        "AirbyteExportConfigurationFailed",
        "AirbyteServerNotHealthyException",
        "AirbyteSyncJobFailed",
        "ConnectionNotFoundException",
        "JobNotFoundException",
    ),
}
#: What `from MODULE import *` brings; other modules bring more than their own names.
STARS = {
    "prefect.tasks.census": ("CensusSyncTask",),
    "prefect.tasks.hightouch": ("HightouchRunSync",),
    "prefect.tasks.airbyte": ("AirbyteConfigurationExport", "AirbyteConnectionTask"),
}

#: A task and the new task of the same vendor.
COUNTERPARTS: Dict[str, str] = {
    "CensusSyncTask": "CensusSyncTask",
    "HightouchRunSync": "HightouchSyncTask",
    "AirbyteConnectionTask": "AirbyteSyncTask",
}
#: What the new tasks do not have, and what to do about it.
WITHOUT_COUNTERPART: Dict[str, str] = {
    "AirbyteConfigurationExport": "has no counterpart; Airbyte removed the endpoint in 0.40.5",
    "AirbyteClient": "has no counterpart; the task needs none",
    "HightouchClient": "has no counterpart with these methods; the task needs none",
    "AirbyteExportConfigurationFailed": "has no counterpart",
    "AirbyteServerNotHealthyException": "is not raised by AirbyteSyncTask; SyncApiError is",
    "AirbyteSyncJobFailed": "is not raised by AirbyteSyncTask; SyncRunFailed is",
    "ConnectionNotFoundException": "is not raised by AirbyteSyncTask; SyncNotFound is",
    "JobNotFoundException": "is not raised by AirbyteSyncTask; SyncNotFound is",
}
#: Names that are used around a task: where they stay, so does it.
TIED: Dict[str, str] = {
    name: "AirbyteConnectionTask"
    for name, why in WITHOUT_COUNTERPART.items()
    if "is not raised" in why
}


class Place(NamedTuple):
    """
    Something in Prefect's modules.

    Args:
        - kind (str): `"module"`, `"name"` (a public one) or `"other"`
        - vendor (str): whose
        - name (str, optional): of a name
    """

    kind: str
    vendor: str
    name: Optional[str] = None


def locate(path: str, target: str) -> Optional[Place]:
    """
    What a dotted path leads to, as seen by a migration.

    Args:
        - path (str): as imported, `prefect.tasks.airbyte.AirbyteConnectionTask`
        - target (str): for the new tasks, the drop-ins are old too

    Returns:
        - Place, optional: None if it is none of the old tasks' (or an attribute of one)
    """
    if path.startswith(_OLD + "."):
        vendor, *rest = path[len(_OLD) + 1 :].split(".")
        if vendor not in _NAMES:
            return None
        if rest and rest[0] in _SUBMODULES[vendor]:
            rest = rest[1:]
        return _within((vendor,), rest)
    if target == TASKS and (path == DROP_INS or path.startswith(DROP_INS + ".")):
        rest = path[len(DROP_INS) + 1 :].split(".") if path != DROP_INS else []
        if rest and rest[0] in _NAMES:
            return _within((rest[0],), rest[1:])
        return _within(tuple(_NAMES), rest)
    return None


def _within(vendors: Tuple[str, ...], rest: List[str]) -> Optional[Place]:
    if not rest:
        return Place("module", vendors[0])
    if len(rest) > 1:
        return None
    for vendor in vendors:
        if rest[0] in _NAMES[vendor]:
            return Place("name", vendor, rest[0])
    return Place("other", vendors[0], rest[0])


def public_names() -> Tuple[str, ...]:
    """All public names of the old modules."""
    return tuple(name for names in _NAMES.values() for name in names)
