"""How a letter speaks to one customer: a language's phrases, with figures as the customer's region writes them."""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.lists import format_list

from adapters.letters import typed
from adapters.letters.phrases import FALLBACK, Phrases
from domain.model.values import Money

#: Whose own language we do not speak reads dates and hours most safely in this manner.
_FALLBACK_REGION = Locale.parse("en_GB")

_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, kw_only=True)
class Speech:
    """Phrases of one language, and amounts, moments and lists in the manner of one region."""

    phrases: Phrases
    region: Locale

    def say(self, name: str, count: int | None = None, /, **filling: str) -> str:
        """A phrase of the language, filled in."""
        return self.phrases.say(name, count, **filling)

    def greeting(self, name: str | None) -> str:
        """Address a customer by name where it looks like one."""
        person = typed.person(name)
        return (
            self.say("letter.greeting", name=person) if person else self.say("letter.greeting_without_name")
        )

    def money(self, amount: Money) -> str:
        """€4.90, 4,90 €, CHF 4.90: as many digits as the currency has, and the sign where the region puts it."""
        pattern = copy(self.region.currency_formats["standard"])
        pattern.frac_prec = (amount.minor_digits, amount.minor_digits)
        figure = pattern.apply(amount.major, self.region, currency=amount.currency, currency_digits=False)
        return re.sub(r"([^\W\d_])(?=\d)", rf"\1{_NO_BREAK_SPACE}", figure)  # CHF 4.90, never CHF4.90

    def moment(self, at: datetime) -> str:
        """Saturday, 21 March 2026, 15:09 UTC."""
        utc = at.astimezone(UTC)
        date = format_date(utc, "full", locale=self.region)
        return self.say("letter.moment", date=date, time=format_time(utc, "short", locale=self.region))

    def day(self, at: datetime) -> str:
        """21 March 2026, as it is in UTC."""
        return format_date(at.astimezone(UTC), "long", locale=self.region)

    def file_names(self, given: Sequence[str]) -> str:
        """“aunt.jpg”, “uncle.jpg” and “niece.jpg”."""
        quoted = [self.say("letter.quoted", name=typed.file_name(name)) for name in given]
        return format_list(quoted, locale=self.region)


def speech_for(locale: str | None, languages: Mapping[str, Phrases]) -> Speech:
    """How to speak to a customer of this locale: ``de-AT``, ``de_CH`` or ``DE``; else in English."""
    tag = (locale or "").replace("-", "_")
    for region in (_parsed(tag), _parsed(tag.partition("_")[0])):
        if region is None:
            continue
        for name in (str(region), region.language):
            if name in languages:
                return Speech(phrases=languages[name], region=region)
    return Speech(phrases=languages[FALLBACK], region=_FALLBACK_REGION)


def _parsed(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag)
    except (ValueError, UnknownLocaleError):
        return None  # what browsers and payment pages send is no promise
