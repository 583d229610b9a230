"""Law 13: no sentence about delivery, fetching or money is stronger than the events behind it.

What is known is worked out from the events themselves, apart from the shop's own model. A table says which events earn
which sentence. A sentence with a word of weight that no row of the table covers is not earned by anything.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from typing import Any

from domain.model import events as e
from domain.model.order import Order
from domain.model.values import DisputeOutcome, DownloadLinkId, EmailId, EmailKind, ImageId, RefundId
from domain.ports.mail import Letter
from domain.services.standing import standing, way_of
from domain.services.story import tell
from domain.services.wording import MAILS, OPT_OUTS
from entrypoints.http import standings, views

File = tuple[DownloadLinkId, ImageId | None]


@dataclass
class Known:
    """What a beginning of a stream proves."""

    paid: int = 0
    photos: list[ImageId] = field(default_factory=list)
    kinds: set[type[e.Event]] = field(default_factory=set)
    accepted: dict[EmailId, EmailKind] = field(
        default_factory=dict
    )  # by the mail provider, whatever came later
    returned: set[EmailId] = field(default_factory=set)  # bounced or blocked after that
    served: set[File] = field(default_factory=set)
    fetched: set[File] = field(default_factory=set)
    asked: dict[RefundId, int] = field(default_factory=dict)  # and not dropped
    accepted_refunds: dict[RefundId, int] = field(default_factory=dict)  # and neither paid nor failed
    issued: dict[RefundId, int] = field(default_factory=dict)  # and not failed later
    ever_asked: set[int] = field(default_factory=set)
    ever_issued: set[int] = field(default_factory=set)
    disputes: dict[str, tuple[int, DisputeOutcome | None]] = field(default_factory=dict)

    def learn(self, event: e.Event) -> None:  # noqa: C901, PLR0912 -- a case per event that proves anything
        """Add what one more event proves."""
        self.kinds.add(type(event))
        match event:
            case e.PaymentReceived():
                self.paid = event.paid.amount
                self.photos = [photo.image_id for photo in event.photos]
            case e.EmailSent():
                self.accepted[event.email_id] = event.kind
            case e.EmailBounced() | e.EmailBlocked():
                self.returned.add(event.email_id)
            case e.ResultServed():
                self.served.add((event.link_id, event.image_id))
            case e.ResultDownloaded():
                self.fetched.add((event.link_id, event.image_id))
            case e.RefundRequested():
                self.asked[event.refund_id] = event.amount.amount
                self.ever_asked.add(event.amount.amount)
            case e.RefundAccepted():
                self.asked.setdefault(event.refund_id, event.amount.amount)
                self.accepted_refunds[event.refund_id] = event.amount.amount
                self.ever_asked.add(event.amount.amount)
            case e.RefundIssued():
                self.accepted_refunds.pop(event.refund_id, None)
                self.asked.setdefault(event.refund_id, event.amount.amount)
                self.issued[event.refund_id] = event.amount.amount
                self.ever_issued.add(event.amount.amount)
            case e.RefundFailed():
                self.accepted_refunds.pop(event.refund_id, None)
                self.issued.pop(event.refund_id, None)
            case e.RefundDropped():
                self.asked.pop(event.refund_id, None)
                self.issued.pop(event.refund_id, None)
            case e.DisputeOpened():
                self.disputes[event.dispute_id] = (event.amount.amount, None)
            case e.DisputeClosed():
                amount = event.amount.amount if event.amount else self.disputes.get(event.dispute_id, (0,))[0]
                self.disputes[event.dispute_id] = (amount, event.outcome)
            case _:
                pass  # proves nothing that a sentence of weight says

    @property
    def link_is_sent(self) -> bool:
        """Whether a mail with the link was accepted and is not known to have come back."""
        return any(
            kind.brings_a_link and email_id not in self.returned for email_id, kind in self.accepted.items()
        )

    @property
    def is_delivered(self) -> bool:
        """What the shop calls delivered: the link was sent, or the customer fetched something."""
        return self.link_is_sent or bool(self.fetched)

    @property
    def lost(self) -> int:
        """What banks took for good."""
        return sum(amount for amount, outcome in self.disputes.values() if outcome is DisputeOutcome.LOST)

    @property
    def is_all_back(self) -> bool:
        """Whether the customer has all that was paid, from the shop or through a bank."""
        return sum(self.issued.values()) + self.lost >= self.paid

    def has(self, files: set[File], what: str) -> bool:
        """Whether ``the whole archive`` or ``photo 2`` is among files, whichever link it was behind."""
        number = what.rpartition(" ")[2]
        image_id = self.photos[int(number) - 1] if number.isdecimal() else None
        return any(known == image_id for _, known in files)


def known_from(events: Iterable[e.Event]) -> Known:
    """What some events prove together."""
    known = Known()
    for event in events:
        known.learn(event)
    return known


Earned = Callable[[Known, Mapping[str, str | Any]], bool]

_KIND_OF = {words: kind for kind, words in MAILS.items()}
_MAIL = "(?P<mail>" + "|".join(sorted(map(re.escape, _KIND_OF), key=len, reverse=True)) + ")"
_AMOUNT = r"(?P<amount>-?\d[\d.]*) [A-Z]{3}"
_FILE = r"(?P<file>the whole archive|photo \d+)"
_FILES = r"(?P<count>\d+) files?"
#: What says that money is to come, and not that it came.
_GOING_BACK = (
    rf"{_AMOUNT} (has yet to go back|has to be paid back|is on its way back, not paid yet)|"
    rf"all of {_AMOUNT.replace('<amount>', '<all>')} goes back( to the customer)?|"
    r"everything that was paid is on its way back|what is paid back is on its way|"
    r"(the money we owe you|all that you paid|your money) is on its way back"
)


def _minor(found: Mapping[str, str]) -> int:
    return int(found["amount"].replace(".", ""))


def _mail_was_accepted(known: Known, found: Mapping[str, str]) -> bool:
    return _KIND_OF[found["mail"].lower()] in known.accepted.values()


#: Each form of a sentence and what earns it, the most particular first. What is only announced is earned by nothing.
CLAIMS: tuple[tuple[str, Earned], ...] = (
    # Files.
    (
        rf"the customer pressed the button behind the link and fetched {_FILE}",
        lambda known, found: known.has(known.fetched, found["file"]),
    ),
    (rf"{_FILE} was sent through the link", lambda known, found: known.has(known.served, found["file"])),
    (
        rf"who fetched {_FILES} through it|the customer fetched {_FILES.replace('count', 'files')} through the link",
        lambda known, found: len(known.fetched) == int(found["count"] or found["files"]),
    ),
    (r"you have fetched them through the link that we sent you", lambda known, _: bool(known.fetched)),
    (r"the link to [^.:;]*? was sent to the customer", lambda known, _: known.link_is_sent),
    (r"your photos are ready: look into your e-mail", lambda known, _: known.link_is_sent),
    (r"(ready to be fetched|their link is on its way)", lambda known, _: e.DownloadPrepared in known.kinds),
    (r"restored and sent", lambda known, _: known.link_is_sent),
    (r"its first result has not been sent yet", lambda known, _: not known.is_delivered),
    (r"delivery pauses until it decides", lambda known, _: bool(known.disputes)),
    (r"the restored photos are delivered", lambda known, _: known.is_delivered),
    (
        r"everything that was paid for is delivered or refunded",
        lambda known, _: known.is_delivered or known.is_all_back,
    ),
    (r"the order (was|is) complete", lambda known, _: known.is_delivered or known.is_all_back),
    # Mails.
    (rf"{_MAIL} (went out to the customer|had gone out after all|was sent once more)", _mail_was_accepted),
    (
        rf"{_MAIL} came back|{_MAIL.replace('<mail>', '<again>')} was refused by the receiving server for now",
        lambda known, _: bool(known.returned),
    ),
    (r"another one is sent later", lambda known, _: e.EmailBlocked in known.kinds),
    (rf"{_MAIL} is still on its way", lambda known, _: e.EmailDeferred in known.kinds),
    (
        rf"{_MAIL} was delivered and ({'|'.join(OPT_OUTS.values())})",
        lambda known, _: e.EmailOptedOut in known.kinds,
    ),
    (r"it is sent once more unless", lambda known, _: e.EmailUnconfirmed in known.kinds),
    (
        rf"{_MAIL} (has|is) to be|(could not|has to) be (sent|confirmed)(, or sent once more)?",
        lambda *_: True,
    ),
    (_MAIL, lambda *_: True),
    # Money.
    (
        rf"the customer's payment of {_AMOUNT} for [^.;]* arrived",
        lambda known, found: known.paid == _minor(found),
    ),
    (
        rf"(resolved to pay back|the refund of) {_AMOUNT}",
        lambda known, found: _minor(found) in known.ever_asked | known.ever_issued,
    ),
    (rf"asked for {_AMOUNT} to be paid back", lambda known, found: _minor(found) in known.ever_asked),
    (
        rf"a refund of {_AMOUNT} was asked for at the payment provider itself",
        lambda known, found: _minor(found) in known.ever_asked,
    ),
    (
        rf"accepted the refund of {_AMOUNT}: it is on its way and not paid yet",
        lambda known, found: _minor(found) in known.accepted_refunds.values(),
    ),
    (
        rf"stripe has yet to confirm that {_AMOUNT} was paid back",
        lambda known, found: sum(known.accepted_refunds.values()) == _minor(found),
    ),
    (rf"all of {_AMOUNT} went back( to the customer)?", lambda known, _: known.is_all_back),
    (rf"{_AMOUNT} went back to the customer", lambda known, found: _minor(found) in known.ever_issued),
    (r"(, paid another way than by the payment provider)", lambda known, _: bool(known.ever_issued)),
    (r"all that was paid went back|everything that was paid went back", lambda known, _: known.is_all_back),
    (rf"and {_AMOUNT} went back", lambda known, found: sum(known.issued.values()) >= _minor(found)),
    (r"money that goes back another way takes its place", lambda known, _: e.RefundDropped in known.kinds),
    (
        _GOING_BACK,
        lambda known, _: bool(known.asked) or bool(known.disputes) or e.RestorationFailed in known.kinds,
    ),
    # What letters say: money is announced when it was asked for.
    (
        r"we are paying back|(of your payment has been paid back or )?is on its way (back )?to you",
        lambda known, _: bool(known.asked),
    ),
    (r"if you have saved the photos? already", lambda *_: True),
    (r"there is nothing to send back", lambda known, _: known.paid == 0),
    (
        r"money is owed that the payment provider refuses to pay back",
        lambda known, _: e.RefundFailed in known.kinds,
    ),
    (r"a refund or a dispute is in another currency", lambda known, _: e.OrderHeld in known.kinds),
    (r"more was paid back for it than was paid", lambda known, _: e.OrderHeld in known.kinds),
    (r"all that you paid has gone back", lambda known, _: known.is_all_back),
    (rf"sent back: {_AMOUNT}", lambda known, found: sum(known.issued.values()) == _minor(found)),
    (
        rf"on its way back: {_AMOUNT}",
        lambda known, found: sum(known.asked.values()) - sum(known.issued.values()) >= _minor(found),
    ),
    (r"differs from what (was|were) sent", lambda *_: True),  # by the customer, who sent their photos
    (r"a person has to release it or pay it back", lambda *_: True),
    (
        r"the order (that had earned them|they were spent on) was paid back or failed, at least in part",
        lambda known, _: bool(known.issued) or known.lost > 0 or e.RestorationFailed in known.kinds,
    ),
)
_CLAIMS = tuple((re.compile(pattern, re.IGNORECASE), earned) for pattern, earned in CLAIMS)

#: Words that say more than that something was prepared: each has to be part of a sentence of the table.
WEIGHTY = re.compile(
    r"\b(fetch\w*|deliver\w*|download(ed|s)|opened|saved|with the customer|"
    r"(went|goes|go|going|gone|sent|send|pay|paid|pays) (it )?back|refunded|refunds?|on (its|the) way|"
    r"(was|were|is|are|been) sent|went out|gone out|complete)\b",
    re.IGNORECASE,
)


def unearned(sentence: str, known: Known) -> Iterator[str]:
    """Each claim of a sentence that the events do not earn."""
    claims, uncovered = _claims_in(sentence)
    for words, found, earned in claims:
        if not earned(known, found):
            yield f"{words!r} is stronger than its events, in: {sentence}"
    for word in uncovered:
        yield f"No row of the table says what earns {word!r} in: {sentence}"


@lru_cache(maxsize=20_000)  # the same sentences are said of order after order
def _claims_in(sentence: str) -> tuple[list[tuple[str, dict[str, Any], Earned]], list[str]]:
    """The claims of a sentence, and the words of weight that are in none."""
    covered: list[tuple[int, int]] = []
    claims = []
    for pattern, earned in _CLAIMS:
        for found in pattern.finditer(sentence):
            if not any(start <= found.start() and found.end() <= end for start, end in covered):
                covered.append(found.span())
                claims.append((found[0], found.groupdict(), earned))
    uncovered = [
        word[0]
        for word in WEIGHTY.finditer(sentence)
        if not any(start <= word.start() and word.end() <= end for start, end in covered)
    ]
    return claims, uncovered


def check_what_is_said_now(order: Order, known: Known) -> None:
    """Raise AssertionError unless all that is said of an order as it is now is earned: to staff and to its customer."""
    page = standings.of_order(order, {}).content
    said = (
        standing(order),
        *(way_of(image, order) for image in order.images.values()),
        views.sentence(order),
        *_texts_in(str(page)),
    )
    _check(said, known)


def check_timeline(history: Iterable[e.RecordedEvent]) -> None:
    """Raise AssertionError unless each line of a timeline is earned by the events up to its own."""
    known = Known()
    for passage in tell(history).passages:
        known.learn(passage.recorded.event)
        said = [passage.text, f"Recorded by {passage.who}.", passage.pause or ""]
        _check(said, known)
        by_customer = isinstance(passage.recorded.event, e.ResultServed) and passage.who == "the customer"
        assert not by_customer, "What was served is told as the customer's doing."


def check_letter(letter: Letter, known: Known) -> None:
    """Raise AssertionError unless a letter in English says nothing that is not earned when it is sent."""
    _check([letter.subject, *" ".join(letter.text.split()).split(". ")], known)


def _check(said: Iterable[str], known: Known) -> None:
    wrong = [each for sentence in said for each in unearned(sentence, known)]
    assert not wrong, wrong[0]


def _texts_in(page: str) -> list[str]:
    """The texts of a page, element by element."""
    page = re.sub(r"<dt>(.*?)</dt><dd>", r"\1: ", page)  # a figure means nothing without its name
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return [text for each in re.split(r"<[^>]*>", body) if (text := unescape(each).strip())]
