"""Referrals and points: codes at the checkout, credits and debits on payment.

The terms and amounts are in ``domain.referral_program``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from domain.order import events as e
from domain.order.errors import ShopError
from domain.order.values import CustomerId, HoldReason, Money, PointsReason, UploadSessionId
from domain.ports.clock import Clock
from domain.ports.customers import Customer
from domain.ports.email import Rewards
from domain.ports.payments import CheckoutDetails
from domain.ports.unit_of_work import HasCustomers, HasPersonalData, HasPointsBalances
from domain.ports.upload_sessions import Checkout
from domain.referral_program import (
    REFERRAL_CODE_LENGTH,
    Spending,
    as_shown,
    as_typed,
    is_referral_code,
    mailbox_of,
)
from domain.signed_tokens import TokenSigner
from domain.use_cases.shop_policy import ShopPolicy


class ReferralRepositories(HasCustomers, HasPersonalData, HasPointsBalances, Protocol):
    """The repositories that decide whether a payment earns or spends points."""


#: How long points stay reserved after their checkout expired: the webhook of a last-moment payment may be late.
WEBHOOK_DELAY = timedelta(minutes=10)


class UnknownReferralCodeError(ShopError):
    """No customer has this referral code."""

    def __init__(self) -> None:
        super().__init__("No customer has this referral code: correct it or leave it out.")


class OwnReferralCodeError(ShopError):
    """The referral code is the paying customer's own."""

    def __init__(self) -> None:
        super().__init__("This referral code is the customer's own: it is for friends, so leave it out.")


class NoReferralsError(ShopError):
    """The shop's referral program is off."""

    def __init__(self) -> None:
        super().__init__("This shop takes no referral codes now: leave it out.")


class UnknownPointsCodeError(ShopError):
    """No customer's points can be spent with this code."""

    def __init__(self) -> None:
        super().__init__("This points code is not known: copy it from the newest e-mail, or leave it out.")


class NoPointsError(ShopError):
    """No points are available for this price."""

    def __init__(self) -> None:
        super().__init__(
            "There are no points that could be taken off this price now: leave the code out, or wait until another "
            "checkout that uses them has ended."
        )


class TwoCodesError(ShopError):
    """Both a referral code and a points code were given."""

    def __init__(self) -> None:
        super().__init__(
            "A referral code is for a first order, and points come from earlier ones: leave one of the codes out."
        )


@dataclass(frozen=True, kw_only=True)
class Codes:
    """The codes that a customer typed, unchanged."""

    referral: str | None = None
    points: str | None = None

    @property
    def are_none(self) -> bool:
        """Whether neither code was given."""
        return self.referral is None and self.points is None


@dataclass(frozen=True, kw_only=True)
class RedeemedCodes:
    """The customers that the codes resolve to: the referrer or the spender."""

    referrer_id: CustomerId | None = None
    spender_id: CustomerId | None = None

    @classmethod
    def of(cls, checkout: Checkout) -> "RedeemedCodes":
        """The codes that a checkout was opened with."""
        spending = checkout.spending
        return cls(referrer_id=checkout.referrer_id, spender_id=spending.customer_id if spending else None)


class ReferralProgram:
    """Redeem codes at the checkout; credit and debit points on payment."""

    def __init__(self, *, token_signer: TokenSigner, clock: Clock, policy: ShopPolicy) -> None:
        self._token_signer = token_signer
        self._clock = clock
        self._referral_terms = policy.referral_terms

    # Checkout.

    def read(self, transaction: HasCustomers, codes: Codes, email: str | None) -> RedeemedCodes:
        """Resolve codes to customers, and lock the spender.

        The lock lasts until the transaction ends, so that no other checkout spends the same points. Raises
        UnknownReferralCodeError, OwnReferralCodeError, NoReferralsError, UnknownPointsCodeError or TwoCodesError.
        """
        if codes.referral is not None and codes.points is not None:
            raise TwoCodesError
        if codes.referral is not None:
            return RedeemedCodes(referrer_id=self._referrer(transaction, codes.referral, email))
        if codes.points is not None:
            return RedeemedCodes(spender_id=self._spender(transaction, codes.points))
        return RedeemedCodes()

    def reserve(
        self,
        transaction: HasPointsBalances,
        session_id: UploadSessionId,
        spender_id: CustomerId,
        quoted: Money,
    ) -> Spending:
        """Compute the points to spend on a price.

        Points that another open checkout has reserved are not available. Raises NoPointsError.
        """
        points = transaction.points_balances
        expired_before = self._clock.now() - WEBHOOK_DELAY
        available = points.balance(spender_id) - points.reserved(
            spender_id, expired_before, besides=session_id
        )
        spending = self._referral_terms.spending(spender_id, available, quoted)
        if spending is None:
            raise NoPointsError
        return spending

    def _referrer(self, transaction: HasCustomers, code: str, email: str | None) -> CustomerId:
        if not self._referral_terms.takes_referrals:
            raise NoReferralsError
        referrer = _find(transaction, as_typed(code))
        if referrer is None:
            raise UnknownReferralCodeError
        if email is not None and mailbox_of(email) == mailbox_of(referrer.email):
            raise OwnReferralCodeError
        return referrer.customer_id

    def _spender(self, transaction: HasCustomers, code: str) -> CustomerId:
        typed = as_typed(code)
        spender = _find(transaction, typed[:REFERRAL_CODE_LENGTH], lock=True)
        proof = typed[REFERRAL_CODE_LENGTH:]
        if spender is None or not self._token_signer.is_points_token(proof, spender.customer_id):
            raise UnknownPointsCodeError
        return spender.customer_id

    # Payment.

    def lock_customers(
        self, transaction: ReferralRepositories, email: str, spending: Spending | None
    ) -> None:
        """Lock the payer and the spender by ascending id, to avoid deadlocks.

        ``customers.receive`` locks the payer and the day's order numbers, too: without a fixed order, two payments of
        the same two customers could wait for each other forever. The locks last until the transaction ends.
        """
        if spending is None:
            return
        payer = transaction.personal_data.find(email)
        ids = {spending.customer_id, *([payer.customer_id] if payer is not None else [])}
        for customer_id in sorted(ids):
            transaction.customers.find(customer_id, lock=True)

    def follows(
        self,
        transaction: ReferralRepositories,
        payment: e.PaymentReceived,
        paid: CheckoutDetails,
        referrer_id: CustomerId | None,
    ) -> Sequence[e.Event]:
        """The events of points that a payment earns or spends.

        They are to be recorded in the commit that begins the order.
        ``customers.receive`` has locked the payer, so another payment of the same customer waits until this
        transaction ends, and only one order counts as the customer's first.
        """
        if paid.spending is not None:
            return [self._spent(transaction, paid, paid.spending)]
        if referrer_id is None or not self._earns(transaction, payment, paid.email or "", referrer_id):
            return []
        points = self._referral_terms.referral_points
        return [
            e.PointsCredited(customer_id=payment.customer_id, points=points, reason=PointsReason.WELCOME),
            e.PointsCredited(customer_id=referrer_id, points=points, reason=PointsReason.REFERRAL),
        ]

    def _earns(
        self,
        transaction: ReferralRepositories,
        payment: e.PaymentReceived,
        email: str,
        referrer_id: CustomerId,
    ) -> bool:
        """Whether a new customer's first paid order was referred by another.

        The referrer must not have been erased. An order on hold earns points, too: a refund revokes their share.
        """
        if not self._referral_terms.takes_referrals or payment.paid.amount == 0:
            return False
        if transaction.personal_data.orders(payment.customer_id):
            return False
        referrer = transaction.customers.find(referrer_id)
        return referrer is not None and mailbox_of(referrer.email) != mailbox_of(email)

    def _spent(self, transaction: HasPointsBalances, paid: CheckoutDetails, spending: Spending) -> e.Event:
        """Debit the points that a checkout reserved, or hold the order.

        It is held for staff if the discount differs, or if the points are spent already: the payment's webhook may
        arrive after the reservation ended, and staff may match an unmatched payment at any time. ``lock_customers``
        prevents concurrent spending.
        """
        is_there = transaction.points_balances.balance(spending.customer_id) >= spending.points
        if paid.discount != spending.discount or not is_there:
            return e.OrderHeld(reason=HoldReason.AMOUNT_MISMATCH)
        return e.PointsDebited(
            customer_id=spending.customer_id, points=spending.points, reason=PointsReason.SPENT
        )

    # E-mails.

    def rewards_for(
        self, transaction: HasPointsBalances, customer: Customer, currency: str
    ) -> Rewards | None:
        """The points section of an e-mail to a customer.

        None if the customer has no points and the referral program is off.
        """
        referral_terms = self._referral_terms
        points = max(transaction.points_balances.balance(customer.customer_id), 0)
        if not referral_terms.takes_referrals and not points:
            return None
        proof = self._token_signer.points_token(customer.customer_id)
        return Rewards(
            referral_code=as_shown(customer.referral_code) if referral_terms.takes_referrals else None,
            referral_worth=referral_terms.worth(referral_terms.referral_points, currency),
            points=points,
            worth=referral_terms.worth(points, currency),
            points_code=as_shown(customer.referral_code + proof),
        )


def _find(transaction: HasCustomers, code: str, *, lock: bool = False) -> Customer | None:
    return transaction.customers.find_by_referral_code(code, lock=lock) if is_referral_code(code) else None
