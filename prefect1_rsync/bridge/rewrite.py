"""Rewrites a flow file: text in, text and findings out."""

import re
from typing import List, NamedTuple, Optional, Set

import libcst as cst

from .arguments import SecretNames
from .findings import CHANGED, LEFT, NOTE, Finding
from .masks import masked
from .old import LEGACY, TARGETS
from .source import Source
from .to_drop_ins import ToDropIns
from .to_tasks import ToTasks

# What is in every file that there is something to say about; the others are not even parsed.
_MENTIONED = re.compile(r"census|hightouch|airbyte|legacy|prefect\.tasks\.['\"{]", re.I)


class NotPython(Exception):
    """A text that can't be parsed; the message names the place and quotes nothing of it."""


class Rewritten(NamedTuple):
    """
    A file, rewritten.

    Args:
        - text (str): the new text; the old one, if nothing changes
        - findings (list of Finding): in the order of the lines
        - secrets (set of str): texts in it that must not be shown
    """

    text: str
    findings: List[Finding]
    secrets: Set[str]

    def shown(self, text: str) -> str:
        """A text with `***` where a secret was."""
        return masked(text, self.secrets)


def rewrite(text: str, target: str = LEGACY, names: Optional[SecretNames] = None) -> Rewritten:
    """
    Rewrites a flow file that uses Prefect's own sync tasks.

    Args:
        - text (str): the file
        - target (str, optional): `"legacy"`: only the imports change, to the drop-ins;
            `"tasks"`: to the new tasks, arguments and all
        - names (SecretNames, optional): names for secrets, shared with other files

    Returns:
        - Rewritten: the new text, and what is to be said about it

    Raises:
        - NotPython: it can't be parsed, or is nested too deeply to be followed; a file that speaks
            of none of the tasks is not looked at that closely
    """
    if target not in TARGETS:
        raise ValueError(f"target: must be one of {', '.join(TARGETS)}")
    if not _MENTIONED.search(text):
        return Rewritten(text, [], set())
    try:
        return _rewritten(text, target, names or SecretNames())
    except cst.ParserSyntaxError as exc:
        # Its own text quotes the line, which may hold a secret.
        raise NotPython(f"line {exc.raw_line}: not Python that can be read") from None
    except RecursionError:
        # Each step walks the tree, so any of them may be the one that goes too deep.
        raise NotPython("nested too deeply") from None


def _rewritten(text: str, target: str, names: SecretNames) -> Rewritten:
    module = cst.parse_module(text)
    if module.code != text:
        raise NotPython("it can't be written back as it is")
    source = Source(module, target)
    names.avoid(text)
    migration = ToDropIns(source) if target == LEGACY else ToTasks(source, names)
    migration.hide()
    migration.decide()
    new = migration.apply()
    findings = sorted(
        dict.fromkeys(migration.findings), key=lambda found: (found.line, found.kind != CHANGED)
    )
    return Rewritten(new, findings, migration.secrets)


__all__ = ["CHANGED", "LEFT", "NOTE", "Finding", "NotPython", "Rewritten", "rewrite"]
