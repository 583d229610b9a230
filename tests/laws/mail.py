"""Law 9: the log's mails against the mail provider's."""

from collections import Counter
from collections.abc import Iterator, Sequence

from domain.order import events as e
from domain.order.email import EmailStatus
from domain.order.ledger import RefundStatus
from domain.order.values import EmailKind, RefundReason
from tests.laws.snapshot import OrderStream, Snapshot, Violation, violation


def mails_are_accepted_once(snapshot: Snapshot) -> Iterator[Violation]:
    """Require one mail an outcome, accepted once or flagged as ambiguous."""
    for order_id, stream in snapshot.streams.items():
        for sentence in _one_mail_an_outcome(stream):
            yield violation(9, sentence, order_id)
    if snapshot.mails is None:
        return
    accepted = Counter(mail.email_id for mail in snapshot.mails)
    for order_id, stream in snapshot.streams.items():
        for email_id, sentence in _as_accepted(stream.history, accepted):
            yield violation(9, sentence, order_id, email_id)
    yield from _unexplained(snapshot)


def _one_mail_an_outcome(stream: OrderStream) -> Iterator[str]:
    """Allow another mail only on request or after a bounce."""
    order = stream.order
    asked = Counter(event.kind for event in stream.history if isinstance(event, e.EmailRequested))
    replaced = Counter(mail.kind for mail in order.emails.values() if mail.status is EmailStatus.REPLACED)
    due = {kind: order.count_of(kind) - asked[kind] - replaced[kind] for kind in EmailKind}
    results = due[EmailKind.RESULT] + due[EmailKind.PARTIAL_RESULT]
    if max(due[EmailKind.CONFIRMATION], results, due[EmailKind.FAILURE]) > 1:
        yield "More mails were due than there were outcomes."
    announcements = Counter(
        mail.refund_id
        for mail in order.emails.values()
        if mail.status is not EmailStatus.REPLACED and mail.refund_id is not None
    )
    for refund in order.ledger.having(RefundStatus.ISSUED):
        if refund.reason is not RefundReason.NOT_RESTORED and refund.refund_id not in announcements:
            yield f"No mail announces refund {refund.refund_id}."
    if max(announcements.values(), default=0) > 1:
        yield "A refund was announced more than once."


def _as_accepted(history: Sequence[e.Event], accepted: Counter[str]) -> Iterator[tuple[str, str]]:
    sent = {str(event.email_id) for event in history if isinstance(event, e.EmailSent)}
    doubts = Counter(str(event.email_id) for event in history if isinstance(event, e.EmailUnconfirmed))
    reopened = Counter(str(event.email_id) for event in history if isinstance(event, e.EmailFailed))
    for email_id in sorted(sent):
        if not accepted[email_id]:
            yield email_id, "A mail is on record as sent that was never accepted."
    for email_id in sorted(sent | doubts.keys() | reopened.keys()):
        # Each time staff have it tried again, it may be in doubt once more, and be sent once more for that.
        rounds = 1 + reopened[email_id]
        if accepted[email_id] > rounds + min(doubts[email_id], rounds):
            noted = doubts[email_id] + reopened[email_id]
            yield (
                email_id,
                f"A mail was accepted {accepted[email_id]} times, and {noted} doubts are on record.",
            )


def _unexplained(snapshot: Snapshot) -> Iterator[Violation]:
    """Find mails without an event, and mails to a wrong address."""
    known = {
        (str(order_id), str(event.email_id))
        for order_id, stream in snapshot.streams.items()
        for event in stream.history
        if isinstance(event, e.EmailSent | e.EmailUnconfirmed | e.EmailBounced)
    }
    orders = {str(order_id): order for order_id, order in snapshot.orders.items()}
    for mail in snapshot.mails or ():
        if (mail.order_id, mail.email_id) not in known:
            yield violation(9, "A mail was accepted, and nothing is on record of it.", mail.order_id)
        order = orders.get(mail.order_id)
        customer_id = order.payment.customer_id if order and order.payment else None
        address = (snapshot.customers or {}).get(customer_id) if customer_id else None
        if address is not None and address not in mail.addresses:
            yield violation(
                9, "A mail went to another address than the customer's.", mail.order_id, mail.email_id
            )
