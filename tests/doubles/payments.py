"""A payment provider in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar, cast
from uuid import NAMESPACE_URL, uuid5

from domain.order.values import DisputeOutcome, Money, RefundId
from domain.ports.clock import Clock
from domain.ports.errors import DisputedError, RefusedError
from domain.ports.payments import (
    CheckoutDetails,
    CheckoutState,
    CheckoutStatus,
    NewCheckout,
    NewRefund,
    OpenedCheckout,
    ProviderDispute,
    ProviderRefund,
)
from tests.doubles.fault_injection import FaultInjector

T = TypeVar("T")

PROVIDER = "The payment double"


@dataclass
class Payment:
    """A payment, and its refunds."""

    payment_intent_id: str
    checkout: NewCheckout
    paid: Money
    checkout_session_id: str
    refunds: list[tuple[NewRefund, ProviderRefund]] = field(default_factory=list)
    is_disputed: bool = False

    @property
    def left(self) -> int:
        """The amount that is not refunded, in minor units."""
        return self.paid.amount - sum(made.amount.amount for _, made in self.refunds if not made.has_failed)


@dataclass
class InMemoryPayments:
    """Takes payments and refunds without money.

    ``checkouts`` and ``payments`` are its ledger.
    """

    checkouts: dict[str, NewCheckout] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    states: dict[str, CheckoutState] = field(default_factory=dict)
    fault_injector: FaultInjector = field(default_factory=FaultInjector)
    clock: Clock | None = None
    refunds_pending: bool = False  # refunds begin as pending, until `pay_refund`
    disputes: dict[str, ProviderDispute] = field(default_factory=dict)
    began_at: dict[str, datetime] = field(
        default_factory=dict
    )  # checkouts and refunds, where there is a clock
    _answers: dict[str, tuple[object, object]] = field(default_factory=dict)  # by idempotency key

    def open_checkout(self, request: NewCheckout) -> OpenedCheckout:
        with self.fault_injector.over("open_checkout", str(request.order_id)):
            return self._once(request.idempotency_key, request, lambda: self._open(request))

    def expire_checkout(self, checkout_session_id: str) -> CheckoutStatus:
        with self.fault_injector.over("expire_checkout", checkout_session_id):
            state = self.states.get(checkout_session_id)
            if state is not None and state.status is CheckoutStatus.OPEN:
                self.expire(checkout_session_id)
            return self.states[checkout_session_id].status if state else CheckoutStatus.EXPIRED

    def issue_refund(self, request: NewRefund) -> ProviderRefund:
        with self.fault_injector.over("issue_refund", str(request.refund_id)):
            return self._once(request.idempotency_key, request, lambda: self._refund(request))

    def find_refund(self, payment_intent_id: str, refund_id: RefundId) -> ProviderRefund | None:
        with self.fault_injector.over("find_refund", str(refund_id)):
            payment = self.payments.get(payment_intent_id)
            newest_first = reversed(payment.refunds if payment else [])
            ours = [made for request, made in newest_first if request.refund_id == refund_id]
            return min(ours, key=lambda made: made.has_failed, default=None)

    def look_up_refund(self, provider_refund_id: str) -> ProviderRefund | None:
        with self.fault_injector.over("look_up_refund", provider_refund_id):
            made = (refund for payment in self.payments.values() for _, refund in payment.refunds)
            return next((one for one in made if one.provider_refund_id == provider_refund_id), None)

    def refunds_of(self, payment_intent_id: str) -> list[ProviderRefund]:
        with self.fault_injector.over("refunds_of", payment_intent_id):
            payment = self.payments.get(payment_intent_id)
            return [made for _, made in payment.refunds] if payment else []

    def look_up_dispute(self, dispute_id: str) -> ProviderDispute | None:
        with self.fault_injector.over("look_up_dispute", dispute_id):
            return self.disputes.get(dispute_id)

    def find_checkout(self, checkout_session_id: str) -> CheckoutState | None:
        with self.fault_injector.over("find_checkout", checkout_session_id):
            return self.states.get(checkout_session_id)

    def find_checkout_by_payment(self, payment_intent_id: str) -> CheckoutState | None:
        with self.fault_injector.over("find_checkout_by_payment", payment_intent_id):
            made_on = (
                state
                for state in self.states.values()
                if state.checkout.payment_intent_id == payment_intent_id
            )
            return next(made_on, None)

    def pay(self, checkout_session_id: str, email: str = "ada@customer.example", name: str = "Ada") -> str:
        """Act as the customer: pay a checkout.

        Returns the payment intent's id, empty if the amount was zero.
        """
        return self._take(checkout_session_id, CheckoutStatus.PAID, email, name)

    def pay_later(
        self, checkout_session_id: str, email: str = "ada@customer.example", name: str = "Ada"
    ) -> str:
        """Act as the customer: pay by a delayed method; returns the intent."""
        return self._take(checkout_session_id, CheckoutStatus.PENDING, email, name)

    def settle(self, checkout_session_id: str, *, has_failed: bool) -> None:
        """Act as the bank: let a delayed payment succeed or fail."""
        status = CheckoutStatus.FAILED if has_failed else CheckoutStatus.PAID
        self._set_status(checkout_session_id, status)

    def expire(self, checkout_session_id: str) -> None:
        """Act as the provider: expire a checkout page."""
        self._set_status(checkout_session_id, CheckoutStatus.EXPIRED)

    def dispute(self, payment_intent_id: str) -> str:
        """Act as the bank: dispute the unrefunded rest of a payment.

        Returns the dispute's id.
        """
        payment = self.payments[payment_intent_id]
        payment.is_disputed = True
        dispute_id = f"du_{payment_intent_id}"
        self.disputes[dispute_id] = ProviderDispute(
            dispute_id=dispute_id,
            payment_intent_id=payment_intent_id,
            amount=replace(payment.paid, amount=payment.left),
            reason="fraudulent",
        )
        return dispute_id

    def decide_dispute(self, dispute_id: str, outcome: DisputeOutcome) -> None:
        """Act as the bank: decide, also anew after an appeal."""
        dispute = self.disputes[dispute_id] = replace(self.disputes[dispute_id], outcome=outcome)
        self.payments[dispute.payment_intent_id or ""].is_disputed = outcome is DisputeOutcome.LOST

    def refund_by_hand(self, payment_intent_id: str, amount: int) -> ProviderRefund:
        """Act as staff in the dashboard: refund without the shop's ids."""
        payment = self.payments[payment_intent_id]
        return self._refund(
            NewRefund(
                refund_id=RefundId(uuid5(NAMESPACE_URL, f"{payment_intent_id} {len(payment.refunds)}")),
                order_id=None,
                payment_intent_id=payment_intent_id,
                amount=replace(payment.paid, amount=amount),
                idempotency_key="",
            )
        )

    def _take(self, checkout_session_id: str, status: CheckoutStatus, email: str, name: str) -> str:
        request = self.checkouts[checkout_session_id]
        details = replace(self.states[checkout_session_id].checkout, email=email, name=name)
        paid = (
            replace(request.unit_price, amount=request.unit_price.amount * request.photos) - details.discount
        )
        intent = None
        if paid.amount:
            intent = self._named("pi", checkout_session_id)
            self.payments[intent] = Payment(intent, request, paid, checkout_session_id)
        details = replace(details, payment_intent_id=intent)
        self.states[checkout_session_id] = CheckoutState(status=status, checkout=details)
        self._set_status(checkout_session_id, status)
        return intent or ""

    def _set_status(self, checkout_session_id: str, status: CheckoutStatus) -> None:
        details = self.states[checkout_session_id].checkout
        if status is CheckoutStatus.PAID and details.payment_intent_id is not None:
            details = replace(details, paid=self.payments[details.payment_intent_id].paid)
        self.states[checkout_session_id] = CheckoutState(status=status, checkout=details)

    def take_another_amount(self, checkout_session_id: str, amount: int) -> None:
        """Let a paid checkout have taken another amount than was quoted."""
        state = self.states[checkout_session_id]
        payment = self.payments.get(state.checkout.payment_intent_id or "")
        if payment is not None:
            payment.paid = replace(payment.paid, amount=amount)
            details = replace(state.checkout, paid=payment.paid)
            self.states[checkout_session_id] = replace(state, checkout=details)

    def fail_refund(self, provider_refund_id: str) -> None:
        """Act as the bank: let a refund fail that looked done."""
        for payment in self.payments.values():
            payment.refunds = [
                (
                    request,
                    replace(
                        made,
                        has_failed=made.has_failed or made.provider_refund_id == provider_refund_id,
                        is_pending=made.is_pending and made.provider_refund_id != provider_refund_id,
                    ),
                )
                for request, made in payment.refunds
            ]

    def pay_refund(self, provider_refund_id: str) -> ProviderRefund:
        """Act as the bank: pay a pending refund, unless it has failed."""
        for payment in self.payments.values():
            for index, (request, made) in enumerate(payment.refunds):
                if made.provider_refund_id == provider_refund_id:
                    paid = replace(made, is_pending=False)
                    payment.refunds[index] = (request, paid)
                    return paid
        raise AssertionError("There is no such refund.")

    def forget_keys(self) -> None:
        """Act as the provider a day later: forget the idempotency keys.

        A request under an earlier key is executed again.
        """
        self._answers.clear()

    def _once(self, key: str, request: object, do: Callable[[], T]) -> T:
        if key not in self._answers:
            self._answers[key] = (request, do())
        asked, answer = self._answers[key]
        if asked != request:
            raise RefusedError(PROVIDER, "the key was used for something else", code="idempotency_error")
        return cast("T", answer)

    def _open(self, request: NewCheckout) -> OpenedCheckout:
        session_id = self._named("cs", str(request.upload_session_id))
        self.checkouts[session_id] = request
        nothing = replace(request.unit_price, amount=0)
        details = CheckoutDetails(
            checkout_session_id=session_id,
            upload_session_id=request.upload_session_id,
            order_id=request.order_id,
            payment_intent_id=None,
            paid=nothing,
            discount=request.spending.discount if request.spending else nothing,
            email=request.email,
            name=None,
            locale=request.locale,
            spending=request.spending,
            payment_token=request.payment_token,
        )
        self.states[session_id] = CheckoutState(status=CheckoutStatus.OPEN, checkout=details)
        url = f"https://payments.example/{session_id}"
        return OpenedCheckout(checkout_session_id=session_id, url=url, expires_at=request.expires_at)

    def _refund(self, request: NewRefund) -> ProviderRefund:
        payment = self.payments.get(request.payment_intent_id)
        if payment is None:
            raise RefusedError(PROVIDER, "there is no such payment", code="resource_missing")
        if payment.is_disputed:
            raise DisputedError(PROVIDER, "a bank has its hand on it", code="charge_disputed")
        if request.amount.amount > payment.left:
            raise RefusedError(PROVIDER, "more would be refunded than is left", code="amount_too_large")
        refund_id = self._named("re", str(request.refund_id))
        made = ProviderRefund(
            provider_refund_id=refund_id,
            has_failed=False,
            is_pending=self._begins_pending(refund_id),
            amount=request.amount,
            payment_intent_id=request.payment_intent_id,
            refund_id=request.refund_id if request.idempotency_key else None,
        )
        payment.refunds.append((request, made))
        return made

    def _begins_pending(self, provider_refund_id: str) -> bool:  # noqa: ARG002 -- for doubles that decide by id
        return self.refunds_pending

    def _named(self, kind: str, about: str) -> str:  # noqa: ARG002 -- for subclasses that derive the name from the subject
        """Name a new object at the provider, and record when it began."""
        name = (
            f"{kind}_{len(self.checkouts) + sum(1 + len(one.refunds) for one in self.payments.values()) + 1}"
        )
        return self._begun(name)

    def _begun(self, name: str) -> str:
        if self.clock is not None:
            self.began_at[name] = self.clock.now()
        return name
