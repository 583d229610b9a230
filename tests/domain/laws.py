"""The laws of the house that the pure model must keep, each as a check that names what broke it."""

from adapters.postgres.read_models import Rows, changed_rows, rows_of
from domain.model.lifecycle import TERMINAL, State
from domain.model.order import Order, RefundStatus
from domain.model.reactions import DONE_ONCE, IssueRefund, SendEmail, needed, outstanding


def check_laws(order: Order) -> None:
    """Everything that holds for an order at any time."""
    check_money(order)
    check_shares(order)
    check_attempts(order)
    check_completion(order)
    check_it_cannot_be_stuck(order)
    check_the_end(order)


def check_money(order: Order) -> None:
    """Law 4: what is asked back and what went back never exceed what was paid; no photo is delivered and refunded."""
    asked = sum(refund.amount.amount for refund in order.refunds.values())
    assert 0 <= order.refunded_amount <= asked <= order.paid_amount
    delivered = {image.image_id for image in order.restored_images}
    for refund in order.refunds.values():
        assert not delivered & set(refund.image_ids), "a photo is both delivered and refunded"


def check_shares(order: Order) -> None:
    """The images' shares add up to what was paid."""
    assert sum(image.share.amount for image in order.images.values()) == order.paid_amount


def check_attempts(order: Order) -> None:
    """Attempts are counted without a gap, so their limit is reached."""
    for image in order.images.values():
        assert not (image.restored and image.failure), "an image is both restored and failed"
        if not image.is_settled:
            assert sorted(image.attempts) == list(range(1, len(image.attempts) + 1))


def check_completion(order: Order) -> None:
    """Law 5: a completed order has, for every paid photo, a restored image that was sent, or an issued refund."""
    if order.state is not State.COMPLETED:
        return
    assert order.result_is_sent
    refunded = {
        image_id
        for refund in order.refunds.values()
        if refund.status is RefundStatus.ISSUED
        for image_id in refund.image_ids
    }
    for image in order.images.values():
        assert image.restored or image.image_id in refunded or image.share.amount == 0


def check_it_cannot_be_stuck(order: Order) -> None:
    """Law 11: an order that is neither over, nor held, nor disputed has work that will move it on."""
    if order.state in TERMINAL | {State.NEW} or order.is_held or order.is_disputed:
        return
    assert needed(order), f"an order that is {order.state} waits for nobody"


def check_the_end(order: Order) -> None:
    """An order that is over begins nothing: it only pays back, says so, and stops what still runs."""
    if order.state not in TERMINAL:
        return
    for work in outstanding(order):
        assert isinstance(work, (IssueRefund, SendEmail, *DONE_ONCE))
    if order.state is State.REFUNDED and not order.everything_is_refunded and order.paid_amount:
        assert order.money_is_owed, "an order is refunded, its money is not back, and nobody owes it"


def with_changes(rows: Rows, before: Order, after: Order) -> Rows:
    """The rows of the read models after what changed was written over them."""
    written = {name: dict(table) for name, table in rows.items()}
    keys = rows_of(after)
    for name, changed in changed_rows(before, after).items():
        for key, row in keys[name].items():
            if row in changed:
                written[name][key] = row
    return written
