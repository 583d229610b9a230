"""Strategies for events that need not fit an order."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from hypothesis import strategies as st

from domain.order import events as e
from domain.order.deterministic_ids import refund_id_of
from domain.order.order import Order
from domain.order.values import (
    DisputeOutcome,
    EmailKind,
    FailureReason,
    HoldReason,
    PointsReason,
    RefundId,
    RefundReason,
)
from tests.domain.support.event_builders import Facts, euros

ATTEMPTS = st.integers(min_value=1, max_value=4)
DISPUTES = st.sampled_from(["dp_1", "dp_2"])
PREDICTIONS = st.sampled_from(["p1", "p2", "p3"])
POINTS = st.integers(min_value=-1, max_value=100)
REASONS = st.sampled_from(FailureReason)


def any_fact(kind: type[e.Event], facts: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    """Draw an event of this type about ``order``, valid or not."""
    return _ABOUT[kind](facts, order)


def _indices(facts: Facts) -> st.SearchStrategy[int]:
    return st.integers(min_value=0, max_value=facts.photos)  # the last one is no image of the order


def _paid(facts: Facts, _: Order) -> st.SearchStrategy[e.Event]:
    whole = facts.price * facts.photos
    return st.builds(
        facts.paid,
        st.one_of(st.none(), st.integers(min_value=0, max_value=2 * whole)),
        discount=st.integers(min_value=0, max_value=whole),
        checkout_session_id=st.sampled_from([None, "cs_another"]),
    )


def _email(build: Callable[..., e.Event], order: Order) -> st.SearchStrategy[e.Event]:
    """About a mail of the order, or one that may not exist."""
    anything = st.sampled_from(EmailKind).map(build)
    kinds = dict.fromkeys(email.kind for email in order.emails.values())
    known = [build(kind, sequence=n) for kind in kinds for n in range(1, order.count_of(kind) + 1)]
    return st.one_of(st.sampled_from(known), anything) if known else anything


def _email_requested(facts: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    return st.sampled_from(EmailKind).map(
        lambda kind: facts.email_requested(kind, sequence=order.count_of(kind) + 1)
    )


def _link_sequences(order: Order) -> st.SearchStrategy[int]:
    return st.integers(min_value=1, max_value=len(order.links) + 1)


def _shared_sequences(order: Order) -> st.SearchStrategy[int]:
    return st.integers(min_value=1, max_value=len(order.shared_links) + 1)


def _prepared(facts: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    return st.integers(min_value=1, max_value=order.archive_revision + 1).map(
        lambda edition: facts.prepared(edition=edition, sequence=len(order.links) + 1)
    )


def _refund_by_photo(facts: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    return _indices(facts).map(
        lambda index: facts.refund_requested(facts.price, index, sequence=len(order.refunds) + 1)
    )


def _refund_ids(order: Order) -> st.SearchStrategy[RefundId]:
    known = list(order.refunds)
    return st.sampled_from([*known, refund_id_of(order.order_id, len(known) + 1)])


def _refund_requested(facts: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    return st.one_of(_refund_by_amount(order), _refund_by_photo(facts, order))


def _refund_by_amount(order: Order) -> st.SearchStrategy[e.Event]:
    return st.builds(
        e.RefundRequested,
        refund_id=_refund_ids(order),
        amount=st.integers(min_value=-1, max_value=order.paid_amount + 1).map(euros),
        reason=st.just(RefundReason.REQUESTED),
        image_ids=st.just(()),
    )


def _refund_issued(_: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    return _refund_at_provider(e.RefundIssued, order)


def _refund_accepted(_: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    return _refund_at_provider(e.RefundAccepted, order)


def _refund_at_provider(kind: type[e.RefundProgress], order: Order) -> st.SearchStrategy[e.Event]:
    dashboard: st.SearchStrategy[e.Event] = st.builds(
        kind,
        refund_id=st.just(refund_id_of(order.order_id, 1931)),
        amount=st.integers(min_value=1, max_value=max(order.paid_amount, 1)).map(euros),
        provider_refund_id=st.just("re_dashboard"),
    )
    asked_for: list[e.Event] = [
        kind(refund_id=refund.refund_id, amount=refund.amount, provider_refund_id="re_1")
        for refund in order.refunds.values()
    ]
    return st.one_of(st.sampled_from(asked_for), dashboard) if asked_for else dashboard


def _downloaded(facts: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    return _through_a_link(order, st.sampled_from([None, *order.images]).map(facts.downloaded))


def _through_a_link(
    order: Order, files: st.SearchStrategy[e.ResultServed | e.ResultDownloaded]
) -> st.SearchStrategy[e.Event]:
    """Files through the customer's first link, or through a link for others."""
    return st.tuples(files, st.sampled_from([None, *order.shared_links])).map(
        lambda drawn: drawn[0] if drawn[1] is None else replace(drawn[0], link_id=drawn[1])
    )


_ABOUT: Mapping[type[e.Event], Callable[[Facts, Order], st.SearchStrategy[e.Event]]] = {
    e.PaymentReceived: _paid,
    e.ImagesMoved: lambda facts, _: st.sampled_from([facts.moved(), Facts(photos=facts.photos + 1).moved()]),
    e.RestorationStarted: lambda facts, _: st.builds(facts.started, _indices(facts), ATTEMPTS, PREDICTIONS),
    e.RestorationAttemptFailed: lambda facts, _: st.builds(
        facts.attempt_failed, _indices(facts), ATTEMPTS, REASONS, st.one_of(st.none(), PREDICTIONS)
    ),
    e.SmallResultStored: lambda facts, _: st.builds(facts.small_result, _indices(facts), ATTEMPTS),
    e.RestorationCompleted: lambda facts, _: st.builds(
        facts.restored, _indices(facts), ATTEMPTS, PREDICTIONS
    ),
    e.RestorationFailed: lambda facts, _: st.builds(facts.failed, _indices(facts), ATTEMPTS, REASONS),
    e.RedoRequested: lambda facts, _: st.builds(
        lambda index, by_customer: facts.redo(index, by_customer=by_customer), _indices(facts), st.booleans()
    ),
    e.RedoFailed: lambda facts, _: st.builds(facts.redo_failed, _indices(facts), ATTEMPTS, REASONS),
    e.DownloadPrepared: _prepared,
    e.DownloadLinkIssued: lambda facts, order: st.one_of(
        _link_sequences(order).map(facts.link_issued), _shared_sequences(order).map(facts.link_shared)
    ),
    e.DownloadLinkRevoked: lambda facts, order: st.one_of(
        _link_sequences(order).map(facts.link_revoked),
        _shared_sequences(order).map(facts.shared_link_revoked),
    ),
    e.EmailRequested: _email_requested,
    e.EmailSent: lambda facts, order: _email(facts.sent, order),
    e.EmailUnconfirmed: lambda facts, order: _email(facts.unconfirmed, order),
    e.EmailFailed: lambda facts, order: _email(facts.email_failed, order),
    e.EmailBounced: lambda facts, order: _email(facts.bounced, order),
    e.EmailDeferred: lambda facts, order: _email(facts.deferred, order),
    e.EmailBlocked: lambda facts, order: _email(facts.blocked, order),
    e.EmailOptedOut: lambda facts, order: _email(facts.opted_out, order),
    e.ResultServed: lambda facts, order: _through_a_link(
        order, st.sampled_from([None, *order.images]).map(facts.served)
    ),
    e.ResultDownloaded: _downloaded,
    e.RefundRequested: _refund_requested,
    e.RefundAccepted: _refund_accepted,
    e.RefundIssued: _refund_issued,
    e.RefundFailed: lambda _, order: st.builds(
        e.RefundFailed, refund_id=_refund_ids(order), reason=st.just("insufficient_funds")
    ),
    e.RefundDropped: lambda _, order: st.builds(e.RefundDropped, refund_id=_refund_ids(order)),
    e.DisputeOpened: lambda facts, _: st.builds(
        facts.disputed,
        DISPUTES,
        st.integers(min_value=1, max_value=facts.price * facts.photos + 1),
        is_inquiry=st.booleans(),
    ),
    e.DisputeClosed: lambda facts, _: st.builds(facts.decided, st.sampled_from(DisputeOutcome), DISPUTES),
    e.PointsCredited: lambda facts, _: st.builds(facts.credited, POINTS, st.sampled_from(PointsReason)),
    e.PointsDebited: lambda facts, _: st.builds(facts.debited, POINTS, st.sampled_from(PointsReason)),
    e.OrderHeld: lambda facts, _: st.sampled_from(HoldReason).map(facts.held),
    e.OrderReleased: lambda facts, _: st.just(facts.released()),
    e.NoteAdded: lambda facts, _: st.just(facts.note()),
    e.PhotosPurged: lambda facts, _: st.just(facts.purged()),
    e.OrderErased: lambda facts, _: st.just(facts.erased()),
}
