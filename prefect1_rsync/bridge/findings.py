"""What is said about a file: where, of which kind, and what."""

from typing import NamedTuple

#: Kinds of findings: what becomes something else, what a person has to know or to do, what is left.
CHANGED, NOTE, LEFT = "changed", "note", "left"


class Finding(NamedTuple):
    """
    Something in a file.

    Args:
        - line (int): where, from 1; in the file as it was
        - kind (str): `"changed"`, `"note"` or `"left"`
        - text (str): what; never a secret
    """

    line: int
    kind: str
    text: str
