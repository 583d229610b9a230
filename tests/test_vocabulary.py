"""Names, docstrings and comments use standard terms and short first lines."""

import pytest

from tests.vocabulary import ROOT, Violation, files, modules, violations_in, vocabulary


@pytest.mark.slow  # `make check` runs it
def test_no_file_has_private_words_or_long_docstrings() -> None:
    found = {str(path.relative_to(ROOT)): violations_in(path) for path in files()}
    assert {path: violations for path, violations in found.items() if violations} == {}


@pytest.mark.parametrize(
    "folder", ["domain", "adapters/localization", "entrypoints/cli", "entrypoints/worker", "sandbox"]
)
def test_staff_read_no_private_words(folder: str) -> None:
    texts = {path: vocabulary().in_texts(path.read_text()) for path in modules([ROOT / folder])}
    assert {str(path): violations for path, violations in texts.items() if violations} == {}


def test_a_private_word_in_a_text_for_staff_is_found() -> None:
    source = 'sent = f"All of {amount} went back."\nText(owner="It went back.", label="set aside")'
    assert [each.found for each in vocabulary().in_texts(source)] == ["went back", "set aside"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""Refunds whoever paid."""', "whoever"),
        ('"""Refund the payment.\n\nThe money goes\nback."""', "goes back"),
        ("amount = 1  # what is told later", "is told"),
        ("def set_aside(event): ...", "set_aside"),
        ("class WebhookNotice: ...", "WebhookNotice"),
        ("def check(said): ...", "said"),
        ("self.books = 1", "books"),
        ("def verify(mark): ...", "mark"),
        ("told = recorded_events()", "told"),
        ('_log.warning("queue_away", problem=problem)', "queue_away"),
        ('def pay():\n    """' + "word " * 13 + '"""', "a first line of 13 words"),
    ],
)
def test_what_is_refused_is_found(source: str, found: str) -> None:
    assert [violation.found for violation in vocabulary().violations(source)] == [found]


@pytest.mark.parametrize(
    "source",
    [
        '"""Refund the payment; it is said to be needed."""',
        "outcome = books.standing(wish)",
        'reply = "Nobody is told."',
        'def pay():\n    """' + "word " * 12 + '"""',
        '@cli.command()\ndef run():\n    """' + "word " * 13 + 'whoever."""',
        "understands = notebooks = healthy = 1",
    ],
)
def test_what_is_plain_is_left_alone(source: str) -> None:
    assert vocabulary().violations(source) == []


@pytest.mark.parametrize(
    ("text", "ending", "found"),
    [
        ("```sql\nSELECT healed\n```\nA payment\nis told of\n.", ".md", ["is told", "told of"]),
        ("# Changelog\n\n## [Unreleased]\n\n- Sealed.\n\n## [1.0.0]\n\n- Healed.\n", ".md", ["Sealed"]),
        ('The code `seal`, and a page: "It went back." Tests notice it.', ".md", []),
        ("{% for seal in seals %}{{ say('letter.standing') }} is told{% endfor %}", ".jinja", ["is told"]),
        ("name: x # whoever reads it", ".yaml", ["whoever"]),
        ('name = "Nobody imports it"', ".toml", ["Nobody"]),
    ],
)
def test_a_document_is_read_without_its_code(text: str, ending: str, found: list[str]) -> None:
    assert [violation.found for violation in vocabulary().in_document(text, ending)] == found


def test_a_violation_in_a_document_has_its_line() -> None:
    (violation,) = vocabulary().in_document("```sh\nmake\n```\nIt is `told` and stands.", ".md")
    assert violation.line == 4


def test_a_violation_names_its_line_and_the_standard_term() -> None:
    (violation,) = vocabulary().violations('"""Cancel.\n\nWith lost work,\nreckon anew.\n"""\n')
    assert violation == Violation(4, "reckon", "compute, calculate")
