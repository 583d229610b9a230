"""Reading SendGrid's event webhook: many events in one signed message."""

import hashlib
import re
from collections.abc import Mapping

import msgspec
from sendgrid.helpers.eventwebhook import EventWebhook

from adapters.mailer_sendgrid.api import PROVIDER
from adapters.notices import our_id, plain_code
from adapters.signatures import TOLERANCE_SECONDS, check_age
from domain.model.values import EmailId, OrderId
from domain.ports.errors import ForgedMessageError
from domain.ports.mail import MailFate, MailNotice
from domain.ports.world import Clock

#: Each of these, even a delivery that is put off, says that SendGrid took the mail.
_FATES = {
    "processed": MailFate.ACCEPTED,
    "deferred": MailFate.ACCEPTED,
    "delivered": MailFate.ACCEPTED,
    "open": MailFate.ACCEPTED,
    "click": MailFate.ACCEPTED,
    "bounce": MailFate.UNDELIVERABLE,
    "blocked": MailFate.UNDELIVERABLE,
    "dropped": MailFate.UNDELIVERABLE,
}


class SendGridNotices:
    """Reads what SendGrid posts. Raises ValueError for a key that is not the one from its mail settings."""

    def __init__(
        self, public_key: str, clock: Clock, *, tolerance_seconds: float = TOLERANCE_SECONDS
    ) -> None:
        self._webhook = EventWebhook(public_key)
        self._clock = clock
        self._tolerance_seconds = tolerance_seconds

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[MailNotice]:
        """Check the signature, then say what became of which mail; raises ForgedMessageError."""
        self._check(body, headers)
        try:
            return [_notice(event) for event in _EVENTS.decode(body)]
        except msgspec.MsgspecError as error:
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


class _Event(msgspec.Struct):
    event: str
    timestamp: int
    email: str = ""
    sg_message_id: str | None = None
    email_id: str | None = None
    order_id: str | None = None
    type: str | None = None
    status: str | None = None
    bounce_classification: str | None = None


_EVENTS = msgspec.json.Decoder(list[_Event])


def _notice(event: _Event) -> MailNotice:
    email_id, order_id = our_id(event.email_id), our_id(event.order_id)
    fate = _FATES.get(event.event, MailFate.OTHER)
    return MailNotice(
        event_id=_stable_id(event),
        email_id=EmailId(email_id) if email_id else None,
        order_id=OrderId(order_id) if order_id else None,
        message_id=message_id_of(event.sg_message_id),
        fate=fate,
        reason=_reason(event) if fate is MailFate.UNDELIVERABLE else None,
    )


def _stable_id(event: _Event) -> str:
    """SendGrid's own `sg_event_id` is not the same in a retry of the same event."""
    facts = (event.sg_message_id, event.event, event.timestamp, event.email_id or event.email)
    return hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()


def message_id_of(sg_message_id: str | None) -> str | None:
    """The id that sending told; in a notice, the name of a machine is appended to it."""
    return re.split(r"\.(?:recvd|filter)", sg_message_id)[0] if sg_message_id else None


def _reason(event: _Event) -> str:
    """What kind of failure it is; the mail server's own sentence often quotes the address."""
    kinds = map(plain_code, (event.event, event.type, event.bounce_classification, event.status))
    return " ".join(dict.fromkeys(kind for kind in kinds if kind))
