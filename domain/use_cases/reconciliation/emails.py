"""The comparison of the log with the mailer.

Every e-mail recorded as sent should be known there, and every bounce there should be recorded here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from domain.order import events as e
from domain.order.email import EmailStatus
from domain.order.order import Order
from domain.order.values import EmailId, OrderId
from domain.ports.email import DeliveryStatus, EmailWebhookEvent
from domain.ports.provider_listings import EmailListing, ListedEmail
from domain.ports.unit_of_work import HasEventStore, HasReconciliationQueries, UnitOfWork
from domain.use_cases.delivery.email_webhook import EmailWebhook
from domain.use_cases.reconciliation.comparison import ComparisonContext, paged
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Side


class EmailComparisonRepositories(HasEventStore, HasReconciliationQueries, Protocol):
    """The repositories that the comparison of e-mails reads."""


#: The mailer keeps messages for thirty days; a day less, so that an e-mail at the limit is not reported as unknown.
LISTING_REACHES_BACK = timedelta(days=29)


@dataclass(frozen=True)
class _Mail:
    order_id: OrderId
    email_id: EmailId
    since: datetime


@dataclass
class _RecordedEmails:
    """The e-mails in the log; all are held in memory."""

    sent: dict[str, _Mail] = field(default_factory=dict)  # by message id
    unconfirmed: list[_Mail] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class EmailComparison:
    """Compares sent and unconfirmed e-mails of a period with the mailer's messages."""

    side = Side.MAILER

    unit_of_work: UnitOfWork[EmailComparisonRepositories]
    ledger: EmailListing
    email_webhook: EmailWebhook

    def compare(self, context: ComparisonContext) -> Iterator[Finding]:
        """Yield bounces not recorded, unknown messages, and unconfirmed e-mails that were accepted."""
        in_log, since = self._recorded_emails(context), max(context.since, context.now - LISTING_REACHES_BACK)
        for page in paged(self.ledger.messages(since, context.unreadable(self.side))):
            context.watch(len(page))
            for carried in page:
                mail = in_log.sent.pop(carried.message_id, None)
                if mail is not None and carried.fate is DeliveryStatus.UNDELIVERABLE:
                    yield from self._came_back(context, mail, carried)
        for message_id, mail in in_log.sent.items():
            yield _finding(mail, FindingCode.MAIL_UNKNOWN_THERE, mail.since, message_id=message_id)
        for mail in in_log.unconfirmed:
            context.watch(1)
            with context.isolated(self.side, "mail", str(mail.email_id)):
                yield from self._accepted_after_all(context, mail)

    def _recorded_emails(self, context: ComparisonContext) -> _RecordedEmails:
        recorded_emails = _RecordedEmails()
        since = max(context.since, context.now - LISTING_REACHES_BACK)
        with self.unit_of_work.transaction() as transaction:
            order_ids = transaction.reconciliation_queries.orders_since(context.since)
        for page in paged(order_ids):
            with self.unit_of_work.transaction() as transaction:
                streams = transaction.reconciliation_queries.streams(page)
            for recorded in (each for stream in streams.values() for each in stream):
                if not since <= recorded.recorded_at <= context.settled_before:
                    continue
                match recorded.event:
                    case e.EmailSent(email_id=email_id, message_id=str(message_id)):
                        recorded_emails.sent[message_id] = _Mail(
                            recorded.order_id, email_id, recorded.recorded_at
                        )
                    case e.EmailUnconfirmed(email_id=email_id):
                        recorded_emails.unconfirmed.append(
                            _Mail(recorded.order_id, email_id, recorded.recorded_at)
                        )
                    case _:
                        pass
        return recorded_emails

    def _came_back(self, context: ComparisonContext, mail: _Mail, carried: ListedEmail) -> Iterator[Finding]:
        if carried.last_event_at > context.settled_before or not self._has_status(mail, EmailStatus.SENT):
            return
        finding = _finding(mail, FindingCode.MAIL_CAME_BACK, carried.last_event_at)
        yield self._repair(context, finding, mail, carried, EmailStatus.SENT)

    def _accepted_after_all(self, context: ComparisonContext, mail: _Mail) -> Iterator[Finding]:
        if not self._has_status(mail, EmailStatus.UNCONFIRMED):
            return
        carried = self.ledger.find(mail.email_id)
        if carried is None:
            return  # its retry sends it again
        finding = _finding(mail, FindingCode.MAIL_IS_KNOWN_THERE, mail.since)
        yield self._repair(context, finding, mail, carried, EmailStatus.UNCONFIRMED)

    def _repair(
        self,
        context: ComparisonContext,
        finding: Finding,
        mail: _Mail,
        carried: ListedEmail,
        was: EmailStatus,
    ) -> Finding:
        webhook_event = EmailWebhookEvent(
            event_id=f"reconciled:{carried.message_id}:{carried.fate}",
            email_id=mail.email_id,
            order_id=mail.order_id,
            message_id=carried.message_id,
            fate=carried.fate,
            reason="undeliverable" if carried.fate is DeliveryStatus.UNDELIVERABLE else None,
        )
        return context.repair(
            finding,
            lambda: self.email_webhook.handle([webhook_event]),
            is_wrong_still=lambda: self._has_status(mail, was),
        )

    def _has_status(self, mail: _Mail, status: EmailStatus) -> bool:
        with self.unit_of_work.transaction() as transaction:
            order: Order = transaction.event_store.load(mail.order_id)
        known = order.emails.get(mail.email_id)
        return known is not None and known.status is status


def _finding(mail: _Mail, what: FindingCode, since: datetime, **facts: object) -> Finding:
    return Finding(
        side=Side.MAILER,
        what=what,
        subject=str(mail.email_id),
        order_id=mail.order_id,
        since=since,
        facts=facts,
    )
