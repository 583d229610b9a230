"""A customer's data export, streamed to a file."""

from collections.abc import Mapping
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from domain.order.values import OrderId
from domain.use_cases.privacy.data_export import DataExport, ExportArchive
from entrypoints.bootstrap.wording import counted, size_text
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


def export(data_export: DataExport, email: str, target: Path, *, as_json: bool = False) -> None:
    """Write the archive and print what it holds.

    A failure leaves no file. Raises UnknownCustomerError, FileTakenError or UnwritableFolderError, and
    HistoryMissingError after everything else was written.
    """
    export_archive = data_export.export(email)
    columns = (TextColumn("Writing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with (
        private_file(target) as file,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("archive", total=export_archive.size_bytes)
        for chunk in export_archive.content:
            file.write(chunk)
            progress.advance(task, len(chunk))
    if as_json:
        _print_json(export_archive, target)
    else:
        orders, photos = counted(export_archive.orders, "order"), counted(export_archive.photos, "file")
        click.echo(
            f"{target} holds {orders} with {photos} of photos, {size_text(export_archive.size_bytes)} in all."
        )
    if export_archive.incomplete:
        raise HistoryMissingError(export_archive.incomplete)


def _print_json(archive: ExportArchive, target: Path) -> None:
    document = {
        "file": str(target),
        "size_bytes": archive.size_bytes,
        "orders": archive.orders,
        "photos": archive.photos,
        "incomplete": {str(order_id): detail for order_id, detail in archive.incomplete.items()},
    }
    click.echo(msgspec.json.encode(document))
