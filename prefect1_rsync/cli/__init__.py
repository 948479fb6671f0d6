"""What a person types: `prefect1-rsync COMMAND`, one module a command.

Light: a command imports Prefect, rich or tornado when it runs, so that `--help` answers at once.
"""

import click

from .._version import __version__
from .demo import demo_command
from .migrate import migrate_command
from .sandbox import sandbox_command

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="prefect1-rsync")
def main() -> None:
    """Census, Hightouch and Airbyte syncs from Prefect 1."""


main.add_command(demo_command)
main.add_command(migrate_command)
main.add_command(sandbox_command)
