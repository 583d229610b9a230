"""Names, docstrings and comments use standard terms and short first lines."""

import pytest

from tests.vocabulary import ROOT, Violation, modules, violations_in, vocabulary


def test_no_file_has_private_words_or_long_docstrings() -> None:
    found = {str(path.relative_to(ROOT)): violations_in(path) for path in modules()}
    assert {path: violations for path, violations in found.items() if violations} == {}


@pytest.mark.parametrize("folder", ["adapters/localization", "entrypoints/cli", "sandbox/demo"])
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


def test_a_test_may_have_names_that_production_may_not() -> None:
    assert vocabulary().violations("told = page.text", is_test=True) == []


def test_a_violation_names_its_line_and_the_standard_term() -> None:
    (violation,) = vocabulary().violations('"""Cancel.\n\nWith lost work,\nreckon anew.\n"""\n')
    assert violation == Violation(4, "reckon", "compute, calculate")
