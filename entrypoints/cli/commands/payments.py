"""The `payments` group: payments that belong to no order."""
# ruff: noqa: PLC0415 -- as for all commands, what they need is imported when they run

from uuid import UUID

import rich_click as click

from entrypoints.cli.commands.shared_options import json_option
from entrypoints.cli.support.actor_options import on_record


@click.group("payments")
def payment_commands() -> None:
    """Settle payments that belong to no order."""


@payment_commands.command("unmatched")
@click.option("--json", "as_json", is_flag=True, help="One JSON document a line, for programs.")
def list_unmatched(*, as_json: bool) -> None:
    """The payments that belong to no order and are not refunded, oldest first."""
    from entrypoints.bootstrap.queries import open_queries
    from entrypoints.cli.commands.unmatched_payments import show_unmatched

    with open_queries() as queries:
        show_unmatched(queries.unsettled_payments(), as_json=as_json)


@payment_commands.command("refund")
@click.argument("checkout_session")
@on_record("Why, in your words; they are kept with the payment.")
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="The payment as JSON, for programs.")
def refund_unmatched(
    checkout_session: str, actor: str, reason: str, *, is_agreed: bool, as_json: bool
) -> None:
    """Refund the payment of CHECKOUT_SESSION now, without waiting longer for its order."""
    from entrypoints.cli.commands.unmatched_payments import refund
    from entrypoints.cli.support.open_shop import open_shop

    with open_shop() as shop:
        refund(
            shop.queries,
            shop.unmatched_payment_service,
            checkout_session,
            actor=actor,
            reason=reason,
            is_agreed=is_agreed,
            as_json=as_json,
        )


@payment_commands.command("match")
@click.argument("checkout_session")
@click.argument("upload_session", type=click.UUID)
@on_record("Why, in your words; they are kept with the payment.")
@json_option
def match_unmatched(
    checkout_session: str, upload_session: UUID, actor: str, reason: str, *, as_json: bool
) -> None:
    """Begin the order of UPLOAD_SESSION with the payment of CHECKOUT_SESSION."""
    from domain.order.values import UploadSessionId
    from entrypoints.cli.commands.order_views import show
    from entrypoints.cli.support.open_shop import open_shop

    with open_shop() as shop:
        order_id = shop.unmatched_payment_service.match(
            checkout_session, UploadSessionId(upload_session), actor=actor, note=reason
        )
        show(shop.queries, str(order_id), as_json=as_json)
