"""A customer's localization: a catalog and the formats of a region."""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal

from adapters.localization import input_sanitizing
from adapters.localization.catalog import FALLBACK, Catalog
from domain.order.values import Money

#: The region for customers whose language has no catalog: its dates and hours are the least ambiguous.
_FALLBACK_REGION = Locale.parse("en_GB")

_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

_KILOBYTE, _MEGABYTE = 1000, 1000**2

#: What is read of an Accept-Language header: browsers send a hundred characters at most.
_LONGEST_HEADER = 200
_RANGE = re.compile(r"\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3})\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")


@dataclass(frozen=True, kw_only=True)
class Localization:
    """Phrases of one language, and formats of one region."""

    phrases: Catalog
    region: Locale
    is_fallback: bool = False  # the language was not chosen: none was given, or it has no catalog

    def say(self, name: str, count: int | None = None, /, **filling: str) -> str:
        """A phrase of the language, filled in."""
        return self.phrases.say(name, count, **filling)

    @property
    def language(self) -> str:
        """The language's code, as HTML takes it."""
        return self.phrases.language.language

    @property
    def tag(self) -> str:
        """The language tag of the region: ``de-AT``."""
        return str(self.region).replace("_", "-")

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``, as HTML takes it."""
        return self.phrases.language.text_direction

    def greeting(self, name: str | None) -> str:
        """Address a customer by name where it looks like one."""
        person = input_sanitizing.person(name)
        return (
            self.say("letter.greeting", name=person) if person else self.say("letter.greeting_without_name")
        )

    def money(self, amount: Money) -> str:
        """€4.90, 4,90 €, CHF 4.90: in the currency's digits."""
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

    def local_day(self, at: datetime) -> str:
        """21 March 2026, in the time zone of the moment."""
        return format_date(at, "long", locale=self.region)

    def local_weekday(self, at: datetime) -> str:
        """Saturday, 21 March 2026, in the time zone of the moment."""
        return format_date(at, "full", locale=self.region)

    def local_time(self, at: datetime) -> str:
        """Saturday, 15:09, in the time zone of the moment."""
        time = format_time(at, "short", tzinfo=at.tzinfo, locale=self.region)
        return f"{format_date(at, 'EEEE', locale=self.region)}, {time}"

    def number(self, number: int) -> str:
        """12,366 or 12.366."""
        return str(format_decimal(number, locale=self.region))

    def duration(self, span: timedelta) -> str:
        """5 minutes, 1 hour, 2 days; at least one minute."""
        minutes = max(-(-span // timedelta(minutes=1)), 1)
        return format_timedelta(
            timedelta(minutes=minutes), granularity="minute", threshold=1, locale=self.region
        )

    def size(self, size_bytes: int) -> str:
        """812 kB, 3.4 MB, 3,4 MB."""
        kilobytes = max(round(size_bytes / _KILOBYTE), 1)
        number, pattern, unit = (
            (kilobytes, "#,##0", "kB") if kilobytes < _KILOBYTE else (size_bytes / _MEGABYTE, "#,##0.0", "MB")
        )
        # Not format_unit: for exactly one, the German data has "kbyte" instead of the symbol.
        return f"{format_decimal(number, pattern, locale=self.region)}{_NO_BREAK_SPACE}{unit}"

    def file_names(self, given: Sequence[str]) -> str:
        """“aunt.jpg”, “uncle.jpg” and “niece.jpg”."""
        quoted = [self.say("letter.quoted", name=input_sanitizing.file_name(name)) for name in given]
        return format_list(quoted, locale=self.region)


def localization_for(locale: str | None, languages: Mapping[str, Catalog]) -> Localization:
    """The localization for ``de-AT`` or ``de_CH``; English if no catalog fits."""
    tag = (locale or "").replace("-", "_")
    for region in (_parsed(tag), _parsed(tag.partition("_")[0])):
        if region is None:
            continue
        for name in (str(region), region.language):
            if name in languages:
                return Localization(phrases=languages[name], region=region)
    return Localization(phrases=languages[FALLBACK], region=_FALLBACK_REGION, is_fallback=True)


def localization_for_browser(accept_language: str, languages: Mapping[str, Catalog]) -> Localization:
    """The localization that an Accept-Language header prefers; English if no catalog fits."""
    wanted = [
        (float(found[2] or 1), localization)
        for each in accept_language[:_LONGEST_HEADER].split(",")
        if (found := _RANGE.fullmatch(each))
        and (localization := localization_for(found[1], languages)).language
        == found[1].partition("-")[0].lower()
    ]
    ranked = max(wanted, key=lambda each: each[0], default=None)
    return ranked[1] if ranked else localization_for(None, languages)


def _parsed(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag)
    except (ValueError, UnknownLocaleError):
        return None  # what browsers and payment pages send is no promise
