"""Which events prove which English sentence."""

import re
from collections.abc import Mapping

from adapters.localization.labels import MAILS, OPT_OUTS
from domain.order import events as e
from tests.laws.known import Earned, Known, minor_units

_KIND_OF = {words: kind for kind, words in MAILS.items()}
_MAIL = "(?P<mail>" + "|".join(sorted(map(re.escape, _KIND_OF), key=len, reverse=True)) + ")"
_AMOUNT = r"(?P<amount>-?\d[\d.]*) [A-Z]{3}"
#: Pages and mails write amounts as the customer's region does.
_PAGE_AMOUNT = r"[^\d:]*(?P<amount>\d[\d.,]*)"
_FILE = r"(?P<file>the whole archive|photo \d+)"
_FILES = r"(?P<count>\d+) files?"
#: What says that money is to come, and not that it came.
_ON_ITS_WAY = (
    rf"{_AMOUNT} (has yet to be refunded|has to be paid back|is on its way back, not paid yet)|"
    rf"all of {_AMOUNT.replace('<amount>', '<all>')} is being refunded to the customer|"
    r"everything that was paid is on its way back|what is paid back is on its way|"
    r"(the money we owe you|what you paid for them|all that you paid|your money) is on its way back"
)


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
        lambda known, found: known.paid == minor_units(found),
    ),
    (r"its checkout was opened with", lambda known, _: known.checkout_client is not None),
    (
        rf"(resolved to pay back|the refund of) {_AMOUNT}",
        lambda known, found: minor_units(found) in known.ever_asked | known.ever_issued,
    ),
    (rf"asked for {_AMOUNT} to be paid back", lambda known, found: minor_units(found) in known.ever_asked),
    (
        rf"a refund of {_AMOUNT} was asked for at the payment provider itself",
        lambda known, found: minor_units(found) in known.ever_asked,
    ),
    (
        rf"accepted the refund of {_AMOUNT}: it is on its way and not paid yet",
        lambda known, found: minor_units(found) in known.accepted_refunds.values(),
    ),
    (
        rf"stripe has yet to confirm that {_AMOUNT} was paid back",
        lambda known, found: sum(known.accepted_refunds.values()) == minor_units(found),
    ),
    (
        r"bank (took the payment( back)? in another currency|has taken the payment back)",
        lambda known, _: known.lost > 0,
    ),
    (rf"all of {_AMOUNT} was refunded to the customer", lambda known, _: known.is_all_back),
    (
        rf"{_AMOUNT} was refunded to the customer",
        lambda known, found: minor_units(found) in known.ever_issued,
    ),
    (r"(, paid another way than by the payment provider)", lambda known, _: bool(known.ever_issued)),
    (r"the full payment was refunded|everything that was paid went back", lambda known, _: known.is_all_back),
    (rf"and {_AMOUNT} was refunded", lambda known, found: sum(known.issued.values()) >= minor_units(found)),
    (r"money that is returned another way takes its place", lambda known, _: e.RefundDropped in known.kinds),
    (
        _ON_ITS_WAY,
        lambda known, _: known.owes_money,
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
    (
        r"what you paid for them has gone back",  # for the photos that could not be restored
        lambda known, _: bool(known.issued) and e.RestorationFailed in known.kinds,
    ),
    (rf"sent back: {_PAGE_AMOUNT}", lambda known, found: sum(known.issued.values()) == minor_units(found)),
    (
        rf"on its way back: {_PAGE_AMOUNT}",
        lambda known, found: sum(known.asked.values()) - sum(known.issued.values()) >= minor_units(found),
    ),
    (r"differs from what (was|were) sent", lambda *_: True),  # by the customer, who sent their photos
    (r"a person has to release it or pay it back", lambda *_: True),
    (
        r"the order (that had earned them|they were spent on) was paid back or failed, at least in part",
        lambda known, _: bool(known.issued) or known.lost > 0 or e.RestorationFailed in known.kinds,
    ),
)
#: Words that say more than that something was prepared: each has to be part of a sentence of the table.
WEIGHTY = re.compile(
    r"\b(fetch\w*|deliver\w*|download(ed|s)|opened|saved|with the customer|"
    r"(went|goes|go|going|gone|sent|send|pay|paid|pays) (it )?back|refunded|refunds?|on (its|the) way|"
    r"(was|were|is|are|been) sent|went out|gone out|complete)\b",
    re.IGNORECASE,
)
