"""Unmatched payments."""

from datetime import datetime
from typing import Protocol

from domain.unmatched_payment import UnmatchedPayment


class UnmatchedPayments(Protocol):
    """Payments that belong to no order."""

    def set_aside(self, payment: UnmatchedPayment) -> None:
        """Keep a payment; one that is there already stays as it is."""
        ...

    def find(self, checkout_session_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        """The payment of a checkout; ``lock`` keeps others from changing it meanwhile."""
        ...

    def find_by_payment(self, payment_intent_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        """The payment of a payment intent; ``lock`` is as for ``find``."""
        ...

    def save(self, payment: UnmatchedPayment) -> None:
        """Write down how a payment that is there stands now."""
        ...

    def unsettled(self) -> list[UnmatchedPayment]:
        """The payments that have neither gone back nor been matched, oldest first."""
        ...

    def due(self, received_before: datetime, now: datetime) -> list[str]:
        """The checkouts whose payments should go back now, oldest first.

        Of those that are open and not put off beyond ``now``: what a checkout of this shop brought before the moment
        given and is not held, and what a person decided to pay back. And those on their way back whose time to try
        again has come.
        """
        ...
