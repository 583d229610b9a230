"""Delayed effects of calls at the providers and banks, and their webhooks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from domain.order.order import Order
from domain.order.values import DisputeOutcome, FailureReason, ImageId, Money, ObjectKey, OrderId, Variant
from domain.ports.email import DeliveryStatus, EmailWebhookEvent, OutgoingEmail
from domain.ports.payments import (
    CheckoutStatus,
    PaymentEventKind,
    PaymentWebhookEvent,
    ProviderDispute,
    ProviderRefund,
    refund_kind,
)
from domain.ports.restorer import PredictionStatus, PredictionWebhookEvent
from tests.doubles.container import ShopOfDoubles
from tests.doubles.restorer import MODELS, Work
from tests.simulation.keyed_random import KeyedRandom
from tests.simulation.providers import SimulatedStore
from tests.simulation.scheduler import HOUR, MINUTE, SECOND, Process, Scheduler
from tests.simulation.trace import Trace
from tests.simulation.webhook_delivery import WebhookDelivery

#: What becomes of a mail after it was accepted, if the number drawn for it is below the limit.
_LATER_FATES = (
    (0.05, DeliveryStatus.UNDELIVERABLE),
    (0.08, DeliveryStatus.BLOCKED),
    (0.11, DeliveryStatus.DEFERRED),
    (0.13, DeliveryStatus.OPTED_OUT),
)
#: By folder: which share of its objects the storage loses or damages, one half each, and after how many seconds.
#: A result is archived soon after the last one is there.
_SPOILED = {
    "uploads/temp/": (0.04, 1, 120),
    "uploads/originals/": (0.04, 1, 120),
    "uploads/restored/": (0.15, 0, 2),
}
#: The share of disputes in another currency than the payment.
_IN_DOLLARS = 0.3
#: Makes a picture half as wide and high to the inspector.
_HALVED = b"halved "
#: Below this draw, the provider leaves out the ids that the shop gave it.
_WITHOUT_IDS = 0.02


#: How a prediction may fail; the shop, not the restorer, detects that a stored result is lost.
_ENDS = tuple(reason for reason in FailureReason if reason is not FailureReason.RESULT_LOST)


class ProviderFollowups(ShopOfDoubles):
    """The providers and banks: they act by themselves and post webhooks."""

    scheduler: Scheduler
    chance: KeyedRandom
    trace: Trace
    postman: WebhookDelivery
    outside: Process
    storage: SimulatedStore
    disputes: dict[str, PaymentWebhookEvent]  # by payment intent, in their present state

    @property
    def is_eventful(self) -> bool:
        """Whether providers and banks inject failures of their own."""
        raise NotImplementedError

    @property
    def is_calm(self) -> bool:
        """Whether everything at the providers ends well."""
        raise NotImplementedError

    def order(self, order_id: OrderId) -> Order:
        """The present state of an order."""
        raise NotImplementedError

    def mail_arrives(self, message_id: str, mail: OutgoingEmail) -> None:
        """Let a mail scanner open the mail before its reader does."""
        raise NotImplementedError

    def checkout_opened(self, checkout_session_id: str) -> None:
        """Expire the checkout page some minutes after its lifetime, if still unpaid."""
        lifetime = int(self.policy.payments.checkout_lifetime.total_seconds() * SECOND)
        self._later(
            f"page {checkout_session_id}", lambda: self.expire(checkout_session_id), lifetime + 5 * MINUTE
        )

    def expire(self, checkout_session_id: str) -> None:
        """Expire a checkout page that is still open."""
        if self.payments.states[checkout_session_id].status is CheckoutStatus.OPEN:
            self.payments.expire(checkout_session_id)
            self.post_checkout(checkout_session_id, PaymentEventKind.ABANDONED)

    def settle(self, checkout_session_id: str, *, has_failed: bool) -> None:
        """Settle a delayed payment, or let it fail."""
        if self.payments.states[checkout_session_id].status is CheckoutStatus.PENDING:
            self.payments.settle(checkout_session_id, has_failed=has_failed)
            self.post_checkout(
                checkout_session_id, PaymentEventKind.ABANDONED if has_failed else PaymentEventKind.PAID
            )

    def post_checkout(self, checkout_session_id: str, kind: PaymentEventKind) -> None:
        """Post a webhook event about a checkout."""
        name = f"evt_{checkout_session_id}_{kind}"
        state = self.payments.states[checkout_session_id]
        self._post_money(
            PaymentWebhookEvent(
                event_id=name, event_type=f"checkout.session.{kind}", kind=kind, checkout=state.checkout
            )
        )

    def refund_made(self, payment_intent_id: str, refund: ProviderRefund) -> None:
        """Post a webhook event about a refund; some refunds fail later."""
        self._post_refund(payment_intent_id, refund)
        name = refund.provider_refund_id
        if refund.is_pending:
            self._later(f"payout {name}", lambda: self._pay_refund(payment_intent_id, name), HOUR)
        if self.is_eventful and self.chance.at(f"fate {name}") < 0.1:
            self._later(f"bank {name}", lambda: self._fail_refund(payment_intent_id, refund), 3 * HOUR)

    def _pay_refund(self, payment_intent_id: str, provider_refund_id: str) -> None:
        self.trace.note("pays a pending refund", provider_refund_id)
        self._post_refund(payment_intent_id, self.payments.pay_refund(provider_refund_id))

    def _fail_refund(self, payment_intent_id: str, refund: ProviderRefund) -> None:
        self.trace.note("lets a refund fail", refund.provider_refund_id)
        self.payments.fail_refund(refund.provider_refund_id)
        self._post_refund(payment_intent_id, replace(refund, has_failed=True, is_pending=False))

    def _post_refund(self, payment_intent_id: str, refund: ProviderRefund) -> None:
        payment = self.payments.payments[payment_intent_id]
        request = next(
            (w for w, made in payment.refunds if made.provider_refund_id == refund.provider_refund_id), None
        )
        self._post_money(
            PaymentWebhookEvent(
                event_id=f"evt_{refund.provider_refund_id}_{refund_kind(refund)}",
                event_type="refund.updated",
                kind=refund_kind(refund),
                payment_intent_id=payment_intent_id,
                refund=refund,
                refund_id=request.refund_id if request is not None and request.idempotency_key else None,
            )
        )

    def refund_by_hand(self, order_id: OrderId, percent: int) -> bool:
        """Refund in the provider's dashboard, if there is an amount left."""
        payment = self.order(order_id).payment
        intent = payment.payment_intent_id if payment else None
        if intent is None or intent in self.disputes or not self.payments.payments[intent].left:
            return False
        at_provider = self.payments.payments[intent]
        amount = min(max(at_provider.paid.amount * percent // 100, 1), at_provider.left)
        self.payments.refund_by_hand(intent, amount)
        return True

    def dispute(self, order_id: OrderId) -> None:
        """Let a customer's bank withdraw what is left of a payment provisionally."""
        payment = self.order(order_id).payment
        intent = payment.payment_intent_id if payment else None
        if intent is None or intent in self.disputes or not self.payments.payments[intent].left:
            return
        at_provider = self.payments.payments[intent]
        is_inquiry = self.chance.at(f"inquiry {intent}") < 0.3
        disputed = replace(at_provider.paid, amount=at_provider.left)
        if self.chance.at(f"currency {intent}") < _IN_DOLLARS:
            # The bank counts in the customer's currency, in which the same amount is another number.
            disputed = Money(amount=max(disputed.amount * 9 // 8, 1), currency="USD")
        at_provider.is_disputed = not is_inquiry
        opened = PaymentWebhookEvent(
            event_id=f"evt_dp_{intent}_opened",
            event_type="charge.dispute.created",
            kind=PaymentEventKind.DISPUTE_OPENED,
            payment_intent_id=intent,
            dispute_id=f"dp_{intent}",
            dispute_amount=disputed,
            is_inquiry=is_inquiry,
            reason="fraudulent",
        )
        self.disputes[intent] = self._post_money(opened)
        outcome = self.chance.one_of(f"dispute {intent}", (DisputeOutcome.WON, DisputeOutcome.LOST))
        if is_inquiry:
            outcome = DisputeOutcome.INQUIRY_CLOSED
        self._later(f"bank {intent}", lambda: self.decide(intent, outcome), 8 * HOUR)

    def decide(self, payment_intent_id: str, outcome: DisputeOutcome) -> None:
        """Let the bank decide; what it keeps counts as refunded."""
        opened = self.disputes[payment_intent_id]
        if opened.outcome is not None:
            return
        self.payments.payments[payment_intent_id].is_disputed = outcome is DisputeOutcome.LOST
        closed = replace(
            opened,
            event_id=f"evt_dp_{payment_intent_id}_closed",
            event_type="charge.dispute.closed",
            kind=PaymentEventKind.DISPUTE_CLOSED,
            is_inquiry=False,
            outcome=outcome,
        )
        self.disputes[payment_intent_id] = self._post_money(closed)
        if (
            outcome is DisputeOutcome.LOST
            and self.is_eventful
            and self.chance.at(f"appeal {payment_intent_id}") < 0.5
        ):
            # Soon, so that the two outcomes can arrive out of order.
            self._later(f"bank {payment_intent_id}", lambda: self._win_appeal(payment_intent_id), 5 * MINUTE)

    def _win_appeal(self, payment_intent_id: str) -> None:
        """Let the bank decide again, in favour of the shop."""
        self.trace.note("wins an appeal", payment_intent_id)
        self.payments.payments[payment_intent_id].is_disputed = False
        won = replace(
            self.disputes[payment_intent_id],
            event_id=f"evt_dp_{payment_intent_id}_appeal",
            outcome=DisputeOutcome.WON,
        )
        self.disputes[payment_intent_id] = self._post_money(won)

    def _post_money(self, webhook_event: PaymentWebhookEvent) -> PaymentWebhookEvent:
        sent = replace(webhook_event, created_at=self.scheduler.moment())
        self.payment_listing.webhook_events.append(sent)
        if sent.dispute_id is not None and sent.dispute_amount is not None:
            others = [each for each in self.payment_listing.disputed if each.dispute_id != sent.dispute_id]
            self.payment_listing.disputed = [*others, sent]
            self.payments.disputes[sent.dispute_id] = ProviderDispute(
                dispute_id=sent.dispute_id,
                payment_intent_id=sent.payment_intent_id,
                amount=sent.dispute_amount,
                is_inquiry=sent.is_inquiry,
                reason=sent.reason,
                outcome=sent.outcome,
            )
        self.postman.post("stripe", sent.event_id, sent, "/api/webhooks/stripe")
        return sent

    def prediction_begun(self, prediction_id: str, ends_within: timedelta) -> None:
        """End the prediction later.

        Most succeed; one that is stuck is ended when its time limit is reached.
        """
        seconds = self.chance.between(f"length {prediction_id}", 2, 40)
        if self.is_eventful and self.chance.at(f"stuck {prediction_id}") < 0.03:
            seconds = ends_within.total_seconds()
        self._later(f"gpu {prediction_id}", lambda: self._end(prediction_id), int(seconds * SECOND))

    def _end(self, prediction_id: str) -> None:
        self.restorer.end_what_is_overdue(prediction_id)
        work = self.restorer.works[prediction_id]
        fate = self.chance.at(f"fate {prediction_id}") if self.is_eventful else 1.0
        if work.prediction.status is not PredictionStatus.RUNNING:
            pass  # it was cancelled, which is reported like any other end
        elif self._comes_to_nothing(prediction_id, work.webhook_url):
            self.restorer.fail(prediction_id, FailureReason.CONTENT_FILTER)
        elif fate < 0.15:
            reason = self.chance.one_of(f"reason {prediction_id}", _ENDS)
            self.restorer.fail(prediction_id, reason)
        elif fate < 0.2:
            self.restorer.succeed(prediction_id, b"restored portrait of somebody else")
        else:
            self.restorer.succeed(prediction_id, self._output(prediction_id, work))
        self._later(f"gpu {prediction_id}", lambda: self.restorer.forget_output(prediction_id), HOUR)
        path = urlsplit(work.webhook_url).path
        name = f"msg_{prediction_id}"
        webhook_event = PredictionWebhookEvent(event_id=name, prediction_id=prediction_id, has_ended=True)
        self.postman.post("replicate", name, webhook_event, path)

    def _output(self, prediction_id: str, work: Work) -> bytes:
        """The model's output; in enlarging shops, half are smaller than the original."""
        made = work.restored()
        if work.prediction.model == MODELS[Variant.ENLARGE]:
            return made.replace(_HALVED, b"")
        is_small = self.policy.limits.enlarges_results and self.chance.at(f"small {prediction_id}") < 0.5
        return _HALVED + made if is_small else made

    def _comes_to_nothing(self, prediction_id: str, webhook_url: str) -> bool:
        """Let half of the redo attempts fail, also after the faulty period.

        If ``is_calm``, none fail.
        """
        order_id, image_id, *_ = webhook_url.split("/")[-4:]
        image = self.order(OrderId(UUID(order_id))).images.get(ImageId(UUID(image_id)))
        is_redo = image is not None and image.is_being_redone
        return is_redo and not self.is_calm and self.chance.at(f"redo {prediction_id}") < 0.5

    def mail_accepted(self, message_id: str, mail: OutgoingEmail) -> None:
        """Deliver the mail, and post webhook events about what became of it."""
        fate = self.chance.at(f"fate {message_id}") if self.is_eventful else 1.0
        is_lost = fate < 0.05
        if is_lost:
            self.email_listing.undeliverable.add(message_id)
        else:
            self.scheduler.notify(("mail", mail.to), after=SECOND)
            self.scheduler.notify("a mail", after=SECOND)
        self.mail_arrives(message_id, mail)
        accepted = EmailWebhookEvent(
            event_id=f"{message_id}:{DeliveryStatus.ACCEPTED}",
            email_id=mail.email_id,
            order_id=mail.order_id,
            message_id=message_id,
            fate=DeliveryStatus.ACCEPTED,
        )
        self._post_email_event(accepted, after=2 * SECOND)
        later = next((what for limit, what in _LATER_FATES if fate < limit), None)
        if later is None:
            return
        feedback = replace(
            accepted,
            event_id=f"{message_id}:{later}",
            fate=later,
            reason="550",
            message_ids=(f"{message_id}.recvd", message_id),
        )
        if fate < _WITHOUT_IDS:
            feedback = replace(feedback, email_id=None, order_id=None, message_id=f"{message_id}.recvd")
        self._post_email_event(feedback, after=20 * SECOND)

    def object_stored(self, key: ObjectKey) -> None:
        """Lose or damage some originals and results soon after they were confirmed."""
        share, soonest, latest = next(
            (_SPOILED[area] for area in _SPOILED if key.startswith(area)), (0, 0, 0)
        )
        fate = self.chance.at(f"spoil {key}") if self.is_eventful else 1.0
        if fate < share:
            after = int(self.chance.between(f"spoil later {key}", soonest, latest) * SECOND)
            is_damaged = fate < share / 2
            self._later(f"spoil {key}", lambda: self.storage.spoil(key, is_damaged=is_damaged), after)

    def _post_email_event(self, webhook_event: EmailWebhookEvent, after: int) -> None:
        self.postman.post(
            "sendgrid", webhook_event.event_id, webhook_event, "/api/webhooks/sendgrid", after=after
        )

    def _later(self, who: str, do: Callable[[], None], after: int) -> None:
        self.scheduler.spawn(who, do, self.outside, after=after)
