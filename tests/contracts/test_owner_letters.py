"""Letters to the owner are claimed once."""

from datetime import UTC, datetime, timedelta

from domain.ports.owner_letters import LetterStatus
from domain.ports.unit_of_work import Database

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
OWED, STALLED, MORNING = "condition:money_owed", "condition:work_stalled", "morning:2026-11-22"


def claim(unit_of_work: Database, subject: str, now: datetime = NOW) -> bool:
    with unit_of_work.transaction() as transaction:
        return transaction.owner_letters.claim(subject, now)


def test_a_letter_is_claimed_once(unit_of_work: Database) -> None:
    assert claim(unit_of_work, OWED)
    assert not claim(unit_of_work, OWED)
    with unit_of_work.transaction() as transaction:
        letters = transaction.owner_letters
        assert (letters.is_claimed(OWED), letters.is_claimed(STALLED)) == (True, False)
    assert claim(unit_of_work, STALLED)


def test_a_letter_that_was_not_sent_is_claimed_again(unit_of_work: Database) -> None:
    claim(unit_of_work, OWED)
    with unit_of_work.transaction() as transaction:
        transaction.owner_letters.release([OWED, STALLED])
    assert claim(unit_of_work, OWED)


def test_a_settled_letter_is_not_released(unit_of_work: Database) -> None:
    for subject, status in ((OWED, LetterStatus.SENT), (STALLED, LetterStatus.UNCONFIRMED)):
        claim(unit_of_work, subject)
        with unit_of_work.transaction() as transaction:
            transaction.owner_letters.settle([subject], status)
            transaction.owner_letters.release([subject])
        assert not claim(unit_of_work, subject)


def test_a_refused_letter_is_released_when_it_is_old(unit_of_work: Database) -> None:
    claim(unit_of_work, OWED)
    with unit_of_work.transaction() as transaction:
        letters = transaction.owner_letters
        letters.settle([OWED], LetterStatus.REFUSED)
        letters.release([OWED], claimed_before=NOW, status=LetterStatus.REFUSED)
    assert not claim(unit_of_work, OWED)
    with unit_of_work.transaction() as transaction:
        later = NOW + timedelta(minutes=1)
        transaction.owner_letters.release([OWED], claimed_before=later, status=LetterStatus.REFUSED)
    assert claim(unit_of_work, OWED)


def test_a_claim_without_an_outcome_is_released_when_it_is_old(unit_of_work: Database) -> None:
    claim(unit_of_work, OWED)
    claim(unit_of_work, STALLED, NOW + timedelta(minutes=1))
    claim(unit_of_work, MORNING)
    with unit_of_work.transaction() as transaction:
        transaction.owner_letters.settle([MORNING], LetterStatus.SENT)
        for before in (NOW, NOW + timedelta(minutes=1)):
            transaction.owner_letters.release([OWED, STALLED, MORNING], claimed_before=before)
    assert claim(unit_of_work, OWED)
    assert not claim(unit_of_work, STALLED)
    assert not claim(unit_of_work, MORNING)


def test_what_still_holds_is_remembered(unit_of_work: Database) -> None:
    later = NOW + timedelta(hours=2)
    for subject in (OWED, STALLED, MORNING):
        claim(unit_of_work, subject)
    with unit_of_work.transaction() as transaction:
        transaction.owner_letters.see([OWED], later)
        assert transaction.owner_letters.forget_unseen(before=later) == 2
    assert not claim(unit_of_work, OWED)
    assert claim(unit_of_work, STALLED)


def test_of_named_letters_only_these_are_forgotten(unit_of_work: Database) -> None:
    for subject in (OWED, STALLED):
        claim(unit_of_work, subject)
    with unit_of_work.transaction() as transaction:
        assert transaction.owner_letters.forget_unseen(NOW, [OWED]) == 0
        assert transaction.owner_letters.forget_unseen(NOW + timedelta(hours=1), [OWED]) == 1
    assert claim(unit_of_work, OWED)
    assert not claim(unit_of_work, STALLED)
