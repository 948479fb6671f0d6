"""`prefect1-rsync sandbox`: the three vendors' APIs on loopback, until it is stopped."""

import errno
import shlex
import signal
from typing import TYPE_CHECKING

import click

from .environment import OTHERS, variables

if TYPE_CHECKING:
    from ..sandbox import Sandbox

_STOPS = {signal.SIGINT, signal.SIGTERM}


@click.command("sandbox")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="The port on 127.0.0.1; default: any that is free.",
)
def sandbox_command(port: int) -> None:
    """Serve the three vendors' APIs on this machine, until Ctrl-C."""
    from ..sandbox import Sandbox

    # Blocked here and in the server's thread, which inherits it, and awaited below: so a signal
    # is neither lost nor raised in the middle of something, whenever it comes.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        sandbox = Sandbox(port)
        try:
            sandbox.start()
        except OSError as exc:
            raise click.ClickException(_why(exc, port)) from None
        with sandbox:
            click.echo(introduction(sandbox))
            signal.sigwait(_STOPS)
        click.echo("\nThe sandbox has stopped.")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def introduction(sandbox: "Sandbox") -> str:
    """
    What a person needs to know to use a sandbox.

    Args:
        - sandbox (Sandbox): the sandbox, started

    Returns:
        - str: many lines
    """
    connection = sandbox.airbyte.connection_id
    exports = "\n".join(
        [
            *(f"export {name}={shlex.quote(value)}" for name, value in variables(sandbox).items()),
            *(f"unset {name}" for name in OTHERS),
        ]
    )
    return f"""\
Census, Hightouch and Airbyte, as a sandbox on this machine.
It has one sync of each, which takes 2 seconds:

  Census     {sandbox.census.base_url}
             sync_id=1
  Hightouch  {sandbox.hightouch.base_url}
             sync_id=1 or sync_slug="demo-sync"
  Airbyte    {sandbox.airbyte.api_url}
             connection_id="{connection}"

Set these where your flow runs. The credentials are made up, and no secrets:

{exports}

The Census sync's trigger URL. CensusSyncTask takes it as api_trigger only
together with base_url="{sandbox.census.base_url}":

{sandbox.census.api_trigger(1, version=2)}

Ctrl-C stops the sandbox."""


def _why(exc: OSError, port: int) -> str:
    if exc.errno == errno.EADDRINUSE:
        return f"port {port} is in use; choose another, or leave --port out for a free one"
    return f"port {port} can't be used: {exc.strerror}"
