"""A mail provider and plain mails in memory."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from domain.ports.clock import Clock
from domain.ports.email import EmailFacts, OutgoingEmail, RenderedEmail
from domain.ports.errors import RefusedError
from tests.doubles.fault_injection import FaultInjector


@dataclass
class InMemoryMailer:
    """Keeps accepted mails in ``mailbox`` by message id, newest last."""

    mailbox: dict[str, OutgoingEmail] = field(default_factory=dict)
    fault_injector: FaultInjector = field(default_factory=FaultInjector)
    clock: Clock | None = None
    accepted_at: dict[str, datetime] = field(default_factory=dict)  # where there is a clock

    def send(self, mail: OutgoingEmail) -> str:
        with self.fault_injector.over("send", str(mail.email_id)):
            if "@" not in mail.to:
                raise RefusedError("The mail double", "this is no address", code="400")
            return self._keep(mail)

    def mails_to(self, address: str) -> list[OutgoingEmail]:
        """List the mails to one address."""
        return [mail for mail in self.mailbox.values() if mail.to == address]

    def _keep(self, mail: OutgoingEmail) -> str:
        message_id = self._named(mail)
        self.mailbox[message_id] = mail
        if self.clock is not None:
            self.accepted_at[message_id] = self.clock.now()
        return message_id

    def _named(self, mail: OutgoingEmail) -> str:  # noqa: ARG002 -- for subclasses that derive the name from the mail
        return f"message-{len(self.mailbox) + 1}"


class PlainEmailRenderer:
    """Renders mails that contain only their facts.

    ``facts`` holds the facts of each mail, by its HTML.
    """

    def __init__(self) -> None:
        self.facts: dict[str, EmailFacts] = {}

    def render(self, facts: EmailFacts) -> RenderedEmail:
        self.facts[repr(facts)] = facts
        return RenderedEmail(subject=facts.kind, text=str(facts.download_url), html=repr(facts))


def token_in(email_content: RenderedEmail) -> str | None:
    """Extract the download link's token from the shop's mail, if any."""
    found = re.search(r"/api/download/([^/]+)/photos", email_content.text)
    return found[1] if found else None
