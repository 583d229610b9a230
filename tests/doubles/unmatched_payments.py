"""Unmatched payments in memory."""

from datetime import datetime

from domain.ports.unmatched_payments import UnmatchedPayments
from domain.unmatched_payment import UnmatchedPayment, UnmatchedStatus
from tests.doubles.tables import Tables, hold


class InMemoryUnmatchedPayments(UnmatchedPayments):
    """Payments without an order."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def add(self, payment: UnmatchedPayment) -> None:
        _require_storable(payment)
        self._pages.unmatched.setdefault(payment.checkout_session_id, payment)

    def find(self, checkout_session_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        return self._locked(self._pages.unmatched.get(checkout_session_id), lock=lock)

    def find_by_payment(self, payment_intent_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        found = (one for one in self._pages.unmatched.values() if one.payment_intent_id == payment_intent_id)
        return self._locked(next(found, None), lock=lock)

    def save(self, payment: UnmatchedPayment) -> None:
        _require_storable(payment)
        if payment.checkout_session_id in self._pages.unmatched:
            self._pages.unmatched[payment.checkout_session_id] = payment

    def unsettled(self) -> list[UnmatchedPayment]:
        unsettled = {UnmatchedStatus.OPEN, UnmatchedStatus.REFUNDING}
        found = (one for one in self._pages.unmatched.values() if one.status in unsettled)
        return sorted(found, key=lambda one: one.received_at)

    def due(self, received_before: datetime, now: datetime) -> list[str]:
        return [
            one.checkout_session_id
            for one in self.unsettled()
            if (one.retry_at is None or one.retry_at <= now)
            and (
                one.status is UnmatchedStatus.REFUNDING
                or one.actor is not None
                or (
                    one.upload_session_id is not None
                    and not one.is_held
                    and one.received_at < received_before
                )
            )
        ]

    def _locked(self, payment: UnmatchedPayment | None, *, lock: bool) -> UnmatchedPayment | None:
        if payment is not None and lock:
            hold(self._pages.unmatched, payment.checkout_session_id)
        return payment


def _require_storable(payment: UnmatchedPayment) -> None:
    """Raise OverflowError for an amount beyond PostgreSQL's bigint."""
    if not -(2**63) <= payment.paid.amount < 2**63:
        raise OverflowError("bigint out of range")
