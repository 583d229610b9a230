"""Laws 6, 11 and 14: claims, progress and open reactions."""

import re
from collections.abc import Iterator
from uuid import UUID

from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.reactions import (
    CancelPrediction,
    CollectRestoration,
    IssueRefund,
    PrepareDownload,
    RestoreImage,
    SendEmail,
    pending_reactions,
    reaction_id_of,
    required_reactions,
)
from domain.order.states import REFUND_STATES, TERMINAL, State
from domain.order.values import EmailKind
from domain.unmatched_payment import UnmatchedStatus
from tests.laws.snapshot import ProviderCall, Snapshot, Violation, violation

#: How the reaction runner names a cause: the reaction, the token of its claim, whether attempts ran out, a number.
CAUSE = re.compile(r"reaction:(?P<reaction>[0-9a-f-]{36}):(?P<token>[0-9a-f-]{36})(?P<exhausted>:\w+)?#")


def work_is_done_by_its_claim(snapshot: Snapshot) -> Iterator[Violation]:
    """Require a claim before each call and a lease behind each result."""
    for call in snapshot.calls:
        if not _is_claimed(call, snapshot):
            yield violation(6, f"{call.sentence} was made without a committed claim.", *call.work[1:])
    holders: dict[tuple[str, UUID], UUID | None] = {}
    for change in snapshot.lease_changes:
        before, held = change.token_before, change.writer_holds
        if change.is_claim:
            until = change.leased_until_before
            if before is not None and until is not None and until > change.at:
                yield violation(6, "A lease was taken that had not run out.", change.reaction_id)
            continue
        holders[change.transaction, change.reaction_id] = before
        if before is None or (held is not None and before not in held):
            yield violation(6, "Work was closed by a worker that did not hold its lease.", change.reaction_id)
    for row in snapshot.stored_events:
        if found := CAUSE.match(row.cause_key):
            reaction_id, token = UUID(found["reaction"]), UUID(found["token"])
            holder = holders.get((row.transaction, reaction_id))
            if holder != token and not found["exhausted"]:
                sentence = f"Version {row.version} is recorded by claim {token}, and {holder} held the lease."
                yield violation(6, sentence, row.order_id, reaction_id)


def _is_claimed(call: ProviderCall, snapshot: Snapshot) -> bool:
    claims = (snapshot.claims or {}).get(call.work, ())
    if any(claim.at <= call.at and call.token in {None, claim.token} for claim in claims):
        return True
    # The refund of a payment without an order is claimed by its own row.
    claiming = {UnmatchedStatus.REFUNDING, *([UnmatchedStatus.REFUNDED] if snapshot.is_at_rest else [])}
    refunds = {("IssueRefund", row.refund_id) for row in snapshot.unmatched if row.status in claiming}
    return call.work in refunds


def orders_come_to_rest(snapshot: Snapshot) -> Iterator[Violation]:
    """Require that no order is stuck, and each ends in time."""
    for order in snapshot.orders.values():
        for sentence in (
            *_cannot_be_stuck(order),
            *_what_was_stopped(order),
            *_the_end(order),
            *_mails(order),
        ):
            yield violation(11, sentence, order.order_id)
    if not snapshot.time_is_up:
        return
    for order in snapshot.orders.values():
        is_over = order.state in TERMINAL and not order.is_held and not required_reactions(order)
        if not is_over and order.hold not in snapshot.allowed_holds:
            yield violation(
                11, f"An order still waits: it is {order.state}, held: {order.hold}.", order.order_id
            )
    for prediction in snapshot.predictions:
        if prediction.is_running:
            yield violation(11, "A prediction runs that no order waits for.", prediction.prediction_id)
    for sentence in snapshot.unfinished:
        yield violation(11, sentence)


def _cannot_be_stuck(order: Order) -> Iterator[str]:
    """Require work for an order that waits for nothing else."""
    for image in order.images.values():
        if image.restored and image.failure:
            yield "An image is both restored and failed."
        if image.awaits_restorer and sorted(image.attempts) != list(range(1, len(image.attempts) + 1)):
            yield "Attempts have a gap, so their limit is not reached."
    waits = order.is_held or order.is_disputed or any(order.ledger.having(RefundStatus.PENDING))
    if order.state not in TERMINAL | {State.NEW} and not waits and not required_reactions(order):
        yield f"An order that is {order.state} has no work that would move it on."


def _what_was_stopped(order: Order) -> Iterator[str]:
    """Require that a full refund stops all restoration and delivery."""
    if order.state not in REFUND_STATES:
        if order.is_full_refund_pending and order.state is not State.ERASED:
            yield "Work goes on although everything is refunded."
        return
    work = pending_reactions(order)
    if any(isinstance(each, (RestoreImage, CollectRestoration, PrepareDownload)) for each in work):
        yield "An order whose money is refunded is still worked at."
    for image in order.images.values():
        if any(CancelPrediction(prediction) not in work for prediction in image.open_predictions):
            yield "An order whose money is refunded leaves a prediction running."


def _the_end(order: Order) -> Iterator[str]:
    """Require that an ended order only refunds, notifies and cancels."""
    if order.state not in TERMINAL:
        return
    again = (RestoreImage, CollectRestoration, PrepareDownload) if order.state is State.COMPLETED else ()
    for work in pending_reactions(order):
        if not (work.is_done_once or isinstance(work, (*again, IssueRefund, SendEmail))):
            yield f"An order that is {order.state} begins {work}."
    is_short = order.state is State.REFUNDED and order.ledger.returned_amount < order.paid_amount
    if is_short and not (order.money_is_owed or order.is_disputed):
        yield "An order is refunded, its money is not back, and nothing owes it."


def _mails(order: Order) -> Iterator[str]:
    """Require that no link is sent before a decision or after refunds."""
    waiting = {work.kind for work in pending_reactions(order) if isinstance(work, SendEmail)}
    if order.state in REFUND_STATES and not waiting <= {EmailKind.REFUND, EmailKind.FAILURE}:
        yield f"An order whose money is refunded is about to send {sorted(waiting)}."
    if (order.work_is_stopped or order.is_disputed) and any(kind.brings_a_link for kind in waiting):
        yield "A link is about to be sent while a decision is awaited."
    if order.state is State.ERASED and waiting:
        yield "An erased customer is about to get a mail."


def required_reactions_are_open(snapshot: Snapshot) -> Iterator[Violation]:
    """Require an open row for each required reaction."""
    for row in snapshot.stored_events:
        found = CAUSE.match(row.cause_key)
        if found and found["exhausted"]:
            sentence = (
                f"{row.cause_key} used up its attempts, all of them without an error, and is needed still."
            )
            yield violation(14, sentence, row.order_id, found["reaction"])
    if snapshot.reaction_outcomes is None:
        return
    for order in snapshot.orders.values():
        for reaction in required_reactions(order):
            outcome = snapshot.reaction_outcomes.get(
                reaction_id_of(order.order_id, reaction), "without a row"
            )
            if outcome is not None:
                yield violation(14, f"{reaction} is needed and is {outcome}.", order.order_id)
