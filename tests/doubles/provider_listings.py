"""The providers' listings, derived from the ledgers of the other doubles.

Entries of a double without a clock were created at one ``moment``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from domain.order.values import DownloadLinkId, EmailId, OrderId
from domain.ports.email import DeliveryStatus
from domain.ports.payments import PaymentWebhookEvent, refund_kind
from domain.ports.provider_listings import (
    EndpointVersion,
    ListedCheckout,
    ListedEmail,
    ListedPrediction,
    ListingClosedError,
    TakeUnreadable,
    UnreadableEntry,
    refuse_unreadable,
)
from domain.ports.restorer import PredictionStatus
from tests.doubles.clock import StoppedClock
from tests.doubles.email import InMemoryMailer
from tests.doubles.fault_injection import FaultInjector
from tests.doubles.payments import InMemoryPayments
from tests.doubles.restorer import InMemoryRestorer

MOMENT = StoppedClock().now()


def report_unreadable(garbled: list[UnreadableEntry], kind: str, unreadable: TakeUnreadable) -> None:
    """Report the unreadable entries of one kind of list."""
    for entry in garbled:
        if entry.kind == kind:
            unreadable(entry)


@dataclass
class InMemoryPaymentListing:
    """Lists a payment double's objects.

    ``webhook_events`` are its webhook events, oldest first; ``disputed`` are its disputes.
    """

    payments: InMemoryPayments
    moment: datetime = MOMENT
    webhook_events: list[PaymentWebhookEvent] = field(default_factory=list)
    disputed: list[PaymentWebhookEvent] = field(default_factory=list)
    fault_injector: FaultInjector = field(default_factory=FaultInjector)
    garbled: list[UnreadableEntry] = field(default_factory=list)
    endpoint: EndpointVersion | None = None

    def endpoint_version(self, unreadable: TakeUnreadable = refuse_unreadable) -> EndpointVersion | None:
        with self.fault_injector.over("endpoint_version", ""):
            report_unreadable(self.garbled, "webhook endpoint", unreadable)
            return self.endpoint

    def events(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        with self.fault_injector.over("events", ""):
            report_unreadable(self.garbled, "event", unreadable)
            yield from (
                each for each in reversed(self.webhook_events) if (each.created_at or self.moment) >= since
            )

    def checkouts(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedCheckout]:
        with self.fault_injector.over("checkouts", ""):
            report_unreadable(self.garbled, "checkout", unreadable)
            for state in reversed(self.payments.states.values()):
                began_at = self._began_at(state.checkout.checkout_session_id)
                if began_at >= since:
                    yield ListedCheckout(state=state, created_at=began_at)

    def refunds(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        with self.fault_injector.over("refunds", ""):
            report_unreadable(self.garbled, "refund", unreadable)
            made = [
                (payment.payment_intent_id, request, refund)
                for payment in self.payments.payments.values()
                for request, refund in payment.refunds
            ]
            for intent, request, refund in reversed(made):
                began_at = self._began_at(refund.provider_refund_id)
                if began_at < since:
                    continue
                yield PaymentWebhookEvent(
                    event_id=f"{refund.provider_refund_id}:{refund_kind(refund)}",
                    event_type="refund.updated",
                    kind=refund_kind(refund),
                    payment_intent_id=intent,
                    refund=refund,
                    refund_id=request.refund_id if request.idempotency_key else None,
                    created_at=began_at,
                )

    def disputes(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[PaymentWebhookEvent]:
        with self.fault_injector.over("disputes", ""):
            report_unreadable(self.garbled, "dispute", unreadable)
            yield from (each for each in self.disputed if (each.created_at or self.moment) >= since)

    def _began_at(self, name: str) -> datetime:
        return self.payments.began_at.get(name, self.moment)


@dataclass
class InMemoryPredictionListing:
    """Lists a restorer double's predictions; ``meanwhile`` runs during each listing."""

    restorer: InMemoryRestorer
    moment: datetime = MOMENT
    meanwhile: Callable[[], object] = lambda: None
    fault_injector: FaultInjector = field(default_factory=FaultInjector)
    garbled: list[UnreadableEntry] = field(default_factory=list)

    def predictions(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedPrediction]:
        with self.fault_injector.over("predictions", ""):
            report_unreadable(self.garbled, "prediction", unreadable)
            self.meanwhile()
            for prediction_id, work in reversed(self.restorer.works.items()):
                began_at = work.began_at or self.moment
                if began_at < since:
                    continue
                is_running = work.prediction.status is PredictionStatus.RUNNING
                yield ListedPrediction(
                    prediction_id=prediction_id,
                    status=work.prediction.status,
                    created_at=began_at,
                    ended_at=None if is_running else work.ended_at or self.moment,
                    name_tag=prediction_id,
                )

    def address_of(self, listed: ListedPrediction) -> str | None:
        with self.fault_injector.over("address_of", listed.prediction_id):
            return self.restorer.works[str(listed.name_tag)].webhook_url


@dataclass
class InMemoryEmailListing:
    """Lists a mailer double's messages.

    A test names message ids that were ``undeliverable``, or sets ``is_closed``.
    """

    mailer: InMemoryMailer
    moment: datetime = MOMENT
    undeliverable: set[str] = field(default_factory=set)
    is_closed: bool = False
    fault_injector: FaultInjector = field(default_factory=FaultInjector)
    garbled: list[UnreadableEntry] = field(default_factory=list)

    def messages(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedEmail]:
        if self.is_closed:
            raise ListingClosedError("The mail double", "it is closed on request")
        with self.fault_injector.over("messages", ""):
            report_unreadable(self.garbled, "mail", unreadable)
            for message_id in reversed(list(self.mailer.mailbox)):
                if self._accepted_at(message_id) >= since:
                    yield self._listed(message_id)

    def find(self, email_id: EmailId) -> ListedEmail | None:
        if self.is_closed:
            raise ListingClosedError("The mail double", "it is closed on request")
        with self.fault_injector.over("find", str(email_id)):
            ours = (name for name, mail in self.mailer.mailbox.items() if mail.email_id == email_id)
            return next(map(self._listed, ours), None)

    def about(self, order_id: OrderId) -> list[ListedEmail]:
        if self.is_closed:
            raise ListingClosedError("The mail double", "it is closed on request")
        with self.fault_injector.over("about", str(order_id)):
            mailbox = reversed(self.mailer.mailbox.items())
            return [self._listed(name) for name, mail in mailbox if mail.order_id == order_id]

    def find_link(self, link_id: DownloadLinkId) -> ListedEmail | None:
        if self.is_closed:
            raise ListingClosedError("The mail double", "it is closed on request")
        with self.fault_injector.over("find_link", str(link_id)):
            mailbox = reversed(self.mailer.mailbox.items())
            ours = (name for name, mail in mailbox if mail.link_id == link_id)
            return next(map(self._listed, ours), None)

    def _listed(self, message_id: str) -> ListedEmail:
        is_lost = message_id in self.undeliverable
        return ListedEmail(
            message_id=message_id,
            fate=DeliveryStatus.UNDELIVERABLE if is_lost else DeliveryStatus.ACCEPTED,
            last_event_at=self._accepted_at(message_id),
            to=self.mailer.mailbox[message_id].to,
        )

    def _accepted_at(self, message_id: str) -> datetime:
        return self.mailer.accepted_at.get(message_id, self.moment)
