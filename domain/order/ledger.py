"""The ledger of an order: amounts computed from its events."""

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
    """The status of a refund."""

    REQUESTED = "requested"
    PENDING = "pending"  # the provider accepted it and has not paid it yet
    ISSUED = "issued"
    FAILED = "failed"
    DROPPED = "dropped"  # the amount was returned another way


@dataclass(frozen=True, kw_only=True)
class Refund:
    """A refund of an order.

    ``attempt`` counts permanent refusals: each needs a new request, with an idempotency key of its own.
    """

    refund_id: RefundId
    amount: Money
    reason: RefundReason
    image_ids: tuple[ImageId, ...]
    status: RefundStatus = RefundStatus.REQUESTED
    attempt: int = 1
    provider_refund_id: str | None = None
    failed_provider_refund_ids: frozenset[str] = frozenset()  # webhook events about these may still arrive


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """A bank dispute; ``outcome`` is none until the bank decides."""

    dispute_id: str
    amount: Money | None  # none where the closing arrived before the opening, without an amount
    outcome: DisputeOutcome | None = None
    is_inquiry: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the disputed amount is withheld until the bank decides."""
        return self.outcome is None and not self.is_inquiry


@dataclass(frozen=True, kw_only=True)
class PointsEntry:
    """Points credited, or debited if negative, because of the order."""

    customer_id: CustomerId
    points: int
    reason: PointsReason


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """An order's amounts, in minor units of the payment's currency.

    A refund in another currency is not counted; a dispute in another currency counts as the full payment. An order with
    either is held.
    """

    paid: int = 0
    currency: str = ""
    refunds: Mapping[RefundId, Refund] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)

    @property
    def requested(self) -> int:
        """Requested and not yet accepted by the provider."""
        return self._sum(RefundStatus.REQUESTED)

    @property
    def pending(self) -> int:
        """Accepted by the provider and not yet paid."""
        return self._sum(RefundStatus.PENDING)

    @property
    def refunds_on_their_way(self) -> int:
        """Requested or accepted by the provider, and not yet paid."""
        return self.requested + self.pending

    @property
    def unpaid_refunds(self) -> int:
        """Owed to the customer and not yet paid: requested, pending or failed."""
        return self.refunds_on_their_way + self.failed

    @property
    def is_refunded_by_us(self) -> bool:
        """Whether a refund of the shop is paid, pending or requested.

        What a bank took does not count.
        """
        return self.requested + self.pending + self.issued > 0

    @property
    def issued(self) -> int:
        """Paid back by the provider."""
        return self._sum(RefundStatus.ISSUED)

    @property
    def failed(self) -> int:
        """Refused by the provider, and still owed."""
        return self._sum(RefundStatus.FAILED)

    @property
    def disputed(self) -> int:
        """The amount of undecided disputes."""
        return sum(self._amount_of(d) for d in self.disputes.values() if d.is_open)

    @property
    def lost(self) -> int:
        """The amount that banks took."""
        is_lost = DisputeOutcome.LOST
        return sum(self._amount_of(d) for d in self.disputes.values() if d.outcome is is_lost)

    @property
    def is_lost_in_another_currency(self) -> bool:
        """Whether a bank took another currency, which counts as the full payment."""
        return any(
            dispute.outcome is DisputeOutcome.LOST
            and dispute.amount is not None
            and dispute.amount.currency != self.currency
            for dispute in self.disputes.values()
        )

    @property
    def returned_amount(self) -> int:
        """What the customer has back, from the shop or a bank."""
        return min(self.issued + self.lost, self.paid)

    @property
    def all_is_accepted(self) -> bool:
        """Whether refunds of the full payment are accepted or paid."""
        return self.pending + self.issued + self.lost >= self.paid > 0

    @property
    def overpaid(self) -> int:
        """The amount refunded beyond the payment.

        For example by staff and at the provider as well.
        """
        return max(self.issued + self.pending - self.paid, 0)

    @property
    def pending_refunds_amount(self) -> int:
        """Everything requested, refunded or taken by a bank."""
        return self.unpaid_refunds + self.issued + self.lost

    @property
    def unrefunded_amount(self) -> int:
        """The part of the payment that is not requested or taken.

        It is negative where a bank took an amount whose refund was requested as well.
        """
        return self.paid - self.pending_refunds_amount

    @property
    def refundable(self) -> int:
        """What may still be refunded: nothing that is disputed."""
        return max(self.unrefunded_amount - self.disputed, 0)

    @property
    def covered_images(self) -> frozenset[ImageId]:
        """The images whose share is being refunded, or was."""
        return frozenset(
            image_id for refund in self.all_but(RefundStatus.DROPPED) for image_id in refund.image_ids
        )

    @property
    def is_disputed(self) -> bool:
        """Whether a bank dispute about the payment is undecided."""
        return any(dispute.is_open for dispute in self.disputes.values())

    @property
    def has_open_inquiry(self) -> bool:
        """Whether a bank inquiry is open; an inquiry takes no money."""
        return any(dispute.is_inquiry and dispute.outcome is None for dispute in self.disputes.values())

    def having(self, *statuses: RefundStatus) -> list[Refund]:
        """The refunds with these statuses, oldest first."""
        return [refund for refund in self.refunds.values() if refund.status in statuses]

    def all_but(self, *statuses: RefundStatus) -> Iterable[Refund]:
        """The refunds with other statuses, oldest first."""
        return (refund for refund in self.refunds.values() if refund.status not in statuses)

    def _sum(self, status: RefundStatus) -> int:
        return sum(
            refund.amount.amount for refund in self.having(status) if refund.amount.currency == self.currency
        )

    def _amount_of(self, dispute: Dispute) -> int:
        if dispute.amount is None:
            return 0
        return dispute.amount.amount if dispute.amount.currency == self.currency else self.paid
