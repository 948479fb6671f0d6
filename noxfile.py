"""The package on every Python that it supports: `nox -s matrix`, or one of them: `nox -s matrix-3.9`.

An interpreter that is not on PATH is skipped, with a line that says so; under CI=true it is an error (nox's rule).
.ci/run puts pyenv's interpreters on PATH.
"""

import shutil
from pathlib import Path

import nox

PYTHONS = ["3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".nox", ".*_cache", ".hypothesis", "__pycache__", "build", "*.egg-info"
)

nox.options.sessions = ["matrix"]


# "venv" because virtualenv no longer makes environments for 3.7.
@nox.session(python=PYTHONS, venv_backend="venv")
def matrix(session: nox.Session) -> None:
    """Install as a user does (not editable) and run the tests against what was installed."""
    checkout = Path(session.virtualenv.location).resolve() / "checkout"
    shutil.rmtree(checkout, ignore_errors=True)
    shutil.copytree(Path.cwd(), checkout, ignore=NOT_COPIED)
    session.chdir(checkout)
    session.install(".[test]")
    # Out of the way, or the tests would import the checkout and prove nothing about the installation.
    shutil.rmtree(checkout / "prefect1_rsync")
    session.run("python", "-m", "pytest", "-q", *session.posargs)
