"""Which events prove which German sentence."""

import re

from domain.order import events as e
from tests.laws.known import Earned, minor_units

_AMOUNT = r"[^\d:]*(?P<amount>\d[\d.,]*)"

#: As in English: the most particular first, and what is only announced or left to a condition is earned by nothing.
CLAIMS: tuple[tuple[str, Earned], ...] = (
    # Files.
    (r"sie haben sie über den link abgeholt", lambda known, _: bool(known.fetched)),
    (r"ihre fotos sind fertig: sehen sie in ihr postfach", lambda known, _: known.link_is_sent),
    (r"das erste ergebnis ist noch nicht verschickt", lambda known, _: not known.is_delivered),
    (r"wenn sie (das foto|die fotos) schon gespeichert haben", lambda *_: True),
    # Money: it is announced when it was asked for.
    (r"bekommen sie (ihr geld|das geld dafür) zurück", lambda *_: True),  # should a photo fail
    (r"deshalb gibt es nichts zu erstatten", lambda known, _: known.paid == 0),
    (r"ihre bank hat die zahlung zurückgeholt", lambda known, _: known.lost > 0),
    (r"alles, was sie bezahlt haben, ist erstattet", lambda known, _: known.is_all_back),
    (
        r"was sie für sie bezahlt haben, ist zurückgezahlt",  # for the photos that could not be restored
        lambda known, _: bool(known.issued) and e.RestorationFailed in known.kinds,
    ),
    (rf"erstattet: {_AMOUNT}", lambda known, found: sum(known.issued.values()) == minor_units(found)),
    (
        rf"auf dem weg zurück: {_AMOUNT}",
        lambda known, found: sum(known.asked.values()) - sum(known.issued.values()) >= minor_units(found),
    ),
    (
        r"erstatten wir ihnen|wir erstatten ihnen|erstattet oder auf dem weg zu ihnen",
        lambda known, _: bool(known.asked),
    ),
    (r"ist auf dem weg zurück", lambda known, _: known.owes_money),
)

#: Words that say more than that something was prepared: each has to be part of a sentence of the table.
WEIGHTY = re.compile(
    r"\b(abgeholt|gespeichert|heruntergeladen|geöffnet|zugestellt|\w*geliefert|verschickt|"
    r"erstatte\w*|rückerstattet|zurück\w*|überwiesen|unterwegs)\b",
    re.IGNORECASE,
)
