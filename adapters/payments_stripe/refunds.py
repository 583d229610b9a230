"""A refund in Stripe's webhooks and API responses; ``api.py`` creates refunds."""

import msgspec

from adapters.payments_stripe.field_types import Amount, CurrencyCode, Name
from adapters.payments_stripe.sessions import money
from adapters.webhooks.fields import ProviderId, our_id
from domain.order.values import RefundId
from domain.ports.payments import ProviderRefund

#: Statuses in which the shop keeps the money or got it back.
FAILED_REFUNDS = frozenset({"failed", "canceled"})
#: The status of a paid refund; every other status that is not a failure is pending.
PAID_REFUND = "succeeded"


class Refund(msgspec.Struct):
    """The fields of a refund that the shop uses."""

    id: ProviderId
    amount: Amount
    currency: CurrencyCode
    status: Name | None = None
    payment_intent: ProviderId | None = None
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None

    @property
    def our_id(self) -> RefundId | None:
        """Return our refund id; None if the refund was created elsewhere."""
        refund_id = our_id((self.metadata or {}).get("refund_id"))
        return RefundId(refund_id) if refund_id else None


def as_refund(refund: Refund, *, has_failed: bool = False) -> ProviderRefund:
    """Convert a refund; ``has_failed`` overrides a status that lags behind."""
    has_failed = has_failed or refund.status in FAILED_REFUNDS
    return ProviderRefund(
        provider_refund_id=refund.id,
        has_failed=has_failed,
        is_pending=not has_failed and refund.status != PAID_REFUND,
        amount=money(refund.amount, refund.currency),
        payment_intent_id=refund.payment_intent,
        refund_id=refund.our_id,
    )
