"""Law 13: no sentence about delivery, fetching or money is stronger than the events behind it.

What is known is worked out from the events themselves, apart from the shop's own model. A table for each language says
which events earn which sentence. A sentence with a word of weight that no row covers is not earned by anything.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import unescape
from typing import Any

from domain.order import events as e
from domain.order.order import Order
from domain.use_cases.audit.timeline import timeline_of
from domain.use_cases.wording.status_text import image_status_of, status_of
from entrypoints.bootstrap.localization import localization_of
from entrypoints.http.api import order_schemas
from entrypoints.http.pages import status_pages
from tests.laws import english, german
from tests.laws.known import Earned, Known, known_from

__all__ = [
    "LANGUAGES",
    "Known",
    "check_mail",
    "check_timeline",
    "check_what_is_said_now",
    "known_from",
    "unearned",
]

#: By language: the table of claims, and the words of weight.
_TABLES = {
    name: ([(re.compile(pattern, re.IGNORECASE), earned) for pattern, earned in table.CLAIMS], table.WEIGHTY)
    for name, table in (("en", english), ("de", german))
}
LANGUAGES = tuple(_TABLES)


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
    """The claims of a sentence, and the words of weight that are in none."""
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


def check_what_is_said_now(order: Order, known: Known) -> None:
    """Raise AssertionError unless all that is said of an order as it is now is earned: to staff and to its customer."""
    proposed = (
        status_of(order),
        *(image_status_of(image, order) for image in order.images.values()),
        order_schemas.sentence(order),
    )
    _check(proposed, known)
    for language in LANGUAGES:
        page = status_pages.of_order(order, {}, localization_of(language)).content
        _check(_texts_in(str(page)), known, language)


def check_timeline(history: Iterable[e.RecordedEvent]) -> None:
    """Raise AssertionError unless each line of a timeline is earned by the events up to its own."""
    known = Known()
    for entry in timeline_of(history).entries:
        known.learn(entry.recorded.event)
        proposed = [entry.text, f"Recorded by {entry.who}.", entry.pause or ""]
        _check(proposed, known)
        by_customer = isinstance(entry.recorded.event, e.ResultServed) and entry.who == "the customer"
        assert not by_customer, "What was served is told as the customer's doing."


def check_mail(subject: str, text: str, known: Known, language: str = "en") -> None:
    """Raise AssertionError unless a mail says nothing that is not earned when it is sent."""
    _check([subject, *" ".join(text.split()).split(". ")], known, language)


def _check(proposed: Iterable[str], known: Known, language: str = "en") -> None:
    wrong = [each for sentence in proposed for each in unearned(sentence, known, language)]
    assert not wrong, wrong[0]


def _texts_in(page: str) -> list[str]:
    """The texts of a page, element by element."""
    page = re.sub(r"<dt>(.*?)</dt><dd>", r"\1: ", page)  # a figure means nothing without its name
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return [text for each in re.split(r"<[^>]*>", body) if (text := unescape(each).strip())]
