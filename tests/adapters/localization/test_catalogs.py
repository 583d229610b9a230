"""Each language is one complete catalog file, and another can be added."""

import itertools
import json
import re
from collections.abc import Callable
from importlib.resources import as_file
from pathlib import Path
from shutil import copytree

import pytest

from adapters.email_templates import TemplateEmailRenderer
from adapters.localization.catalog import CATALOGS, Catalog, LanguageFileError
from domain.order.values import EmailKind
from tests.adapters.support.email_facts import DOWNLOAD_URL, SIZE, WRITER, facts, read, rewards, write
from tests.domain.support.event_builders import euros

ENGLISH = Catalog.read(CATALOGS / "en.toml")

#: The sections of which pages and letters to the owner are made, and no mail to customers.
PAGES = {
    "page",
    "site",
    "home",
    "legal",
    "gallery",
    "refusal",
    "picture",
    "upload_script",
    "share",
    "gallery_script",
    "photo_page",
    "no_redo",
    "expired_link",
    "asked",
    "order_page",
    "photo_state",
    "upload_page",
    "problem",
    "condition",
    "owner_letter",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shop's catalogs, to which a test may add."""
    with as_file(CATALOGS) as own:
        return copytree(own, tmp_path / "languages")


def put_beside_english(folder: Path, name: str, change: Callable[[str], str]) -> None:
    (folder / name).write_text(change((folder / "en.toml").read_text("utf-8")), "utf-8")


def test_another_language_is_one_more_file(folder: Path) -> None:
    put_beside_english(folder, "nl.toml", lambda english: re.sub(r'= "', '= "(nl) ', english))
    writer = TemplateEmailRenderer(languages=folder)
    for kind in EmailKind:
        email_content = writer.render(facts(kind, locale="nl-BE"))
        assert email_content.subject.startswith("(nl) ")
        assert "(nl) Dear (nl) Adele" in email_content.text or "(nl) Dear Adele Brandt," in email_content.text
        assert '<html lang="nl" dir="ltr">' in email_content.html
    assert "zaterdag 21 maart 2026" in writer.render(facts(locale="nl-BE")).text
    assert writer.render(facts(locale="de")) == WRITER.render(facts(locale="de"))


def test_a_region_may_have_a_file_of_its_own(folder: Path) -> None:
    put_beside_english(folder, "pt.toml", lambda english: english.replace("Warm regards", "Cumprimentos"))
    put_beside_english(folder, "pt_BR.toml", lambda english: english.replace("Warm regards", "Abraços"))
    writer = TemplateEmailRenderer(languages=folder)
    assert "Abraços" in writer.render(facts(locale="pt-BR")).text
    assert "Cumprimentos" in writer.render(facts(locale="pt-PT")).text


@pytest.mark.parametrize("locale", ["de", "DE", "de-DE", "de-AT", "de_CH", "de-LU", "de-US", "de_DE.UTF-8"])
def test_german_is_written_to_all_who_speak_it(locale: str) -> None:
    email_content = write(locale=locale)
    assert email_content.subject == "Ihre restaurierten Fotos sind da"
    assert "Guten Tag Adele Brandt," in email_content.text
    assert "alle 3 Fotos sind restauriert" in email_content.text
    assert "Samstag, 21. März 2026, 15:09 Uhr (UTC)" in read(locale=locale)
    assert '<html lang="de" dir="ltr">' in email_content.html


@pytest.mark.parametrize("kind", EmailKind)
def test_a_german_letter_has_no_english_in_it(kind: EmailKind) -> None:
    for failed, name in itertools.product([0, 1, 3], [None, "Adele"]):
        known = {"failed": failed, "restored": 3 - failed, "refunded": euros(490), "is_attached": True}
        known |= {"redo_days": 14, "lost": failed}
        email_content = write(kind, locale="de", customer_name=name, **known)
        words = (email_content.subject + email_content.text).replace(DOWNLOAD_URL, "").lower()
        assert not re.search(r"\b(you|your|the|order|photos|and|it)\b", words)


@pytest.mark.parametrize(
    "locale", [None, "", "br-FR", "auto", "xx-YY", "../../etc", "de\n", "e" * 500, "tlh", "root", "-", "__"]
)
def test_an_unknown_locale_is_answered_in_english(locale: str | None) -> None:
    assert write(locale=locale).text == write(locale="en-GB").text.replace("?lang=en", "")


@pytest.mark.parametrize("name", sorted(file.name for file in CATALOGS.iterdir()))
def test_every_language_says_every_phrase_and_speaks_of_every_kind(name: str) -> None:
    language = Catalog.read(CATALOGS / name)
    language.require_phrases_of(ENGLISH, name)
    for kind in EmailKind:
        assert f"{kind}.subject" in language.phrases


def test_every_phrase_is_used_in_some_letter(folder: Path) -> None:
    phrases = {
        name: phrase if isinstance(phrase, str) else phrase["other"]
        for name, phrase in ENGLISH.phrases.items()
    }
    marked = [f"{name} = {json.dumps(f'<{name}> {text}')}" for name, text in phrases.items()]
    (folder / "nl.toml").write_text("\n".join(marked), "utf-8")
    writer = TemplateEmailRenderer(languages=folder)
    used: set[str] = set()
    for kind, failed, refunded, paid, refund, name in itertools.product(
        EmailKind, [0, 1, 3], [0, 490, 1470], [0, 1470], [None, euros(490)], [(), ("aunt.jpg",)]
    ):
        email_content = writer.render(
            facts(
                kind,
                locale="nl",
                customer_name="Adele" if name else None,
                failed=failed,
                failed_names=name,
                lost=failed,
                lost_names=name,
                redone_name=name[0] if name else None,
                paid=euros(paid),
                refunded=euros(refunded),
                refund_amount=refund,
                redo_days=14 if name else None,
                is_attached=True,
                rewards=rewards(150 if name else 0),
                sizes=(SIZE,) * 11 if name else (),
            )
        )
        used |= set(re.findall(r"<([a-z_.]+)>", email_content.subject + email_content.text))
    assert used == {name for name in ENGLISH.phrases if name.partition(".")[0] not in PAGES}


@pytest.mark.parametrize(
    ("name", "change", "wrong"),
    [
        ("nl.toml", lambda en: en.replace('regards = "Warm regards,"\n', ""), "letter.regards is missing"),
        (
            "nl.toml",
            lambda en: en.replace("[money]", '[money]\ncoins = "x"'),
            "no mail or page says money.coins",
        ),
        ("nl.toml", lambda en: re.sub(r"ready\.one.*\n", "", en), "result.ready lacks the form 'one'"),
        ("pl.toml", lambda en: en, "result.ready lacks the form 'few'"),
        ("nl.toml", lambda en: en.replace("{date}", "{dag}"), "nothing fills {dag} in letter.moment"),
        (
            "nl.toml",
            lambda en: en.replace('regards = "', 'regards.one = "'),
            "letter.regards depends on no number",
        ),
        ("nl.toml", lambda en: en.replace("[money]", "[money"), "line"),
        ("nl.toml", lambda en: en.replace("Warm", "{"), "letter.regards is no phrase"),
        (
            "nl.toml",
            lambda en: en.replace('regards = "Warm regards,"', "regards = 1"),
            "letter.regards is no phrase",
        ),
        ("nl.toml", lambda _: 'regards = "Groeten"', "regards is in no section"),
        ("klingon.toml", lambda en: en, "klingon"),
    ],
)
def test_a_language_file_that_would_leave_letters_unwritten_is_refused(
    folder: Path, name: str, change: Callable[[str], str], wrong: str
) -> None:
    put_beside_english(folder, name, change)
    with pytest.raises(LanguageFileError, match=re.escape(f"Mend the language file {name}: ")) as refused:
        TemplateEmailRenderer(languages=folder)
    assert any(wrong in known for known in refused.value.problems)


def test_a_language_may_have_one_plural_form(folder: Path) -> None:
    put_beside_english(
        folder, "ja.toml", lambda en: re.sub(r"(\w+)\.one = .*\n(?:\1\.2 = .*\n)?\1\.other", r"\1", en)
    )
    email_content = TemplateEmailRenderer(languages=folder).render(facts(locale="ja", photos=1, restored=1))
    assert email_content.subject == "Your restored photos are ready"
