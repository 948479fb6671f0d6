"""Flow files on disk: found, read as Python reads them, written whole or not at all."""

import contextlib
import io
import os
import stat
import tempfile
import tokenize
from typing import Callable, Iterator, List, NamedTuple

#: Folders that hold no flows of the user's.
_SKIPPED = {"__pycache__", "node_modules", "site-packages"}


class Unreadable(Exception):
    """A file that can't be read or written; the message says why."""


class Document(NamedTuple):
    """
    A file's text, and what is needed to write it back as it was.

    Args:
        - text (str): the text, with the line ends that it has
        - encoding (str): as Python finds it: by a mark at the beginning or a comment, else UTF-8
        - data (bytes): all of it
    """

    text: str
    encoding: str
    data: bytes


def python_files(path: str, on_error: Callable[[str, str], None]) -> Iterator[str]:
    """
    The Python files of a folder, in the order of their names; a file is itself.

    Hidden folders, virtual environments and links to folders are left out.

    Args:
        - path (str): a file or a folder
        - on_error (callable): told the path and the reason of what can't be looked through
    """
    if not os.path.isdir(path):
        yield path
        return

    def failed(exc: OSError) -> None:
        on_error(str(exc.filename), exc.strerror or "it can't be read")

    for folder, folders, files in os.walk(path, onerror=failed):
        folders[:] = sorted(name for name in folders if _is_looked_into(folder, name))
        for name in sorted(files):
            if name.endswith(".py"):
                yield os.path.join(folder, name)


def read(path: str) -> Document:
    """
    Reads a file.

    Raises:
        - Unreadable: there is none, or it is no text
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as exc:
        raise Unreadable(exc.strerror or "it can't be read") from None
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
        same = text.encode(encoding) == data
    except (SyntaxError, UnicodeError, LookupError):
        raise Unreadable("not in the encoding that it says, or not text") from None
    if not same:
        raise Unreadable(f"it can't be written back in its encoding, {encoding}")
    return Document(text, encoding, data)


def write(path: str, document: Document, text: str) -> None:
    """
    Replaces what is in a file, keeping its encoding, its mode and (as far as we may) its owner,
    at once: whoever reads it meanwhile sees the old text or the new.

    Args:
        - path (str): the file; a link is followed
        - document (Document): as it was read
        - text (str): the new text

    Raises:
        - Unreadable: it can't be written, or was changed since it was read
    """
    path = os.path.realpath(path)
    made: List[str] = []
    try:
        data = text.encode(document.encoding)
        if not os.access(path, os.W_OK):
            raise Unreadable("it may not be written")
        before = os.stat(path)
        handle, temporary = tempfile.mkstemp(prefix=".migrate-", dir=os.path.dirname(path))
        made.append(temporary)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _give_to(temporary, before)
        # After the owner, for a change of that takes bits away.
        os.chmod(temporary, stat.S_IMODE(before.st_mode))
        with open(path, "rb") as file:
            if file.read() != document.data:
                raise Unreadable("it was changed meanwhile, and is left as it is")
        os.replace(temporary, path)
        made.clear()
    except UnicodeEncodeError:
        raise Unreadable(f"the new text does not fit into {document.encoding}") from None
    except OSError as exc:
        raise Unreadable(exc.strerror or "it can't be written") from None
    finally:
        for leftover in made:
            os.unlink(leftover)


def _give_to(path: str, before: os.stat_result) -> None:
    """The owner and the group of the file that is replaced; root writes other people's files."""
    if hasattr(os, "chown"):
        for user, group in ((-1, before.st_gid), (before.st_uid, -1)):
            # Others may give away a group of theirs, and no more: then it is the writer's.
            with contextlib.suppress(OSError):
                os.chown(path, user, group)


def _is_looked_into(folder: str, name: str) -> bool:
    path = os.path.join(folder, name)
    return (
        not name.startswith(".")
        and name not in _SKIPPED
        and not os.path.exists(os.path.join(path, "pyvenv.cfg"))
    )
