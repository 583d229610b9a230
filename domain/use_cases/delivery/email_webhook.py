"""Email webhook."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from domain.order import events as e
from domain.order.order import Email, Order
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
from domain.ports.unit_of_work import HasEventStore, HasOrderQueries, HasWebhookInbox, UnitOfWork
from domain.signed_tokens import sha256_of
from domain.use_cases.delivery.emails import MAX_FAILED_NOTICES, SOURCE
from domain.use_cases.order_command_handler import Cause, OrderCommandHandler


class EmailWebhookRepositories(HasEventStore, HasWebhookInbox, Protocol):
    """What an e-mail webhook event is recorded in."""


#: Notices without ids that are worth a look-up: a mail with a known message id is known to be accepted.
_FOUND_BY_MESSAGE = frozenset(
    {DeliveryStatus.DEFERRED, DeliveryStatus.BLOCKED, DeliveryStatus.UNDELIVERABLE, DeliveryStatus.OPTED_OUT}
)


class EmailWebhook:
    """Records what the mail provider posts."""

    def __init__(
        self,
        *,
        unit_of_work: UnitOfWork[HasOrderQueries],
        command_handler: OrderCommandHandler[EmailWebhookRepositories],
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._command_handler = command_handler
        self._clock = clock

    def handle(self, webhook_events: Sequence[EmailWebhookEvent]) -> None:
        """Record what became of each mail, as far as its order does not know it.

        One notice that cannot be recorded does not keep the others from it: they are all tried, and then its error
        is raised, so that the provider posts the batch again. The books being away ends the batch at once.
        """
        errors: list[Exception] = []
        for webhook_event in self._identified(webhook_events):
            try:
                self._take(webhook_event)
            except UnreadableEventError as error:
                errors.append(error)  # of this order alone
            except UnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 -- raised below, once the others had their turn
                errors.append(error)
                if len(errors) == MAX_FAILED_NOTICES:
                    break
        if errors:
            raise errors[0]

    def _identified(self, webhook_events: Sequence[EmailWebhookEvent]) -> Iterator[EmailWebhookEvent]:
        """The notices that say something about a mail of ours, each with the ids of order and mail."""
        wanted = [
            message_id
            for webhook_event in webhook_events
            if _lacks_ids(webhook_event) and webhook_event.fate in _FOUND_BY_MESSAGE
            for message_id in webhook_event.message_ids
        ]
        found: Mapping[str, tuple[OrderId, EmailId]] = {}
        if wanted:
            with self._unit_of_work.transaction() as transaction:
                found = transaction.order_queries.find_by_messages(wanted)
        for webhook_event in webhook_events:
            if not _lacks_ids(webhook_event):
                yield webhook_event
            elif message_id := next(filter(found.__contains__, webhook_event.message_ids), None):
                order_id, email_id = found[message_id]
                yield replace(webhook_event, order_id=order_id, email_id=email_id, message_id=message_id)

    def _take(self, webhook_event: EmailWebhookEvent) -> None:
        """Inbox and event in one transaction, so that a notice whose event could not be written comes again."""
        order_id, email_id = webhook_event.order_id, webhook_event.email_id
        if order_id is None or email_id is None or webhook_event.fate is DeliveryStatus.OTHER:
            return
        name = f"{SOURCE}:{webhook_event.event_id}"
        cause = Cause(name=name, key=name, actor=SOURCE, correlation_id=order_id)

        def accepted(repositories: EmailWebhookRepositories, order: Order) -> Sequence[e.Event]:
            is_new = repositories.webhook_inbox.accept(
                SOURCE,
                webhook_event.event_id,
                webhook_event.fate,
                _fingerprint(webhook_event),
                self._clock.now(),
            )
            email = order.emails.get(email_id)
            return _proposed(webhook_event, email) if is_new and email is not None else ()

        self._command_handler.handle(order_id, accepted, cause)


def _fingerprint(webhook_event: EmailWebhookEvent) -> Sha256:
    """Of this notice alone: in another batch it is the same."""
    facts = (
        webhook_event.order_id,
        webhook_event.email_id,
        webhook_event.message_id,
        webhook_event.fate,
        webhook_event.reason,
    )
    return sha256_of("\n".join(map(str, facts)))


def _proposed(webhook_event: EmailWebhookEvent, email: Email) -> Sequence[e.Event]:
    """What a notice says of a mail; whatever happened to it later, it was accepted first."""
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
