"""Delivery of accepted messages to the mailbox, with their events."""

import base64
import json
import secrets
import time
from dataclasses import dataclass

from sandbox.twins.common import FaultRules, Json, RuntimeOptions, TwinSettings, TwinState, WebhookSender

#: The outcome of every address at these domains. A fault can set it for any other address.
DOMAIN_OUTCOMES = {
    "bounce.example": "bounce",
    "dropped.example": "drop",
    "blocked.example": "block",
    "spam-report.example": "spam_report",
}
_DELIVERED: Json = {"event": "delivered", "response": "250 OK"}
_BOUNCED: Json = {
    "event": "bounce",
    "type": "bounce",
    "status": "5.1.1",
    "reason": "550 5.1.1 The email account that you tried to reach does not exist.",
    "bounce_classification": "Invalid Address",
    "tls": 1,
}


@dataclass(frozen=True)
class _Outcome:
    """The events of one outcome: immediate, and in a later batch."""

    at_once: Json
    later: Json | None = None
    later_keeps_custom_args: bool = True

    @property
    def outcome(self) -> str:
        """Return the event that decides the e-mail's delivery."""
        event = self.later if self.later and self.later["event"] in {"bounce", "delivered"} else self.at_once
        return str(event["event"])


_OUTCOMES = {
    "delivered": _Outcome(_DELIVERED),
    "bounce": _Outcome(_BOUNCED),
    # An asynchronous bounce: the server accepted the e-mail and returned it hours later.
    "late_bounce": _Outcome(_DELIVERED, _BOUNCED, later_keeps_custom_args=False),
    "drop": _Outcome({"event": "dropped", "reason": "Bounced Address", "status": "5.0.0"}),
    "block": _Outcome(
        {
            "event": "bounce",
            "type": "blocked",
            "status": "5.7.1",
            "reason": "550 5.7.1 Our system has detected that this message is likely suspicious.",
            "bounce_classification": "Reputation",
            "tls": 1,
        }
    ),
    "defer": _Outcome(
        {"event": "deferred", "attempt": "1", "response": "451 4.7.1 Try again later"}, _DELIVERED
    ),
    "spam_report": _Outcome(_DELIVERED, {"event": "spamreport"}),
    "unsubscribe": _Outcome(_DELIVERED, {"event": "unsubscribe"}),
    "group_unsubscribe": _Outcome(_DELIVERED, {"event": "group_unsubscribe", "asm_group_id": 7}),
}

#: The outcomes that a fault on "mail:ADDRESS" can set.
MAIL_ACTIONS = frozenset(_OUTCOMES) - {"delivered"}

#: Events of other products on the account, with custom arguments of their own.
_FOREIGN_EVENTS: tuple[Json, ...] = (
    {"email": "x@example.org", "timestamp": 0, "event": "processed", "sg_event_id": "e0", "order_id": 12345},
    {"email": ["x@example.org"], "timestamp": "soon", "event": "open", "email_id": {"of": "a newsletter"}},
    {"event": 7, "sg_message_id": None},
)


#: The settings of an event webhook that select types of events, and those events.
EVENT_TYPES = {
    "processed": "processed",
    "delivered": "delivered",
    "deferred": "deferred",
    "bounce": "bounce",
    "dropped": "dropped",
    "open": "open",
    "click": "click",
    "spam_report": "spamreport",
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "group_unsubscribe",
    "group_resubscribe": "group_resubscribe",
}


class SendGridSettings(TwinSettings, kw_only=True):
    """The settings of the SendGrid twin."""

    #: Where events are delivered; empty: nowhere.
    webhook_url: str = ""
    #: Email Activity, a paid option; without it messages cannot be listed.
    has_email_activity: bool = True
    #: What the API key may do.
    scopes: tuple[str, ...] = ("mail.send", "messages.read", "user.webhooks.event.settings.read")
    #: The verified single senders.
    verified_senders: tuple[str, ...] = ()
    #: The authenticated domains, whose DNS records the twin serves.
    authenticated_domains: tuple[str, ...] = ("restoreclick.example", "shop.example")
    #: Records that are missing there: spf, dkim, dmarc.
    missing_dns: tuple[str, ...] = ()
    #: The event webhook: whether it is enabled and signed, and the types it sends.
    webhook_enabled: bool = True
    webhook_signed: bool = True
    webhook_events: tuple[str, ...] = tuple(EVENT_TYPES)
    #: Every batch begins with events of another product on the account, whose fields have other types.
    shares_account: bool = False


@dataclass(eq=False)
class MailDelivery:
    """Deliver all e-mails into one mailbox."""

    ledger: TwinState
    faults: FaultRules
    settings: RuntimeOptions[SendGridSettings]
    webhooks: WebhookSender

    def accept(self, message: Json) -> str:
        """Accept a valid message, one e-mail per personalization; return its X-Message-Id."""
        message_id = secrets.token_urlsafe(16)
        events: list[Json] = []
        later: list[Json] = []
        with self.ledger.transaction():
            for number, personalization in enumerate(message["personalizations"]):
                at_once, delayed = self._deliver(
                    message, personalization, f"{message_id}.recvd-sandbox-{number}"
                )
                events += at_once
                later += delayed
            for batch in (events, later):
                self._post(batch)
        return message_id

    def _post(self, events: list[Json]) -> None:
        settings = self.settings.current
        sent = {EVENT_TYPES[name] for name in settings.webhook_events}
        events = [event for event in events if event["event"] in sent]
        if not events or not settings.webhook_url or not settings.webhook_enabled:
            return
        batch = [*(_FOREIGN_EVENTS if settings.shares_account else ()), *events]
        batch_id = secrets.token_urlsafe(16)
        body = json.dumps(batch).encode()
        self.webhooks.send(batch_id, events[-1]["event"], settings.webhook_url, body)

    def mailbox(self, to: str | None = None) -> list[Json]:
        """Return the e-mails, newest last, optionally those to one address."""
        mails = self.ledger.find("mail")[::-1]
        wanted = to.lower() if to else None
        return [
            mail for mail in mails if wanted is None or wanted in {one["email"].lower() for one in mail["to"]}
        ]

    def mail(self, mail_id: str) -> Json | None:
        """Return one e-mail, or None."""
        return self.ledger.get("mail", mail_id)

    @property
    def shows_activity(self) -> bool:
        """Whether the account has Email Activity."""
        return self.settings.current.has_email_activity

    def attachment(self, mail_id: str, number: int) -> tuple[Json, bytes] | None:
        """Return one attachment's description and content, or None."""
        mail = self.mail(mail_id)
        content = self.ledger.get_blob(f"{mail_id}/{number}")
        return None if mail is None or content is None else (mail["attachments"][number], content)

    def _deliver(
        self, message: Json, personalization: Json, sg_message_id: str
    ) -> tuple[list[Json], list[Json]]:
        """Store one e-mail; return its immediate and its later events."""
        mail_id = f"mail_{secrets.token_hex(8)}"
        recipients = [one for field in ("to", "cc", "bcc") for one in personalization.get(field) or []]
        ends = {one["email"]: self._outcome_of(one["email"]) for one in recipients}
        custom_args = (message.get("custom_args") or {}) | (personalization.get("custom_args") or {})
        parts = {part["type"]: part["value"] for part in message.get("content") or []}
        self.ledger.put(
            "mail",
            mail_id,
            {
                "id": mail_id,
                "sg_message_id": sg_message_id,
                "at": time.time(),
                "from": message["from"],
                "to": personalization["to"],
                "cc": personalization.get("cc") or [],
                "bcc": personalization.get("bcc") or [],
                "reply_to": message.get("reply_to"),
                "subject": personalization.get("subject") or message["subject"],
                "text": parts.get("text/plain", ""),
                "html": parts.get("text/html", ""),
                "custom_args": custom_args,
                "outcomes": {address: _OUTCOMES[end].outcome for address, end in ends.items()},
                "attachments": self._keep_attachments(mail_id, message),
            },
        )
        categories = {"category": message["categories"]} if message.get("categories") else {}
        ids = {"sg_message_id": sg_message_id, "smtp-id": f"<{sg_message_id}@sandbox>"}
        shared = custom_args | categories | ids
        events = [
            _event(shared, address, {"event": "processed"}) for address in ends if ends[address] != "drop"
        ]
        later = []
        for address, end in ((address, _OUTCOMES[end]) for address, end in ends.items()):
            events.append(_event(shared, address, end.at_once))
            if end.later:
                later.append(_event(shared if end.later_keeps_custom_args else ids, address, end.later))
        return events, later

    def _outcome_of(self, address: str) -> str:
        fault = self.faults.take(f"mail:{address}", MAIL_ACTIONS)
        return fault.do if fault else DOMAIN_OUTCOMES.get(address.rpartition("@")[2].lower(), "delivered")

    def _keep_attachments(self, mail_id: str, message: Json) -> list[Json]:
        kept = []
        for number, attachment in enumerate(message.get("attachments") or []):
            content = base64.b64decode(attachment["content"])
            self.ledger.put_blob(f"{mail_id}/{number}", content)
            kept.append(
                {
                    "filename": attachment["filename"],
                    "type": attachment.get("type", "application/octet-stream"),
                    "disposition": attachment.get("disposition", "attachment"),
                    "size_bytes": len(content),
                }
            )
        return kept


def _event(shared: Json, address: str, what: Json) -> Json:
    return {
        **shared,
        "email": address,
        "timestamp": int(time.time()),
        "sg_event_id": secrets.token_urlsafe(16),
        **what,
    }
