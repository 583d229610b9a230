"""A payment that belongs to no order: it goes back, or a person gives it to the photos it was meant for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import NAMESPACE_URL, uuid5

from domain.order.errors import ShopError
from domain.order.values import Money, RefundId, UploadSessionId


class UnmatchedStatus(StrEnum):
    """Where a payment without an order stands."""

    OPEN = "open"  # waits to go back or to be matched
    REFUNDING = "refunding"  # on its way back: nobody may match it any more
    REFUNDED = "refunded"  # all of it is with the customer again
    MATCHED = "matched"  # an order began with it


class UnknownPaymentError(ShopError):
    """No payment of this checkout is without an order."""

    def __init__(self, checkout_session_id: str) -> None:
        self.checkout_session_id = checkout_session_id
        super().__init__(
            f"No payment of checkout {checkout_session_id} is without an order, here or at the payment provider: "
            "`restoreclick payments unmatched` lists those that are."
        )


class PaymentNotOpenError(ShopError):
    """Somebody, or the shop itself, resolved already what is to be done about a payment."""

    def __init__(self, checkout_session_id: str, status: UnmatchedStatus) -> None:
        self.checkout_session_id = checkout_session_id
        self.status = status
        super().__init__(
            f"The payment of checkout {checkout_session_id} is {status} already: only an open one can be "
            "refunded or matched."
        )


class NotMatchableError(ShopError):
    """This payment and these photos do not make an order."""

    def __init__(self, checkout_session_id: str, upload_session_id: UploadSessionId, problem: str) -> None:
        self.checkout_session_id = checkout_session_id
        self.upload_session_id = upload_session_id
        super().__init__(
            f"The payment of checkout {checkout_session_id} cannot be given to upload session "
            f"{upload_session_id}: {problem}."
        )


@dataclass(frozen=True, kw_only=True)
class UnmatchedPayment:
    """Money that belongs to no order, and what is done about it."""

    checkout_session_id: str
    upload_session_id: UploadSessionId | None  # the one it names; none if this shop did not open its checkout
    payment_intent_id: str | None  # none if it was free
    paid: Money
    reason: str
    received_at: datetime
    status: UnmatchedStatus = UnmatchedStatus.OPEN
    returned: Mapping[str, int] = field(default_factory=dict)  # by the provider's id of refund or dispute
    attempt: int = 1  # at paying it back; each that failed for good is followed by a fresh one
    asked_at: datetime | None = None  # when this attempt began
    retry_at: datetime | None = None  # nobody tries again before
    problem: str | None = None  # what went wrong last
    actor: str | None = None  # who resolved what is to be done
    note: str | None = None  # why, in that person's own words, which may be about a customer
    decided_at: datetime | None = None
    matched_session_id: UploadSessionId | None = None
    is_held: bool = False  # never refunded by the shop itself: a person decides

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be done about it any more."""
        return self.status in {UnmatchedStatus.REFUNDED, UnmatchedStatus.MATCHED}

    @property
    def left(self) -> Money:
        """What has not gone back."""
        return replace(self.paid, amount=self.paid.amount - sum(self.returned.values()))

    @property
    def refund_id(self) -> RefundId:
        """Our id of the refund of what is left: the same at every attempt, until something has gone back."""
        gone = sorted(provider_id for provider_id, amount in self.returned.items() if amount)
        return RefundId(uuid5(NAMESPACE_URL, ":".join(["unmatched", self.checkout_session_id, *gone])))

    def resolved(self, actor: str, note: str | None, now: datetime) -> Self:
        """The payment after somebody resolved what is to be done about it."""
        return replace(self, actor=actor, note=note, decided_at=now)

    def with_returned(self, provider_id: str, amount: int, now: datetime) -> Self:
        """The payment after word that a refund or a dispute took ``amount``: nothing if it failed or was won.

        What had gone back and is here again goes back anew, in an attempt of its own.
        """
        told = replace(self, returned={**self.returned, provider_id: amount})
        if self.status is UnmatchedStatus.MATCHED:
            return told
        if told.left.amount <= 0:
            return told.given_back()
        if self.status is UnmatchedStatus.REFUNDED:
            return told.failed("what had gone back is here again", now)
        return told

    def with_failed_refund(self, provider_id: str, refund_id: RefundId | None, now: datetime) -> Self:
        """The payment after a refund failed, ours if it carries ``refund_id``: due again where we waited for it."""
        was_awaited = self.status is UnmatchedStatus.REFUNDING and refund_id == self.refund_id
        after = self.with_returned(provider_id, 0, now)
        return (
            after.failed("the provider could not pay it", now) if was_awaited and after.left.amount else after
        )

    def pending_refunds_at_provider(self, look_at: datetime) -> Self:
        """The payment while the provider has yet to pay the refund, which is looked at again at ``look_at``."""
        return replace(self, problem=None, retry_at=look_at)

    def given_back(self) -> Self:
        """The payment after all of it went back."""
        return replace(self, status=UnmatchedStatus.REFUNDED, problem=None, retry_at=None)

    def failed(self, problem: str, retry_at: datetime) -> Self:
        """The payment after it certainly did not go back: it is open again, with a fresh attempt to come."""
        return replace(
            self,
            status=UnmatchedStatus.OPEN,
            attempt=self.attempt + 1,
            asked_at=None,
            retry_at=retry_at,
            problem=problem,
        )
