"""The commands that run a shop in the sandbox: `demo` and `dev`.

The sandbox is part of the source only.
"""
# ruff: noqa: PLC0415 -- the sandbox is imported when one of them runs, and by no other command

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rich_click as click

from entrypoints.command_errors import CommandFailedError


@click.command("demo")
@click.argument("photos", nargs=-1, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--misbehave",
    "providers_misbehave",
    is_flag=True,
    help="Have a photo refused, providers away and a webhook lost, and watch the shop; on the samples.",
)
def run_demo(photos: tuple[Path, ...], *, providers_misbehave: bool) -> None:
    """Take one order from photo to inbox on this machine; without PHOTOS, the project's own samples."""
    with _source_required("demo"):
        from sandbox.demo import demo, demo_with_faults

    if providers_misbehave and photos:
        raise click.UsageError("--misbehave tells its story on the samples: leave out PHOTOS.")
    with _demo_errors_reported():
        if providers_misbehave:
            demo_with_faults.run()
        else:
            demo.run(photos)


@click.command("dev")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".restoreclick"),
    show_default=True,
    help="The folder that keeps everything between starts.",
)
def run_dev(data: Path) -> None:
    """Run the whole shop on this machine until Ctrl-C."""
    with _source_required("dev"):
        from entrypoints.cli.commands.dev import run

    with _demo_errors_reported():
        run(data)


@contextmanager
def _source_required(command: str) -> Iterator[None]:
    """Raise CommandFailedError where the sandbox is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise CommandFailedError(
            f"The sandbox is not here (no {error.name}): it comes with the source, so clone that, and call "
            f"`make {command}` there."
        ) from error


@contextmanager
def _demo_errors_reported() -> Iterator[None]:
    """Raise CommandFailedError for an error of the demo or the local shop."""
    from sandbox.demo.errors import DemoError

    try:
        yield
    except DemoError as error:
        raise CommandFailedError(str(error)) from error
