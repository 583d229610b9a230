"""How English letters say amounts, moments and names."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from domain.model.values import Money

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}

#: Currencies whose minor unit is not a hundredth, as Stripe counts them.
_WITHOUT_CENTS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_WITH_THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])

_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

#: Anybody can type anything as a name, and we send it to an address of their choice: no links, no novels.
_NAME = re.compile(r"[^\d<>/@:]{1,60}")

#: So much of a file's name tells which photo it is.
_LONGEST_FILE_NAME = 60


def money(amount: Money) -> str:
    """€4.90, ¥490, 4.90 CHF."""
    digits = 0 if amount.currency in _WITHOUT_CENTS else 3 if amount.currency in _WITH_THOUSANDTHS else 2
    whole, fraction = divmod(amount.amount, 10**digits)
    figure = f"{whole:,}" + (f".{fraction:0{digits}}" if digits else "")
    symbol = _SYMBOLS.get(amount.currency)
    return f"{symbol}{figure}" if symbol else f"{figure} {amount.currency}"


def moment(at: datetime) -> str:
    """Saturday, 21 March 2026, 15:09 UTC."""
    utc = at.astimezone(UTC)
    return f"{_WEEKDAYS[utc.weekday()]}, {utc.day} {_MONTHS[utc.month - 1]} {utc.year}, {utc:%H:%M} UTC"


def greeting(name: str | None) -> str:
    """Address a customer by name where it looks like one."""
    one_line = " ".join((name or "").split())
    return f"Dear {one_line}," if _NAME.fullmatch(one_line) else "Hello,"


def file_names(given: Sequence[str]) -> str:
    """“aunt.jpg”, “uncle.jpg” and “niece.jpg”: each on one line, without folders, and not longer than it helps."""
    quoted = [f"“{_shown(name)}”" for name in given]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), *quoted[-1:]]))


def _shown(file_name: str) -> str:
    last = re.split(r"[/\\]", file_name)[-1]
    one_line = " ".join("".join(sign if sign.isprintable() else " " for sign in last).split())
    return one_line if len(one_line) <= _LONGEST_FILE_NAME else f"{one_line[: _LONGEST_FILE_NAME - 1]}…"
