"""`prefect1-rsync migrate PATH...`: flow files that use Prefect's own sync tasks, rewritten."""

import contextlib
import difflib
import os
import sys
from typing import TYPE_CHECKING, Iterator, List, Tuple

import click

if TYPE_CHECKING:
    from ..bridge.arguments import SecretNames
    from ..bridge.rewrite import Finding, Rewritten

_MISSING = "libcst is missing: pip install '.[migrate]' in a checkout of prefect1-rsync"
_LABELS = {"changed": "", "note": "to do: ", "left": "left: "}


@click.command("migrate")
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(readable=False)
)
@click.option(
    "--to",
    "target",
    type=click.Choice(["legacy", "tasks"]),
    default="legacy",
    show_default=True,
    help="legacy: the drop-ins of prefect1_rsync.legacy, only imports change. "
    "tasks: the new tasks, with their arguments.",
)
@click.option("--write", is_flag=True, help="Write the files, not only show what would change.")
@click.option(
    "--check", is_flag=True, help="Exit with 1 if there is something to change, or left to you."
)
def migrate_command(paths: Tuple[str, ...], target: str, write: bool, check: bool) -> None:
    """Rewrite flow files that use Prefect's own sync tasks."""
    if write and check:
        raise click.UsageError("--check looks, --write writes: give one of them")
    try:
        import libcst  # noqa: F401
    except ImportError:
        click.echo(f"Error: {_MISSING}", err=True)
        sys.exit(2)
    from ..bridge.arguments import SecretNames

    run = _Run(target, write, SecretNames())
    found = list(_files(paths, run))
    for path in found:
        run.look(path)
    for path in found:
        run.file(path)
    _say(run.summary())
    if run.errors:
        sys.exit(2)
    if check and (run.changed or run.left):
        sys.exit(1)


class _Run:
    """One run of the command: what it saw."""

    def __init__(self, target: str, write: bool, names: "SecretNames") -> None:
        self._target, self._write, self._names = target, write, names
        self.files = self.changed = self.left = self.errors = 0

    def error(self, path: str, reason: str) -> None:
        """Says it, and goes on with the next file."""
        self.errors += 1
        click.echo(_printable(f"{_shown(path)}: error: {reason}", sys.stderr), err=True)

    def look(self, path: str) -> None:
        """Before any file is rewritten: a name that a later one uses is not given away."""
        from ..bridge.files import Unreadable, read

        # What can't be read is said in its turn, and a pipe is read but once.
        if os.path.isfile(path):
            with contextlib.suppress(Unreadable):
                self._names.avoid(read(path).text)

    def file(self, path: str) -> None:
        """One file: read, rewritten, shown, perhaps written."""
        from ..bridge.files import Unreadable, read, write
        from ..bridge.rewrite import NotPython, rewrite

        try:
            document = read(path)
            result = rewrite(document.text, self._target, self._names)
        except (Unreadable, NotPython) as exc:
            self.error(path, str(exc))
            return
        self.files += 1
        for finding in result.findings:
            _say(_line(path, finding))
            self.left += finding.kind == "left"
        if result.text == document.text:
            return
        _say(_diff(path, document.text, result))
        if self._write:
            try:
                write(path, document, result.text)
            except Unreadable as exc:
                self.error(path, str(exc))
                return
        self.changed += 1

    def summary(self) -> str:
        """The last line."""
        verb = "changed" if self._write else "to change"
        parts = [
            f"{self.files} {_plural(self.files, 'file')} read",
            f"{self.changed} {verb}",
            f"{self.left} {_plural(self.left, 'place')} left to you",
        ]
        if self.errors:
            parts.append(f"{self.errors} {_plural(self.errors, 'error')}")
        return ", ".join(parts)


def _files(paths: Tuple[str, ...], run: _Run) -> Iterator[str]:
    """Every file once, in the order given."""
    from ..bridge.files import python_files

    seen = set()
    for path in paths:
        for found in python_files(path, run.error):
            real = os.path.realpath(found)
            if real not in seen:
                seen.add(real)
                yield found


def _line(path: str, finding: "Finding") -> str:
    return f"{_shown(path)}:{finding.line}: {_LABELS[finding.kind]}{finding.text}"


def _diff(path: str, old: str, result: "Rewritten") -> str:
    """The unified diff, without the secrets."""
    before, after = (result.shown(text) for text in (old, result.text))
    name = _shown(path).lstrip("/")
    return "\n".join(
        difflib.unified_diff(_lines(before), _lines(after), f"a/{name}", f"b/{name}", lineterm="")
    )


def _lines(text: str) -> List[str]:
    # Not splitlines(): a form feed ends no line of Python.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def _shown(path: str) -> str:
    return str(click.format_filename(path))


def _plural(count: int, word: str) -> str:
    return word if count == 1 else word + "s"


def _say(text: str) -> None:
    click.echo(_printable(text, sys.stdout))


def _printable(text: str, stream: object) -> str:
    """What a terminal without Unicode can't show, as an escape."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
