"""Verify and parse SendGrid's event webhook: batches of events."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

import msgspec
from sendgrid.helpers.eventwebhook import EventWebhook

from adapters.mailer_sendgrid.api import PROVIDER
from adapters.webhooks.fields import LONGEST_ID, our_id, plain_code, readable
from adapters.webhooks.signatures import TOLERANCE_SECONDS, check_age
from domain.order.values import EmailId, OptOut, OrderId
from domain.ports.clock import Clock
from domain.ports.email import DeliveryStatus, EmailWebhookEvent
from domain.ports.errors import ForgedMessageError

#: Delivery status by event; bounces are split further by type.
_STATUSES = {
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

#: The type of a bounce where the server refused one e-mail, and the address may be valid.
_BLOCKED = "blocked"

#: SendGrid's documented reasons to drop an e-mail; any other text could contain personal data.
_DROP_REASONS = (
    "Bounced Address",
    "Unsubscribed Address",
    "Spam Reporting Address",
    "Spam Content",
    "Invalid SMTPAPI header",
    "Invalid",
    "Recipient List over Package Quota",
)
#: The reason that does not concern the address.
_OVER_QUOTA = "Recipient List over Package Quota"


class SendGridWebhookParser:
    """Verify and parse SendGrid's webhooks.

    Raises ValueError for a key without the form that SendGrid's mail settings show.
    """

    def __init__(
        self, public_key: str, clock: Clock, *, tolerance_seconds: float = TOLERANCE_SECONDS
    ) -> None:
        self._webhook = EventWebhook(public_key)
        self._clock = clock
        self._tolerance_seconds = tolerance_seconds

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[EmailWebhookEvent]:
        self._check(body, headers)
        try:
            return [_webhook_event(event) for event in _events(body)]
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ForgedMessageError(PROVIDER, f"it is not a list of events ({error})") from error

    def _check(self, body: bytes, headers: Mapping[str, str]) -> None:
        timestamp = headers.get("x-twilio-email-event-webhook-timestamp", "")
        signature = headers.get("x-twilio-email-event-webhook-signature", "")
        check_age(PROVIDER, timestamp, self._clock, self._tolerance_seconds)
        try:
            is_signed = self._webhook.verify_signature(body.decode(), signature, timestamp)
        except ValueError as error:  # not UTF-8, or not base64
            raise ForgedMessageError(PROVIDER, "it is not signed text") from error
        if not is_signed:
            raise ForgedMessageError(PROVIDER, "the signature does not match")


@dataclass(frozen=True)
class _Event:
    """The fields of one event; those of an unexpected type are None."""

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
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)


def _events(body: bytes) -> Iterator[_Event]:
    """Yield the valid events of a batch.

    A batch contains the events of every product on the account. Each field is decoded by itself, so that one that
    cannot be decoded costs nothing else.
    """
    for raw in _EVENTS.decode(readable(body)):
        try:
            fields = _FIELDS.decode(raw)
        except msgspec.ValidationError:
            continue  # not an object
        if event := _text(fields.get("event")):
            yield _Event(
                event=event,
                timestamp=_timestamp(fields.get("timestamp")),
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


def _text(value: msgspec.Raw | None) -> str | None:
    try:
        return _TEXT.decode(value) if value is not None else None
    except msgspec.ValidationError:
        return None


def _timestamp(value: msgspec.Raw | None) -> str:
    """Return the timestamp as written; a number may have any size."""
    written = _text(value) if value is not None else str(None)
    return (written if written is not None else bytes(value or b"").decode())[:LONGEST_ID]


def _webhook_event(event: _Event) -> EmailWebhookEvent:
    email_id, order_id = our_id(event.email_id), our_id(event.order_id)
    fate = _delivery_status(event)
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


def _delivery_status(event: _Event) -> DeliveryStatus:
    is_refused_for_now = event.event == "bounce" and event.type == _BLOCKED
    is_over_quota = event.event == "dropped" and _drop_reason(event) == _OVER_QUOTA
    if is_refused_for_now or is_over_quota:
        return DeliveryStatus.BLOCKED
    return _STATUSES.get(event.event, DeliveryStatus.OTHER)


def _stable_id(event: _Event) -> str:
    """Return an id that is stable across retries, unlike `sg_event_id`."""
    parts = (event.sg_message_id, event.event, event.timestamp, event.email_id or event.email)
    return hashlib.sha256("\n".join(map(str, parts)).encode(errors="replace")).hexdigest()


def _possible_message_ids(event: _Event) -> tuple[str, ...]:
    """Return the possible message ids, longest first.

    SendGrid appends the name of a machine after a dot; these names have changed over the years, and ids contain dots
    themselves. The e-mail's own header has the id before the machine's name.
    """
    found: list[str] = []
    if _is_plain(event.sg_message_id):
        parts = event.sg_message_id.split(".")
        found.extend(".".join(parts[:length]) for length in range(len(parts), 0, -1))
    if _is_plain(event.smtp_id):
        found.append(event.smtp_id.strip(" <>").partition("@")[0])
    return tuple(dict.fromkeys(each for each in found if each))


def _is_plain(sg_message_id: str | None) -> TypeGuard[str]:
    """Whether it is a printable id short enough to be stored."""
    return sg_message_id is not None and 0 < len(sg_message_id) <= LONGEST_ID and sg_message_id.isprintable()


def message_id_of(sg_message_id: str | None) -> str | None:
    """Return the id that sending returned, without the appended machine name."""
    return re.split(r"\.(?:recvd|filter)", sg_message_id)[0] if _is_plain(sg_message_id) else None


def _reason(event: _Event) -> str:
    """The kind of failure, without server text that may quote addresses."""
    fields = (event.event, event.type, event.bounce_classification, _drop_reason(event), event.status)
    kinds = map(plain_code, fields)
    return " ".join(dict.fromkeys(kind for kind in kinds if kind))


def _drop_reason(event: _Event) -> str | None:
    if event.event != "dropped" or event.reason is None:
        return None
    given = event.reason.casefold()
    return next((reason for reason in _DROP_REASONS if given.startswith(reason.casefold())), None)
