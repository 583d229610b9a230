"""Place the order of a paid checkout, or quarantine the payment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from domain.order import events as e
from domain.order.order import Order
from domain.order.stored_reasons import INCOMPLETE, PAID_BEFORE, SESSION_EXPIRED, SESSION_LOST
from domain.order.values import (
    CustomerId,
    ImageId,
    Money,
    OrderId,
    OrderNumber,
    PaidPhoto,
    UploadSessionId,
)
from domain.ports.clock import Clock
from domain.ports.customers import Payer
from domain.ports.ids import Ids
from domain.ports.payments import CheckoutDetails
from domain.ports.unit_of_work import HasOrders, HasUnmatchedPayments, HasUploadSessions
from domain.ports.upload_sessions import UploadSession, UploadStatus
from domain.unmatched_payment import UnmatchedPayment
from domain.use_cases.checkout.referrals_and_points import ReferralProgram, ReferralRepositories
from domain.use_cases.order_transaction import Cause, OrderTransaction
from domain.use_cases.shop_policy import ShopPolicy


class PlacementRepositories(
    HasOrders, ReferralRepositories, HasUnmatchedPayments, HasUploadSessions, Protocol
):
    """The repositories that order placement uses."""


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """What reported the payment: the cause of the order's first event."""

    name: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class PaymentReport:
    """A report that a checkout is paid."""

    checkout: CheckoutDetails
    trigger: Trigger
    number: OrderNumber | None = None  # of an order that is restored after a loss; None: the next number


@dataclass(frozen=True, kw_only=True)
class PaidCheckout:
    """The input of an order: session, paid checkout, e-mail address and quote."""

    session: UploadSession
    checkout: CheckoutDetails
    email: str
    quoted: Money
    number: OrderNumber | None = None  # of an order that is restored after a loss; None: the next number


@dataclass(eq=False, kw_only=True)
class OrderPlacement:
    """Place orders whose payment a webhook, a poll or staff reported."""

    referral_program: ReferralProgram
    clock: Clock
    ids: Ids
    policy: ShopPolicy

    def place(
        self,
        transaction: OrderTransaction[PlacementRepositories],
        checkout: CheckoutDetails,
        trigger: Trigger,
        *,
        number: OrderNumber | None = None,
    ) -> Order | None:
        """``place_all`` of one checkout; None if no order was placed."""
        report = PaymentReport(checkout=checkout, trigger=trigger, number=number)
        return self.place_all(transaction, [report]).get(checkout.checkout_session_id)

    def place_all(
        self, transaction: OrderTransaction[PlacementRepositories], reports: Sequence[PaymentReport]
    ) -> Mapping[str, Order]:
        """Place the orders of paid checkouts; return those placed, by checkout.

        No two checkouts are of the same upload session or customer. Idempotent: a checkout whose order was placed
        before changes nothing. A payment that cannot become an order is quarantined as an unmatched payment.
        """
        repositories = transaction.repositories
        named = (report.checkout.upload_session_id for report in reports)
        sessions = repositories.upload_sessions.find_all_locked(
            [session_id for session_id in named if session_id is not None]
        )
        order_ids = [_order_id(report.checkout, sessions) for report in reports]
        orders = repositories.event_store.load_all(
            [order_id for order_id in order_ids if order_id is not None]
        )
        purchases = []
        for report, order_id in zip(reports, order_ids, strict=True):
            order = orders[order_id] if order_id is not None else None
            purchase = self._purchase(repositories, report, _session(report.checkout, sessions), order)
            if purchase is not None and order is not None:
                purchases.append((order, purchase, report.trigger))
        placed = self.begin_all(transaction, purchases) if purchases else []
        return {
            purchase.checkout.checkout_session_id: order
            for (_, purchase, _), order in zip(purchases, placed, strict=True)
        }

    def _purchase(
        self,
        repositories: HasUnmatchedPayments,
        report: PaymentReport,
        session: UploadSession | None,
        order: Order | None,
    ) -> PaidCheckout | None:
        """The input of an order; None if none is to be placed."""
        checkout = report.checkout
        # Check this first: an order outlives its session and the session's photos.
        if order is not None and _is_paid_by(order, checkout):
            return None
        if session is None or order is None:
            # It carries our token, so we opened its session: the database lost it, and its photos may be delivered.
            self._record_unmatched(repositories, checkout, SESSION_LOST, is_held=True)
            return None
        if order.payment is not None:
            self._record_unmatched(repositories, checkout, PAID_BEFORE)
            return None
        if session.status is UploadStatus.EXPIRED:
            self._record_unmatched(repositories, checkout, SESSION_EXPIRED)
            return None
        if checkout.email is None or session.checkout is None or not session.photos:
            self._record_unmatched(repositories, checkout, INCOMPLETE)
            return None
        return PaidCheckout(
            session=session,
            checkout=checkout,
            email=checkout.email,
            quoted=self.quoted(session),
            number=report.number,
        )

    def quoted(self, session: UploadSession) -> Money:
        """The price of the session's photos.

        A reopened session is quoted anew, because photos may have been added since its checkout.
        """
        if session.checkout is None or session.status is UploadStatus.OPEN:
            return self.policy.prices.quote(len(session.photos))
        return session.checkout.quoted

    def begin(
        self,
        transaction: OrderTransaction[PlacementRepositories],
        order: Order,
        purchase: PaidCheckout,
        trigger: Trigger,
    ) -> Order:
        """Record an unpaid order's payment; see ``begin_all``."""
        [after] = self.begin_all(transaction, [(order, purchase, trigger)])
        return after

    def begin_all(
        self,
        transaction: OrderTransaction[PlacementRepositories],
        purchases: Sequence[tuple[Order, PaidCheckout, Trigger]],
    ) -> Sequence[Order]:
        """Record the payments of unpaid orders, with their points.

        Each order has a commit of its own. It is held if the paid amount differs from the quote. Spent points are
        debited, earned ones credited. The caller has locked the upload sessions, which also protects orders that have
        no events yet.
        """
        repositories = transaction.repositories
        for _, purchase, _ in purchases:
            self.referral_program.lock_customers(repositories, purchase.email, purchase.checkout.spending)
        repositories.upload_sessions.set_paid([purchase.session.session_id for _, purchase, _ in purchases])
        # Last before the append: the day's next payment waits for the counter's row until this one is committed.
        received = repositories.customers.receive_all(
            [self._payer(purchase) for _, purchase, _ in purchases], self.clock.now().date()
        )
        decisions = []
        for (order, purchase, trigger), (customer_id, number) in zip(purchases, received, strict=True):
            payment = self._payment(purchase, customer_id, number)
            quote = purchase.session.checkout
            points = self.referral_program.follows(
                repositories, payment, purchase.checkout, quote.referrer_id if quote else None
            )
            cause = Cause(
                name=trigger.name, key=trigger.name, actor=trigger.actor, correlation_id=order.order_id
            )
            decisions.append((order, [payment, *points], cause))
        return [commit.after for commit in transaction.record_all(decisions)]

    def _payer(self, purchase: PaidCheckout) -> Payer:
        return Payer(
            customer_id=CustomerId(self.ids.new()),
            email=purchase.email,
            name=purchase.checkout.name,
            locale=purchase.checkout.locale,
            number=purchase.number,
            phone=purchase.checkout.phone,
            metadata={"country": purchase.checkout.country} if purchase.checkout.country is not None else {},
        )

    def _payment(
        self, purchase: PaidCheckout, customer_id: CustomerId, number: OrderNumber
    ) -> e.PaymentReceived:
        session, checkout = purchase.session, purchase.checkout
        shares = checkout.paid.split(len(session.photos))
        return e.PaymentReceived(
            order_number=number,
            customer_id=customer_id,
            upload_session_id=session.session_id,
            checkout_session_id=checkout.checkout_session_id,
            payment_intent_id=checkout.payment_intent_id,
            quoted=purchase.quoted,
            discount=_discount(checkout, purchase.quoted),
            paid=checkout.paid,
            tax=_tax(checkout, purchase.quoted),
            client=session.checkout.client if session.checkout else None,
            photos=tuple(
                PaidPhoto(image_id=ImageId(photo.photo_id), upload=photo.upload, share=share)
                for photo, share in zip(session.photos, shares, strict=True)
            ),
        )

    def hold(self, repositories: HasUnmatchedPayments, checkout: CheckoutDetails, reason: str) -> None:
        """Quarantine a payment for staff; it is never refunded automatically."""
        self._record_unmatched(repositories, checkout, reason, is_held=True)

    def _record_unmatched(
        self,
        repositories: HasUnmatchedPayments,
        checkout: CheckoutDetails,
        reason: str,
        *,
        is_held: bool = False,
    ) -> None:
        payment = unmatched_payment_of(checkout, reason, self.clock.now(), is_held=is_held)
        repositories.unmatched_payments.add(payment)


def _session(
    checkout: CheckoutDetails, sessions: Mapping[UploadSessionId, UploadSession]
) -> UploadSession | None:
    return sessions.get(checkout.upload_session_id) if checkout.upload_session_id is not None else None


def _order_id(checkout: CheckoutDetails, sessions: Mapping[UploadSessionId, UploadSession]) -> OrderId | None:
    """The order of the checkout's session, or what the checkout says."""
    session = _session(checkout, sessions)
    return session.order_id if session is not None else checkout.order_id


def unmatched_payment_of(
    checkout: CheckoutDetails, reason: str, received_at: datetime, *, is_held: bool
) -> UnmatchedPayment:
    """The paid checkout as a payment that waits for staff."""
    return UnmatchedPayment(
        checkout_session_id=checkout.checkout_session_id,
        upload_session_id=checkout.upload_session_id,
        payment_intent_id=checkout.payment_intent_id,
        paid=checkout.paid,
        reason=reason,
        received_at=received_at,
        is_held=is_held,
    )


def _is_paid_by(order: Order, checkout: CheckoutDetails) -> bool:
    payment = order.payment
    return payment is not None and payment.checkout_session_id == checkout.checkout_session_id


def _tax(checkout: CheckoutDetails, quoted: Money) -> Money | None:
    """The tax that the provider added to the quote.

    None if it is in another currency, where it cannot be compared.
    """
    tax = checkout.tax
    return tax if tax is not None and tax.currency == quoted.currency else None


def _discount(checkout: CheckoutDetails, quoted: Money) -> Money:
    """The discount on the quote; zero if in another currency."""
    is_comparable = checkout.discount.currency == quoted.currency
    return checkout.discount if is_comparable else replace(quoted, amount=0)
