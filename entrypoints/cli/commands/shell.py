"""The commands for the shell itself: `completion` and `man`."""
# ruff: noqa: PLC0415 -- as for all commands, what they need is imported when they run

from typing import cast

import rich_click as click

from entrypoints.cli.manual import COMPLETION_VARIABLE, PROGRAM, SHELLS, man_page


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def print_completion(context: click.Context, shell: str) -> None:
    """Print the script by which SHELL completes commands and options; see docs/commands.md."""
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    if completion is None:
        raise AssertionError("Click completes for each of these shells.")
    click.echo(completion(context.find_root().command, {}, PROGRAM, COMPLETION_VARIABLE).source())


@click.command("man")
@click.pass_context
def print_manual(context: click.Context) -> None:
    """Print the man page: `restoreclick man | man -l -` shows it."""
    click.echo(man_page(cast("click.Group", context.find_root().command)), nl=False)
