"""The `orders` group: list orders, show one, and act on it."""
# ruff: noqa: PLC0415 -- each command imports what it needs only when it runs

from pathlib import Path

import rich_click as click

from entrypoints.cli.commands.shared_options import MOST_ROWS, json_option
from entrypoints.cli.commands.staff_options import STAFF_COMMANDS


@click.group("orders")
def order_commands() -> None:
    """Show orders, and act on them."""


for _command in STAFF_COMMANDS:
    order_commands.add_command(_command)


@order_commands.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1, max=MOST_ROWS), default=20, show_default=True, help="How many."
)
@click.option("--state", metavar="STATE", help="Only orders in this state, such as restoring or completed.")
@click.option("--held", "is_held", is_flag=True, help="Only orders on hold.")
@click.option("--email", metavar="ADDRESS", help="Only orders of the customer with this e-mail address.")
@click.option("--since", metavar="WHEN", help="Only orders paid since: 7d, 12h, or an ISO date.")
@click.option("--until", metavar="WHEN", help="Only orders paid before: 7d, 12h, or an ISO date.")
@click.option(
    "--provider-id",
    metavar="ID",
    help="Only the order of this id at a provider: a checkout, payment, refund or dispute at Stripe, "
    "a prediction at Replicate, a message at SendGrid.",
)
@json_option
def list_orders(
    limit: int,
    state: str | None,
    email: str | None,
    since: str | None,
    until: str | None,
    provider_id: str | None,
    *,
    is_held: bool,
    as_json: bool,
) -> None:
    """The newest orders, all of them or those that match every option given."""
    from entrypoints.bootstrap.order_listing import open_order_listing
    from entrypoints.cli.commands.order_list import filter_of, show_list

    wanted = filter_of(
        state=state, is_held=is_held, email=email, since=since, until=until, provider_id=provider_id
    )
    with open_order_listing() as listing:
        show_list(listing, wanted, limit, as_json=as_json)


@order_commands.command("show")
@click.argument("order", metavar="ID")
@json_option
def show_order(order: str, *, as_json: bool) -> None:
    """The current state of an order; ID is its number, its id, or the beginning of that."""
    from entrypoints.bootstrap.queries import open_queries
    from entrypoints.cli.commands.order_views import show

    with open_queries() as queries:
        show(queries, order, as_json=as_json)


@order_commands.command("history")
@click.argument("order", metavar="ID")
@json_option
def order_history(order: str, *, as_json: bool) -> None:
    """An order's timeline from the log, in sentences; ID is as for `show`."""
    from entrypoints.bootstrap.queries import open_queries
    from entrypoints.cli.commands.order_views import show_history

    with open_queries() as queries:
        show_history(queries, order, as_json=as_json)


@order_commands.command("evidence")
@click.argument("order", metavar="ID")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.zip",
    help="The archive to write; without it, evidence-NUMBER.zip in this folder.",
)
@click.option("--dispute", "dispute_id", metavar="ID", help="Which of several disputes it is about.")
@click.option(
    "--with-notes", "has_notes", is_flag=True, help="Add what people at the shop wrote, word for word."
)
@click.option("--force", "replaces", is_flag=True, help="Replace a file that is there.")
@json_option
def order_evidence(
    order: str, target: Path | None, dispute_id: str | None, *, has_notes: bool, replaces: bool, as_json: bool
) -> None:
    """Write the pack for a bank that disputes a payment: photos, deliveries, money, and that the log verifies.

    ID is as for `show`. Ends with 1 if something does not verify; the pack then says so, too.
    """
    from entrypoints.cli.commands.dispute_evidence import prove
    from entrypoints.cli.support.open_shop import open_shop

    with open_shop() as shop:
        prove(
            shop.queries,
            shop.dispute_evidence,
            order,
            target=target,
            dispute_id=dispute_id,
            has_notes=has_notes,
            replaces=replaces,
            as_json=as_json,
        )
