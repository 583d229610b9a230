"""Email webhook."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from domain.order import events as e
from domain.order.order import Email
from domain.order.values import (
    EmailId,
    OptOut,
    OrderId,
    Sha256,
)
from domain.ports.clock import Clock
from domain.ports.email import (
    MailFate,
    MailNotice,
)
from domain.ports.errors import UnavailableError
from domain.ports.unit_of_work import Books
from domain.signed_tokens import sha256_of
from domain.use_cases.delivery.emails import MAX_FAILED_NOTICES, SOURCE
from domain.use_cases.order_command_handler import Cause, Recorder

#: Notices without ids that are worth a look-up: a mail with a known message id is known to be accepted.
_FOUND_BY_MESSAGE = frozenset(
    {MailFate.DEFERRED, MailFate.BLOCKED, MailFate.UNDELIVERABLE, MailFate.OPTED_OUT}
)


class MailDesk:
    """Takes in what the mail provider posts."""

    def __init__(self, *, books: Books, recorder: Recorder, clock: Clock) -> None:
        self._books = books
        self._recorder = recorder
        self._clock = clock

    def take(self, notices: Sequence[MailNotice]) -> None:
        """Record what became of each mail, as far as its order does not know it.

        One notice that cannot be recorded does not keep the others from it: they are all tried, and then its error
        is raised, so that the provider posts the batch again. The books being away ends the batch at once.
        """
        errors: list[Exception] = []
        for notice in self._identified(notices):
            try:
                self._take(notice)
            except UnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 -- raised below, once the others had their turn
                errors.append(error)
                if len(errors) == MAX_FAILED_NOTICES:
                    break
        if errors:
            raise errors[0]

    def _identified(self, notices: Sequence[MailNotice]) -> Iterator[MailNotice]:
        """The notices that say something about a mail of ours, each with the ids of order and mail."""
        wanted = [
            message_id
            for notice in notices
            if _lacks_ids(notice) and notice.fate in _FOUND_BY_MESSAGE
            for message_id in notice.message_ids
        ]
        found: Mapping[str, tuple[OrderId, EmailId]] = {}
        if wanted:
            with self._books.transaction() as transaction:
                found = transaction.shelf.find_by_messages(wanted)
        for notice in notices:
            if not _lacks_ids(notice):
                yield notice
            elif message_id := next(filter(found.__contains__, notice.message_ids), None):
                order_id, email_id = found[message_id]
                yield replace(notice, order_id=order_id, email_id=email_id, message_id=message_id)

    def _take(self, notice: MailNotice) -> None:
        """Inbox and event in one transaction, so that a notice whose event could not be written comes again."""
        order_id, email_id = notice.order_id, notice.email_id
        if order_id is None or email_id is None or notice.fate is MailFate.OTHER:
            return
        with self._books.transaction() as transaction:
            transaction.log.lock(order_id)
            order = transaction.log.load(order_id)
            is_new = transaction.inbox.take(
                SOURCE, notice.event_id, notice.fate, _fingerprint(notice), self._clock.now()
            )
            if not is_new or email_id not in order.emails:
                return
            name = f"{SOURCE}:{notice.event_id}"
            cause = Cause(name=name, key=name, actor=SOURCE, correlation_id=order_id)
            step = self._recorder.plan(order, _said(notice, order.emails[email_id]), cause)
            self._recorder.write(transaction, step)
        self._recorder.wake(step)


def _fingerprint(notice: MailNotice) -> Sha256:
    """Of this notice alone: in another batch it is the same."""
    facts = (notice.order_id, notice.email_id, notice.message_id, notice.fate, notice.reason)
    return sha256_of("\n".join(map(str, facts)))


def _said(notice: MailNotice, email: Email) -> Sequence[e.Event]:
    """What a notice says of a mail; whatever happened to it later, it was accepted first."""
    email_id, kind = email.email_id, email.kind
    accepted = e.EmailSent(email_id=email_id, kind=kind, message_id=notice.message_id)
    reason = notice.reason or "undeliverable"
    match notice.fate:
        case MailFate.DEFERRED:
            return [accepted, e.EmailDeferred(email_id=email_id, kind=kind, reason=reason)]
        case MailFate.BLOCKED:
            return [accepted, e.EmailBlocked(email_id=email_id, kind=kind, reason=reason)]
        case MailFate.OPTED_OUT:
            how = notice.opt_out or OptOut.UNSUBSCRIBED
            return [accepted, e.EmailOptedOut(email_id=email_id, kind=kind, how=how)]
        case MailFate.UNDELIVERABLE:
            return [e.EmailBounced(email_id=email_id, kind=kind, reason=reason)]
        case _:
            return [accepted]


def _lacks_ids(notice: MailNotice) -> bool:
    return notice.order_id is None or notice.email_id is None
