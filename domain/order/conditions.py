"""The conditions of the lifecycle's table: what is asked of an order that knows the event's facts already."""

from domain.order.order import Order


def every_image_is_settled(order: Order) -> bool:
    """Whether the restorer has nothing left to do for what was paid."""
    return order.every_image_is_settled


def nothing_can_follow(order: Order) -> bool:
    """Whether every image failed and no money has to be refunded: a free order without a result."""
    return order.every_image_is_settled and not order.restored_images and order.paid_amount == 0


def result_is_sent(order: Order) -> bool:
    """Whether an e-mail with the link was accepted, and did not bounce."""
    return order.result_is_sent


def result_is_sent_and_money_is_owed(order: Order) -> bool:
    """Whether the restored images are delivered and the failed ones not yet refunded."""
    return order.result_is_sent and order.money_is_owed


def result_is_undelivered(order: Order) -> bool:
    """Whether no e-mail with the link is known to have arrived, and the customer fetched nothing."""
    return order.result_is_undelivered


def money_is_owed(order: Order) -> bool:
    """Whether a failed image's share, or a requested refund, is not refunded yet."""
    return order.money_is_owed


def nothing_is_owed(order: Order) -> bool:
    """Whether no refund is open."""
    return not order.money_is_owed


def everything_is_refunded(order: Order) -> bool:
    """Whether all that was paid is refunded, and no restored image is paid for."""
    return order.everything_is_refunded


def is_full_refund_pending(order: Order) -> bool:
    """Whether the order was stopped, or had no result, so that all that was paid is to be refunded."""
    return order.is_full_refund_pending


def is_fully_refunded(order: Order) -> bool:
    """Whether the customer has all that was paid back, by whatever way and reason.

    Of a free order nothing can be refunded but what was refunded at the provider all the same.
    """
    ledger = order.ledger
    return ledger.returned_amount >= ledger.paid and (
        ledger.paid > 0 or not ledger.pending_refunds_at_provider
    )


def is_complete_after_all(order: Order) -> bool:
    """Whether a bank returned what it had taken for photos that are delivered."""
    return not (order.everything_is_refunded or order.result_is_undelivered or order.money_is_owed)
