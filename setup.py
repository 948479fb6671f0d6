"""Installs prefect1-rsync with a Prefect 1.4.1 that works on Python 3.7 to 3.13.

Prefect 1.4.1, the last of its line, puts no upper bound on anything, so that pip resolves to
combinations in which it can't serialize a flow or compute a cron schedule. The bounds below are
the few that were measured to matter; tests/matrix proves them on every Python. What no bound can
mend, prefect1_rsync/_compat.py mends.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
VERSION = re.search(
    r'^__version__ = "(.+)"', (HERE / "prefect1_rsync" / "_version.py").read_text("utf-8"), re.M
).group(1)

REQUIRES = [
    "prefect==1.4.1",
    # marshmallow 4 has no `context`: flow.serialize() and State.serialize() raise AttributeError,
    # hence no registration and no run with a backend. Prefect's `load_default=` came with 3.13.
    "marshmallow>=3.13,<4",
    # pendulum 3 has no `pendulum.tz._Timezone`: every CronSchedule raises AttributeError. On 3.12+
    # pendulum 2 can't be built (its build script imports distutils): there _compat.py mends
    # pendulum 3, and pip must not fall back to 2.
    'pendulum>=2.0.4,<3; python_version < "3.12"',
    'pendulum>=3,<4; python_version >= "3.12"',
    # A precaution: prefect imports mypy_extensions.TypedDict, deprecated since 1.0.
    "mypy_extensions<2",
    # What we import ourselves, whoever else may bring it.
    "click>=8.0",
    "requests>=2.25",
    'typing_extensions; python_version < "3.8"',  # Protocol
    "tornado>=6.0",  # the sandbox's HTTP server; Prefect has it through distributed
    "urllib3>=1.26",
]

EXTRAS = {
    "cli": ["rich>=12"],
    "docs": [],
    "lint": ["libcst>=1.0,<2", "mypy", "ruff", "types-requests"],
    "matrix": ["nox"],
    # 1.0.1 is the last for Python 3.7.
    "migrate": ["libcst>=1.0,<2"],
    "test": [
        "coverage[toml]",
        "hypothesis",
        "libcst>=1.0,<2",
        # Where it is installed, tests/specs.py holds the sandbox to the vendors' OpenAPI documents.
        'openapi-schema-validator; python_version >= "3.10"',
        "psutil",
        "pytest>=7",
        "responses",
        "rich>=12",
    ],
}

setup(
    name="prefect1-rsync",
    version=VERSION,
    description="Census, Hightouch and Airbyte syncs as Prefect 1 tasks: start, watch, report.",
    long_description=README.read_text("utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    python_requires=">=3.7",
    packages=find_packages(include=["prefect1_rsync*"]),
    package_data={"prefect1_rsync": ["py.typed"]},
    zip_safe=False,
    install_requires=REQUIRES,
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": ["prefect1-rsync = prefect1_rsync.cli:main"],
        "pytest11": ["prefect1_rsync_sandbox = prefect1_rsync.sandbox.pytest_plugin"],
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
    ]
    + [f"Programming Language :: Python :: 3.{minor}" for minor in range(7, 14)]
    + ["Typing :: Typed"],
)
