"""Actions of staff on an order, each recorded with name and reason."""

from collections.abc import Callable

import pytest

from adapters.localization.refusal_messages import error_text
from domain.order import events as e
from domain.order.deterministic_ids import note_of_payment_by_hand
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import EmailKind, FailureReason, HoldReason, ImageId, OrderId
from domain.ports.errors import RefusedError
from domain.ports.notes import Note
from domain.ports.restorer import PredictionStatus
from domain.use_cases.support.action_refusals import ActionRefusedError
from domain.use_cases.support.staff_actions import StaffActions
from domain.use_cases.support.staff_requests import ActionResult, StaffRequest
from tests.domain.support.assertions import kinds, sent
from tests.domain.support.event_builders import euros
from tests.domain.support.reconciliation_runs import compare
from tests.domain.support.refusals import refused
from tests.doubles.container import InMemoryShop

ADA = StaffRequest(actor="person:ada", reason="They asked for it on the phone.")
GONE = RefusedError("The double", "no", code="expired_or_canceled_card")


def completed(shop: InMemoryShop, *photos: bytes) -> OrderId:
    order_id = shop.pay(shop.upload(*photos or (b"wedding", b"harvest")))
    assert shop.live(order_id).state is State.COMPLETED
    return order_id


def restoring(shop: InMemoryShop, *photos: bytes) -> OrderId:
    order_id = shop.pay(shop.upload(*photos or (b"wedding", b"harvest")))
    shop.work()
    assert shop.order(order_id).state is State.RESTORING
    return order_id


def notes(shop: InMemoryShop, order_id: OrderId) -> list[Note]:
    with shop.unit_of_work.transaction() as transaction:
        return transaction.notes.of(order_id)


def image(order: Order, number: int) -> ImageId:
    return list(order.images)[number - 1]


def with_failed_refund(shop: InMemoryShop) -> OrderId:
    """A completed order with a 1.00 refund that the provider refuses permanently."""
    order_id = completed(shop)
    shop.payments.fault_injector.fail("issue_refund", GONE)
    shop.staff_actions.refund(order_id, ADA, amount=euros(100))
    shop.work()
    assert shop.order(order_id).hold is HoldReason.REFUND_NOT_ISSUED
    return order_id


def test_what_a_person_does_is_on_record_with_name_and_reason_and_the_log_has_no_words(
    shop: InMemoryShop,
) -> None:
    order_id = restoring(shop)
    done = shop.staff_actions.hold(order_id, ADA)
    [recorded] = done.events
    assert recorded.actor == "person:ada"
    [note] = notes(shop, order_id)
    assert (note.actor, note.text, note.written_at) == (ADA.actor, ADA.reason, shop.clock.now())
    assert recorded.event == e.OrderHeld(reason=HoldReason.REQUESTED, note_id=note.note_id)
    assert ADA.reason not in str(recorded)


def test_a_held_order_is_not_worked_on_until_a_person_releases_it(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.staff_actions.hold(order_id, ADA)
    assert shop.live(order_id).state is State.PAID
    assert shop.staff_actions.release(order_id, ADA).order.hold is None
    assert shop.live(order_id).state is State.COMPLETED


def test_a_note_changes_nothing_else(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    before = shop.order(order_id)
    after = shop.staff_actions.note(order_id, ADA).order
    assert after.state is before.state
    assert kinds(shop, order_id)[-1] is e.NoteAdded
    assert [note.text for note in notes(shop, order_id)] == [ADA.reason]


def test_an_amount_is_refunded_and_the_rest_may_follow_later(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    shop.staff_actions.refund(order_id, ADA, amount=euros(100))
    shop.work()
    assert (shop.order(order_id).ledger.issued, shop.order(order_id).state) == (100, State.COMPLETED)
    shop.staff_actions.refund(order_id, ADA)
    shop.work()
    order = shop.order(order_id)
    assert (order.ledger.issued, order.state) == (980, State.REFUNDED)
    assert sent(shop).count("refund") == 2


def test_two_requests_for_the_same_amount_are_two_refunds(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    for _ in range(2):
        shop.staff_actions.refund(order_id, ADA, amount=euros(100))
    shop.work()
    assert shop.order(order_id).ledger.issued == 200


def test_a_repeat_under_the_same_key_is_done_once(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    by = StaffRequest(actor=ADA.actor, reason=ADA.reason, key="ticket of Adele")
    first, again = (shop.staff_actions.refund(order_id, by, amount=euros(900)) for _ in range(2))
    assert (len(first.events), again.events) == (1, ())
    assert "Adele" not in str(first.events)
    assert len(notes(shop, order_id)) == 1
    shop.staff_actions.note(order_id, by)  # another request may have the same key
    assert len(notes(shop, order_id)) == 2


def test_a_dry_run_shows_the_outcome_of_a_command_and_writes_nothing(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    before = shop.order(order_id)
    would = shop.staff_actions.dry_run().refund(order_id, ADA)
    assert (would.order.state, [type(each.event) for each in would.events]) == (
        State.REFUNDING,
        [e.RefundRequested],
    )
    shop.work()
    assert (shop.order(order_id), notes(shop, order_id)) == (before, [])
    with refused(match="It is not on hold"):
        shop.staff_actions.dry_run().release(order_id, ADA)


def test_a_photo_that_is_paid_back_by_number_is_taken_out_of_the_work(shop: InMemoryShop) -> None:
    order_id = restoring(shop)
    order = shop.staff_actions.refund(order_id, ADA, photos=[2]).order
    assert order.images[image(order, 2)].failure is FailureReason.WITHDRAWN
    order = shop.live(order_id)
    assert (order.state, order.ledger.issued, len(order.restored_images)) == (State.COMPLETED, 490, 1)


def test_the_mail_names_the_refund_for_all_missing_photos_and_no_other(
    shop: InMemoryShop,
) -> None:
    order_id = restoring(shop, b"wedding", b"harvest", b"portrait")
    shop.staff_actions.refund(order_id, ADA, photos=[2])
    shop.staff_actions.refund(order_id, ADA, amount=euros(100))
    shop.restorer.fail("prediction-3", FailureReason.CONTENT_FILTER)
    shop.post_prediction("prediction-3")
    assert shop.live(order_id).ledger.issued == 1080
    [email_content] = [
        mail.content for mail in shop.mailer.mailbox.values() if mail.content.subject == "partial_result"
    ]
    assert "refund_amount=Money(amount=980, currency='EUR')" in email_content.html


def test_a_full_refund_stops_the_order_and_sends_only_its_own_mail(shop: InMemoryShop) -> None:
    order_id = restoring(shop)
    shop.staff_actions.refund(order_id, ADA)
    order = shop.live(order_id)
    assert order.state is State.REFUNDED
    assert sent(shop) == ["confirmation", "refund"]
    assert not order.restored_images


def test_a_failed_refund_is_settled_when_a_person_paid_it_another_way(shop: InMemoryShop) -> None:
    order_id = with_failed_refund(shop)
    order = shop.staff_actions.record_manual_refund(order_id, ADA).order
    [refund] = order.refunds.values()
    note = notes(shop, order_id)[-1]
    assert refund.status is RefundStatus.ISSUED
    assert refund.provider_refund_id is not None
    assert note_of_payment_by_hand(refund.provider_refund_id) == note.note_id
    assert (order.state, order.is_held) == (State.COMPLETED, True)
    shop.staff_actions.release(order_id, ADA)
    shop.work()
    assert not next(iter(shop.payments.payments.values())).refunds
    shop.clock.advance(hours=2)
    assert compare(shop).agrees


def test_what_was_settled_once_is_not_settled_again(shop: InMemoryShop) -> None:
    order_id = with_failed_refund(shop)
    shop.staff_actions.record_manual_refund(order_id, ADA)
    with refused(match="No refund of it has failed: the order is complete, on hold"):
        shop.staff_actions.record_manual_refund(order_id, ADA)


def test_of_several_failed_refunds_one_has_to_be_named(shop: InMemoryShop) -> None:
    order_id = with_failed_refund(shop)
    shop.payments.fault_injector.fail("issue_refund", GONE)
    shop.staff_actions.refund(order_id, ADA, amount=euros(200))
    shop.work()
    with refused(match=r"Several refunds of it have failed \(1, 2\)"):
        shop.staff_actions.record_manual_refund(order_id, ADA)
    with refused(match="Refund 3 is none that has failed"):
        shop.staff_actions.record_manual_refund(order_id, ADA, refund=3)
    shop.staff_actions.record_manual_refund(order_id, ADA, refund=2)
    assert [refund.status for refund in shop.order(order_id).refunds.values()] == [
        RefundStatus.FAILED,
        RefundStatus.ISSUED,
    ]


def test_a_person_has_a_photo_redone_however_often(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    for times in (1, 2):
        shop.staff_actions.redo(order_id, ADA, photos=[2])
        order = shop.live(order_id)
        redone = order.images[image(order, 2)]
        assert (redone.redos, redone.redos_by_customer, len(redone.earlier)) == (times, 0, times)
    assert sent(shop).count("redone") == 2


def test_a_new_link_opens_the_photos_and_is_mailed(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    order = shop.staff_actions.renew_link(order_id, ADA, revokes_others=False).order
    old, new = order.links.values()
    assert new.expires_at == shop.clock.now() + shop.policy.delivery.link_lifetime
    for link in (old, new):
        assert shop.downloads.find(shop.token_signer.download_token(link.link_id)).link == link
    shop.work()
    assert sent(shop)[-1] == "new_link"


def test_the_old_links_lead_nowhere_once_they_are_replaced(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    shop.staff_actions.renew_link(order_id, ADA, revokes_others=False)
    done = shop.staff_actions.renew_link(order_id, ADA, revokes_others=True)
    assert [type(recorded.event) for recorded in done.events] == [
        e.DownloadLinkIssued,
        e.DownloadLinkRevoked,
        e.DownloadLinkRevoked,
    ]
    assert [link.is_revoked for link in done.order.links.values()] == [True, True, False]


def test_without_a_new_link_the_newest_one_is_kept_while_the_photos_are_the_customers(
    shop: InMemoryShop,
) -> None:
    order_id = completed(shop)
    with refused(match="no link that could be revoked without a new one"):
        shop.staff_actions.revoke_links(order_id, ADA)
    shop.staff_actions.renew_link(order_id, ADA, revokes_others=False)
    order = shop.staff_actions.revoke_links(order_id, ADA).order
    assert [link.is_revoked for link in order.links.values()] == [True, False]
    shop.staff_actions.refund(order_id, ADA)
    assert shop.staff_actions.revoke_links(order_id, ADA).order.newest_link is None


def test_the_mail_that_the_state_calls_for_is_sent_again(shop: InMemoryShop) -> None:
    order_id = restoring(shop)
    shop.staff_actions.resend(order_id, ADA)
    shop.work()
    assert sent(shop) == ["confirmation", "confirmation"]
    shop.live(order_id)
    shop.staff_actions.resend(order_id, ADA)
    shop.work()
    assert sent(shop)[2:] == ["result", "result"]
    assert shop.order(order_id).count_of(EmailKind.RESULT) == 2


def test_a_link_that_has_expired_is_not_mailed_again(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    shop.clock.advance(days=31)
    with refused(match="link in the e-mail has expired"):
        shop.staff_actions.resend(order_id, ADA)


REFUSED: list[tuple[Callable[[StaffActions, OrderId], ActionResult], str]] = [
    (
        lambda staff_actions, order: staff_actions.release(order, ADA),
        "It is not on hold: the order is being restored, and one can ",
    ),
    (
        lambda staff_actions, order: staff_actions.redo(order, ADA, photos=[1]),
        "No photo can be restored once more now: the order",
    ),
    (
        lambda staff_actions, order: staff_actions.redo(order, ADA, photos=[3]),
        "There is no photo 3 among the 2 of this order: ",
    ),
    (
        lambda staff_actions, order: staff_actions.renew_link(order, ADA, revokes_others=True),
        "No new link can be sent now: ",
    ),
    (
        lambda staff_actions, order: staff_actions.record_manual_refund(order, ADA),
        "No refund of it has failed: ",
    ),
    (
        lambda staff_actions, order: staff_actions.revoke_links(order, ADA),
        "There is no link that could be revoked",
    ),
    (
        lambda staff_actions, order: staff_actions.refund(order, ADA, amount=euros(981)),
        "9.81 EUR cannot be paid back, only more than nothing and 9.80 EUR at most: the order is being restored",
    ),
]


@pytest.mark.parametrize(("act", "expected"), REFUSED)
def test_what_the_state_does_not_allow_is_refused_in_one_sentence_and_nothing_is_written(
    shop: InMemoryShop, act: Callable[[StaffActions, OrderId], ActionResult], expected: str
) -> None:
    order_id = restoring(shop)
    version = shop.order(order_id).version
    with pytest.raises(ActionRefusedError) as refusal:
        act(shop.staff_actions, order_id)
    message = error_text(refusal.value)
    assert message.startswith(expected)
    assert message.endswith("write a note about it.")

    assert "put it on hold" in message
    assert "pay back up to 9.80 EUR" in message
    assert (shop.order(order_id).version, notes(shop, order_id)) == (version, [])


def test_photos_are_called_by_their_numbers_when_they_are_not_paid_back(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    with refused(match="Photo 2 is restored, so an amount can be paid back"):
        shop.staff_actions.refund(order_id, ADA, photos=[2])
    running = restoring(shop)
    shop.staff_actions.refund(running, ADA, photos=[1])
    with refused(match="The money for photo 1 was refunded or is being refunded"):
        shop.staff_actions.refund(running, ADA, photos=[1])
    paid = shop.pay(shop.upload(b"portrait"))
    with refused(match="Photo 1 cannot be taken out of the order now"):
        shop.staff_actions.refund(paid, ADA, photos=[1])


def test_refunded_money_is_not_refunded_again(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    shop.staff_actions.refund(order_id, ADA)
    with refused(match="nothing left that could be paid back: the order is stopped"):
        shop.staff_actions.refund(order_id, ADA)


def test_repeated_commands_report_that_they_are_fulfilled(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    shop.staff_actions.hold(order_id, ADA)
    with refused(match="It is on hold already: the order is complete, on hold, and"):
        shop.staff_actions.hold(order_id, ADA)
    shop.staff_actions.redo(order_id, ADA, photos=[1])
    with refused(match="That is being done already"):
        shop.staff_actions.redo(order_id, ADA, photos=[1])
    shop.staff_actions.resend(order_id, ADA)
    with refused(match="This e-mail is on its way already"):
        shop.staff_actions.resend(order_id, ADA)


def test_there_is_nothing_to_send_or_to_redo_once_the_photos_are_deleted(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    shop.clock.advance(days=91)
    shop.photo_retention.purge()
    requests: list[Callable[[], ActionResult]] = [
        lambda: shop.staff_actions.resend(order_id, ADA),
        lambda: shop.staff_actions.renew_link(order_id, ADA, revokes_others=False),
    ]
    for request in requests:
        with pytest.raises(ActionRefusedError) as refusal:
            request()
        assert "new download link" not in error_text(refusal.value)
        assert "send the mail again" not in error_text(refusal.value)
    with refused(match="Photo 1 cannot be restored once more, because its photos were"):
        shop.staff_actions.redo(order_id, ADA, photos=[1])


def test_a_redo_that_brings_the_same_bytes_again_brought_nothing(shop: InMemoryShop) -> None:
    order_id = completed(shop)
    image_id = image(shop.order(order_id), 1)
    (before,) = shop.order(order_id).images[image_id].results
    shop.staff_actions.redo(order_id, ADA, photos=[1])
    for _ in range(60):
        shop.work()
        for prediction_id, work in shop.restorer.works.items():
            if work.prediction.status is PredictionStatus.RUNNING:
                shop.restorer.succeed(prediction_id, shop.storage.objects[before.key])
                shop.post_prediction(prediction_id)
        shop.pass_time(minutes=1)
    redone = shop.order(order_id).images[image_id]
    assert redone.results == (before,)
    assert redone.last_failure is FailureReason.REPEATED_OUTPUT
    assert not redone.is_being_redone
    assert sent(shop)[-1] == "redo_failed"
