"""The `customers` group: data export, points and erasure."""
# ruff: noqa: PLC0415 -- each command imports what it needs only when it runs

from pathlib import Path

import rich_click as click

from entrypoints.cli.commands.shared_options import json_option
from entrypoints.cli.support.actor_options import on_record
from entrypoints.cli.support.error_reporting_group import Commands


@click.group("customers", cls=Commands)
def customer_commands() -> None:
    """Export what the shop holds about customers, show their points, and erase those who ask for it."""


@customer_commands.command("export")
@click.argument("email")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The zip archive to write; it must not be there yet.",
)
@json_option
def export_customer(email: str, target: Path, *, as_json: bool) -> None:
    """Write everything the shop holds about EMAIL into one archive: JSON, stories and photos."""
    from entrypoints.cli.commands.export_customer import export
    from entrypoints.cli.support.open_shop import open_shop

    with open_shop() as shop:
        export(shop.data_export, email, target, as_json=as_json)


@customer_commands.command("points")
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
def show_customer_points(email: str, *, as_json: bool) -> None:
    """The referral code and the points of EMAIL, with the orders that moved them."""
    from entrypoints.bootstrap.queries import open_queries
    from entrypoints.cli.commands.points import show_points

    with open_queries() as queries:
        show_points(queries.points(email), as_json=as_json)


@customer_commands.command("erase")
@click.argument("email")
@on_record("Why; it is kept, so it must not tell who it was.")
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="The certificate as JSON.")
def erase_customer(email: str, reason: str, actor: str, *, is_agreed: bool, as_json: bool) -> None:
    """Forget EMAIL: name, address, file names, texts and every photo, in all versions; there is no way back."""
    from entrypoints.cli.commands.erase_customer import erase
    from entrypoints.cli.support.open_shop import open_shop

    with open_shop() as shop:
        erase(shop.customer_erasure, email, reason=reason, actor=actor, is_agreed=is_agreed, as_json=as_json)
