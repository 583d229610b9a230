"""Conditions of the lifecycle's table, on the order after the event."""

from domain.order.order import Order


def every_image_is_settled(order: Order) -> bool:
    """Whether every paid image is restored or has failed permanently."""
    return order.every_image_is_settled


def nothing_can_follow(order: Order) -> bool:
    """Whether nothing can follow: no result and nothing to refund.

    That is a free order whose images all failed.
    """
    return order.every_image_is_settled and not order.restored_images and order.paid_amount == 0


def result_is_sent(order: Order) -> bool:
    """Whether an e-mail with the link was accepted, and did not bounce."""
    return order.result_is_sent


def result_is_sent_and_money_is_owed(order: Order) -> bool:
    """Whether the result is sent and a refund is still owed."""
    return order.result_is_sent and order.money_is_owed


def result_is_undelivered(order: Order) -> bool:
    """Whether no result e-mail arrived and no file was fetched.

    As far as is known: a lost bounce cannot be seen.
    """
    return order.result_is_undelivered


def money_is_owed(order: Order) -> bool:
    """Whether a failed image's share or a requested refund is still owed."""
    return order.money_is_owed


def nothing_is_owed(order: Order) -> bool:
    """Whether no refund is owed."""
    return not order.money_is_owed


def everything_is_refunded(order: Order) -> bool:
    """Whether the full payment of a stopped or failed order is refunded."""
    return order.everything_is_refunded


def is_full_refund_pending(order: Order) -> bool:
    """Whether the full payment is to be refunded.

    That is so when the order was stopped or yielded no result.
    """
    return order.is_full_refund_pending


def is_fully_refunded(order: Order) -> bool:
    """Whether the customer has the full payment back, by any means.

    A free order is, unless a refund that was made at the provider is still owed.
    """
    ledger = order.ledger
    return ledger.returned_amount >= ledger.paid and (ledger.paid > 0 or not ledger.unpaid_refunds)


def is_complete_after_all(order: Order) -> bool:
    """Whether a bank returned the payment for delivered photos."""
    return not (order.everything_is_refunded or order.result_is_undelivered or order.money_is_owed)
