"""A person's archive, written to the disk while it is made."""

import os
from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from domain.services.exporting import Dossier, Exporting
from domain.services.wording import counted, sized
from entrypoints.cli.keeping import UnwritableFolderError
from entrypoints.cli.screen import screen
from entrypoints.failures import CommandFailedError

#: It is full of somebody's photos: nobody but whoever made it may read it.
_PERMISSIONS = 0o600


class FileTakenError(CommandFailedError):
    """There is a file already where one was to be written."""

    def __init__(self, target: Path) -> None:
        self.target = target
        super().__init__(f"{target} is there already: choose another name, for it is not overwritten.")


def export(exporting: Exporting, email: str, target: Path) -> None:
    """Write the archive and tell what is in it; nothing is left behind when that fails.

    Raises UnknownCustomerError, FileTakenError or UnwritableFolderError.
    """
    dossier = exporting.export(email)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PERMISSIONS)
    except FileExistsError as error:
        raise FileTakenError(target) from error
    except OSError as error:
        raise UnwritableFolderError(target.parent, error.strerror or type(error).__name__) from error
    try:
        _write(dossier, descriptor)
    except BaseException as error:
        target.unlink()
        if isinstance(error, OSError):
            raise UnwritableFolderError(target.parent, error.strerror or type(error).__name__) from error
        raise
    orders, photos = counted(dossier.orders, "order"), counted(dossier.photos, "file")
    click.echo(f"{target} holds {orders} with {photos} of photos, {sized(dossier.size_bytes)} in all.")


def _write(dossier: Dossier, descriptor: int) -> None:
    columns = (TextColumn("Writing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with (
        os.fdopen(descriptor, "wb") as file,
        Progress(*columns, console=screen(), transient=True) as progress,
    ):
        task = progress.add_task("archive", total=dossier.size_bytes)
        for chunk in dossier.content:
            file.write(chunk)
            progress.advance(task, len(chunk))
