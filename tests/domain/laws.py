"""The laws of the house that the pure model must keep, each as a check that names what broke it."""

from adapters.postgres.read_models import Rows, changed_rows, rows_of
from domain.model.lifecycle import TERMINAL, State
from domain.model.order import Order
from domain.model.reactions import (
    DONE_ONCE,
    CollectRestoration,
    IssueRefund,
    PrepareDownload,
    RestoreImage,
    SendEmail,
    needed,
    outstanding,
)


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
    ledger = order.ledger
    assert 0 <= ledger.requested + ledger.issued + ledger.failed <= order.paid_amount
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
        if image.awaits_restorer:
            assert sorted(image.attempts) == list(range(1, len(image.attempts) + 1))


def check_completion(order: Order) -> None:
    """Law 5: a completed order has, for every paid photo, a restored image that was delivered, or an issued refund.

    What a bank took, or a refund of everything, covers every photo.
    """
    if order.state is not State.COMPLETED:
        return
    assert not order.result_is_with_nobody
    repaid = order.ledger.repaid_images
    is_all_back = order.ledger.issued + order.ledger.lost >= order.paid_amount
    for image in order.images.values():
        assert image.restored or image.image_id in repaid or image.share.amount == 0 or is_all_back


def check_it_cannot_be_stuck(order: Order) -> None:
    """Law 11: an order that is neither over, nor held, nor disputed has work that will move it on."""
    if order.state in TERMINAL | {State.NEW} or order.is_held or order.is_disputed:
        return
    assert needed(order), f"an order that is {order.state} waits for nobody"


def check_the_end(order: Order) -> None:
    """An order that is over begins nothing: it only pays back, says so, and stops what still runs."""
    if order.state not in TERMINAL:
        return
    again = (RestoreImage, CollectRestoration, PrepareDownload) if order.state is State.COMPLETED else ()
    for work in outstanding(order):
        assert isinstance(work, (*again, IssueRefund, SendEmail, *DONE_ONCE))
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
