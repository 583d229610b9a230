"""Place the order of a paid checkout, or quarantine the payment."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from domain.order import events as e
from domain.order.order import Order
from domain.order.stored_reasons import INCOMPLETE, PAID_BEFORE, SESSION_EXPIRED, SESSION_LOST
from domain.order.values import CustomerId, ImageId, Money, OrderNumber, PaidPhoto
from domain.ports.clock import Clock
from domain.ports.ids import Ids
from domain.ports.payments import CheckoutDetails
from domain.ports.unit_of_work import HasCustomers, HasEventStore, HasUnmatchedPayments, HasUploadSessions
from domain.ports.upload_sessions import UploadSession, UploadStatus
from domain.unmatched_payment import UnmatchedPayment
from domain.use_cases.checkout.referrals_and_points import ReferralProgram, ReferralRepositories
from domain.use_cases.order_command_handler import Cause, OrderTransaction
from domain.use_cases.shop_policy import ShopPolicy


class PlacementRepositories(
    HasEventStore, ReferralRepositories, HasUnmatchedPayments, HasUploadSessions, Protocol
):
    """The repositories that order placement uses."""


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """What reported the payment: the cause of the order's first event."""

    name: str
    actor: str


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
        """Place the order of a paid checkout; None if none was placed.

        Idempotent: a checkout whose order was placed before changes nothing. A payment that cannot become an order is
        quarantined as an unmatched payment.
        """
        repositories = transaction.repositories
        session_id = checkout.upload_session_id
        session = repositories.upload_sessions.find(session_id, lock=True) if session_id is not None else None
        order_id = session.order_id if session is not None else checkout.order_id
        order = repositories.event_store.load(order_id) if order_id is not None else None
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
        purchase = PaidCheckout(
            session=session,
            checkout=checkout,
            email=checkout.email,
            quoted=self.quoted(session),
            number=number,
        )
        return self.begin(transaction, order, purchase, trigger)

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
        """Record an unpaid order's payment and its points in one commit.

        The order is held if the paid amount differs from the quote. Spent points are debited, earned ones credited.
        The caller has locked the upload session, which also protects an order that has no events yet.
        """
        cause = Cause(name=trigger.name, key=trigger.name, actor=trigger.actor, correlation_id=order.order_id)
        repositories = transaction.repositories
        self.referral_program.lock_customers(repositories, purchase.email, purchase.checkout.spending)
        repositories.upload_sessions.set_status(purchase.session.session_id, UploadStatus.PAID)
        # Last before the append: the day's next payment waits for the counter's row until this one is committed.
        payment = self._payment(repositories, purchase)
        quote = purchase.session.checkout
        points = self.referral_program.follows(
            repositories, payment, purchase.checkout, quote.referrer_id if quote else None
        )
        commit = transaction.record(order, [payment, *points], cause)
        return commit.after

    def _payment(self, repositories: HasCustomers, purchase: PaidCheckout) -> e.PaymentReceived:
        session, checkout = purchase.session, purchase.checkout
        customer_id, number = repositories.customers.receive(
            CustomerId(self.ids.new()),
            purchase.email,
            checkout.name,
            checkout.locale,
            self.clock.now().date(),
            purchase.number,
        )
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
