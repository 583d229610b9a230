"""Law 13: the log joined with all that was said from it, to staff, on pages and in mails."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from domain.order import events as e
from tests.chaos.collected_state import ExportArchive
from tests.chaos.provider_records import Json
from tests.laws.sentences import LANGUAGES, check_mail, check_timeline, check_what_is_said_now, known_from

EARNED = "No sentence about delivery, fetching or money is stronger than its events."

_LANGUAGE = re.compile(r'<html lang="(\w+)"')


def sentences_are_earned(export_archive: ExportArchive) -> Iterator[str]:
    """Timelines line by line, what is said of each order as it ended, and each mail as of when it was sent."""
    for order_id, order in export_archive.orders.items():
        history = export_archive.histories[order_id]
        yield from _told(partial(check_timeline, history))
        known = known_from(recorded.event for recorded in history)
        yield from _told(partial(check_what_is_said_now, order, known))
    by_id = {str(order_id): history for order_id, history in export_archive.histories.items()}
    for mail in export_archive.sendgrid.kind("mail"):
        yield from _of_mail(mail, by_id.get(mail["custom_args"]["order_id"], []))


def _of_mail(mail: Json, history: Sequence[e.RecordedEvent]) -> Iterator[str]:
    known = known_from(_before(history, mail["custom_args"]["email_id"]))
    found = _LANGUAGE.search(mail["html"])
    language = found[1] if found else "no language"
    if language not in LANGUAGES:
        yield f"Mail {mail['id']} is in {language}, for which no table says what earns a sentence."
        return
    yield from _told(partial(check_mail, mail["subject"], mail["text"], known, language))


def _before(history: Sequence[e.RecordedEvent], email_id: str) -> Iterator[e.Event]:
    """What was on record when a mail was sent; all of it for a mail whose end is not on record."""
    for recorded in history:
        if isinstance(recorded.event, e.EmailSent | e.EmailUnconfirmed) and (
            str(recorded.event.email_id) == email_id
        ):
            return
        yield recorded.event


def _told(check: Callable[[], None]) -> Iterator[str]:
    try:
        check()
    except AssertionError as wrong:
        yield str(wrong).partition("\n")[0]
