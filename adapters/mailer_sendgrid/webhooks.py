"""Reading SendGrid's event webhook: many events in one signed message."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

import msgspec
from sendgrid.helpers.eventwebhook import EventWebhook

from adapters.mailer_sendgrid.api import PROVIDER
from adapters.webhooks.fields import our_id, plain_code, readable
from adapters.webhooks.signatures import TOLERANCE_SECONDS, check_age
from domain.order.values import EmailId, OptOut, OrderId
from domain.ports.clock import Clock
from domain.ports.email import DeliveryStatus, EmailWebhookEvent
from domain.ports.errors import ForgedMessageError

#: What each event says of a mail, a bounce apart: that has kinds.
_FATES = {
    "processed": DeliveryStatus.ACCEPTED,
    "deferred": DeliveryStatus.DEFERRED,
    "delivered": DeliveryStatus.ACCEPTED,
    "open": DeliveryStatus.ACCEPTED,
    "click": DeliveryStatus.ACCEPTED,
    "bounce": DeliveryStatus.UNDELIVERABLE,
    "blocked": DeliveryStatus.BLOCKED,
    "dropped": DeliveryStatus.UNDELIVERABLE,
    "spamreport": DeliveryStatus.OPTED_OUT,
    "unsubscribe": DeliveryStatus.OPTED_OUT,
    "group_unsubscribe": DeliveryStatus.OPTED_OUT,
}

_OPT_OUTS = {
    "spamreport": OptOut.SPAM_REPORT,
    "unsubscribe": OptOut.UNSUBSCRIBED,
    "group_unsubscribe": OptOut.GROUP_UNSUBSCRIBED,
}

#: The type of a bounce of an address that may be good: the server refused this one mail.
_BLOCKED = "blocked"

#: Why SendGrid drops a mail without trying, as its reference lists them; any other text could be about a person.
_DROP_REASONS = (
    "Bounced Address",
    "Unsubscribed Address",
    "Spam Reporting Address",
    "Spam Content",
    "Invalid SMTPAPI header",
    "Invalid",
    "Recipient List over Package Quota",
)
#: The one that says nothing of the address.
_OVER_QUOTA = "Recipient List over Package Quota"

#: Far longer than any id that SendGrid gives.
_LONGEST_ID = 255


class SendGridWebhookParser:
    """Reads what SendGrid posts. Raises ValueError for a key that is not the one from its mail settings."""

    def __init__(
        self, public_key: str, clock: Clock, *, tolerance_seconds: float = TOLERANCE_SECONDS
    ) -> None:
        self._webhook = EventWebhook(public_key)
        self._clock = clock
        self._tolerance_seconds = tolerance_seconds

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[EmailWebhookEvent]:
        """Check the signature, then say what became of which mail; raises ForgedMessageError."""
        self._check(body, headers)
        try:
            return [_webhook_event(event) for event in _events(body)]
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ForgedMessageError(PROVIDER, f"it is no list of events ({error})") from error

    def _check(self, body: bytes, headers: Mapping[str, str]) -> None:
        timestamp = headers.get("x-twilio-email-event-webhook-timestamp", "")
        signature = headers.get("x-twilio-email-event-webhook-signature", "")
        check_age(PROVIDER, timestamp, self._clock, self._tolerance_seconds)
        try:
            is_signed = self._webhook.verify_signature(body.decode(), signature, timestamp)
        except ValueError as error:  # no UTF-8, no base64
            raise ForgedMessageError(PROVIDER, "it is not text with a signature") from error
        if not is_signed:
            raise ForgedMessageError(PROVIDER, "the signature does not fit")


@dataclass(frozen=True)
class _Event:
    """The fields the shop knows of one event; a field of another type than SendGrid's is as good as absent."""

    event: str
    timestamp: str
    email: str
    sg_message_id: str | None
    smtp_id: str | None
    email_id: str | None
    order_id: str | None
    type: str | None
    status: str | None
    reason: str | None
    bounce_classification: str | None


_EVENTS = msgspec.json.Decoder(list[msgspec.Raw])


def _events(body: bytes) -> Iterator[_Event]:
    """The events in a batch that can be read: a batch holds those of every product on the account."""
    for raw in _EVENTS.decode(readable(body)):
        try:
            fields = msgspec.json.decode(raw)
        except (msgspec.MsgspecError, RecursionError):
            continue
        if isinstance(fields, dict) and (event := _text(fields.get("event"))):
            yield _Event(
                event=event,
                timestamp=str(fields.get("timestamp"))[:_LONGEST_ID],
                email=_text(fields.get("email")) or "",
                sg_message_id=_text(fields.get("sg_message_id")),
                smtp_id=_text(fields.get("smtp-id")),
                email_id=_text(fields.get("email_id")),
                order_id=_text(fields.get("order_id")),
                type=_text(fields.get("type")),
                status=_text(fields.get("status")),
                reason=_text(fields.get("reason")),
                bounce_classification=_text(fields.get("bounce_classification")),
            )


def _text(told: object) -> str | None:
    return told if isinstance(told, str) else None


def _webhook_event(event: _Event) -> EmailWebhookEvent:
    email_id, order_id = our_id(event.email_id), our_id(event.order_id)
    fate = _fate(event)
    return EmailWebhookEvent(
        event_id=_stable_id(event),
        email_id=EmailId(email_id) if email_id else None,
        order_id=OrderId(order_id) if order_id else None,
        message_id=message_id_of(event.sg_message_id),
        fate=fate,
        reason=_reason(event) if fate in _WITH_REASON else None,
        opt_out=_OPT_OUTS.get(event.event),
        message_ids=_possible_message_ids(event),
    )


_WITH_REASON = frozenset({DeliveryStatus.UNDELIVERABLE, DeliveryStatus.BLOCKED, DeliveryStatus.DEFERRED})


def _fate(event: _Event) -> DeliveryStatus:
    is_refused_for_now = event.event == "bounce" and event.type == _BLOCKED
    is_over_quota = event.event == "dropped" and _drop_reason(event) == _OVER_QUOTA
    if is_refused_for_now or is_over_quota:
        return DeliveryStatus.BLOCKED
    return _FATES.get(event.event, DeliveryStatus.OTHER)


def _stable_id(event: _Event) -> str:
    """SendGrid's own `sg_event_id` is not the same in a retry of the same event."""
    facts = (event.sg_message_id, event.event, event.timestamp, event.email_id or event.email)
    return hashlib.sha256("\n".join(map(str, facts)).encode(errors="replace")).hexdigest()


def _possible_message_ids(event: _Event) -> tuple[str, ...]:
    """What sending may have returned of an id that begins with it, the longest first.

    The names of SendGrid's machines, which follow after a dot, have changed over the years; ids had dots themselves.
    The mail's own header has the id before the machine's name.
    """
    found: list[str] = []
    if _is_plain(event.sg_message_id):
        parts = event.sg_message_id.split(".")
        found.extend(".".join(parts[:length]) for length in range(len(parts), 0, -1))
    if _is_plain(event.smtp_id):
        found.append(event.smtp_id.strip(" <>").partition("@")[0])
    return tuple(dict.fromkeys(each for each in found if each))


def _is_plain(sg_message_id: str | None) -> TypeGuard[str]:
    """Whether it is an id at all: what is kept in the database must fit there."""
    return sg_message_id is not None and 0 < len(sg_message_id) <= _LONGEST_ID and sg_message_id.isprintable()


def message_id_of(sg_message_id: str | None) -> str | None:
    """The id that sending returned; in a notice, the name of a machine is appended to it."""
    return re.split(r"\.(?:recvd|filter)", sg_message_id)[0] if _is_plain(sg_message_id) else None


def _reason(event: _Event) -> str:
    """What kind of failure it is; the mail server's own sentence often quotes the address."""
    told = (event.event, event.type, event.bounce_classification, _drop_reason(event), event.status)
    kinds = map(plain_code, told)
    return " ".join(dict.fromkeys(kind for kind in kinds if kind))


def _drop_reason(event: _Event) -> str | None:
    """SendGrid's own reason to drop a mail, as its reference spells it."""
    if event.event != "dropped" or event.reason is None:
        return None
    given = event.reason.casefold()
    return next((reason for reason in _DROP_REASONS if given.startswith(reason.casefold())), None)
