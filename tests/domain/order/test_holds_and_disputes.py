"""Holds and disputes pause an order's work and undo none of it."""

from domain.order.errors import IllegalMoveError
from domain.order.limits import Limits
from domain.order.reactions import (
    CollectRestoration,
    DeletePhotos,
    IssueRefund,
    MoveImages,
    PrepareDownload,
    RestoreImage,
    SendEmail,
    reactions_to,
    required_reactions,
)
from domain.order.states import State
from domain.order.values import DisputeOutcome, EmailKind, HoldReason
from tests.domain.support.event_builders import Facts
from tests.domain.support.given_when_then import given

FACTS = Facts()
CONFIRMED = FACTS.sent(EmailKind.CONFIRMATION)
RESULT = SendEmail(FACTS.email(EmailKind.RESULT), EmailKind.RESULT, 1)


def test_a_hold_keeps_work_from_beginning() -> None:
    given(FACTS.paid(), CONFIRMED, FACTS.held()).needs()
    given(*FACTS.until_restoring(), CONFIRMED, FACTS.held()).needs()
    given(*FACTS.until_settled(), CONFIRMED, FACTS.held()).needs()
    given(*FACTS.until_ready(), CONFIRMED, FACTS.held()).needs()


def test_a_hold_lets_running_predictions_be_collected() -> None:
    held = given(*FACTS.until_restoring(), CONFIRMED, FACTS.started(0), FACTS.held())
    held.needs(CollectRestoration(FACTS.image(0), 1, "prediction-0-1"))
    held.when(FACTS.restored(0)).then(FACTS.restored(0))


def test_a_hold_keeps_no_money_back() -> None:
    held = given(*FACTS.until_delivered(), CONFIRMED, FACTS.held())
    held.needs(IssueRefund(FACTS.refund(), 1))


def test_a_release_lets_the_order_go_on_from_where_it_was() -> None:
    released = FACTS.released()
    given(FACTS.paid(), FACTS.held()).when(released).then(released).has_state(State.PAID).adds(MoveImages())
    restoring = given(*FACTS.until_restoring(), FACTS.restored(0), FACTS.attempt_failed(1), FACTS.held())
    restoring.when(released).then(released).adds(RestoreImage(FACTS.image(1), 2))
    given(*FACTS.until_settled(), FACTS.held()).when(released).then(released).adds(PrepareDownload())
    given(*FACTS.until_ready(), FACTS.held()).when(released).then(released).adds(RESULT)


def test_an_order_is_held_once_and_for_its_first_reason() -> None:
    held = given(FACTS.paid(), FACTS.held(HoldReason.IMAGES_UNAVAILABLE))
    held.when(FACTS.held()).then_nothing()
    assert held.order.hold is HoldReason.IMAGES_UNAVAILABLE


def test_an_order_that_is_not_held_cannot_be_released() -> None:
    given(FACTS.paid()).when(FACTS.released()).then_nothing()


def test_a_forgotten_order_can_still_wait_for_a_person_who_pays_its_debts() -> None:
    repaid = (FACTS.refund_requested(100), FACTS.refund_issued(100))
    erased = given(*FACTS.until_completed(), *repaid, FACTS.erased())
    failed = erased.when(FACTS.refund_failed())
    owing = failed.then(FACTS.refund_failed(), FACTS.held(HoldReason.REFUND_NOT_ISSUED)).has_state(
        State.ERASED
    )
    released = owing.when(FACTS.released()).then(FACTS.released()).has_state(State.ERASED)
    released.adds(IssueRefund(FACTS.refund(), 2))


def test_a_note_is_always_worth_keeping() -> None:
    noted = given(FACTS.paid(), FACTS.note())
    noted.when(FACTS.note()).then(FACTS.note()).adds()
    given().when(FACTS.note()).then_refused(IllegalMoveError, event="NoteAdded")


def test_a_dispute_pauses_delivery() -> None:
    settled = given(*FACTS.until_settled(), CONFIRMED)
    settled.when(FACTS.disputed()).then(FACTS.disputed()).has_state(State.SETTLED).needs()
    given(*FACTS.until_ready(), CONFIRMED, FACTS.disputed()).needs()


def test_a_dispute_does_not_pause_what_comes_before_delivery() -> None:
    given(FACTS.paid(), CONFIRMED, FACTS.disputed()).needs(MoveImages())
    restoring = given(*FACTS.until_restoring(), CONFIRMED, FACTS.disputed())
    restoring.needs(RestoreImage(FACTS.image(0), 1), RestoreImage(FACTS.image(1), 1))


def test_once_the_dispute_is_won_the_order_goes_on_where_it_was() -> None:
    decided = FACTS.decided(DisputeOutcome.WON)
    settled = given(*FACTS.until_settled(), FACTS.disputed())
    settled.when(decided).then(decided).adds(PrepareDownload())
    given(*FACTS.until_ready(), FACTS.disputed()).when(decided).then(decided).adds(RESULT)


def test_of_two_disputes_both_have_to_be_decided() -> None:
    both = given(*FACTS.until_ready(), FACTS.disputed("dp_1"), FACTS.disputed("dp_2"))
    one = FACTS.decided(dispute_id="dp_1")
    both.when(one).then(one).adds().when(FACTS.decided(dispute_id="dp_2")).then(
        FACTS.decided(dispute_id="dp_2")
    ).adds(RESULT)


def test_a_repeated_dispute_is_nothing_new() -> None:
    given(FACTS.paid(), FACTS.disputed()).when(FACTS.disputed()).then_nothing()
    decided = given(FACTS.paid(), FACTS.disputed(), FACTS.decided())
    decided.when(FACTS.decided()).then_nothing()


def test_a_decision_that_overtakes_its_dispute_is_the_last_word() -> None:
    overtaken = given(FACTS.paid()).when(FACTS.decided()).then(FACTS.decided())
    overtaken.when(FACTS.disputed()).then_nothing()
    assert not overtaken.order.is_disputed


def test_there_is_no_dispute_before_a_payment() -> None:
    given().when(FACTS.disputed()).then_refused(IllegalMoveError, state="new")
    given().when(FACTS.decided()).then_refused(IllegalMoveError, state="new")


def test_a_dispute_after_erasure_is_on_record() -> None:
    erased = given(*FACTS.until_completed(), FACTS.erased())
    erased.when(FACTS.disputed()).then(FACTS.disputed()).has_state(State.ERASED)


def test_photos_are_purged_once_and_only_when_the_order_is_over() -> None:
    completed = given(*FACTS.until_completed()).when(FACTS.purged()).then(FACTS.purged())
    assert completed.adds(DeletePhotos(for_good=False)).order.photos_are_purged
    completed.when(FACTS.purged()).then_nothing()
    given(*FACTS.until_ready()).when(FACTS.purged()).then_refused(IllegalMoveError, state="ready")


def test_a_customer_is_forgotten_once_and_only_when_the_order_is_over() -> None:
    completed = given(*FACTS.until_completed()).when(FACTS.erased()).then(FACTS.erased())
    completed.has_state(State.ERASED).needs(DeletePhotos(for_good=True)).when(FACTS.erased()).then_nothing()
    given(*FACTS.until_delivered()).when(FACTS.erased()).then_refused(IllegalMoveError, state="delivered")


def test_an_erasure_deletes_once_more_what_was_stored_at_that_moment() -> None:
    purged = given(*FACTS.until_completed(), FACTS.purged())
    erased = purged.when(FACTS.erased()).then(FACTS.erased()).adds(DeletePhotos(for_good=True))
    (due,) = reactions_to(purged.order, erased.order, Limits())
    assert due.delay == Limits().late_writing


def test_an_order_goes_on_without_waiting_for_what_is_done_once() -> None:
    assert required_reactions(given(*FACTS.until_completed(), FACTS.purged(), FACTS.erased()).order) == []
