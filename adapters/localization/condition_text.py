"""What a condition means, and what to do about it."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from babel.numbers import format_decimal, format_percent

from adapters.localization.catalog import FALLBACK, own_catalogs
from adapters.localization.locales import Localization, localization_for
from domain.use_cases.monitoring.conditions import ActiveCondition, ConditionCode, Unit

#: Has the plural form of most numbers.
MANY = 100

_VALUES: Mapping[Unit, Callable[[Localization, float], str]] = {
    Unit.NUMBER: lambda words, value: format_decimal(value, "#,##0", locale=words.region),
    Unit.RATIO: lambda words, value: format_percent(value, "#,##0.#%", locale=words.region),
    Unit.SECONDS: lambda words, value: words.duration(timedelta(seconds=value)),
}


def english() -> Localization:
    """The words of commands and alerts."""
    return localization_for(FALLBACK, own_catalogs())


def condition_text(active: ActiveCondition, words: Localization | None = None) -> str:
    """The condition with its value, as a sentence; by default in English."""
    words = words or english()
    value = _VALUES[active.condition.unit](words, active.value)
    return fact_of(active.code, value, words, count=round(active.value))


def fact_of(code: ConditionCode, value: str, words: Localization | None = None, *, count: int = MANY) -> str:
    """The condition as a sentence, with a value that is text already."""
    return (words or english()).say(f"condition.{code}", count, value=value)


def advice_on(code: ConditionCode, words: Localization | None = None) -> str:
    """What to do about a condition, as a sentence."""
    return (words or english()).say(f"condition.{code}_advice")
