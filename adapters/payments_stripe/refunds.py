"""A refund as Stripe shows it, in its webhooks and over its API alike."""

import msgspec

from adapters.payments_stripe.sessions import money
from adapters.webhooks.fields import our_id
from domain.order.values import RefundId
from domain.ports.payments import ProviderRefund

#: Statuses in which the money stays with, or came back to, the shop.
FAILED_REFUNDS = frozenset({"failed", "canceled"})
#: The status of a refund whose money was paid; any other one that has not failed is on its way.
PAID_REFUND = "succeeded"


class Refund(msgspec.Struct):
    """The fields that the shop needs."""

    id: str
    amount: int
    currency: str
    status: str | None = None
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None

    @property
    def our_id(self) -> RefundId | None:
        """The id that the shop gave it; none of one that was made elsewhere."""
        told = our_id((self.metadata or {}).get("refund_id"))
        return RefundId(told) if told else None


def as_refund(refund: Refund, *, has_failed: bool = False) -> ProviderRefund:
    """The refund in the shop's words; ``has_failed`` says what its status may not show yet."""
    has_failed = has_failed or refund.status in FAILED_REFUNDS
    return ProviderRefund(
        provider_refund_id=refund.id,
        has_failed=has_failed,
        is_pending=not has_failed and refund.status != PAID_REFUND,
        amount=money(refund.amount, refund.currency),
        payment_intent_id=refund.payment_intent,
        refund_id=refund.our_id,
    )
