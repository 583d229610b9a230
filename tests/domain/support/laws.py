"""The laws of the house that the pure model must keep, each as a check that names what broke it."""

from collections import Counter
from collections.abc import Iterable, Iterator

from adapters.postgres.read_models import Rows, changed_rows, rows_of
from domain.order import events as e
from domain.order.ledger import RefundStatus
from domain.order.order import EmailStatus, Order
from domain.order.reactions import (
    CancelPrediction,
    CollectRestoration,
    IssueRefund,
    PrepareDownload,
    RestoreImage,
    SendEmail,
    pending_reactions,
    required_reactions,
)
from domain.order.states import REFUND_STATES, TERMINAL, State
from domain.order.values import EmailKind, OrderId, PointsReason, RefundReason, StoredObject


def check_laws(order: Order) -> None:
    """Everything that holds for an order at any time."""
    check_money(order)
    check_shares(order)
    check_points(order)
    check_attempts(order)
    check_links(order)
    check_mails_that_wait(order)
    check_completion(order)
    check_it_cannot_be_stuck(order)
    check_what_was_stopped(order)
    check_the_end(order)


def check_money(order: Order) -> None:
    """Law 4: what the shop asks back never exceeds what was paid; no photo is delivered and refunded.

    Facts are not bounded: a person or a bank may take more than the shop's refunds have left. Nothing is asked back
    then.
    """
    ledger = order.ledger
    ours = [one for one in ledger.all_but(RefundStatus.DROPPED) if one.reason is not RefundReason.AT_PROVIDER]
    assert sum(refund.amount.amount for refund in ours) <= order.paid_amount
    in_hand = order.paid_amount - ledger.issued - ledger.pending - ledger.lost
    assert ledger.requested + ledger.failed <= max(in_hand, 0)
    delivered = {image.image_id for image in order.restored_images}
    for refund in order.refunds.values():
        assert not delivered & set(refund.image_ids), "a photo is both delivered and refunded"


def check_shares(order: Order) -> None:
    """The images' shares add up to what was paid."""
    assert sum(image.share.amount for image in order.images.values()) == order.paid_amount


def check_points(order: Order) -> None:
    """A customer loses no more of what was earned, and gets back no more of what was spent, than there was."""
    sums: Counter[tuple[object, PointsReason]] = Counter()
    for entry in order.points:
        sums[entry.customer_id, entry.reason] += entry.points
    for customer in {entry.customer_id for entry in order.points}:
        earned = sums[customer, PointsReason.WELCOME] + sums[customer, PointsReason.REFERRAL]
        assert 0 <= -sums[customer, PointsReason.TAKEN_BACK] <= earned
        assert 0 <= sums[customer, PointsReason.RETURNED] <= -sums[customer, PointsReason.SPENT]
        if order.paid_amount and order.ledger.returned_amount == order.paid_amount:
            assert sum(entry.points for entry in order.points if entry.customer_id == customer) == 0


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
    assert not order.result_is_undelivered
    repaid = {i for refund in order.ledger.having(RefundStatus.ISSUED) for i in refund.image_ids}
    is_all_back = order.ledger.issued + order.ledger.lost >= order.paid_amount
    for image in order.images.values():
        assert image.restored or image.image_id in repaid or image.share.amount == 0 or is_all_back


def check_links(order: Order) -> None:
    """Whoever has the photos has a link that opens them; one that was revoked is never the one that is sent.

    What a person closed while a bank had the money stays closed when the bank gives it back.
    """
    newest = order.newest_link
    assert newest is None or not newest.is_revoked
    assert newest is not None or not order.is_deliverable or order.disputes


def check_mails_that_wait(order: Order) -> None:
    """No link is sent while a person or a bank has to decide, nor any more once everything goes back."""
    waiting = {work.kind for work in pending_reactions(order) if isinstance(work, SendEmail)}
    if order.state in REFUND_STATES:
        assert waiting <= {EmailKind.REFUND, EmailKind.FAILURE}
    if order.work_is_stopped or order.is_disputed:
        assert not any(kind.brings_a_link for kind in waiting)
    assert order.state is not State.ERASED or not waiting


def check_mails(order: Order, history: Iterable[e.Event]) -> None:
    """One mail per outcome, unless somebody asked for another or the first one came back.

    Each refund that somebody asked for is told once; photos that failed are told with the result, or once without.
    """
    asked = Counter(event.kind for event in history if isinstance(event, e.EmailRequested))
    replaced = Counter(mail.kind for mail in order.emails.values() if mail.status is EmailStatus.REPLACED)
    by_itself = {kind: order.count_of(kind) - asked[kind] - replaced[kind] for kind in EmailKind}
    assert by_itself[EmailKind.CONFIRMATION] <= 1
    assert by_itself[EmailKind.RESULT] + by_itself[EmailKind.PARTIAL_RESULT] <= 1
    assert by_itself[EmailKind.FAILURE] <= 1
    standing = (mail for mail in order.emails.values() if mail.status is not EmailStatus.REPLACED)
    told = Counter(mail.refund_id for mail in standing if mail.refund_id is not None)
    assert all(times == 1 for times in told.values())
    for refund in order.ledger.having(RefundStatus.ISSUED):
        assert refund.reason is RefundReason.NOT_RESTORED or told[refund.refund_id] == 1


def check_nothing_is_lost(before: Order, after: Order) -> None:
    """A result that was there stays, whatever further attempts bring; a mail that was owed stays known."""
    for image_id, image in before.images.items():
        assert set(image.results) <= set(after.images[image_id].results)
    assert before.emails.keys() <= after.emails.keys()
    assert before.links.keys() <= after.links.keys()


def check_it_cannot_be_stuck(order: Order) -> None:
    """Law 11: an order that is neither over, nor held, nor disputed has work that will move it on.

    A refund that is pending, of whatever amount, moves on at the provider, which reports what became of it.
    """
    is_pending = any(order.ledger.having(RefundStatus.PENDING))
    if order.state in TERMINAL | {State.NEW} or order.is_held or order.is_disputed or is_pending:
        return
    assert required_reactions(order), f"an order that is {order.state} waits for nobody"


def check_what_was_stopped(order: Order) -> None:
    """Once everything goes back, nothing is restored or delivered, and what still runs is cancelled."""
    if order.state not in REFUND_STATES:
        assert not order.is_full_refund_pending or order.state is State.ERASED, "the work goes on for nothing"
        return
    work = pending_reactions(order)
    assert not any(isinstance(each, (RestoreImage, CollectRestoration, PrepareDownload)) for each in work)
    for image in order.images.values():
        assert all(CancelPrediction(prediction) in work for prediction in image.open_predictions)


def check_the_end(order: Order) -> None:
    """An order that is over begins nothing: it only pays back, says so, and stops what still runs."""
    if order.state not in TERMINAL:
        return
    again = (RestoreImage, CollectRestoration, PrepareDownload) if order.state is State.COMPLETED else ()
    for work in pending_reactions(order):
        assert work.is_done_once or isinstance(work, (*again, IssueRefund, SendEmail))
    if order.state is State.REFUNDED and order.ledger.returned_amount < order.paid_amount:
        is_open = order.money_is_owed or order.is_disputed
        assert is_open, "an order is refunded, its money is not back, and nobody owes it"


def objects_named_in(history: Iterable[e.Event]) -> Iterator[StoredObject]:
    """The objects that an order's events name, for law 8; temp uploads are left out, housekeeping takes those."""
    for event in history:
        match event:
            case e.ImagesMoved(images=images):
                yield from (image.original for image in images)
            case (
                e.SmallResultStored(restored=stored) | e.RestorationCompleted(restored=stored)
            ) | e.DownloadPrepared(archive=stored):
                yield stored
            case _:
                pass


def no_rows(order_id: OrderId) -> Rows:
    """The read models of an order of which nothing is on record."""
    return rows_of(Order(order_id=order_id))


def with_changes(rows: Rows, before: Order, after: Order) -> Rows:
    """The rows of the read models after what changed was written over them."""
    written = {name: dict(table) for name, table in rows.items()}
    keys = rows_of(after)
    for name, changed in changed_rows(before, after).items():
        for key, row in keys[name].items():
            if row in changed:
                written[name][key] = row
    return written
