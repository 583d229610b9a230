"""A mail provider in memory."""

from dataclasses import dataclass, field

from domain.ports.errors import RefusedError
from domain.ports.mail import Mail
from tests.doubles.weather import Weather


@dataclass
class MemoryMailer:
    """Keeps what it accepts in ``mailbox``, newest last, by message id."""

    mailbox: dict[str, Mail] = field(default_factory=dict)
    weather: Weather = field(default_factory=Weather)

    def send(self, mail: Mail) -> str:
        with self.weather.over("send", str(mail.email_id)):
            if "@" not in mail.to:
                raise RefusedError("The mail double", "this is no address", code="400")
            message_id = f"message-{len(self.mailbox) + 1}"
            self.mailbox[message_id] = mail
            return message_id

    def mails_to(self, address: str) -> list[Mail]:
        """What one address received."""
        return [mail for mail in self.mailbox.values() if mail.to == address]
