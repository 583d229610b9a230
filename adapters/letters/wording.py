"""How English letters say amounts, moments and names."""

import re
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
