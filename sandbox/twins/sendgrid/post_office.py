"""From an accepted message to mails in the mailbox, and events that tell what became of each."""

import base64
import json
import secrets
import time

from sandbox.twins.kit import FaultBook, Json, Ledger, SettingsBook, TwinSettings, WebhookSender

#: Every address at these domains meets this end. Any other address can be given one by a fault.
DOOMED_DOMAINS = {"bounce.example": "bounce", "dropped.example": "drop"}
#: The ends that a fault on "mail:ADDRESS" can order.
MAIL_DEEDS = frozenset({"bounce", "drop"})

#: What the event webhook says of each end, besides the fields that all events have.
_ENDS: dict[str, Json] = {
    "delivered": {"event": "delivered", "response": "250 OK"},
    "bounce": {
        "event": "bounce",
        "type": "bounce",
        "status": "5.1.1",
        "reason": "550 5.1.1 The email account that you tried to reach does not exist.",
        "bounce_classification": "Invalid Address",
        "tls": 1,
    },
    "drop": {"event": "dropped", "reason": "Bounced Address", "status": "5.0.0"},
}


class SendGridSettings(TwinSettings, kw_only=True):
    """The knobs of the SendGrid twin."""

    #: Where events are delivered; empty: nowhere.
    webhook_url: str = ""
    #: Email Activity, which an account pays for; without it nobody may look into the messages.
    has_email_activity: bool = True


class PostOffice:
    """Delivers into one mailbox, whoever the mail is for."""

    def __init__(
        self,
        ledger: Ledger,
        faults: FaultBook,
        settings: SettingsBook[SendGridSettings],
        webhooks: WebhookSender,
    ) -> None:
        self._ledger = ledger
        self._faults = faults
        self._settings = settings
        self._webhooks = webhooks

    def accept(self, message: Json) -> str:
        """Take in a valid message, one mail per personalization; return its X-Message-Id."""
        message_id = secrets.token_urlsafe(16)
        events: list[Json] = []
        with self._ledger.transaction():
            for number, personalization in enumerate(message["personalizations"]):
                events += self._deliver(message, personalization, f"{message_id}.recvd-sandbox-{number}")
            url = self._settings.current.webhook_url
            if url:
                batch_id = secrets.token_urlsafe(16)
                self._webhooks.send(batch_id, events[-1]["event"], url, json.dumps(events).encode())
        return message_id

    def mailbox(self, to: str | None = None) -> list[Json]:
        """Return the mails, newest last; those to one address, if any is named."""
        mails = self._ledger.find("mail")[::-1]
        wanted = to.lower() if to else None
        return [
            mail for mail in mails if wanted is None or wanted in {one["email"].lower() for one in mail["to"]}
        ]

    def mail(self, mail_id: str) -> Json | None:
        """Return one mail, or None."""
        return self._ledger.get("mail", mail_id)

    @property
    def shows_activity(self) -> bool:
        """Whether the account has bought Email Activity."""
        return self._settings.current.has_email_activity

    def attachment(self, mail_id: str, number: int) -> tuple[Json, bytes] | None:
        """Return one attachment's description and content, or None."""
        mail = self.mail(mail_id)
        content = self._ledger.get_blob(f"{mail_id}/{number}")
        return None if mail is None or content is None else (mail["attachments"][number], content)

    def _deliver(self, message: Json, personalization: Json, sg_message_id: str) -> list[Json]:
        """Put one mail into the mailbox and return the events about it."""
        mail_id = f"mail_{secrets.token_hex(8)}"
        recipients = [one for field in ("to", "cc", "bcc") for one in personalization.get(field) or []]
        ends = {one["email"]: self._end_of(one["email"]) for one in recipients}
        custom_args = (message.get("custom_args") or {}) | (personalization.get("custom_args") or {})
        parts = {part["type"]: part["value"] for part in message.get("content") or []}
        self._ledger.put(
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
                "outcomes": {address: _ENDS[end]["event"] for address, end in ends.items()},
                "attachments": self._keep_attachments(mail_id, message),
            },
        )
        categories = {"category": message["categories"]} if message.get("categories") else {}
        shared = (
            custom_args
            | categories
            | {"sg_message_id": sg_message_id, "smtp-id": f"<{sg_message_id}@sandbox>"}
        )
        processed = [
            _event(shared, address, {"event": "processed"}) for address in ends if ends[address] != "drop"
        ]
        return processed + [_event(shared, address, _ENDS[end]) for address, end in ends.items()]

    def _end_of(self, address: str) -> str:
        fault = self._faults.take(f"mail:{address}", MAIL_DEEDS)
        return fault.do if fault else DOOMED_DOMAINS.get(address.rpartition("@")[2].lower(), "delivered")

    def _keep_attachments(self, mail_id: str, message: Json) -> list[Json]:
        kept = []
        for number, attachment in enumerate(message.get("attachments") or []):
            content = base64.b64decode(attachment["content"])
            self._ledger.put_blob(f"{mail_id}/{number}", content)
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
