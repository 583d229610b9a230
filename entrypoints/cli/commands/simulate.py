"""The `simulate` command; the simulation is part of the source only."""

from importlib import import_module

import rich_click as click

from entrypoints.command_errors import CommandFailedError


@click.command("simulate", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run_simulation(arguments: tuple[str, ...]) -> None:
    """Simulate the whole shop with faults under a virtual clock; needs the source."""
    try:
        commands = import_module("tests.simulation.cli")
    except ModuleNotFoundError as error:
        raise CommandFailedError(
            f"The simulation is not here (no {error.name}): it comes with the source, so clone that, and call "
            "`make simulate` there or this command in its environment."
        ) from error
    command: click.Command = commands.simulate
    command.main(args=list(arguments), prog_name="restoreclick simulate", standalone_mode=False)
