"""A customer's data export, streamed to a file."""

from collections.abc import Mapping
from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from domain.order.values import OrderId
from domain.use_cases.privacy.data_export import DataExport
from entrypoints.bootstrap.wording import counted, size_text
from entrypoints.cli.support.console import screen
from entrypoints.cli.support.private_file import private_file
from entrypoints.command_errors import CommandFailedError


class HistoryMissingError(CommandFailedError):
    """Some orders were exported without their history."""

    def __init__(self, incomplete: Mapping[OrderId, str]) -> None:
        self.incomplete = incomplete
        orders = "; ".join(f"Order {order_id}: {detail}" for order_id, detail in incomplete.items())
        super().__init__(
            f"The export lacks the history of {counted(len(incomplete), 'order')}: do what follows, then export "
            f"again. {orders}."
        )


def export(data_export: DataExport, email: str, target: Path) -> None:
    """Write the archive and print what it holds.

    A failure leaves no file. Raises UnknownCustomerError, FileTakenError or UnwritableFolderError, and
    HistoryMissingError after everything else was written.
    """
    export_archive = data_export.export(email)
    columns = (TextColumn("Writing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with (
        private_file(target) as file,
        Progress(*columns, console=screen(), transient=True) as progress,
    ):
        task = progress.add_task("archive", total=export_archive.size_bytes)
        for chunk in export_archive.content:
            file.write(chunk)
            progress.advance(task, len(chunk))
    orders, photos = counted(export_archive.orders, "order"), counted(export_archive.photos, "file")
    click.echo(
        f"{target} holds {orders} with {photos} of photos, {size_text(export_archive.size_bytes)} in all."
    )
    if export_archive.incomplete:
        raise HistoryMissingError(export_archive.incomplete)
