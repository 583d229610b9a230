"""Amounts, moments, lists and names, formatted for many regions."""

from datetime import datetime, timedelta

import pytest

from adapters.localization.catalog import CATALOGS, Catalog
from adapters.localization.locales import Localization, localization_for
from domain.order.values import Money

SPOKEN = {name: Catalog.read(CATALOGS / f"{name}.toml") for name in ("en", "de")}


def localization(locale: str | None = "en-GB") -> Localization:
    return localization_for(locale, SPOKEN)


@pytest.mark.parametrize(
    ("locale", "amount", "currency", "expected"),
    [
        ("en-GB", 490, "EUR", "€4.90"),
        ("en-US", 5, "USD", "$0.05"),
        ("en-GB", 123456, "GBP", "£1,234.56"),
        ("en-US", 490, "JPY", "¥490"),
        ("en-GB", 1500, "XAF", "FCFA 1,500"),
        ("en-GB", 490, "CHF", "CHF 4.90"),
        ("en-GB", 1230, "KWD", "KWD 1.230"),
        ("en-GB", 50_000, "UGX", "UGX 500.00"),
        ("en-GB", 1234, "RSD", "RSD 12.34"),
        ("de-DE", 123456, "EUR", "1.234,56 €"),
        ("de-DE", 490, "JPY", "490 ¥"),
        ("de-DE", 1230, "KWD", "1,230 KWD"),
        ("de-AT", 490, "EUR", "€ 4,90"),
        ("de_CH", 123456, "CHF", "CHF 1\N{RIGHT SINGLE QUOTATION MARK}234.56"),
        ("br-FR", 490, "EUR", "€4.90"),
        (None, 490, "EUR", "€4.90"),
    ],
)
def test_money_is_formatted_by_currency_and_region(
    locale: str | None, amount: int, currency: str, expected: str
) -> None:
    text = localization(locale).money(Money(amount=amount, currency=currency))
    assert text.replace("\N{NO-BREAK SPACE}", " ") == expected
    assert " " not in text  # an amount is never broken in two


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en-GB", "Friday, 1 January 2027, 04:30 UTC"),
        ("en-US", "Friday, January 1, 2027, 4:30\N{NARROW NO-BREAK SPACE}AM UTC"),
        ("de", "Freitag, 1. Januar 2027, 04:30 Uhr (UTC)"),
        ("de-AT", "Freitag, 1. Jänner 2027, 04:30 Uhr (UTC)"),
        ("rm-CH", "Friday, 1 January 2027, 04:30 UTC"),
    ],
)
def test_a_moment_is_worded_in_utc(locale: str, expected: str) -> None:
    at = datetime.fromisoformat("2026-12-31T23:30:00-05:00")
    assert localization(locale).moment(at) == expected
    assert localization(locale).day(at) in expected.replace("Friday, ", "").replace("Freitag, ", "")


@pytest.mark.parametrize(
    ("size_bytes", "english", "german"),
    [
        (0, "1 kB", "1 kB"),
        (1, "1 kB", "1 kB"),
        (1_000, "1 kB", "1 kB"),
        (1_499, "1 kB", "1 kB"),
        (2_000, "2 kB", "2 kB"),
        (812_300, "812 kB", "812 kB"),
        (999_499, "999 kB", "999 kB"),
        (999_500, "1.0 MB", "1,0 MB"),
        (1_000_000, "1.0 MB", "1,0 MB"),
        (1_040_000, "1.0 MB", "1,0 MB"),
        (3_400_000, "3.4 MB", "3,4 MB"),
        (1_234_500_000, "1,234.5 MB", "1.234,5 MB"),
    ],
)
def test_a_size_has_the_same_unit_whatever_its_number(size_bytes: int, english: str, german: str) -> None:
    sizes = [localization(locale).size(size_bytes) for locale in ("en-GB", "de-DE")]
    assert sizes == [each.replace(" ", "\N{NO-BREAK SPACE}") for each in (english, german)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["aunt.jpg"], "“aunt.jpg”"),
        (["aunt.jpg", "uncle.jpg", "niece.jpg"], "“aunt.jpg”, “uncle.jpg” and “niece.jpg”"),
        (["https://prize.example/won.jpg", "C:\\scans\\aunt.jpg"], "“won.jpg” and “aunt.jpg”"),
        (["aunt\r\n\u202egpj.exe"], "“aunt gpj.exe”"),
        (["x" * 61], f"“{'x' * 59}…”"),
    ],
)
def test_photos_are_named_as_the_customer_named_them(given: list[str], expected: str) -> None:
    assert localization().file_names(given) == expected


def test_photos_are_listed_as_the_language_lists() -> None:
    assert localization("de").file_names(["tante.jpg", "onkel.jpg"]) == "„tante.jpg“ und „onkel.jpg“"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Adele Brandt", "Dear Adele Brandt,"),
        ("  Adele \r\n Brandt ", "Dear Adele Brandt,"),
        ("Åse O'Neil-Müller", "Dear Åse O'Neil-Müller,"),
        ("Dr. J.R. Brandt", "Dear Dr. J.R. Brandt,"),
        ("Adele\u202e Brandt", "Dear Adele Brandt,"),
        (None, "Hello,"),
        ("", "Hello,"),
        ("You won 500! http://prize.example", "Hello,"),
        ("visit prize.example", "Hello,"),
        ("<script>alert()</script>", "Hello,"),
        ("adele@example.com", "Hello,"),
        ("x" * 61, "Hello,"),
    ],
)
def test_a_customer_is_addressed_by_what_looks_like_a_name(name: str | None, expected: str) -> None:
    assert localization().greeting(name) == expected


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (0, "1 minute", "1 Minute"),
        (59, "1 minute", "1 Minute"),
        (61, "2 minutes", "2 Minuten"),
        (3600, "1 hour", "1 Stunde"),
        (7200, "2 hours", "2 Stunden"),
        (200_000, "2 days", "2 Tage"),
    ],
)
def test_a_duration_is_rounded_to_what_customers_care_about(seconds: int, english: str, german: str) -> None:
    span = timedelta(seconds=seconds)
    assert [localization(each).duration(span) for each in ("en-GB", "de-DE")] == [english, german]
