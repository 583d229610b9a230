"""The port for payments that belong to no order."""

from datetime import datetime
from typing import Protocol

from domain.unmatched_payment import UnmatchedPayment


class UnmatchedPayments(Protocol):
    """Payments that belong to no order."""

    def add(self, payment: UnmatchedPayment) -> None:
        """Store a payment; an existing one stays as it is."""

    def find(self, checkout_session_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        """The payment of a checkout.

        ``lock`` prevents changes by other transactions.
        """

    def find_by_payment(self, payment_intent_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        """The payment of a payment intent; ``lock`` is as for ``find``."""

    def save(self, payment: UnmatchedPayment) -> None:
        """Save the current state of an existing payment."""

    def unsettled(self) -> list[UnmatchedPayment]:
        """The payments neither refunded nor matched, oldest first."""

    def due(self, received_before: datetime, now: datetime) -> list[str]:
        """The checkouts whose payments are to be refunded now, oldest first.

        Of open payments that are not postponed beyond ``now``: those of this shop's checkouts that were received
        before ``received_before`` and are not held, and those that staff decided to refund. Also those being refunded
        whose retry is due.
        """
