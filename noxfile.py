"""The package on every Python that it supports: `nox -s matrix`, or one: `nox -s matrix-3.9`.

An interpreter that is not on PATH is skipped, with a line that says so; with CI=true it is an error
(nox's own rule). .ci/run puts pyenv's interpreters on PATH.
"""

import shutil
from pathlib import Path

import nox

PYTHONS = ["3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".nox", ".*_cache", ".hypothesis", "__pycache__", "build", "*.egg-info"
)

nox.options.sessions = ["matrix"]


# "venv": virtualenv no longer makes environments for 3.7.
@nox.session(python=PYTHONS, venv_backend="venv")
def matrix(session: nox.Session) -> None:
    """Install as a user does (not editable) and run the tests against what was installed."""
    root = Path.cwd()
    # A copy, for sessions that run side by side would build in the same folders.
    checkout = Path(session.virtualenv.location).resolve() / "checkout"
    shutil.rmtree(checkout, ignore_errors=True)
    shutil.copytree(root, checkout, ignore=NOT_COPIED)
    session.chdir(checkout)
    session.install(".[test]")
    # The tests find the package in the checkout first: that has to be the installed one.
    installed = session.run(
        "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", silent=True
    )
    shutil.rmtree(checkout / "prefect1_rsync")
    (checkout / "prefect1_rsync").symlink_to(Path(installed.strip()) / "prefect1_rsync")
    session.env.setdefault("PREFECT1_RSYNC_SPECS", str(root.parent / "shared" / "specs"))
    # What takes long and does not depend on the Python is left to `make test`.
    session.env.setdefault("TORTURE_EXAMPLES", "60")
    session.run("python", "-m", "pytest", "-q", "-m", "not slow", *session.posargs)
