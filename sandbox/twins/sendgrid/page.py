"""The mailbox in the browser."""

from datetime import UTC, datetime

from litestar import Controller, Response, get

from sandbox.twins.common import GIVEN, Json
from sandbox.twins.common.pages import Pages
from sandbox.twins.sendgrid.api import mail_or_404
from sandbox.twins.sendgrid.delivery import MailDelivery

_PAGES = Pages("sandbox.twins.sendgrid")


class MailboxPages(Controller):
    """A list of e-mails, and an e-mail as its reader sees it."""

    path = "/mailbox"

    @get("/", sync_to_thread=False)
    def mails(self, delivery: MailDelivery = GIVEN) -> Response[str]:
        """Show the e-mails, newest first."""
        return _PAGES.show("mailbox.html", mails=[_readable(mail) for mail in delivery.mailbox()[::-1]])

    @get("/{mail_id:str}", sync_to_thread=False)
    def mail(self, mail_id: str, delivery: MailDelivery = GIVEN) -> Response[str]:
        """Show one e-mail, its HTML in a sandboxed frame."""
        return _PAGES.show("mail.html", mail=_readable(mail_or_404(delivery, mail_id)))


def _readable(mail: Json) -> Json:
    return mail | {
        "at": datetime.fromtimestamp(mail["at"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "from": _person(mail["from"]),
        "to": ", ".join(_person(one) for one in mail["to"]),
        "undelivered": sorted({outcome for outcome in mail["outcomes"].values() if outcome != "delivered"}),
    }


def _person(one: Json) -> str:
    return f"{one['name']} <{one['email']}>" if one.get("name") else str(one["email"])
