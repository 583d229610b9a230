"""An order begins with its payment."""

import pytest

from domain.order.errors import AlreadyPaidError, IllegalMoveError, UnknownImageError
from domain.order.reactions import MoveImages, RestoreImage, SendEmail, pending_reactions
from domain.order.states import State
from domain.order.values import EmailKind, HoldReason, ImageId
from tests.domain.support.event_builders import Facts, euros, stored
from tests.domain.support.given_when_then import given

FACTS = Facts()
CONFIRMATION = SendEmail(FACTS.email(EmailKind.CONFIRMATION), EmailKind.CONFIRMATION, 1)


def test_a_payment_makes_an_order_that_moves_its_images_and_confirms() -> None:
    after = given().when(FACTS.paid()).then(FACTS.paid()).has_state(State.PAID)
    after.adds(MoveImages(), CONFIRMATION)
    assert list(after.order.images) == list(FACTS.images)


def test_before_its_payment_an_order_needs_nothing() -> None:
    given().has_state(State.NEW).needs()


def test_a_discounted_payment_is_as_good_as_a_full_one() -> None:
    given().when(FACTS.paid(discount=200)).then(FACTS.paid(discount=200)).has_state(State.PAID)


def test_a_free_order_is_an_order() -> None:
    free = FACTS.paid(discount=980)
    assert free.paid == euros(0)
    given().when(free).then(free).adds(MoveImages(), CONFIRMATION)


@pytest.mark.parametrize("paid", [979, 981, 0], ids=["a cent too little", "a cent too much", "nothing"])
def test_another_amount_than_was_quoted_holds_the_order_and_moves_nothing(paid: int) -> None:
    payment = FACTS.paid(paid)
    after = given().when(payment).then(payment, FACTS.held(HoldReason.AMOUNT_MISMATCH))
    after.adds(CONFIRMATION)
    assert after.order.hold is HoldReason.AMOUNT_MISMATCH


def test_another_currency_than_was_quoted_holds_the_order() -> None:
    payment = FACTS.paid(980, currency="USD")
    given().when(payment).then(payment, FACTS.held(HoldReason.AMOUNT_MISMATCH))


def test_a_repeated_payment_is_nothing_new() -> None:
    given(FACTS.paid()).when(FACTS.paid()).then_nothing()


def test_a_paid_order_cannot_be_paid_again() -> None:
    second = FACTS.paid(checkout_session_id="cs_another")
    given(FACTS.paid()).when(second).then_refused(
        AlreadyPaidError, order_id=FACTS.order_id, checkout_session_id="cs_another"
    )


def test_the_shares_add_up_to_what_was_paid() -> None:
    facts = Facts(photos=3, price=333)
    order = given(facts.paid(discount=99)).order
    assert [image.share.amount for image in order.images.values()] == [300, 300, 300]
    order = given(facts.paid(discount=98)).order
    assert [image.share.amount for image in order.images.values()] == [301, 300, 300]


def test_moved_images_go_to_the_restorer() -> None:
    after = given(FACTS.paid()).when(FACTS.moved()).then(FACTS.moved()).has_state(State.RESTORING)
    after.adds(RestoreImage(FACTS.image(0), 1), RestoreImage(FACTS.image(1), 1))
    assert after.order.images[FACTS.image(1)].original == FACTS.moved().images[1].original


def test_images_are_moved_once() -> None:
    given(FACTS.paid(), FACTS.moved()).when(FACTS.moved()).then_nothing()


def test_an_image_of_another_order_is_not_moved() -> None:
    stranger = Facts(photos=3)
    given(FACTS.paid()).when(stranger.moved()).then_refused(
        UnknownImageError, order_id=FACTS.order_id, image_id=stranger.image(2)
    )


def test_no_image_event_is_recorded_before_the_payment() -> None:
    given().when(FACTS.moved()).then_nothing()
    for proposed in (FACTS.started(), FACTS.attempt_failed(), FACTS.restored(), FACTS.failed(), FACTS.redo()):
        given().when(proposed).then_refused(UnknownImageError, image_id=FACTS.image(0))


def test_a_command_before_the_payment_is_refused_with_what_is_allowed() -> None:
    given().when(FACTS.held()).then_refused(
        IllegalMoveError, event="OrderHeld", state="new", allowed=["PaymentReceived"]
    )


def test_an_image_keeps_the_fingerprint_of_its_upload() -> None:
    image = given(FACTS.paid()).order.images[ImageId(FACTS.image(0))]
    assert image.upload == stored(f"uploads/temp/{FACTS.image(0)}")
    assert CONFIRMATION in pending_reactions(given(FACTS.paid()).order)
