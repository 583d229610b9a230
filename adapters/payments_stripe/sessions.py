"""A Checkout Session in Stripe's webhooks and API responses."""

from collections.abc import Mapping

import msgspec

from adapters.payments_stripe.field_types import AMOUNT_DIGITS, Amount, CurrencyCode
from adapters.webhooks.fields import ProviderId, clean_text, our_id
from domain.order.values import CustomerId, Money, OrderId, UploadSessionId
from domain.ports.payments import CheckoutDetails, CheckoutState, CheckoutStatus
from domain.referral_program import Spending

#: Payment statuses of a complete session that can no longer succeed.
_DEAD_PAYMENTS = frozenset({"requires_payment_method", "canceled"})

#: Payment statuses of a complete session that are final.
_SETTLED = frozenset({"paid", "no_payment_required"})


class _Address(msgspec.Struct):
    country: str | None = None


class _Person(msgspec.Struct):
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    address: _Address | None = None


class _Totals(msgspec.Struct):
    amount_discount: Amount = 0
    amount_tax: Amount = 0


class _Intent(msgspec.Struct):
    id: ProviderId
    status: str


class Session(msgspec.Struct):
    """The fields of a session that the shop uses.

    Over the API ``payment_intent`` is expanded.
    """

    id: ProviderId
    payment_status: str
    status: str | None = None
    amount_subtotal: Amount | None = None
    amount_total: Amount | None = None
    currency: CurrencyCode | None = None
    payment_intent: ProviderId | _Intent | None = None
    metadata: dict[str, str] | None = None
    customer_details: _Person | None = None
    customer_email: str | None = None  # set by the shop when it opened the checkout
    total_details: _Totals | None = None
    locale: str | None = None


def checkout_details(session: Session, *, is_paid: bool) -> CheckoutDetails | None:
    """Return the checkout's details; None for a session that sells nothing."""
    if session.currency is None:
        return None
    metadata = session.metadata or {}
    upload_session_id = our_id(metadata.get("upload_session_id"))
    order_id = our_id(metadata.get("order_id"))
    person = session.customer_details or _Person()
    intent = session.payment_intent
    return CheckoutDetails(
        checkout_session_id=session.id,
        upload_session_id=UploadSessionId(upload_session_id) if upload_session_id else None,
        order_id=OrderId(order_id) if order_id else None,
        payment_intent_id=intent.id if isinstance(intent, _Intent) else intent,
        paid=money(session.amount_total or 0 if is_paid else 0, session.currency),
        discount=money((session.total_details or _Totals()).amount_discount, session.currency),
        tax=_tax_on_top(session, session.currency) if is_paid else None,
        email=clean_text(person.email) or clean_text(session.customer_email),
        name=clean_text(person.name),
        locale=clean_text(metadata.get("locale") or session.locale),
        spending=_spending(metadata, session.currency),
        payment_token=metadata.get("seal"),
        phone=clean_text(person.phone),
        country=clean_text(person.address.country) if person.address is not None else None,
    )


def _tax_on_top(session: Session, currency: str) -> Money | None:
    """Return tax added on top of the price; None if included."""
    totals = session.total_details or _Totals()
    if session.amount_subtotal is None or session.amount_total is None:
        return None
    added = session.amount_total - (session.amount_subtotal - totals.amount_discount)
    return money(added, currency) if 0 < added <= totals.amount_tax else None


def points_metadata(spending: Spending | None) -> dict[str, str]:
    """Return session metadata that records the points to spend."""
    if spending is None:
        return {}
    return {
        "points": str(spending.points),
        "points_of": str(spending.customer_id),
        "points_discount": str(spending.discount.amount),
    }


def _spending(metadata: Mapping[str, str], currency: str) -> Spending | None:
    """Parse what ``points_metadata`` wrote; None if absent or invalid."""
    customer_id = our_id(metadata.get("points_of"))
    points, amount = metadata.get("points", ""), metadata.get("points_discount", "")
    if customer_id is None or not (_is_count(points) and _is_count(amount)):
        return None
    return Spending(
        customer_id=CustomerId(customer_id), points=int(points), discount=money(int(amount), currency)
    )


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= AMOUNT_DIGITS


def state_of(session: Session) -> CheckoutState | None:
    """Return the session's state; its payment intent must be expanded."""
    status = _checkout_status(session)
    checkout = checkout_details(session, is_paid=status is CheckoutStatus.PAID)
    return CheckoutState(status=status, checkout=checkout) if checkout is not None else None


def has_settled(session: Session) -> bool:
    """Whether a complete session is paid; False for unknown statuses."""
    return session.payment_status in _SETTLED


def money(amount: int, currency: str) -> Money:
    """Convert Stripe's amount and currency code.

    Money counts the minor units as https://docs.stripe.com/currencies does.
    """
    return Money(amount=amount, currency=currency.upper())


def _checkout_status(session: Session) -> CheckoutStatus:
    # An open session may be free, or have had a declined card: nothing is final before it is complete.
    if session.status == "expired":
        return CheckoutStatus.PAID if session.payment_status == "paid" else CheckoutStatus.EXPIRED
    if session.status != "complete":
        return CheckoutStatus.OPEN
    if has_settled(session):
        return CheckoutStatus.PAID
    intent = session.payment_intent
    is_dead = isinstance(intent, _Intent) and intent.status in _DEAD_PAYMENTS
    return CheckoutStatus.FAILED if is_dead else CheckoutStatus.PENDING
