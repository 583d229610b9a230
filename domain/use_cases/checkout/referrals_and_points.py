"""Referrals and points: who gave which code, what it takes off a price, and what a payment brings whom."""

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
from domain.ports.points_balances import PointsLine
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
from domain.use_cases.privacy.erasure import UnknownCustomerError
from domain.use_cases.shop_policy import ShopPolicy


class ReferralRepositories(HasCustomers, HasPersonalData, HasPointsBalances, Protocol):
    """What tells whether a payment earns or spends points."""


class PointsStatementRepositories(HasPersonalData, HasPointsBalances, Protocol):
    """What a statement of points is taken from."""


#: How long points stay reserved after their checkout expired: a payment of its last moment may be told later.
LATE_NOTICE = timedelta(minutes=10)


class UnknownReferralCodeError(ShopError):
    """Nobody has this referral code."""

    def __init__(self) -> None:
        super().__init__("Nobody has this referral code: correct it or leave it out.")


class OwnReferralCodeError(ShopError):
    """Somebody would recommend the shop to themselves."""

    def __init__(self) -> None:
        super().__init__("This referral code is the customer's own: it is for friends, so leave it out.")


class NoReferralsError(ShopError):
    """The shop gives nothing for recommendations."""

    def __init__(self) -> None:
        super().__init__("This shop takes no referral codes now: leave it out.")


class UnknownPointsCodeError(ShopError):
    """This code opens nobody's points."""

    def __init__(self) -> None:
        super().__init__("This points code is not known: copy it from the newest e-mail, or leave it out.")


class NoPointsError(ShopError):
    """There are no points that could be taken off this price."""

    def __init__(self) -> None:
        super().__init__(
            "There are no points that could be taken off this price now: leave the code out, or wait until another "
            "checkout that uses them has ended."
        )


class TwoCodesError(ShopError):
    """A newcomer's code and a known customer's at once."""

    def __init__(self) -> None:
        super().__init__(
            "A referral code is for a first order, and points come from earlier ones: leave one of the codes out."
        )


@dataclass(frozen=True, kw_only=True)
class Codes:
    """What a customer typed in, as it was typed."""

    referral: str | None = None
    points: str | None = None

    @property
    def are_none(self) -> bool:
        """Whether nothing was typed in."""
        return self.referral is None and self.points is None


@dataclass(frozen=True, kw_only=True)
class RedeemedCodes:
    """What the codes turned out to say: who recommended the shop, or whose points are to be spent."""

    referrer_id: CustomerId | None = None
    spender_id: CustomerId | None = None

    @classmethod
    def of(cls, checkout: Checkout) -> "RedeemedCodes":
        """What a checkout was opened with."""
        spending = checkout.spending
        return cls(referrer_id=checkout.referrer_id, spender_id=spending.customer_id if spending else None)


class ReferralProgram:
    """Keeps the promises of the referral programme."""

    def __init__(self, *, token_signer: TokenSigner, clock: Clock, policy: ShopPolicy) -> None:
        self._token_signer = token_signer
        self._clock = clock
        self._referral_terms = policy.referral_terms

    # At the checkout.

    def read(self, transaction: HasCustomers, codes: Codes, email: str | None) -> RedeemedCodes:
        """What codes say. Whose points are to be spent is locked, so that nobody else spends them meanwhile.

        Raises UnknownReferralCodeError, OwnReferralCodeError, NoReferralsError, UnknownPointsCodeError or
        TwoCodesError.
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
        """The points that come off a price, of those that no other open checkout is about to spend.

        Raises NoPointsError.
        """
        points = transaction.points_balances
        expired_before = self._clock.now() - LATE_NOTICE
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

    # With the payment.

    def lock_customers(
        self, transaction: ReferralRepositories, email: str, spending: Spending | None
    ) -> None:
        """Lock who pays and whose points are spent, in the order of their ids, until the transaction ends.

        Receiving a customer locks them, too. Two payments that lock the same two customers in different orders, or a
        day's order numbers in between, would wait for each other for ever.
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
        """What a payment does to points, to be said in the step that begins its order.

        Another payment of the same customer waits until this transaction ends, because receiving a customer locks
        them: so of two first orders one is the first.
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
        """Whether this is a first paid order, by somebody new, whom somebody else has sent who is still there.

        An order that is held earns, too: what is paid back takes its points along, and what goes on has them.
        """
        if not self._referral_terms.takes_referrals or payment.paid.amount == 0:
            return False
        if transaction.personal_data.orders(payment.customer_id):
            return False
        referrer = transaction.customers.find(referrer_id)
        return referrer is not None and mailbox_of(referrer.email) != mailbox_of(email)

    def _spent(self, transaction: HasPointsBalances, paid: CheckoutDetails, spending: Spending) -> e.Event:
        """The points that a page was opened with are gone.

        A person looks into it if another amount came off, or if the points are spent already: word of a payment may
        come when what was reserved for it is free again, and money without an order is matched whenever somebody can.
        ``lock_customers`` keeps others from spending them meanwhile.
        """
        is_there = transaction.points_balances.balance(spending.customer_id) >= spending.points
        if paid.discount != spending.discount or not is_there:
            return e.OrderHeld(reason=HoldReason.AMOUNT_MISMATCH)
        return e.PointsDebited(
            customer_id=spending.customer_id, points=spending.points, reason=PointsReason.SPENT
        )

    # In letters.

    def told_to(self, transaction: HasPointsBalances, customer: Customer, currency: str) -> Rewards | None:
        """What a letter tells a customer of their points; nothing where there are none and never will be."""
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


@dataclass(frozen=True, kw_only=True)
class PointsStatement:
    """A customer's points as people at the shop may see them: the code that spends them is the customer's alone."""

    referral_code: str
    balance: int
    lines: tuple[PointsLine, ...]


def statement(transaction: PointsStatementRepositories, email: str) -> PointsStatement:
    """The points of the customer with this address; raises UnknownCustomerError."""
    customer = transaction.personal_data.find(email)
    if customer is None:
        raise UnknownCustomerError(email)
    return PointsStatement(
        referral_code=as_shown(customer.referral_code),
        balance=transaction.points_balances.balance(customer.customer_id),
        lines=tuple(transaction.points_balances.lines(customer.customer_id)),
    )
