"""Refunds: owed, requested, or made at the provider.

Never is more refunded than was paid, unless the provider did so.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.order import events as e
from domain.order.decide_delivery import requestable_email
from domain.order.deterministic_ids import refund_id_at_provider
from domain.order.errors import (
    AmountNotPayableError,
    IllegalMoveError,
    ImageNotRefundableError,
    NothingToSendError,
    RefundExceedsPaymentError,
    UnknownImageError,
)
from domain.order.ledger import RefundStatus
from domain.order.reactions import (
    CancelPrediction,
    IssueRefund,
    MoveImages,
    PrepareDownload,
    RestoreImage,
    SendEmail,
    pending_reactions,
)
from domain.order.states import State
from domain.order.values import (
    DisputeOutcome,
    EmailKind,
    FailureReason,
    HoldReason,
    Money,
    PointsReason,
    RefundId,
    RefundReason,
)
from tests.domain.support.event_builders import Facts, euros
from tests.domain.support.given_when_then import given

FACTS = Facts()  # two photos for 9.80 EUR
CONFIRMATION = SendEmail(FACTS.email(EmailKind.CONFIRMATION), EmailKind.CONFIRMATION, 1)
FAREWELL = SendEmail(FACTS.email(EmailKind.REFUND), EmailKind.REFUND, 1)


def issue(sequence: int = 1, attempt: int = 1) -> IssueRefund:
    return IssueRefund(FACTS.refund(sequence), attempt)


def test_a_requested_refund_is_issued_while_restoration_continues() -> None:
    proposed = FACTS.refund_requested(100)
    after = given(FACTS.paid()).when(proposed).then(proposed).has_state(State.PAID).adds(issue())
    issued = after.when(FACTS.refund_issued(100)).then(FACTS.refund_issued(100)).has_state(State.PAID)
    assert issued.order.refunded_amount == 100


def test_a_refund_of_all_that_was_paid_ends_the_order_and_says_so_to_the_customer() -> None:
    asked = given(FACTS.paid(), FACTS.refund_requested(980)).has_state(State.REFUNDING).needs(issue())
    ended = asked.when(FACTS.refund_issued(980)).then(FACTS.refund_issued(980)).has_state(State.REFUNDED)
    ended.adds(FAREWELL).needs(FAREWELL)


def test_a_refund_in_parts_ends_the_order_with_the_last() -> None:
    first = (FACTS.refund_requested(480), FACTS.refund_issued(480), FACTS.refund_requested(500, sequence=2))
    last = FACTS.refund_issued(500, sequence=2)
    given(FACTS.paid(), *first).has_state(State.REFUNDING).when(last).then(last).has_state(State.REFUNDED)


def test_a_refund_never_exceeds_the_payment() -> None:
    given(FACTS.paid()).when(FACTS.refund_requested(981)).then_refused(
        RefundExceedsPaymentError, asked="9.81 EUR", refundable="9.80 EUR"
    )


def test_what_was_asked_back_already_cannot_be_asked_back_again() -> None:
    asked = given(FACTS.paid(), FACTS.refund_requested(700))
    asked.when(FACTS.refund_requested(281, sequence=2)).then_refused(
        RefundExceedsPaymentError, asked="2.81 EUR", refundable="2.80 EUR"
    )
    asked.when(FACTS.refund_requested(280, sequence=2)).then(FACTS.refund_requested(280, sequence=2))


def test_a_refund_of_nothing_or_less_is_refused() -> None:
    for amount in (0, -1):
        given(FACTS.paid()).when(FACTS.refund_requested(amount)).then_refused(RefundExceedsPaymentError)


def test_a_refund_in_another_currency_is_refused() -> None:
    given(FACTS.paid()).when(FACTS.refund_requested(100, currency="USD")).then_refused(
        RefundExceedsPaymentError, asked="1.00 USD", refundable="9.80 EUR"
    )


def test_a_refund_asked_for_again_under_the_same_id_is_nothing_new() -> None:
    given(FACTS.paid(), FACTS.refund_requested(100)).when(FACTS.refund_requested(100)).then_nothing()


def test_nothing_is_refunded_before_a_payment() -> None:
    given().when(FACTS.refund_requested(1)).then_refused(IllegalMoveError, state="new")
    given().when(FACTS.refund_issued(1)).then_refused(IllegalMoveError, state="new")


def test_a_refund_that_no_provider_could_pay_is_refused_with_the_nearest_amounts() -> None:
    paid = Money(amount=9800, currency="KWD")
    payment = FACTS.paid(9800, currency="KWD")
    dinars = replace(payment, quoted=paid, discount=replace(paid, amount=0))
    asked = replace(FACTS.refund_requested(1), amount=Money(amount=1235, currency="KWD"))
    refused = given(dinars).when(asked)
    refused.then_refused(AmountNotPayableError, asked="1.235 KWD", below="1.230 KWD", above="1.240 KWD")


def test_a_refund_is_not_announced_once_it_failed_or_was_dropped() -> None:
    accepted = (FACTS.paid(), FACTS.refund_requested(100), FACTS.refund_accepted(100))
    given(*accepted).needs(MoveImages(), CONFIRMATION, FAREWELL)
    failed = given(*accepted, FACTS.refund_failed()).needs(MoveImages(), CONFIRMATION)
    failed.when(FACTS.refund_issued(100)).then(FACTS.refund_issued(100)).adds(FAREWELL)
    lost = (FACTS.disputed(), FACTS.decided(DisputeOutcome.LOST), FACTS.refund_dropped())
    given(*accepted, FACTS.refund_failed(), *lost).has_state(State.REFUNDED).needs()


def test_an_issued_refund_is_recorded_once() -> None:
    history = (FACTS.refund_requested(100), FACTS.refund_issued(100))
    given(FACTS.paid(), *history).when(FACTS.refund_issued(100)).then_nothing()


def test_a_refund_made_in_the_dashboard_is_recorded() -> None:
    at_provider = FACTS.refund_requested(300, reason=RefundReason.AT_PROVIDER)
    after = given(FACTS.paid()).when(FACTS.refund_issued(300)).then(at_provider, FACTS.refund_issued(300))
    after.adds(FAREWELL)
    assert after.order.refunds[FACTS.refund()].status is RefundStatus.ISSUED


def test_a_refund_of_everything_in_the_dashboard_ends_the_order() -> None:
    at_provider = FACTS.refund_requested(980, reason=RefundReason.AT_PROVIDER)
    ended = given(*FACTS.until_restoring(), FACTS.started()).when(FACTS.refund_issued(980))
    after = ended.then(at_provider, FACTS.refund_issued(980)).has_state(State.REFUNDED)
    after.adds(CancelPrediction("prediction-0-1"), FAREWELL)


def test_a_full_refund_cancels_predictions_and_sends_only_its_own_mail() -> None:
    two_of_one_attempt = (FACTS.started(prediction="orphan"), FACTS.started(prediction="repeat"))
    running = given(*FACTS.until_restoring(), *two_of_one_attempt)
    asked = running.when(FACTS.refund_requested(980)).then(FACTS.refund_requested(980))
    asked.has_state(State.REFUNDING).adds(CancelPrediction("orphan"), CancelPrediction("repeat"), issue())
    asked.needs(CancelPrediction("orphan"), CancelPrediction("repeat"), issue())
    ended = asked.when(FACTS.refund_issued(980)).then(FACTS.refund_issued(980))
    ended.adds(FAREWELL)


def test_late_results_after_a_full_refund_are_nothing() -> None:
    running = (FACTS.started(), FACTS.refund_requested(980), FACTS.refund_issued(980))
    ended = given(*FACTS.until_restoring(), *running).has_state(State.REFUNDED)
    for late in (FACTS.restored(), FACTS.attempt_failed(), FACTS.failed(), FACTS.started(1)):
        ended.when(late).then_nothing()


def test_a_download_that_comes_late_after_a_full_refund_is_nothing() -> None:
    refund = (FACTS.refund_requested(980), FACTS.refund_issued(980))
    given(*FACTS.until_settled(), *refund).when(FACTS.prepared()).then_nothing()


def test_after_a_full_refund_the_result_is_not_mailed_any_more() -> None:
    refund = (FACTS.refund_requested(980), FACTS.refund_issued(980))
    given(*FACTS.until_ready(), *refund).has_state(State.REFUNDED).needs(FAREWELL)


def test_an_order_that_failed_altogether_ends_with_its_refund() -> None:
    failed = (FACTS.failed(0), FACTS.failed(1), FACTS.owed(980, 0, 1))
    stopped = given(*FACTS.until_restoring(), *failed).has_state(State.REFUNDING)
    ended = stopped.when(FACTS.refund_issued(980)).then(FACTS.refund_issued(980)).has_state(State.REFUNDED)
    ended.needs(SendEmail(FACTS.email(EmailKind.FAILURE), EmailKind.FAILURE, 1))


def test_a_delivered_order_is_complete_when_its_failed_share_is_back() -> None:
    delivered = given(*FACTS.until_delivered()).has_state(State.DELIVERED)
    delivered.when(FACTS.refund_issued(490)).then(FACTS.refund_issued(490)).has_state(State.COMPLETED)


def test_a_share_that_is_back_before_the_result_is_sent_lets_the_mail_complete_the_order() -> None:
    restored = (FACTS.restored(0), FACTS.failed(1), FACTS.owed(490, 1), FACTS.prepared(0))
    ready = given(*FACTS.until_restoring(), *restored, FACTS.refund_issued(490)).has_state(State.READY)
    result = FACTS.sent(EmailKind.PARTIAL_RESULT)
    ready.when(result).then(result).has_state(State.COMPLETED)


def test_nothing_is_owed_for_a_failed_image_after_a_full_refund() -> None:
    asked_after = (FACTS.failed(0), FACTS.refund_requested(980), FACTS.refund_issued(980))
    ended = given(*FACTS.until_restoring(), *asked_after).has_state(State.REFUNDED)
    assert not ended.order.money_is_owed


def test_a_refused_refund_holds_the_order() -> None:
    delivered = given(*FACTS.until_delivered(), FACTS.sent(EmailKind.CONFIRMATION))
    after = delivered.when(FACTS.refund_failed())
    after.then(FACTS.refund_failed(), FACTS.held(HoldReason.REFUND_NOT_ISSUED)).needs()


def test_a_refused_refund_does_not_hold_an_order_twice() -> None:
    held = given(*FACTS.until_delivered(), FACTS.held())
    held.when(FACTS.refund_failed()).then(FACTS.refund_failed())


def test_a_refund_that_fails_after_completion_makes_the_money_owed_again() -> None:
    completed = given(*FACTS.until_delivered(), FACTS.refund_issued(490)).has_state(State.COMPLETED)
    after = completed.when(FACTS.refund_failed())
    owing = after.then(FACTS.refund_failed(), FACTS.held(HoldReason.REFUND_NOT_ISSUED))
    owing.has_state(State.DELIVERED)
    assert owing.order.money_is_owed
    assert owing.order.refunded_amount == 0


def test_a_release_asks_for_a_failed_refund_afresh_under_a_new_attempt() -> None:
    confirmed = FACTS.sent(EmailKind.CONFIRMATION)
    history = (confirmed, FACTS.refund_failed(), FACTS.held(HoldReason.REFUND_NOT_ISSUED))
    stuck = given(*FACTS.until_delivered(), *history)
    released = stuck.when(FACTS.released()).then(FACTS.released()).adds(issue(attempt=2))
    paid_back = released.when(FACTS.refund_issued(490)).then(FACTS.refund_issued(490))
    paid_back.has_state(State.COMPLETED)


def test_a_refund_that_failed_may_still_turn_out_to_be_issued() -> None:
    stuck = given(*FACTS.until_delivered(), FACTS.refund_failed())
    stuck.when(FACTS.refund_issued(490)).then(FACTS.refund_issued(490)).has_state(State.COMPLETED)


def test_an_unknown_or_recorded_refund_failure_is_ignored() -> None:
    given().when(FACTS.refund_failed()).then_nothing()
    given(FACTS.paid()).when(FACTS.refund_failed()).then_nothing()
    given(*FACTS.until_delivered(), FACTS.refund_failed()).when(FACTS.refund_failed()).then_nothing()


def test_a_customer_to_whom_money_is_owed_is_not_forgotten_before_it_is_back() -> None:
    owing = given(*FACTS.until_completed(), FACTS.refund_requested(100)).has_state(State.DELIVERED)
    owing.when(FACTS.erased()).then_refused(IllegalMoveError, state="delivered")
    repaid = owing.when(FACTS.refund_issued(100)).then(FACTS.refund_issued(100)).has_state(State.COMPLETED)
    repaid.when(FACTS.erased()).then(FACTS.erased()).has_state(State.ERASED)


def test_money_that_comes_back_to_the_shop_after_completion_is_owed_again() -> None:
    ended = given(*FACTS.until_refunded()).has_state(State.REFUNDED)
    failed = FACTS.refund_failed(provider_refund_id="re_1")
    owing = (
        ended.when(failed).then(failed, FACTS.held(HoldReason.REFUND_NOT_ISSUED)).has_state(State.REFUNDING)
    )
    again = owing.when(FACTS.released()).then(FACTS.released()).adds(issue(attempt=2))
    paid = replace(FACTS.refund_issued(980), provider_refund_id="re_2")
    once = again.when(paid).then(paid).has_state(State.REFUNDED)
    assert [email.kind for email in once.order.emails.values()].count(EmailKind.REFUND) == 1


def test_a_partial_refund_does_not_stop_restoration() -> None:
    asked = given(*FACTS.until_restoring(), FACTS.sent(EmailKind.CONFIRMATION), FACTS.refund_requested(979))
    asked.needs(RestoreImage(FACTS.image(0), 1), RestoreImage(FACTS.image(1), 1), issue())


def test_an_image_that_was_restored_is_not_refunded_by_name() -> None:
    restored = given(*FACTS.until_restoring(), FACTS.restored(0))
    restored.when(FACTS.owed(490, 0)).then_refused(ImageNotRefundableError)


def test_a_photo_that_is_paid_back_by_name_is_taken_out_of_the_work() -> None:
    running = given(*FACTS.until_restoring(), FACTS.started(0), FACTS.started(1))
    asked = FACTS.refund_requested(490, 1)
    withdrawn = FACTS.failed(1, 1, FailureReason.WITHDRAWN)
    after = running.when(asked).then(withdrawn, asked).has_state(State.RESTORING)
    after.adds(CancelPrediction("prediction-1-1"), issue())
    after.when(FACTS.restored(1)).then_nothing()
    after.when(FACTS.restored(0)).then(FACTS.restored(0)).has_state(State.SETTLED).adds(PrepareDownload())


def test_withdrawing_the_last_photo_settles_the_order_and_refunds_the_rest() -> None:
    failed = given(*FACTS.until_restoring(), FACTS.failed(0))
    asked = FACTS.refund_requested(490, 1)
    withdrawn = FACTS.failed(1, 0, FailureReason.WITHDRAWN)
    failed.when(asked).then(withdrawn, asked, FACTS.owed(490, 0, sequence=2)).has_state(State.REFUNDING)


def test_a_photo_is_not_taken_out_before_the_photos_are_moved() -> None:
    given(FACTS.paid()).when(FACTS.refund_requested(490, 0)).then_refused(ImageNotRefundableError)


def test_an_image_is_refunded_once() -> None:
    asked = given(*FACTS.until_restoring(), FACTS.failed(0), FACTS.owed(490, 0))
    asked.when(FACTS.owed(490, 0, sequence=2)).then_refused(ImageNotRefundableError)


def test_an_image_the_order_does_not_have_is_not_refunded() -> None:
    stranger = replace(FACTS.owed(490, 0), image_ids=(Facts().image(7),))
    given(FACTS.paid()).when(stranger).then_refused(UnknownImageError, image_id=Facts().image(7))


def test_a_late_failure_of_an_earlier_refund_does_not_undo_the_one_that_was_paid() -> None:
    paid_again = given(
        FACTS.paid(),
        FACTS.refund_requested(980),
        FACTS.refund_issued(980),
        FACTS.refund_failed(provider_refund_id="re_1"),
        FACTS.held(),
        FACTS.released(),
        replace(FACTS.refund_issued(980), provider_refund_id="re_2"),
    ).has_state(State.REFUNDED)
    paid_again.when(FACTS.refund_failed(provider_refund_id="re_1")).then_nothing()
    now_failed = FACTS.refund_failed(provider_refund_id="re_2")
    paid_again.when(now_failed).then(now_failed, FACTS.held(HoldReason.REFUND_NOT_ISSUED))


def test_a_late_webhook_of_a_refund_that_failed_since_does_not_count_it_again() -> None:
    failed = given(
        FACTS.paid(),
        FACTS.refund_requested(100),
        FACTS.refund_issued(100),
        FACTS.refund_failed(provider_refund_id="re_1"),
    )
    failed.when(FACTS.refund_issued(100)).then_nothing()
    again = replace(FACTS.refund_issued(100), provider_refund_id="re_2")
    failed.when(again).then(again)


def test_a_restored_photo_is_delivered_even_if_the_failed_ones_had_cost_all_the_money() -> None:
    nearly_free = replace(FACTS.paid(1), discount=euros(979))
    settled = given(
        nearly_free,
        FACTS.moved(),
        FACTS.started(0),
        FACTS.started(1),
        FACTS.restored(1),
        FACTS.failed(0),
        FACTS.owed(1, 0),
    )
    paid_back = settled.when(FACTS.refund_issued(1)).then(FACTS.refund_issued(1)).has_state(State.SETTLED)
    assert PrepareDownload() in pending_reactions(paid_back.order)


def test_a_refund_in_the_dashboard_takes_the_place_of_one_the_shop_had_only_asked_for() -> None:
    asked = given(FACTS.paid(), FACTS.refund_requested(980)).has_state(State.REFUNDING)
    dashboard = FACTS.refund_issued(300, sequence=7)
    at_provider = FACTS.refund_requested(300, sequence=7, reason=RefundReason.AT_PROVIDER)
    rest = FACTS.refund_requested(680, sequence=3)
    after = asked.when(dashboard).then(FACTS.refund_dropped(), at_provider, dashboard, rest)
    after.has_state(State.REFUNDING)
    assert (after.order.ledger.issued, after.order.ledger.requested) == (300, 680)
    last = FACTS.refund_issued(680, sequence=3)
    after.when(last).then(last).has_state(State.REFUNDED)


def test_a_late_webhook_of_a_dropped_refund_is_recorded_even_beyond_the_payment() -> None:
    dashboard = FACTS.refund_issued(300, sequence=7)
    at_provider = FACTS.refund_requested(300, sequence=7, reason=RefundReason.AT_PROVIDER)
    asked = (FACTS.paid(), FACTS.refund_requested(700))
    dropped = (FACTS.refund_dropped(), at_provider, dashboard, FACTS.refund_requested(680, sequence=3))
    late = given(*asked, *dropped).when(FACTS.refund_issued(700))
    overpaid = e.OrderHeld(reason=HoldReason.OVERPAID)
    after = late.then(FACTS.refund_dropped(3), FACTS.refund_issued(700), overpaid)
    assert after.order.ledger.overpaid == 20


def test_a_refund_by_hand_and_another_one_at_the_provider_are_both_recorded_and_held() -> None:
    by_hand = replace(FACTS.refund_issued(980), provider_refund_id="by_hand")
    asked = (
        FACTS.paid(),
        FACTS.refund_requested(980),
        FACTS.refund_failed(),
        FACTS.held(HoldReason.REFUND_NOT_ISSUED),
    )
    settled = given(*asked, by_hand).has_state(State.REFUNDED)
    dashboard = FACTS.refund_issued(980, sequence=7)
    at_provider = FACTS.refund_requested(980, sequence=7, reason=RefundReason.AT_PROVIDER)
    overpaid = e.OrderHeld(reason=HoldReason.OVERPAID)
    after = settled.when(dashboard).then(at_provider, dashboard, overpaid).has_state(State.REFUNDED)
    assert after.order.ledger.overpaid == 980
    after.when(dashboard).then_nothing()
    after.when(FACTS.refund_requested(1, sequence=9)).then_refused(
        RefundExceedsPaymentError, refundable="0.00 EUR"
    )


def test_a_dashboard_refund_that_is_paid_after_it_was_settled_by_hand_is_recorded_beside_it() -> None:
    def own(name: str) -> RefundId:
        return refund_id_at_provider(FACTS.order_id, name)

    dashboard = replace(FACTS.refund_issued(980), refund_id=own("re_x"), provider_refund_id="re_x")
    requested = replace(FACTS.refund_requested(980, reason=RefundReason.AT_PROVIDER), refund_id=own("re_x"))
    settled = given(
        FACTS.paid(),
        requested,
        replace(FACTS.refund_failed(), refund_id=own("re_x")),
        replace(dashboard, provider_refund_id="by_hand"),
    )
    beside = own("re_x:by_hand")
    overpaid = e.OrderHeld(reason=HoldReason.OVERPAID)
    after = settled.when(dashboard).then(
        replace(requested, refund_id=beside), replace(dashboard, refund_id=beside), overpaid
    )
    assert after.order.ledger.overpaid == 980
    after.when(dashboard).then_nothing()


def test_a_refund_of_ours_that_was_paid_although_it_was_settled_by_hand_is_recorded_beside_it() -> None:
    by_hand = replace(FACTS.refund_issued(980), provider_refund_id="by_hand")
    asked = (FACTS.paid(), FACTS.refund_requested(980), FACTS.refund_failed(), by_hand)
    late = FACTS.refund_issued(980)
    beside = replace(late, refund_id=refund_id_at_provider(FACTS.order_id, late.provider_refund_id))
    at_provider = replace(
        FACTS.refund_requested(980, reason=RefundReason.AT_PROVIDER), refund_id=beside.refund_id
    )
    after = given(*asked).when(late).then(at_provider, beside, e.OrderHeld(reason=HoldReason.OVERPAID))
    after.when(late).then_nothing()


@pytest.mark.parametrize("state", [State.COMPLETED, State.REFUNDED, State.ERASED])
def test_a_refund_is_recorded_in_every_state_an_order_may_be_in(state: State) -> None:
    history = {
        State.COMPLETED: FACTS.until_completed(),
        State.REFUNDED: FACTS.until_refunded(),
        State.ERASED: (*FACTS.until_completed(), FACTS.erased()),
    }[state]
    before = given(*history).has_state(state)
    late = FACTS.refund_issued(5000, sequence=7)
    at_provider = FACTS.refund_requested(5000, sequence=7, reason=RefundReason.AT_PROVIDER)
    before.when(late).then(at_provider, late, e.OrderHeld(reason=HoldReason.OVERPAID))


def test_a_refund_in_another_currency_is_recorded_counts_for_nothing_and_holds_the_order() -> None:
    dollars = replace(FACTS.refund_issued(490), amount=Money(amount=490, currency="USD"))
    at_provider = replace(
        FACTS.refund_requested(490, reason=RefundReason.AT_PROVIDER), amount=Money(amount=490, currency="USD")
    )
    after = given(FACTS.paid()).when(dollars)
    held = after.then(at_provider, dollars, e.OrderHeld(reason=HoldReason.OTHER_CURRENCY))
    assert (held.order.refunded_amount, held.order.refundable_amount) == (0, 980)


@pytest.mark.parametrize("make", [FACTS.refund_accepted, FACTS.refund_issued])
def test_a_refund_in_another_currency_drops_none_of_ours(make: Callable[..., e.RefundProgress]) -> None:
    amount = Money(amount=100, currency="USD")
    dollars = replace(make(100, sequence=2), amount=amount)
    at_provider = replace(
        FACTS.refund_requested(100, sequence=2, reason=RefundReason.AT_PROVIDER), amount=amount
    )
    after = given(FACTS.paid(), FACTS.refund_requested(980)).when(dollars)
    held = after.then(at_provider, dollars, e.OrderHeld(reason=HoldReason.OTHER_CURRENCY))
    assert (held.order.ledger.requested, held.order.refundable_amount) == (980, 0)


def test_a_failed_refund_in_another_currency_is_not_dropped_instead_of_ours() -> None:
    amount = Money(amount=490, currency="USD")
    dollars = (
        replace(
            FACTS.refund_requested(490, sequence=2, reason=RefundReason.AT_PROVIDER),
            amount=amount,
        ),
        replace(FACTS.refund_issued(490, sequence=2), amount=amount),
        FACTS.refund_failed(sequence=2),
    )
    euros_by_staff = FACTS.refund_issued(100, sequence=3)
    at_provider = FACTS.refund_requested(100, sequence=3, reason=RefundReason.AT_PROVIDER)
    after = given(FACTS.paid(), FACTS.refund_requested(980), *dollars).when(euros_by_staff)
    again = FACTS.refund_requested(880, sequence=4)
    left = after.then(FACTS.refund_dropped(), at_provider, euros_by_staff, again)
    assert (left.order.ledger.requested, left.order.refunded_amount) == (880, 100)


def test_a_dispute_in_another_currency_counts_for_the_whole_payment_and_holds_the_order_when_lost() -> None:
    dollars = Money(amount=7, currency="USD")
    opened = replace(FACTS.disputed(), amount=dollars)
    lost = replace(FACTS.decided(DisputeOutcome.LOST), amount=dollars)
    disputed = given(FACTS.paid()).when(opened).then(opened)
    assert (disputed.order.ledger.disputed, disputed.order.refundable_amount) == (980, 0)
    after = disputed.when(lost).then(lost, e.OrderHeld(reason=HoldReason.OTHER_CURRENCY))
    assert (after.order.ledger.lost, after.order.ledger.returned_amount) == (980, 980)


def test_what_a_bank_took_is_not_paid_back_a_second_time() -> None:
    disputed = given(FACTS.paid(), FACTS.refund_requested(980), FACTS.disputed()).needs()
    lost = FACTS.decided(DisputeOutcome.LOST)
    ended = disputed.when(lost).then(lost, FACTS.refund_dropped()).has_state(State.REFUNDED)
    ended.needs()
    assert (ended.order.ledger.lost, ended.order.ledger.refundable) == (980, 0)


@pytest.mark.parametrize("kind", [EmailKind.REFUND, EmailKind.FAILURE])
def test_no_mail_announces_a_refund_where_a_bank_took_all_the_money(kind: EmailKind) -> None:
    asked = (FACTS.paid(), FACTS.refund_requested(980))
    taken = (FACTS.disputed(), FACTS.decided(DisputeOutcome.LOST), FACTS.refund_dropped())
    ended = given(*asked, *taken).has_state(State.REFUNDED)
    ended.when(FACTS.email_requested(kind)).then_refused(NothingToSendError)
    with pytest.raises(NothingToSendError):
        requestable_email(ended.order)
    paid_back = given(*asked, FACTS.refund_issued(980)).has_state(State.REFUNDED)
    assert requestable_email(paid_back.order) is EmailKind.REFUND


def test_what_a_bank_left_of_a_stopped_order_is_still_refunded() -> None:
    half = FACTS.disputed(amount=490)
    disputed = given(FACTS.paid(), FACTS.refund_requested(980), half)
    lost = FACTS.decided(DisputeOutcome.LOST)
    rest = FACTS.refund_requested(490, sequence=2)
    disputed.when(lost).then(lost, FACTS.refund_dropped(), rest).has_state(State.REFUNDING)


def test_the_share_of_a_failed_photo_is_refunded_once_the_shop_wins_its_dispute() -> None:
    settled = given(*FACTS.until_restoring(), FACTS.disputed(), FACTS.restored(0))
    failed = settled.when(FACTS.failed(1)).then(FACTS.failed(1)).has_state(State.SETTLED)
    assert failed.order.money_is_owed
    won = FACTS.decided(DisputeOutcome.WON)
    failed.when(won).then(won, FACTS.owed(490, 1)).adds(PrepareDownload(), issue())


def test_points_follow_refunded_money() -> None:
    earned = given(FACTS.paid(), FACTS.credited(100), FACTS.debited(50), FACTS.refund_requested(490))
    half = FACTS.refund_issued(490)
    taken = FACTS.debited(50, PointsReason.TAKEN_BACK)
    returned = FACTS.credited(25, PointsReason.RETURNED)
    after = earned.when(half).then(half, taken, returned)
    rest = after.when(FACTS.refund_requested(490, sequence=2)).then(FACTS.refund_requested(490, sequence=2))
    last = FACTS.refund_issued(490, sequence=2)
    all_back = rest.when(last).then(last, taken, returned)
    assert sum(entry.points for entry in all_back.order.points) == 0


def test_points_are_credited_once_and_only_for_what_earned_them() -> None:
    earned = given(FACTS.paid(), FACTS.credited(100))
    earned.when(FACTS.credited(100)).then_nothing()
    earned.when(FACTS.credited(5, PointsReason.RETURNED)).then_nothing()
    earned.when(FACTS.debited(5, PointsReason.TAKEN_BACK)).then_nothing()
    earned.when(FACTS.debited(0)).then_nothing()


def test_a_provider_refund_is_recorded_even_after_a_bank_took_the_whole_payment() -> None:
    lost = given(FACTS.paid(), FACTS.disputed(), FACTS.decided(DisputeOutcome.LOST))
    asked = FACTS.refund_requested(490, reason=RefundReason.AT_PROVIDER)
    late = FACTS.refund_issued(490)
    lost.when(late).then(asked, late).has_state(State.REFUNDED)
    most = FACTS.refund_issued(981)
    asked = FACTS.refund_requested(981, reason=RefundReason.AT_PROVIDER)
    lost.when(most).then(asked, most, e.OrderHeld(reason=HoldReason.OVERPAID))


def test_a_refund_that_fails_after_a_bank_took_its_part_is_owed_for_what_the_bank_left() -> None:
    half = FACTS.disputed(amount=490)
    back = given(FACTS.paid(), FACTS.refund_requested(980), FACTS.refund_issued(980), half)
    lost = back.when(FACTS.decided(DisputeOutcome.LOST)).then(FACTS.decided(DisputeOutcome.LOST))
    failed = FACTS.refund_failed(provider_refund_id="re_1")
    rest = FACTS.refund_requested(490, sequence=2)
    held = FACTS.held(HoldReason.REFUND_NOT_ISSUED)
    lost.when(failed).then(failed, FACTS.refund_dropped(), rest, held).has_state(State.REFUNDING)


def test_work_stops_when_a_bank_takes_all_that_was_not_asked_back_already() -> None:
    running = given(*FACTS.until_restoring(), FACTS.started(0), FACTS.refund_requested(490))
    lost = FACTS.decided(DisputeOutcome.LOST)
    half = running.when(FACTS.disputed(amount=490)).then(FACTS.disputed(amount=490))
    half.when(lost).then(lost).has_state(State.REFUNDING).adds(CancelPrediction("prediction-0-1"), issue())


def test_a_refund_that_was_dropped_and_went_through_after_all_may_be_what_ends_an_order() -> None:
    """The newer request gives way to a dashboard refund.

    It is paid all the same while a bank decides.
    """
    requests = (FACTS.refund_requested(50), FACTS.refund_requested(100, sequence=2))
    disputed = given(FACTS.paid(), *requests, FACTS.disputed(amount=100))
    by_hand = (
        FACTS.refund_requested(880, sequence=3, reason=RefundReason.AT_PROVIDER),
        FACTS.refund_issued(880, sequence=3),
    )
    given_way = disputed.when(by_hand[1]).then(FACTS.refund_dropped(2), *by_hand).has_state(State.PAID)
    late = FACTS.refund_issued(100, sequence=2)
    given_way.when(late).then(FACTS.refund_dropped(1), late).has_state(State.REFUNDED)


def test_points_earned_after_the_refund_are_revoked_at_once() -> None:
    back = given(*FACTS.until_refunded())
    taken = FACTS.debited(100, PointsReason.TAKEN_BACK)
    back.when(FACTS.credited(100)).then(FACTS.credited(100), taken)


def test_an_order_on_its_way_back_ends_when_all_is_back_whatever_each_refund_was_for() -> None:
    """A bank withdrew everything and returned it.

    A dropped refund was then paid besides the newly requested one.
    """
    won = FACTS.decided(DisputeOutcome.WON)
    taken = (*FACTS.until_delivered(), FACTS.disputed(), FACTS.decided(DisputeOutcome.LOST))
    anew = (FACTS.owed(490, 1, sequence=2), FACTS.refund_requested(490, sequence=3))
    stopped = given(*taken, FACTS.refund_dropped()).when(won).then(won, *anew).has_state(State.REFUNDING)
    dropped_once = FACTS.refund_issued(490)
    first = stopped.when(dropped_once).then(FACTS.refund_dropped(3), dropped_once).has_state(State.REFUNDING)
    last = FACTS.refund_issued(490, sequence=2)
    first.when(last).then(last).has_state(State.REFUNDED)


@pytest.mark.parametrize("build", [FACTS.refund_accepted, FACTS.refund_issued])
def test_a_late_report_of_a_failed_refund_changes_nothing_once_it_was_dropped(
    build: Callable[[int], e.Event],
) -> None:
    history = (*FACTS.until_restoring(), FACTS.refund_requested(490), FACTS.refund_failed(1, "re_1"))
    given(*history, FACTS.refund_dropped()).when(build(490)).then_nothing()


def one_cent_for_two_photos() -> tuple[e.Event, ...]:
    """The photo with the whole payment failed; the free one is restored."""
    return (
        FACTS.paid(1),
        FACTS.moved(),
        FACTS.started(1),
        FACTS.restored(1),
        FACTS.started(0),
        FACTS.failed(0),
        FACTS.owed(1, 0),
        FACTS.refund_issued(1),
    )


def test_a_lost_result_is_restored_anew_although_all_that_was_paid_is_refunded() -> None:
    lost = FACTS.attempt_failed(1, reason=FailureReason.RESULT_LOST)
    order = given(*one_cent_for_two_photos(), lost).order
    assert order.state is State.RESTORING
    assert not order.is_full_refund_pending
    assert given(*one_cent_for_two_photos(), lost, FACTS.started(1, 2), FACTS.restored(1, 2)).order.state is (
        State.SETTLED
    )


def test_an_order_whose_last_photo_fails_after_the_full_refund_is_refunded() -> None:
    lost = FACTS.attempt_failed(1, reason=FailureReason.RESULT_LOST)
    order = given(*one_cent_for_two_photos(), lost, FACTS.failed(1)).order
    assert order.state is State.REFUNDED


def test_an_order_whose_last_photo_fails_while_the_full_refund_is_pending_is_being_refunded() -> None:
    lost = FACTS.attempt_failed(1, reason=FailureReason.RESULT_LOST)
    order = given(*one_cent_for_two_photos()[:-1], lost, FACTS.failed(1)).order
    assert order.state is State.REFUNDING


def test_the_other_photo_is_restored_although_the_failed_one_carried_the_whole_payment() -> None:
    pending = (FACTS.paid(1), FACTS.moved(), FACTS.started(0), FACTS.failed(0), FACTS.owed(1, 0))
    assert given(*pending).order.state is State.RESTORING
