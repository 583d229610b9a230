import itertools
import re
from dataclasses import replace

import pytest

from adapters.email_templates import TemplateEmailRenderer
from domain.order.values import EmailKind
from tests.adapters.support.email_facts import (
    DOWNLOAD_URL,
    SIZE,
    STATUS_URL,
    Reader,
    facts,
    read,
    rewards,
    write,
)
from tests.domain.support.event_builders import euros

LOCALES = ["en-GB", "de-DE"]
RESULTS = [EmailKind.RESULT, EmailKind.PARTIAL_RESULT]
BRINGING_A_LINK = [kind for kind in EmailKind if kind.brings_a_link]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", EmailKind)
def test_text_and_html_say_the_same(kind: EmailKind, locale: str) -> None:
    for photos, failed, refunded in itertools.product([1, 2, 3], [0, 1, 2, 3], [0, 490]):
        known = {"photos": photos, "failed": failed, "refunded": euros(refunded), "restored": photos - failed}
        email_content = write(kind, locale=locale, **known)
        assert Reader(email_content.html).words == [word.rstrip(":") for word in email_content.text.split()]


@pytest.mark.parametrize("kind", EmailKind)
def test_a_letter_brings_nothing_from_elsewhere(kind: EmailKind) -> None:
    email_content = write(kind)
    reader = Reader(email_content.html)
    assert reader.links <= {f"{STATUS_URL}?lang=en", f"{DOWNLOAD_URL}?lang=en"}
    assert not reader.tags & {"img", "script", "link", "iframe", "object"}
    assert "url(" not in email_content.html
    assert "@import" not in email_content.html


@pytest.mark.parametrize("kind", EmailKind)
def test_a_letter_can_be_read_in_the_dark(kind: EmailKind) -> None:
    html = write(kind).html
    assert '<meta name="color-scheme" content="light dark">' in html
    dark = html.partition("@media (prefers-color-scheme: dark) {")[2].partition("</style>")[0]
    coloured = {
        names.split()[0]
        for names in re.findall(r'class="([^"]+)" style="[^"]*color:', html)
        if names != "letter"
    }
    assert coloured
    assert all(f".{name} {{" in dark for name in coloured)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", EmailKind)
def test_text_keeps_to_lines_that_fit_a_mail(kind: EmailKind, locale: str) -> None:
    email_content = write(kind, locale=locale)
    assert all(len(line) <= 72 or line.startswith("https://") for line in email_content.text.splitlines())
    assert "\n\n\n" not in email_content.text


@pytest.mark.parametrize("kind", BRINGING_A_LINK)
def test_what_brings_a_link_gives_it_a_line_of_its_own_and_says_until_when_it_works(kind: EmailKind) -> None:
    assert f"\n{DOWNLOAD_URL}?lang=en\n" in write(kind).text
    assert "The link works until Saturday, 21 March 2026, 15:09 UTC." in read(kind)
    assert f"{DOWNLOAD_URL}?lang=en" in Reader(write(kind).html).links


@pytest.mark.parametrize("kind", BRINGING_A_LINK)
def test_what_brings_a_link_leads_to_the_page_with_the_photos_and_to_no_file(kind: EmailKind) -> None:
    assert Reader(write(kind).html).links == {f"{STATUS_URL}?lang=en", f"{DOWNLOAD_URL}?lang=en"}
    assert "On the page behind the link you can look at" in read(kind)
    assert "once more" not in read(kind)


@pytest.mark.parametrize(
    ("locale", "days", "expected"),
    [
        ("en", 14, "Should one not be quite right, you can have us try it once more, within 14 days."),
        ("en", 1, "within one day."),
        ("de", 14, "versuchen wir es auf Ihren Wunsch noch einmal; dafür haben Sie 14 Tage Zeit."),
        ("de", 1, "dafür haben Sie einen Tag Zeit."),
    ],
)
def test_a_result_says_how_long_another_attempt_can_be_asked_for(
    locale: str, days: int, expected: str
) -> None:
    assert expected in read(locale=locale, redo_days=days)


@pytest.mark.parametrize("kind", EmailKind)
def test_every_mail_says_where_the_order_can_be_seen(kind: EmailKind) -> None:
    assert f"\n{STATUS_URL}?lang=en\n" in write(kind).text
    assert f"{STATUS_URL}?lang=en" in Reader(write(kind).html).links


def test_the_result_says_that_all_is_well() -> None:
    email_content = write()
    assert email_content.subject == "Your restored photos are ready"
    assert "All 3 of your photos are restored" in email_content.text
    assert "sorry" not in email_content.text
    assert "attached" not in email_content.text


def test_two_photos_are_spoken_of_as_both() -> None:
    assert "Both of your photos are restored" in write(photos=2, restored=2).text


@pytest.mark.parametrize("kind", [EmailKind.PARTIAL_RESULT, EmailKind.RESULT])
def test_a_partial_result_names_failed_photos_and_their_refund(kind: EmailKind) -> None:
    known = {"restored": 2, "failed": 1, "refunded": euros(490)}
    assert write(kind, **known).subject == "2 of your 3 photos are restored"
    text = read(kind, **known)
    assert "2 of your 3 photos are restored and waiting for you." in text
    assert "one photo could not be restored. What you paid for it, €4.90, is on its way back" in text
    assert "five to ten working days" in text


def test_a_partial_result_names_the_photos_that_could_not_be_restored() -> None:
    known = {"restored": 1, "failed": 2, "failed_names": ("aunt & uncle.jpg", "<b>niece</b>.jpg")}
    text = read(EmailKind.PARTIAL_RESULT, **known)
    assert "2 photos could not be restored: “aunt & uncle.jpg” and “b>.jpg”." in text
    assert "“aunt &amp; uncle.jpg”" in write(EmailKind.PARTIAL_RESULT, **known).html


def test_a_partial_result_names_its_own_refund_and_no_earlier_one() -> None:
    known = {"restored": 2, "failed": 1, "refunded": euros(980), "refund_amount": euros(490)}
    assert "What you paid for it, €4.90, is" in read(EmailKind.PARTIAL_RESULT, **known)


def test_a_partial_result_promises_no_money_where_none_was_paid() -> None:
    assert "on its way back" not in read(EmailKind.PARTIAL_RESULT, restored=2, failed=1, paid=euros(0))


def test_the_result_says_when_the_photos_are_attached() -> None:
    assert "You will find them attached to this e-mail" in read(is_attached=True)


def test_the_confirmation_says_what_was_paid_and_not_that_work_has_begun_on_what_may_be_held() -> None:
    known = {"download_url": None, "expires_at": None}
    assert write(EmailKind.CONFIRMATION, **known).subject == "We have your photos (order 20260314-000001)"
    assert "Your payment of €14.70 has arrived. There is nothing you need to do. As soon as" in read(
        EmailKind.CONFIRMATION, **known
    )


def test_a_free_order_is_not_thanked_for_its_payment() -> None:
    assert "There is nothing to pay" in read(EmailKind.CONFIRMATION, paid=euros(0))


@pytest.mark.parametrize(
    ("refund", "refunded", "expected"),
    [
        (
            None,
            1470,
            "We are paying back everything you paid for your order, €14.70. With that, your order is closed.",
        ),
        (None, 490, "We are paying back €4.90 of the €14.70 you paid for your order. There is"),
        (490, 490, "We are paying back €4.90 of the €14.70 you paid for your order. There is"),
        (
            490,
            980,
            "order. In all, €9.80 of your payment has been paid back or is on its way to you. There",
        ),
        (
            490,
            1470,
            "In all, €14.70 of your payment has been paid back or is on its way to you. With that, your order",
        ),
    ],
)
def test_the_refund_letter_names_the_refunded_amount(
    refund: int | None, refunded: int, expected: str
) -> None:
    amount = None if refund is None else euros(refund)
    known = {"restored": 0, "refunded": euros(refunded), "refund_amount": amount}
    assert write(EmailKind.REFUND, **known).subject == "Your money is on its way back (order 20260314-000001)"
    assert expected in read(EmailKind.REFUND, **known)
    assert "could not be restored" not in read(EmailKind.REFUND, **known)


@pytest.mark.parametrize("kind", [EmailKind.FAILURE, EmailKind.REFUND])
def test_a_failure_is_explained_in_plain_words(kind: EmailKind) -> None:
    known = {"restored": 0, "failed": 3, "refunded": euros(1470)}
    assert write(kind, **known).subject == "We could not restore your photos (order 20260314-000001)"
    assert "none of your 3 photos could be restored. You get back everything you paid, €14.70." in read(
        kind, **known
    )


def test_a_failure_that_cost_nothing_speaks_of_no_money() -> None:
    text = read(EmailKind.FAILURE, restored=0, failed=3, paid=euros(0))
    assert "none of your 3 photos could be restored" in text
    assert "get back" not in text
    assert "bank" not in text


def test_a_failed_redo_says_that_the_first_result_stays() -> None:
    text = read(EmailKind.REDO_FAILED, redone_name="great-aunt-1931.jpg")
    assert "You asked us for another attempt at “great-aunt-1931.jpg”." in text
    assert "the first result stays" in text
    assert "at one of your photos" in read(EmailKind.REDO_FAILED)


def test_a_redo_says_that_the_first_result_is_there_too() -> None:
    text = read(EmailKind.REDONE, redone_name="great-aunt-1931.jpg")
    assert "The other attempt at “great-aunt-1931.jpg” that you asked for is ready." in text
    assert "The first result is kept beside it" in text


def test_the_reminder_says_in_its_subject_until_when() -> None:
    assert write(EmailKind.REMINDER).subject == "Your restored photos are waiting for you until 21 March 2026"


def test_one_photo_is_spoken_of_as_one() -> None:
    for kind in EmailKind:
        email_content = write(kind, photos=1, restored=1, redo_days=14)
        text = email_content.subject + email_content.text.replace(DOWNLOAD_URL, "")
        assert not re.search(r"\bphotos\b|\bthem\b|\bthey\b", text)


def test_what_a_customer_typed_is_text_and_never_markup() -> None:
    writer = TemplateEmailRenderer(shop_name="Adele & <b>Sons</b>")
    email_content = writer.render(facts(customer_name='Ludwig & Söhne "O\'Neil"'))
    assert "Dear Ludwig &amp; Söhne" in email_content.html
    assert "Adele &amp; &lt;b&gt;Sons&lt;/b&gt;" in email_content.html
    assert 'Dear Ludwig & Söhne "O\'Neil",' in email_content.text
    assert "Adele & <b>Sons</b>" in email_content.text


@pytest.mark.parametrize("kind", EmailKind)
def test_braces_and_markup_in_a_name_are_shown_as_they_are(kind: EmailKind) -> None:
    hostile = "{{ facts }} {count} {0.__class__} {% x %} & <i>"
    known = {"failed": 1, "restored": 2, "failed_names": (hostile,), "redone_name": hostile}
    email_content = write(kind, customer_name="{{ facts }} {count}", **known)
    assert "Dear {{ facts }} {count}," in email_content.text
    assert "<i>" not in email_content.html
    assert (f"“{hostile}”" in email_content.text.replace("\n", " ")) == (
        kind in {EmailKind.RESULT, EmailKind.PARTIAL_RESULT, EmailKind.REDONE, EmailKind.REDO_FAILED}
    )


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", RESULTS)
def test_a_result_mail_says_what_a_recommendation_and_the_customers_points_are_worth(
    kind: EmailKind, locale: str
) -> None:
    text = read(kind, locale=locale, rewards=rewards(150))
    for expected in ("7QK2-M9XD ", "7QK2-M9XD-0123-4567-89AB-CDEF", "150"):
        assert expected in text
    assert ("€1.00" in text and "€1.50" in text) or ("1,00 €" in text and "1,50 €" in text)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_referral_code_is_named_without_points_but_not_without_a_program(
    locale: str,
) -> None:
    later = read(locale=locale, rewards=rewards(0))
    assert "7QK2-M9XD-0123-4567-89AB-CDEF" in later
    assert not re.search(r"\b0 (points|Punkte)", later)
    assert "7QK2-M9XD " not in read(locale=locale, rewards=rewards(150, None))
    assert "7QK2" not in read(locale=locale, rewards=None)


@pytest.mark.parametrize("kind", [kind for kind in EmailKind if kind not in RESULTS])
def test_no_other_letter_mentions_points(kind: EmailKind) -> None:
    assert "7QK2" not in read(kind)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", [*RESULTS, EmailKind.REDONE])
def test_a_result_mail_says_its_size_and_its_originals(kind: EmailKind, locale: str) -> None:
    text = read(kind, locale=locale, sizes=(SIZE,))
    for expected in ("great-aunt-1931.jpg", "1184 \u00d7 880", "4000 \u00d7 3000"):
        assert expected in text


def test_a_result_as_large_as_its_original_needs_no_words_about_it() -> None:
    same = replace(SIZE, width=SIZE.original_width, height=SIZE.original_height)
    assert read(sizes=(same,)) == read()


def test_of_many_photos_the_page_has_the_sizes() -> None:
    text = read(sizes=(SIZE,) * 200)
    assert text.count("1184 \u00d7 880") <= 20  # in text and HTML
    assert "The page behind the link has the sizes of all your photos." in text


@pytest.mark.parametrize(
    ("locale", "query"),
    [("de-AT", "?lang=de"), ("de", "?lang=de"), ("en-US", "?lang=en"), ("br-FR", ""), (None, "")],
)
def test_its_links_lead_to_pages_in_its_language_if_that_was_chosen(locale: str | None, query: str) -> None:
    links = Reader(write(EmailKind.RESULT, locale=locale).html).links
    assert links == {f"{STATUS_URL}{query}", f"{DOWNLOAD_URL}{query}"}
