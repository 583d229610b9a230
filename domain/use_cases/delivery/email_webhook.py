"""Handling of the e-mail provider's webhook events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from domain.order import events as e
from domain.order.actors import MAILER
from domain.order.email import Email
from domain.order.order import Order
from domain.order.values import (
    EmailId,
    OptOut,
    OrderId,
    Sha256,
)
from domain.ports.clock import Clock
from domain.ports.email import (
    DeliveryStatus,
    EmailWebhookEvent,
)
from domain.ports.errors import UnavailableError, UnreadableEventError
from domain.ports.unit_of_work import HasOrderQueries, HasOrders, HasWebhookInbox, UnitOfWork
from domain.signed_tokens import sha256_of
from domain.use_cases.delivery.emails import MAX_FAILED_EVENTS
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause


class EmailWebhookRepositories(HasOrders, HasWebhookInbox, Protocol):
    """The repositories that an e-mail webhook event is recorded in."""


#: Statuses to look up by message id if an event lacks our ids; for others it adds nothing: a known message id means
#: that the acceptance is recorded.
_FOUND_BY_MESSAGE = frozenset(
    {DeliveryStatus.DEFERRED, DeliveryStatus.BLOCKED, DeliveryStatus.UNDELIVERABLE, DeliveryStatus.OPTED_OUT}
)


@dataclass(eq=False, kw_only=True)
class EmailWebhook:
    """Record what the provider reports about e-mails."""

    unit_of_work: UnitOfWork[HasOrderQueries]
    command_handler: OrderCommandHandler[EmailWebhookRepositories]
    clock: Clock

    def handle(self, webhook_events: Sequence[EmailWebhookEvent]) -> None:
        """Record a batch of webhook events; idempotent.

        An event that cannot be recorded does not block the others: its error is raised at the end, so that the
        provider sends the batch again. The batch ends at once if the database is unavailable, or after
        MAX_FAILED_EVENTS unexpected errors.
        """
        errors: list[Exception] = []
        for webhook_event in self._identified(webhook_events):
            try:
                self._take(webhook_event)
            except UnreadableEventError as error:
                errors.append(error)  # affects only this order
            except UnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 -- raised below, after the others
                errors.append(error)
                if len(errors) == MAX_FAILED_EVENTS:
                    break
        if errors:
            raise errors[0]

    def _identified(self, webhook_events: Sequence[EmailWebhookEvent]) -> Iterator[EmailWebhookEvent]:
        """The events about this shop's e-mails, completed with our ids."""
        wanted = [
            message_id
            for webhook_event in webhook_events
            if _lacks_ids(webhook_event) and webhook_event.fate in _FOUND_BY_MESSAGE
            for message_id in webhook_event.message_ids
        ]
        found: Mapping[str, tuple[OrderId, EmailId]] = {}
        if wanted:
            with self.unit_of_work.transaction() as transaction:
                found = transaction.order_queries.find_by_messages(wanted)
        for webhook_event in webhook_events:
            if not _lacks_ids(webhook_event):
                yield webhook_event
            elif message_id := next(filter(found.__contains__, webhook_event.message_ids), None):
                order_id, email_id = found[message_id]
                yield replace(webhook_event, order_id=order_id, email_id=email_id, message_id=message_id)

    def _take(self, webhook_event: EmailWebhookEvent) -> None:
        """Record inbox row and event in one transaction.

        So a webhook event that could not be recorded is accepted when it is sent again.
        """
        order_id, email_id = webhook_event.order_id, webhook_event.email_id
        if order_id is None or email_id is None or webhook_event.fate is DeliveryStatus.OTHER:
            return
        name = f"{MAILER}:{webhook_event.event_id}"
        cause = Cause(name=name, key=name, actor=MAILER, correlation_id=order_id)

        def accepted(repositories: EmailWebhookRepositories, order: Order) -> Sequence[e.Event]:
            is_new = repositories.webhook_inbox.accept(
                MAILER,
                webhook_event.event_id,
                webhook_event.fate,
                _fingerprint(webhook_event),
                self.clock.now(),
            )
            email = order.emails.get(email_id)
            return _proposed(webhook_event, email) if is_new and email is not None else ()

        self.command_handler.handle(order_id, accepted, cause)


def _fingerprint(webhook_event: EmailWebhookEvent) -> Sha256:
    """The checksum of a webhook event, independent of its batch."""
    facts = (
        webhook_event.order_id,
        webhook_event.email_id,
        webhook_event.message_id,
        webhook_event.fate,
        webhook_event.reason,
    )
    return sha256_of("\n".join(map(str, facts)))


def _proposed(webhook_event: EmailWebhookEvent, email: Email) -> Sequence[e.Event]:
    """The events to propose; every status implies that the provider accepted it."""
    email_id, kind = email.email_id, email.kind
    accepted = e.EmailSent(email_id=email_id, kind=kind, message_id=webhook_event.message_id)
    reason = webhook_event.reason or "undeliverable"
    match webhook_event.fate:
        case DeliveryStatus.DEFERRED:
            return [accepted, e.EmailDeferred(email_id=email_id, kind=kind, reason=reason)]
        case DeliveryStatus.BLOCKED:
            return [accepted, e.EmailBlocked(email_id=email_id, kind=kind, reason=reason)]
        case DeliveryStatus.OPTED_OUT:
            how = webhook_event.opt_out or OptOut.UNSUBSCRIBED
            return [accepted, e.EmailOptedOut(email_id=email_id, kind=kind, how=how)]
        case DeliveryStatus.UNDELIVERABLE:
            return [e.EmailBounced(email_id=email_id, kind=kind, reason=reason)]
        case _:
            return [accepted]


def _lacks_ids(webhook_event: EmailWebhookEvent) -> bool:
    return webhook_event.order_id is None or webhook_event.email_id is None
