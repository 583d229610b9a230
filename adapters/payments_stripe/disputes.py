"""A dispute in Stripe's webhooks and API responses."""

from datetime import UTC, datetime

import msgspec

from adapters.payments_stripe.field_types import Amount, CurrencyCode, Name
from adapters.payments_stripe.sessions import money
from adapters.webhooks.fields import ProviderId, plain_code
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
#: The end of the year 9999, beyond which Python knows no time.
_LAST = 253_402_300_800
#: A prevented dispute of this case type was resolved in the customer's favour: the bank has the money.
_RESOLUTION = "resolution"


class _Card(msgspec.Struct):
    case_type: str | None = None


class _Method(msgspec.Struct):
    card: _Card | None = None


class _EvidenceDetails(msgspec.Struct):
    due_by: int | None = None


class _Movement(msgspec.Struct):
    """A balance transaction; its other fields are not decoded, whatever they are."""

    amount: int = 0


class Dispute(msgspec.Struct):
    """The fields of a dispute that the shop uses."""

    id: ProviderId
    amount: Amount
    currency: CurrencyCode
    status: Name
    reason: str | None = None
    payment_intent: ProviderId | None = None
    balance_transactions: list[_Movement | str] | None = None
    payment_method_details: _Method | None = None
    evidence_details: _EvidenceDetails | None = None

    @property
    def respond_by(self) -> datetime | None:
        """When the bank wants a response; none without a possible time."""
        due_by = self.evidence_details.due_by if self.evidence_details is not None else None
        return datetime.fromtimestamp(due_by, UTC) if due_by is not None and 0 < due_by < _LAST else None

    @property
    def took_money(self) -> bool:
        """Whether the dispute moved money from the shop's balance to the customer."""
        moved = [one.amount for one in self.balance_transactions or [] if isinstance(one, _Movement)]
        method = self.payment_method_details
        is_resolution = (
            method is not None and method.card is not None and method.card.case_type == _RESOLUTION
        )
        return is_resolution or sum(moved) < 0


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
        respond_by=dispute.respond_by,
    )
