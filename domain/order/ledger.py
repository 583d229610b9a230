"""The ledger of an order: what was paid, asked back, paid back, disputed and lost, as the log tells it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.order.values import (
    CustomerId,
    DisputeOutcome,
    ImageId,
    Money,
    PointsReason,
    RefundId,
    RefundReason,
)


class RefundStatus(StrEnum):
    """How far a refund has come."""

    REQUESTED = "requested"
    PENDING = "pending"  # the provider accepted it, and has not paid it yet
    ISSUED = "issued"
    FAILED = "failed"
    DROPPED = "dropped"  # the money went back another way


@dataclass(frozen=True, kw_only=True)
class Refund:
    """Money on its way back; ``attempt`` counts definite refusals, each of which needs a fresh try."""

    refund_id: RefundId
    amount: Money
    reason: RefundReason
    image_ids: tuple[ImageId, ...]
    status: RefundStatus = RefundStatus.REQUESTED
    attempt: int = 1
    provider_refund_id: str | None = None
    failed_provider_refund_ids: frozenset[str] = frozenset()  # word of these may still come, late


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """What a bank disputes; ``outcome`` is none until it has decided."""

    dispute_id: str
    amount: Money | None  # none where a decision overtook the opening and did not tell it
    outcome: DisputeOutcome | None = None
    is_inquiry: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the bank has its hand on the money until it decides."""
        return self.outcome is None and not self.is_inquiry


@dataclass(frozen=True, kw_only=True)
class PointsEntry:
    """Points that came to a customer, or went if ``points`` is negative, because of the order."""

    customer_id: CustomerId
    points: int
    reason: PointsReason


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """An order's money. Amounts are minor units of the payment's currency.

    A refund in another currency counts for nothing, a dispute for the whole payment: an order with such is held.
    """

    paid: int = 0
    currency: str = ""
    refunds: Mapping[RefundId, Refund] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)

    @property
    def requested(self) -> int:
        """What was asked back and the provider has not accepted yet."""
        return self._sum(RefundStatus.REQUESTED)

    @property
    def pending(self) -> int:
        """What the provider accepted and has not paid yet."""
        return self._sum(RefundStatus.PENDING)

    @property
    def pending_refunds_at_provider(self) -> int:
        """What the customer is going to have back and has not yet, wherever it is by now."""
        return self.requested + self.pending + self.failed

    @property
    def is_refunded_by_us(self) -> bool:
        """Whether a refund of the shop is paid or under way; money that a bank took back is none."""
        return self.requested + self.pending + self.issued > 0

    @property
    def issued(self) -> int:
        """What the provider paid back."""
        return self._sum(RefundStatus.ISSUED)

    @property
    def failed(self) -> int:
        """What the provider refused to pay back: it is owed all the same."""
        return self._sum(RefundStatus.FAILED)

    @property
    def disputed(self) -> int:
        """What banks have yet to decide about."""
        return sum(self._amount_of(d) for d in self.disputes.values() if d.is_open)

    @property
    def lost(self) -> int:
        """What banks took."""
        is_lost = DisputeOutcome.LOST
        return sum(self._amount_of(d) for d in self.disputes.values() if d.outcome is is_lost)

    @property
    def returned_amount(self) -> int:
        """What the customer has back, from the shop or through a bank."""
        return min(self.issued + self.lost, self.paid)

    @property
    def all_is_accepted(self) -> bool:
        """Whether nothing of the payment waits for the provider to accept its refund."""
        return self.pending + self.issued + self.lost >= self.paid > 0

    @property
    def overpaid(self) -> int:
        """What was refunded beyond the payment: by hand and at the provider, for example."""
        return max(self.issued + self.pending - self.paid, 0)

    @property
    def pending_refunds_amount(self) -> int:
        """What was asked back or taken by a bank, wherever it is by now."""
        return self.pending_refunds_at_provider + self.issued + self.lost

    @property
    def unrefunded_amount(self) -> int:
        """What of the payment nobody has asked back or taken; less than nothing where a bank took what was asked."""
        return self.paid - self.pending_refunds_amount

    @property
    def refundable(self) -> int:
        """What may still be asked back: nothing of what a bank has its hand on."""
        return max(self.unrefunded_amount - self.disputed, 0)

    @property
    def covered_images(self) -> frozenset[ImageId]:
        """The images whose share is on its way back, or is back."""
        return frozenset(
            image_id for refund in self.all_but(RefundStatus.DROPPED) for image_id in refund.image_ids
        )

    @property
    def is_disputed(self) -> bool:
        """Whether a bank has yet to decide about the payment."""
        return any(dispute.is_open for dispute in self.disputes.values())

    @property
    def has_open_inquiry(self) -> bool:
        """Whether a bank asks about the payment, which takes no money."""
        return any(dispute.is_inquiry and dispute.outcome is None for dispute in self.disputes.values())

    def having(self, *statuses: RefundStatus) -> list[Refund]:
        """The refunds of these statuses, oldest first."""
        return [refund for refund in self.refunds.values() if refund.status in statuses]

    def all_but(self, *statuses: RefundStatus) -> Iterable[Refund]:
        """The refunds of all other statuses, oldest first."""
        return (refund for refund in self.refunds.values() if refund.status not in statuses)

    def _sum(self, status: RefundStatus) -> int:
        return sum(
            refund.amount.amount for refund in self.having(status) if refund.amount.currency == self.currency
        )

    def _amount_of(self, dispute: Dispute) -> int:
        if dispute.amount is None:
            return 0
        return dispute.amount.amount if dispute.amount.currency == self.currency else self.paid
