"""Events that fit an order's present state, from every source."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from domain.order import events as e
from domain.order.deterministic_ids import refund_id_at_provider
from domain.order.email import EmailStatus
from domain.order.order import Order
from domain.order.values import (
    CustomerId,
    DisputeOutcome,
    EmailKind,
    FailureReason,
    HoldReason,
    ImageId,
    PointsReason,
)
from tests.domain.support.event_builders import PHONE, SCANNER, Facts, euros

DISPUTES = ("dp_1", "dp_2")


def asked_back(facts: Facts, order: Order) -> Iterator[e.Event]:
    """Staff refund all, a part, one unit, or a photo."""
    left, sequence = order.refundable_amount, len(order.refunds) + 1
    for amount in {left, (left + 1) // 2, min(left, 1)}:
        yield facts.refund_requested(amount, sequence=sequence)
    for index, image in enumerate(order.images.values()):
        yield facts.refund_requested(min(image.share.amount, left), index, sequence=sequence)


def at_the_provider(facts: Facts, order: Order) -> Iterator[e.Event]:
    """Refunds are paid or fail, and others are made in the dashboard."""
    for refund in order.refunds.values():
        tried = f"re_{refund.attempt}_{refund.refund_id}"
        for kind in (e.RefundAccepted, e.RefundIssued):
            yield kind(refund_id=refund.refund_id, amount=refund.amount, provider_refund_id=tried)
        known = {refund.provider_refund_id, tried, None} | refund.failed_provider_refund_ids
        for provider_refund_id in sorted(known, key=str):
            yield e.RefundFailed(
                refund_id=refund.refund_id, provider_refund_id=provider_refund_id, reason="declined"
            )
    # Manual refunds and those at the provider may exceed the payment; then nothing is left to refund there.
    in_hand = max(order.paid_amount - order.refunded_amount - order.ledger.pending, 0)
    provider_refund_id = f"re_dashboard_{len(order.refunds)}"
    for amount in {in_hand, (in_hand + 1) // 2, min(facts.price, in_hand)} - {0}:
        for kind in (e.RefundAccepted, e.RefundIssued):
            yield kind(
                refund_id=refund_id_at_provider(order.order_id, provider_refund_id),
                amount=euros(amount),
                provider_refund_id=provider_refund_id,
            )


def by_banks(facts: Facts, order: Order) -> Iterator[e.Event]:
    """Banks dispute all or one photo's price, and decide.

    The decision may arrive first, and may be reversed.
    """
    for dispute_id in DISPUTES:
        for amount in {order.paid_amount, facts.price, max(order.ledger.unrefunded_amount, 0)} - {0}:
            if dispute_id not in order.disputes:
                yield facts.disputed(dispute_id, amount)
                yield facts.disputed(dispute_id, amount, is_inquiry=True)
            elif order.disputes[dispute_id].is_inquiry:
                yield facts.disputed(dispute_id, amount)
            for outcome in DisputeOutcome:
                yield e.DisputeClosed(dispute_id=dispute_id, outcome=outcome, amount=euros(amount))


def at_the_restorer(facts: Facts, order: Order) -> Iterator[e.Event]:
    """Awaited attempts succeed or fail; others end as well."""
    for index, image in enumerate(order.images.values()):
        running = image.running
        attempt = running.number if running else image.next_attempt
        prediction = running.prediction_id if running else f"p-{index}-{attempt}"
        yield facts.started(index, attempt, f"p-{index}-{attempt}")
        yield facts.restored(index, attempt, prediction)
        for reason in (FailureReason.TIMED_OUT, FailureReason.CONTENT_FILTER):
            yield facts.attempt_failed(index, attempt, reason, prediction)
        yield facts.failed(index, attempt, FailureReason.UNAVAILABLE)
        yield facts.redo_failed(index, attempt, FailureReason.UNAVAILABLE)


def about_mails(facts: Facts, order: Order) -> Iterator[e.Event]:
    """Every mail may be accepted, lost, refused or bounce.

    A mail that was sent is likelier to bounce.
    """
    for email in order.emails.values():
        yield replace(facts.bounced(email.kind), email_id=email.email_id)
        yield replace(facts.deferred(email.kind), email_id=email.email_id)
        yield replace(facts.blocked(email.kind), email_id=email.email_id)
        yield replace(facts.opted_out(email.kind), email_id=email.email_id)
        if email.status is not EmailStatus.SENT:
            yield replace(facts.sent(email.kind), email_id=email.email_id)
            yield replace(facts.unconfirmed(email.kind), email_id=email.email_id)
            yield replace(facts.email_failed(email.kind), email_id=email.email_id)


def requested_events(facts: Facts, order: Order) -> Iterator[e.Event]:
    """Customers and staff request redos, mails and links, and open links."""
    for index in range(facts.photos):
        yield facts.redo(index)
        yield facts.redo(index, by_customer=False)
    for kind in EmailKind:
        yield facts.email_requested(kind, order.count_of(kind) + 1)
    yield facts.link_issued(len(order.links) + 1)
    for sequence, link in enumerate(order.links.values(), start=1):
        yield facts.link_revoked(sequence)
        things: tuple[ImageId | None, ...] = (None, *order.images)
        for image_id in things:
            yield e.ResultServed(link_id=link.link_id, image_id=image_id, client=SCANNER)
            yield e.ResultDownloaded(link_id=link.link_id, image_id=image_id, client=PHONE)


def by_people(facts: Facts, _: Order) -> Iterator[e.Event]:
    """Holds, releases, notes, and the end of retention."""
    yield from (facts.held(HoldReason.REQUESTED), facts.released(), facts.note())
    yield from (facts.purged(), facts.erased())


def about_points(facts: Facts, _: Order) -> Iterator[e.Event]:
    """The customer and a friend earn points; the customer has spent some."""
    friend = CustomerId(facts.image(1931))
    yield facts.credited(100, PointsReason.WELCOME)
    yield e.PointsCredited(customer_id=friend, points=7, reason=PointsReason.REFERRAL)
    yield facts.debited(50, PointsReason.SPENT)


Chapter = Callable[[Facts, Order], Iterator[e.Event]]

CHAPTERS: tuple[Chapter, ...] = (
    asked_back,
    at_the_provider,
    by_banks,
    at_the_restorer,
    about_mails,
    requested_events,
    by_people,
    about_points,
)
