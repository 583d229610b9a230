"""Customers as persons: what is held about them, and their wish to be forgotten."""
# ruff: noqa: PLC0415 -- each command imports what it needs only when it runs

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from entrypoints.cli.group import Commands

if TYPE_CHECKING:
    from entrypoints.bootstrap.shop import Shop


@click.group("customers", cls=Commands)
def customer_commands() -> None:
    """Give customers what the shop holds about them, and forget those who ask for it."""


@customer_commands.command("export")
@click.argument("email")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The zip archive to write; it must not be there yet.",
)
def export_customer(email: str, target: Path) -> None:
    """Write everything the shop holds about EMAIL into one archive: JSON, stories and photos."""
    from entrypoints.cli.exporting import export

    with _open_shop() as shop:
        export(shop.exporting, email, target)


@customer_commands.command("erase")
@click.argument("email")
@click.option("--reason", required=True, help="Why; it is kept, so it must not tell who it was.")
@click.option("--actor", metavar="NAME", help="Who does it; without it, this machine's user.")
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="The certificate as JSON.")
def erase_customer(email: str, reason: str, actor: str | None, *, is_agreed: bool, as_json: bool) -> None:
    """Forget EMAIL: name, address, file names, texts and every photo, in all versions; there is no way back."""
    from entrypoints.cli.erasing import erase, person

    who = person(actor)
    with _open_shop() as shop:
        erase(shop.forgetting, email, reason=reason, actor=who, is_agreed=is_agreed, as_json=as_json)


@contextmanager
def _open_shop() -> Iterator["Shop"]:
    from entrypoints.bootstrap.books import open_books
    from entrypoints.bootstrap.shop import build
    from entrypoints.logs import configure_logs
    from entrypoints.settings import read_settings

    settings = read_settings()
    configure_logs(settings.log_level)
    with open_books(settings):
        pass  # a database that cannot be used is told here, before anything else is
    with build(settings) as shop:
        yield shop
