"""The command line as a whole."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from prefect1_rsync import __version__
from prefect1_rsync.cli import main


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_command(flag):
    result = CliRunner().invoke(main, [flag])
    assert result.exit_code == 0
    assert all(name in result.output for name in main.commands)


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_explains_itself(command):
    result = CliRunner().invoke(main, [command, "-h"])
    assert result.exit_code == 0
    assert main.commands[command].help in " ".join(result.output.split())


def test_version():
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.output == f"prefect1-rsync, version {__version__}\n"


def test_it_is_light_until_a_command_runs():
    code = (
        "import sys, prefect1_rsync.cli\n"
        "print({'prefect', 'rich', 'tornado', 'dask'} & set(sys.modules))\n"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
