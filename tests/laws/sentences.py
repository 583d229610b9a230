"""Law 13: no sentence is stronger than the events behind it.

What is known is computed from the events, independent of the shop's model. A table for each language says which events
prove which sentence. A sentence with a weighty word (delivery, download, money) that no row covers is a violation.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from html import unescape
from typing import Any

from adapters.localization.status_text import image_status_of, owner_sentence_of, status_of
from adapters.localization.timeline_text import timeline_text_of
from domain.order import events as e
from domain.order.order import Order
from entrypoints.http.pages import status_pages
from tests.entrypoints.support.visits import visit_in
from tests.laws import english, german
from tests.laws.known import Earned, Known, known_from
from tests.laws.snapshot import AcceptedMail, OrderStream, Snapshot, Step, Violation, violation

__all__ = [
    "LANGUAGES",
    "Known",
    "check_mail",
    "check_status",
    "check_timeline",
    "known_from",
    "sentences_are_earned",
    "unearned",
]

#: By language: the table of claims, and the words of weight.
_TABLES = {
    name: ([(re.compile(pattern, re.IGNORECASE), earned) for pattern, earned in table.CLAIMS], table.WEIGHTY)
    for name, table in (("en", english), ("de", german))
}
LANGUAGES = tuple(_TABLES)


def sentences_are_earned(snapshot: Snapshot) -> Iterator[Violation]:
    """Require proof for timelines, statuses, and mails when they were sent."""
    for order_id in snapshot.orders:
        stream = snapshot.streams[order_id]
        checks = []
        if stream.steps:
            checks.append(partial(check_status, stream.order, known_from(stream.history)))
        if snapshot.is_at_rest:
            checks.append(partial(check_timeline, stream.events))
        for sentence in (
            *_raised_by(checks),
            *(wrong for step in stream.steps for wrong in _not_requested(step, snapshot)),
        ):
            yield violation(13, sentence, order_id)
    streams = {str(order_id): stream for order_id, stream in snapshot.streams.items()}
    for mail in snapshot.mails or ():
        for language, (subject, text) in mail.texts.items():
            if language not in LANGUAGES:
                yield violation(13, f"No table says what earns a sentence in {language}.", mail.message_id)
                continue
            known = known_from(_known_when_sent(mail, streams.get(mail.order_id)))
            for sentence in _raised_by([partial(check_mail, subject, text, known, language)]):
                yield violation(13, sentence, mail.order_id)


def _raised_by(checks: Iterable[Callable[[], None]]) -> Iterator[str]:
    for check in checks:
        try:
            check()
        except AssertionError as wrong:
            yield str(wrong).partition("\n")[0]


def _known_when_sent(mail: AcceptedMail, stream: OrderStream | None) -> Iterator[e.Event]:
    """The events before a mail was sent, or all of them."""
    for recorded in (stream.events if stream else ())[: mail.version]:
        event = recorded.event
        outcome_of = event.email_id if isinstance(event, e.EmailSent | e.EmailUnconfirmed) else None
        if mail.version is None and str(outcome_of) == mail.email_id:
            return
        yield event


def _not_requested(step: Step, snapshot: Snapshot) -> Iterator[str]:
    """Find recorded downloads that no request asked for."""
    match step.recorded.event:
        case e.ResultDownloaded(link_id=link_id, image_id=image_id):
            method, lacking = "POST", "is on record as fetched, and its button was not pressed"
        case e.ResultServed(link_id=link_id, image_id=image_id):
            method, lacking = "GET", "is on record as served, and was not requested"
        case _:
            return
    target = str(image_id or "archive")
    token_sha256 = step.before.links[link_id].token_sha256
    if snapshot.requested is not None and (method, token_sha256, target) not in snapshot.requested:
        yield f"{target} {lacking}."


def unearned(sentence: str, known: Known, language: str = "en") -> Iterator[str]:
    """Each claim of a sentence that the events do not earn."""
    claims, uncovered = _claims_in(sentence, language)
    for words, found, earned in claims:
        if not earned(known, found):
            yield f"{words!r} is stronger than its events, in: {sentence}"
    for word in uncovered:
        yield f"No row of the table says what earns {word!r} in: {sentence}"


@lru_cache(maxsize=20_000)  # the same sentences are said of order after order
def _claims_in(sentence: str, language: str) -> tuple[list[tuple[str, dict[str, Any], Earned]], list[str]]:
    """The claims of a sentence, and its weighty words outside them."""
    covered: list[tuple[int, int]] = []
    claims = []
    table, weighty = _TABLES[language]
    for pattern, earned in table:
        for found in pattern.finditer(sentence):
            if not any(start <= found.start() and found.end() <= end for start, end in covered):
                covered.append(found.span())
                claims.append((found[0], found.groupdict(), earned))
    uncovered = [
        word[0]
        for word in weighty.finditer(sentence)
        if not any(start <= word.start() and word.end() <= end for start, end in covered)
    ]
    return claims, uncovered


def check_status(order: Order, known: Known) -> None:
    """Raise AssertionError unless each sentence about the order's status is proven."""
    sentences = (
        status_of(order),
        *(image_status_of(image, order) for image in order.images.values()),
        owner_sentence_of(order),
    )
    _check(sentences, known)
    for language in LANGUAGES:
        page = status_pages.of_order(order, {}, visit_in(language)).content
        _check(_texts_in(str(page)), known, language)


def check_timeline(history: Iterable[e.RecordedEvent]) -> None:
    """Raise AssertionError unless earlier events prove each line of a timeline."""
    known = Known()
    for entry in timeline_text_of(history).entries:
        known.apply(entry.recorded.event)
        sentences = [entry.text, f"Recorded by {entry.who}.", entry.pause or ""]
        _check(sentences, known)
        by_customer = isinstance(entry.recorded.event, e.ResultServed) and entry.who == "the customer"
        assert not by_customer, "What was served is described as the customer's action."


def check_mail(subject: str, text: str, known: Known, language: str = "en") -> None:
    """Raise AssertionError unless each sentence of a mail is proven."""
    _check([subject, *" ".join(text.split()).split(". ")], known, language)


def _check(sentences: Iterable[str], known: Known, language: str = "en") -> None:
    wrong = [each for sentence in sentences for each in unearned(sentence, known, language)]
    assert not wrong, wrong[0]


def _texts_in(page: str) -> list[str]:
    """The texts of a page, element by element."""
    page = re.sub(r"<dt>(.*?)</dt><dd>", r"\1: ", page)  # a figure means nothing without its name
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return [text for each in re.split(r"<[^>]*>", body) if (text := unescape(each).strip())]
