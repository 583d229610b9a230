"""The simulation, which comes with the source and is no part of the package."""

from collections.abc import Sequence
from importlib import import_module

import rich_click as click

from entrypoints.failures import CommandFailedError


def simulate(arguments: Sequence[str]) -> None:
    """Hand the words on to the simulation; raises CommandFailedError where only the package is installed."""
    try:
        commands = import_module("tests.simulation.commands")
    except ModuleNotFoundError as error:
        raise CommandFailedError(
            f"The simulation is not here (no {error.name}): it comes with the source, so clone that, and call "
            "`make simulate` there or this command in its environment."
        ) from error
    command: click.Command = commands.simulate
    command.main(args=list(arguments), prog_name="restoreclick simulate", standalone_mode=False)
