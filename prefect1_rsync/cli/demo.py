"""`prefect1-rsync demo`: what the package does, in half a minute and without an account."""

import click

_NO_RICH = "the demo needs rich: pip install '.[cli]' in a checkout of prefect1-rsync"


@click.command("demo")
def demo_command() -> None:
    """Watch a flow run three syncs side by side, in a sandbox."""
    try:
        import rich  # noqa: F401
    except ImportError:
        raise click.ClickException(_NO_RICH) from None
    from .show import DemoFailed, show

    try:
        show()
    except DemoFailed as exc:
        raise click.ClickException(f"the demo went wrong: {exc}") from None
