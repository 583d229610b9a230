"""A person's archive, written to the disk while it is made."""

from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from domain.use_cases.privacy.data_export import Exporting
from domain.use_cases.wording.labels import counted, sized
from entrypoints.cli.support.console import screen
from entrypoints.cli.support.private_file import private_file


def export(exporting: Exporting, email: str, target: Path) -> None:
    """Write the archive and tell what is in it; nothing is left behind when that fails.

    Raises UnknownCustomerError, FileTakenError or UnwritableFolderError.
    """
    dossier = exporting.export(email)
    columns = (TextColumn("Writing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with (
        private_file(target) as file,
        Progress(*columns, console=screen(), transient=True) as progress,
    ):
        task = progress.add_task("archive", total=dossier.size_bytes)
        for chunk in dossier.content:
            file.write(chunk)
            progress.advance(task, len(chunk))
    orders, photos = counted(dossier.orders, "order"), counted(dossier.photos, "file")
    click.echo(f"{target} holds {orders} with {photos} of photos, {sized(dossier.size_bytes)} in all.")
