"""A payment that belongs to no order.

It is refunded, or staff match it to the upload session that it was meant for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import NAMESPACE_URL, uuid5

from domain.order.errors import ShopError
from domain.order.stored_reasons import NOT_PAYABLE, RETURNED_AGAIN
from domain.order.values import Money, RefundId, UploadSessionId


class UnmatchedStatus(StrEnum):
    """The status of an unmatched payment."""

    OPEN = "open"  # to be refunded or matched
    REFUNDING = "refunding"  # being refunded, and no longer matchable
    REFUNDED = "refunded"  # refunded in full
    MATCHED = "matched"  # matched: an order was placed with it


class UnknownPaymentError(ShopError):
    """There is no unmatched payment of this checkout."""

    def __init__(self, checkout_session_id: str) -> None:
        self.checkout_session_id = checkout_session_id
        super().__init__(
            f"No payment of checkout {checkout_session_id} is without an order, here or at the payment provider: "
            "choose one that is."
        )


class PaymentNotOpenError(ShopError):
    """The payment was resolved already, by staff or automatically."""

    def __init__(self, checkout_session_id: str, status: UnmatchedStatus) -> None:
        self.checkout_session_id = checkout_session_id
        self.status = status
        super().__init__(
            f"The payment of checkout {checkout_session_id} is {status} already: only an open one can be "
            "refunded or matched."
        )


class NotMatchableError(ShopError):
    """This payment and these photos cannot become an order."""

    def __init__(self, checkout_session_id: str, upload_session_id: UploadSessionId, problem: str) -> None:
        self.checkout_session_id = checkout_session_id
        self.upload_session_id = upload_session_id
        super().__init__(
            f"The payment of checkout {checkout_session_id} cannot be given to upload session "
            f"{upload_session_id}: {problem}."
        )


@dataclass(frozen=True, kw_only=True)
class UnmatchedPayment:
    """A payment without an order, and what is done about it."""

    checkout_session_id: str
    upload_session_id: (
        UploadSessionId | None
    )  # the session it names; none if this shop did not open its checkout
    payment_intent_id: str | None  # none if nothing was charged
    paid: Money
    reason: str
    received_at: datetime
    status: UnmatchedStatus = UnmatchedStatus.OPEN
    returned: Mapping[str, int] = field(
        default_factory=dict
    )  # amounts by the provider's id of a refund or dispute
    attempt: int = 1  # of the refund; a permanent failure is followed by the next one
    asked_at: datetime | None = None  # when this attempt began
    retry_at: datetime | None = None  # no retry before
    problem: str | None = None  # the last failure
    actor: str | None = None  # who resolved it
    note: str | None = None  # that staff member's reason, which may contain personal data
    decided_at: datetime | None = None
    matched_session_id: UploadSessionId | None = None
    is_held: bool = False  # never refunded automatically: staff decide

    @property
    def is_settled(self) -> bool:
        """Whether it is refunded or matched."""
        return self.status in {UnmatchedStatus.REFUNDED, UnmatchedStatus.MATCHED}

    @property
    def left(self) -> Money:
        """The amount that has not been returned."""
        return replace(self.paid, amount=self.paid.amount - sum(self.returned.values()))

    @property
    def refund_id(self) -> RefundId:
        """Our id of the refund of what is left.

        It is the same at each attempt until a part was returned, so that a retry is idempotent.
        """
        gone = sorted(provider_id for provider_id, amount in self.returned.items() if amount)
        return RefundId(uuid5(NAMESPACE_URL, ":".join(["unmatched", self.checkout_session_id, *gone])))

    def resolved(self, actor: str, note: str | None, now: datetime) -> Self:
        """The payment with the decision of staff or the shop."""
        return replace(self, actor=actor, note=note, decided_at=now)

    def with_returned(self, provider_id: str, amount: int, now: datetime) -> Self:
        """The payment after a refund or a dispute took ``amount``.

        The amount is 0 if the refund failed or the dispute was won. A payment whose returned amount is back at the
        shop is refunded again, in a new attempt.
        """
        informed = replace(self, returned={**self.returned, provider_id: amount})
        if self.status is UnmatchedStatus.MATCHED:
            return informed
        if informed.left.amount <= 0:
            return informed.with_full_refund()
        if self.status is UnmatchedStatus.REFUNDED:
            return informed.failed(RETURNED_AGAIN, now)
        return informed

    def with_failed_refund(self, provider_id: str, refund_id: RefundId | None, now: datetime) -> Self:
        """The payment after a refund failed.

        If it was the awaited one, which carries ``refund_id``, the payment is open and due again.
        """
        was_awaited = self.status is UnmatchedStatus.REFUNDING and refund_id == self.refund_id
        after = self.with_returned(provider_id, 0, now)
        return after.failed(NOT_PAYABLE, now) if was_awaited and after.left.amount else after

    def with_pending_refund(self, look_at: datetime) -> Self:
        """The payment while its refund is pending, checked again at ``look_at``."""
        return replace(self, problem=None, retry_at=look_at)

    def with_full_refund(self) -> Self:
        """The payment after it was refunded in full."""
        return replace(self, status=UnmatchedStatus.REFUNDED, problem=None, retry_at=None)

    def failed(self, problem: str, retry_at: datetime) -> Self:
        """The payment after its refund failed permanently.

        It is open again, with a new attempt due at ``retry_at``.
        """
        return replace(
            self,
            status=UnmatchedStatus.OPEN,
            attempt=self.attempt + 1,
            asked_at=None,
            retry_at=retry_at,
            problem=problem,
        )
