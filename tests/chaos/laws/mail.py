"""Law 9: the log joined with SendGrid's books."""

from collections import Counter
from collections.abc import Iterator

from domain.order import events as e
from tests.chaos.collected_state import ExportArchive

ONCE = "One e-mail id is accepted by the provider at most once, or is marked ambiguous with the resend on record."


def mails_are_accepted_once(export_archive: ExportArchive) -> Iterator[str]:
    """Mails that were accepted more often than is on record, and mails that only one side knows of."""
    accepted = Counter(mail["custom_args"]["email_id"] for mail in export_archive.sendgrid.kind("mail"))
    sent = {str(event.email_id) for event in export_archive.events if isinstance(event, e.EmailSent)}
    doubts = Counter(
        str(event.email_id) for event in export_archive.events if isinstance(event, e.EmailUnconfirmed)
    )
    for email_id, times in accepted.items():
        if times > 1 + min(doubts[email_id], 1):
            yield f"E-mail {email_id} was accepted {times} times, and was in doubt {doubts[email_id]} times."
    for email_id in accepted.keys() - sent - doubts.keys():
        yield f"E-mail {email_id} was accepted by SendGrid, and is not on record as sent."
    for email_id in sent - accepted.keys():
        yield f"E-mail {email_id} is on record as sent, and SendGrid never accepted it."
