"""SendGrid's Email Activity, read backwards in time for want of pages."""

import http.client
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from python_http_client.exceptions import HTTPError

from adapters.mailer_sendgrid.api import PROVIDER, SendGridMailer, translated
from adapters.mailer_sendgrid.webhooks import message_id_of
from adapters.webhooks.entries import entries_read
from adapters.webhooks.fields import readable
from domain.order.values import DownloadLinkId, EmailId, OrderId
from domain.ports.clock import Clock
from domain.ports.email import DeliveryStatus
from domain.ports.errors import UnavailableError, UnreadableAnswerError
from domain.ports.provider_listings import (
    ListedEmail,
    ListingClosedError,
    TakeUnreadable,
    UnreadableEntry,
    refuse_unreadable,
)

#: The largest page size SendGrid allows.
PAGE = 1000

#: Statuses for an account without Email Activity, or a key that may not read it.
_CLOSED = frozenset({http.client.UNAUTHORIZED, http.client.FORBIDDEN, http.client.NOT_FOUND})


class _Message(msgspec.Struct):
    msg_id: str
    status: str
    last_event_time: datetime
    to_email: str | None = None


_MESSAGE = msgspec.json.Decoder(_Message)


class _Messages(msgspec.Struct):
    messages: list[msgspec.Raw] = []


class SendGridListing:
    """Read the Email Activity of a mailer's account."""

    def __init__(self, mailer: SendGridMailer, clock: Clock) -> None:
        self._sdk = mailer.sdk
        self._clock = clock

    def messages(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedEmail]:
        """Yield messages newest first; each page ends where the next begins."""
        until, known = self._clock.now(), frozenset[str]()
        while True:
            span = (
                f'last_event_time BETWEEN TIMESTAMP "{_timestamp(since)}" AND TIMESTAMP "{_timestamp(until)}"'
            )
            listed = self._ask(span)
            page = list(_messages(listed, unreadable))
            new = [message for message in page if message.msg_id not in known]
            yield from map(_as_listed, new)
            if len(listed) < PAGE:
                return
            if not new:
                raise UnavailableError(PROVIDER, "more e-mails in one second than fit on a page")
            until = min(message.last_event_time for message in page)
            known = frozenset(message.msg_id for message in page)

    def find(self, email_id: EmailId) -> ListedEmail | None:
        """Return the newest message with our id."""
        return self._find("email_id", email_id)

    def about(self, order_id: OrderId) -> list[ListedEmail]:
        """Return the messages with this order's id, newest first."""
        return [_as_listed(each) for each in _messages(self._with("order_id", order_id), refuse_unreadable)]

    def find_link(self, link_id: DownloadLinkId) -> ListedEmail | None:
        """Return the newest message with this download link."""
        return self._find("link_id", link_id)

    def _find(self, name: str, value: UUID) -> ListedEmail | None:
        listed = self._with(name, value)
        unreadable: list[UnreadableEntry] = []
        found = next(_messages(listed, unreadable.append), None)
        if found is None and unreadable:
            refuse_unreadable(unreadable[0])  # a match exists, so None would be wrong
        return _as_listed(found) if found else None

    def _with(self, name: str, value: UUID) -> list[msgspec.Raw]:
        return self._ask(f"(unique_args['{name}']=\"{value}\")")

    def _ask(self, query: str) -> list[msgspec.Raw]:
        with translated():
            try:
                answer = self._sdk.client.messages.get(query_params={"query": query, "limit": PAGE})
            except HTTPError as error:
                if int(error.status_code) not in _CLOSED:
                    raise
                detail = f"its Email Activity is closed to this account's key (status {error.status_code})"
                raise ListingClosedError(PROVIDER, detail) from error
        try:
            return msgspec.json.decode(readable(answer.body), type=_Messages).messages
        except (msgspec.MsgspecError, ValueError) as error:
            raise UnreadableAnswerError(PROVIDER, f"an activity that cannot be read: {error}") from error


def _messages(listed: list[msgspec.Raw], unreadable: TakeUnreadable) -> Iterator[_Message]:
    return entries_read(
        listed, _MESSAGE.decode, provider=PROVIDER, kind="mail", id_field="msg_id", unreadable=unreadable
    )


def _timestamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _as_listed(message: _Message) -> ListedEmail:
    is_lost = message.status.replace("_", " ") == "not delivered"
    return ListedEmail(
        message_id=message_id_of(message.msg_id) or message.msg_id,
        fate=DeliveryStatus.UNDELIVERABLE if is_lost else DeliveryStatus.ACCEPTED,
        last_event_at=message.last_event_time,
        to=message.to_email,
    )
