"""A dispute in Stripe's webhooks and API responses."""

from typing import Any

import msgspec

from adapters.payments_stripe.sessions import money
from adapters.webhooks.fields import plain_code
from domain.order.values import DisputeOutcome
from domain.ports.payments import ProviderDispute

#: Final statuses of a dispute. All others count as open: those under appeal, and unknown ones.
_OUTCOMES = {
    "won": DisputeOutcome.WON,
    "lost": DisputeOutcome.LOST,
    "prevented": DisputeOutcome.PREVENTED,
    "warning_closed": DisputeOutcome.INQUIRY_CLOSED,
}
#: Prefix of the statuses of an inquiry.
_INQUIRY = "warning_"
#: A prevented dispute of this case type was resolved in the customer's favour: the bank has the money.
_RESOLUTION = "resolution"


class _Card(msgspec.Struct):
    case_type: str | None = None


class _Method(msgspec.Struct):
    card: _Card | None = None


class Dispute(msgspec.Struct):
    """The fields of a dispute that the shop uses."""

    id: str
    amount: int
    currency: str
    status: str
    reason: str | None = None
    payment_intent: str | None = None
    balance_transactions: list[dict[str, Any] | str] | None = None
    payment_method_details: _Method | None = None

    @property
    def took_money(self) -> bool:
        """Whether the dispute moved money from the shop's balance to the customer."""
        moved = [one.get("amount") for one in self.balance_transactions or [] if isinstance(one, dict)]
        method = self.payment_method_details
        is_resolution = (
            method is not None and method.card is not None and method.card.case_type == _RESOLUTION
        )
        return is_resolution or sum(amount for amount in moved if isinstance(amount, int)) < 0


def as_dispute(dispute: Dispute) -> ProviderDispute:
    """Convert a dispute; an unknown status counts as open."""
    outcome = _OUTCOMES.get(dispute.status)
    if outcome is DisputeOutcome.PREVENTED and dispute.took_money:
        outcome = DisputeOutcome.LOST
    return ProviderDispute(
        dispute_id=dispute.id,
        payment_intent_id=dispute.payment_intent,
        amount=money(dispute.amount, dispute.currency),
        is_inquiry=outcome is None and dispute.status.startswith(_INQUIRY),
        reason=plain_code(dispute.reason),
        outcome=outcome,
    )
