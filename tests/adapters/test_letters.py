import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest

from adapters.letters import TemplateLetterWriter
from adapters.letters.wording import file_names, greeting, moment, money
from domain.model.values import EmailKind, Money, OrderId, OrderNumber
from domain.ports.mail import Letter, LetterFacts

WRITER = TemplateLetterWriter()


def facts(kind: EmailKind = EmailKind.RESULT, **changes: Any) -> LetterFacts:
    known: dict[str, Any] = {
        "kind": kind,
        "order_id": OrderId(UUID(int=1)),
        "order_number": OrderNumber("20260314-000001"),
        "customer_name": "Adele Brandt",
        "locale": "en-GB",
        "photos": 3,
        "restored": 3,
        "paid": Money(amount=1470, currency="EUR"),
        "refunded": Money(amount=0, currency="EUR"),
        "status_url": "https://shop.example/orders/1",
        "download_url": "https://shop.example/api/download/token-1",
        "expires_at": datetime(2026, 3, 21, 15, 9, tzinfo=UTC),
    }
    return LetterFacts(**known | changes)


def write(*changes: Any, **more: Any) -> Letter:
    return WRITER.write(facts(*changes, **more))


class Reader(HTMLParser):
    """Reads a letter as a person does: what is in its body, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.links: set[str | None] = set()
        self.tags: set[str] = set()
        self.feed(html.partition("<body")[2].partition(">")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links |= {value for name, value in attrs if name in {"href", "src"}}

    def handle_data(self, data: str) -> None:
        self.seen.append(data)

    @property
    def words(self) -> list[str]:
        return [word.rstrip(":") for word in " ".join(self.seen).split()]


@pytest.mark.parametrize("kind", EmailKind)
@pytest.mark.parametrize("photos", [1, 3])
@pytest.mark.parametrize("restored", [0, 1, 3])
def test_text_and_html_say_the_same(kind: EmailKind, photos: int, restored: int) -> None:
    letter = write(kind, photos=photos, restored=restored, refunded=Money(amount=490, currency="EUR"))
    assert Reader(letter.html).words == [word.rstrip(":") for word in letter.text.split()]


@pytest.mark.parametrize("kind", EmailKind)
def test_a_letter_brings_nothing_from_elsewhere(kind: EmailKind) -> None:
    letter = write(kind)
    reader = Reader(letter.html)
    assert reader.links <= {"https://shop.example/orders/1", "https://shop.example/api/download/token-1"}
    assert not reader.tags & {"img", "script", "link", "iframe", "object"}
    assert "url(" not in letter.html
    assert "@import" not in letter.html


@pytest.mark.parametrize("kind", EmailKind)
def test_text_keeps_to_lines_that_fit_a_mail(kind: EmailKind) -> None:
    letter = write(kind)
    assert all(len(line) <= 72 or line.startswith("https://") for line in letter.text.splitlines())
    assert "\n\n\n" not in letter.text


def test_the_result_gives_the_link_and_its_last_moment() -> None:
    letter = write()
    assert letter.subject == "Your restored photos are ready"
    assert "All 3 of your photos are restored" in letter.text
    assert "\nhttps://shop.example/api/download/token-1\n" in letter.text
    assert "The link works until Saturday, 21 March 2026, 15:09 UTC." in letter.text
    assert "sorry" not in letter.text
    assert "attached" not in letter.text


def test_the_result_says_what_could_not_be_restored_and_what_goes_back_for_it() -> None:
    letter = write(restored=2, refunded=Money(amount=490, currency="EUR"))
    text = " ".join(letter.text.split())
    assert "2 of your 3 photos are restored" in text
    assert "one photo could not be restored. What you paid for it, €4.90, is on its way back" in text


def test_the_result_names_the_photos_that_could_not_be_restored() -> None:
    letter = write(restored=1, failed_names=("aunt & uncle.jpg", "<b>niece</b>.jpg"))
    assert "2 photos could not be restored: “aunt & uncle.jpg” and “b>.jpg”." in " ".join(letter.text.split())
    assert "“aunt &amp; uncle.jpg”" in letter.html


def test_two_photos_are_spoken_of_as_both() -> None:
    assert "Both of your photos are restored" in write(photos=2, restored=2).text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["aunt.jpg"], "“aunt.jpg”"),
        (["aunt.jpg", "uncle.jpg", "niece.jpg"], "“aunt.jpg”, “uncle.jpg” and “niece.jpg”"),
        (["https://prize.example/won.jpg", "C:\\scans\\aunt.jpg"], "“won.jpg” and “aunt.jpg”"),
        (["aunt\r\n\u202egpj.exe"], "“aunt gpj.exe”"),
        (["x" * 61], f"“{'x' * 59}…”"),
    ],
)
def test_photos_are_named_as_the_customer_named_them(given: list[str], told: str) -> None:
    assert file_names(given) == told


def test_the_result_promises_no_money_where_none_was_paid() -> None:
    assert "on its way back" not in write(restored=2, paid=Money(amount=0, currency="EUR")).text


def test_the_result_says_when_the_photos_are_attached() -> None:
    assert "You will find them attached to this e-mail" in write(is_attached=True).text.replace("\n", " ")


def test_the_confirmation_says_what_was_paid() -> None:
    letter = write(EmailKind.CONFIRMATION, download_url=None, expires_at=None)
    assert letter.subject == "We have your photos (order 20260314-000001)"
    assert "Your payment of €14.70 has" in letter.text


def test_a_free_order_is_not_thanked_for_its_payment() -> None:
    letter = write(EmailKind.CONFIRMATION, paid=Money(amount=0, currency="EUR"))
    assert "There is nothing to pay" in letter.text


@pytest.mark.parametrize(
    ("refunded", "told"), [(1470, "everything you paid, €14.70"), (490, "€4.90 of the €14.70 you paid")]
)
def test_the_refund_letter_says_how_much_goes_back(refunded: int, told: str) -> None:
    letter = write(EmailKind.REFUND, restored=0, refunded=Money(amount=refunded, currency="EUR"))
    assert letter.subject == "Your money is on its way back (order 20260314-000001)"
    assert f"You get back {told}" in letter.text
    assert "your 3 photos could not be restored" in letter.text


def test_one_photo_is_spoken_of_as_one() -> None:
    for kind in EmailKind:
        letter = write(kind, photos=1, restored=1)
        assert not re.search(r"\bphotos\b|\bthem\b|\bthey\b", letter.subject + letter.text)


def test_what_a_customer_typed_is_text_and_never_markup() -> None:
    writer = TemplateLetterWriter(shop_name="Adele & <b>Sons</b>")
    letter = writer.write(facts(customer_name='Ludwig & Söhne "O\'Neil"'))
    assert "Dear Ludwig &amp; Söhne" in letter.html
    assert "Adele &amp; &lt;b&gt;Sons&lt;/b&gt;" in letter.html
    assert 'Dear Ludwig & Söhne "O\'Neil",' in letter.text
    assert "Adele & <b>Sons</b>" in letter.text


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Adele Brandt", "Dear Adele Brandt,"),
        ("  Adele \r\n Brandt ", "Dear Adele Brandt,"),
        ("Åse O'Neil-Müller", "Dear Åse O'Neil-Müller,"),
        (None, "Hello,"),
        ("", "Hello,"),
        ("You won 500! http://prize.example", "Hello,"),
        ("<script>alert()</script>", "Hello,"),
        ("adele@example.com", "Hello,"),
        ("x" * 61, "Hello,"),
    ],
)
def test_a_customer_is_addressed_by_what_looks_like_a_name(name: str | None, told: str) -> None:
    assert greeting(name) == told


@pytest.mark.parametrize("locale", [None, "", "de-DE", "auto", "../../etc", "x" * 500])
def test_a_language_without_templates_is_answered_in_english(locale: str | None) -> None:
    assert write(locale=locale).text == write().text


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        (490, "EUR", "€4.90"),
        (5, "USD", "$0.05"),
        (123456, "GBP", "£1,234.56"),
        (490, "JPY", "¥490"),
        (1500, "KRW", "1,500 KRW"),
        (490, "CHF", "4.90 CHF"),
        (1234, "KWD", "1.234 KWD"),
    ],
)
def test_money_is_told_in_the_currencys_own_way(amount: int, currency: str, told: str) -> None:
    assert money(Money(amount=amount, currency=currency)) == told


def test_a_moment_is_told_in_words_and_in_utc() -> None:
    assert moment(datetime.fromisoformat("2026-12-31T23:30:00-05:00")) == "Friday, 1 January 2027, 04:30 UTC"
