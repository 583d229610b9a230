"""Facts that may or may not fit an order: what reality, a confused provider or a person could say about it."""

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from domain.model import events as e
from domain.model.identity import refund_id_of
from domain.model.order import Order
from domain.model.values import (
    DisputeOutcome,
    EmailKind,
    FailureReason,
    HoldReason,
    RefundId,
    RefundReason,
)
from tests.domain.facts import Facts, euros

ATTEMPTS = st.integers(min_value=1, max_value=4)
DISPUTES = st.sampled_from(["dp_1", "dp_2"])
PREDICTIONS = st.sampled_from(["p1", "p2", "p3"])
REASONS = st.sampled_from(FailureReason)


def any_fact(kind: type[e.Event], facts: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    """A fact of this kind about ``order``, true or not, possible or not."""
    return _ABOUT[kind](facts, order)


def _indices(facts: Facts) -> st.SearchStrategy[int]:
    return st.integers(min_value=0, max_value=facts.photos)  # the last one is an image of nobody's


def _paid(facts: Facts, _: Order) -> st.SearchStrategy[e.Event]:
    whole = facts.price * facts.photos
    return st.builds(
        facts.paid,
        st.one_of(st.none(), st.integers(min_value=0, max_value=2 * whole)),
        discount=st.integers(min_value=0, max_value=whole),
        checkout_session_id=st.sampled_from([None, "cs_another"]),
    )


def _email(build: Callable[[EmailKind], e.Event]) -> st.SearchStrategy[e.Event]:
    return st.sampled_from(EmailKind).map(build)


def _refund_ids(order: Order) -> st.SearchStrategy[RefundId]:
    known = list(order.refunds)
    return st.sampled_from([*known, refund_id_of(order.order_id, len(known) + 1)])


def _refund_requested(_: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    return st.builds(
        e.RefundRequested,
        refund_id=_refund_ids(order),
        amount=st.integers(min_value=-1, max_value=order.paid_amount + 1).map(euros),
        reason=st.just(RefundReason.REQUESTED),
        image_ids=st.just(()),
    )


def _refund_issued(_: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    dashboard = st.builds(
        e.RefundIssued,
        refund_id=st.just(refund_id_of(order.order_id, 1931)),
        amount=st.integers(min_value=1, max_value=max(order.paid_amount, 1)).map(euros),
        provider_refund_id=st.just("re_dashboard"),
    )
    asked_for = [
        e.RefundIssued(refund_id=refund.refund_id, amount=refund.amount, provider_refund_id="re_1")
        for refund in order.refunds.values()
    ]
    return st.one_of(st.sampled_from(asked_for), dashboard) if asked_for else dashboard


def _downloaded(facts: Facts, order: Order) -> st.SearchStrategy[e.Event]:
    return st.sampled_from([None, *order.images]).map(facts.downloaded)


_ABOUT: Mapping[type[e.Event], Callable[[Facts, Order], st.SearchStrategy[e.Event]]] = {
    e.PaymentReceived: _paid,
    e.ImagesMoved: lambda facts, _: st.sampled_from([facts.moved(), Facts(photos=facts.photos + 1).moved()]),
    e.RestorationStarted: lambda facts, _: st.builds(facts.started, _indices(facts), ATTEMPTS, PREDICTIONS),
    e.RestorationAttemptFailed: lambda facts, _: st.builds(
        facts.attempt_failed, _indices(facts), ATTEMPTS, REASONS, st.one_of(st.none(), PREDICTIONS)
    ),
    e.RestorationCompleted: lambda facts, _: st.builds(
        facts.restored, _indices(facts), ATTEMPTS, PREDICTIONS
    ),
    e.RestorationFailed: lambda facts, _: st.builds(facts.failed, _indices(facts), ATTEMPTS, REASONS),
    e.DownloadPrepared: lambda facts, _: st.just(facts.prepared()),
    e.EmailSent: lambda facts, _: _email(facts.sent),
    e.EmailUnconfirmed: lambda facts, _: _email(facts.unconfirmed),
    e.EmailFailed: lambda facts, _: _email(facts.email_failed),
    e.ResultDownloaded: _downloaded,
    e.RefundRequested: _refund_requested,
    e.RefundIssued: _refund_issued,
    e.RefundFailed: lambda _, order: st.builds(
        e.RefundFailed, refund_id=_refund_ids(order), reason=st.just("insufficient_funds")
    ),
    e.DisputeOpened: lambda facts, _: DISPUTES.map(facts.disputed),
    e.DisputeClosed: lambda facts, _: st.builds(facts.decided, st.sampled_from(DisputeOutcome), DISPUTES),
    e.OrderHeld: lambda facts, _: st.sampled_from(HoldReason).map(facts.held),
    e.OrderReleased: lambda facts, _: st.just(facts.released()),
    e.NoteAdded: lambda facts, _: st.just(facts.note()),
    e.PhotosPurged: lambda facts, _: st.just(facts.purged()),
    e.OrderErased: lambda facts, _: st.just(facts.erased()),
}
