"""A sender of e-mail with SendGrid's SDK, for tests."""

import json
from typing import Any

from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import CustomArg, Mail

from tests.sandbox.processes import TwinProcess

API_KEY = "SG.sandbox.key"


class Mailer:
    """Send notifications of finished photos."""

    def __init__(self, twin: TwinProcess, key: str = API_KEY) -> None:
        self.twin = twin
        self.client = SendGridAPIClient(key, host=twin.url)
        self.client.client.timeout = 5

    def compose(self, to: str, **changes: Any) -> Mail:
        fields: dict[str, Any] = {
            "from_email": ("shop@restoreclick.example", "RestoreClick"),
            "to_emails": to,
            "subject": "Your photos are ready",
            "plain_text_content": "Great-aunt Adele looks ten years younger.",
            "html_content": "<p>Great-aunt Adele looks <b>ten years</b> younger.</p>",
        }
        mail = Mail(**(fields | changes))
        mail.add_custom_arg(CustomArg("email_id", "eml_7"))
        return mail

    def send(self, mail: Mail | dict[str, Any]) -> Any:
        return self.client.send(mail)

    def mails_to(self, address: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.twin.control("GET", f"mailbox?to={address}")
        return found

    def errors_of(self, refusal: Any) -> list[dict[str, Any]]:
        errors: list[dict[str, Any]] = json.loads(refusal.body)["errors"]
        return errors
