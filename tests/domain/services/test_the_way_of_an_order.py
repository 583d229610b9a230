"""One order from upload to inbox, on the production services and doubles of every port."""

import io
from dataclasses import replace

import pytest

from domain.model import events as e
from domain.model.lifecycle import State
from domain.model.order import RefundStatus
from domain.model.seals import sha256_of
from domain.model.values import (
    EmailKind,
    FailureReason,
    HoldReason,
    ImageId,
    Money,
    ObjectKey,
    OrderId,
    RefundReason,
)
from domain.ports.books import UploadStatus
from domain.ports.errors import (
    ForgedMessageError,
    LostReplyError,
    RefusedError,
    UnavailableError,
    UnreadablePictureError,
)
from domain.ports.mail import MailFate, MailNotice
from domain.ports.payments import NoticeKind, PaymentNotice, ProviderRefund
from domain.services.delivering import LinkExpiredError, UnknownLinkError
from domain.services.recording import Cause
from domain.services.uploading import UploadSessionClosedError
from tests.doubles.shop import MemoryShop

AWAY = UnavailableError("The double", "out for lunch")


@pytest.fixture
def shop() -> MemoryShop:
    return MemoryShop()


def kinds(shop: MemoryShop, order_id: OrderId) -> list[type]:
    return [type(event) for event in shop.events(order_id)]


def sent(shop: MemoryShop) -> list[str]:
    return [mail.letter.subject for mail in shop.mailer.mailbox.values()]


def test_two_photos_go_from_upload_to_inbox(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    shop.end_predictions()
    shop.work()
    order = shop.order(order_id)
    assert order.state is State.COMPLETED
    assert sent(shop) == ["confirmation", "result"]
    assert kinds(shop, order_id)[0] is e.PaymentReceived
    assert {e.ImagesMoved, e.RestorationStarted, e.RestorationCompleted, e.DownloadPrepared} <= set(
        kinds(shop, order_id)
    )
    assert not shop.working.sweep()


def test_the_link_in_the_mail_opens_the_archive_and_each_image(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.live(order_id, hours=0.1)
    token = list(shop.mailer.mailbox.values())[-1].letter.text.rsplit("/", 1)[-1]
    archive = shop.delivering.find(token)
    assert archive.file_name.endswith(".zip")
    image_ids = list(shop.order(order_id).images)
    assert [shop.delivering.find(token, image).file_name for image in image_ids] == [
        "great-aunt-1-restored.png",
        "great-aunt-2-restored.png",
    ]
    for _ in range(2):
        shop.delivering.note_opening(shop.delivering.find(token), shop.ids.new())
    assert kinds(shop, order_id).count(e.ResultDownloaded) == 1


def test_a_token_opens_no_other_order_and_not_for_ever(shop: MemoryShop) -> None:
    ours, theirs = (shop.pay(shop.upload(b"photo")) for _ in range(2))
    shop.live(ours, hours=0.1)
    mails = [
        mail
        for mail in shop.mailer.mailbox.values()
        if mail.order_id == ours and "download" in mail.letter.text
    ]
    token = mails[0].letter.text.rsplit("/", 1)[-1]
    with pytest.raises(UnknownLinkError):
        shop.delivering.find(token, next(iter(shop.order(theirs).images)))
    with pytest.raises(UnknownLinkError):
        shop.delivering.find(token[:-1] + ("A" if token[-1] != "A" else "B"))
    shop.clock.advance(days=31)
    with pytest.raises(LinkExpiredError):
        shop.delivering.find(token)


def test_a_photo_that_cannot_be_read_is_refused_and_the_session_goes_on(shop: MemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    with pytest.raises(UnreadablePictureError):
        shop.uploading.add(session_id, "letter.doc", io.BytesIO(b"broken"), 6)
    assert len(shop.uploading.find(session_id).photos) == 1


def test_photos_are_fixed_once_their_price_is_quoted(shop: MemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    shop.checking_out.open(session_id, email=None)
    with pytest.raises(UploadSessionClosedError):
        shop.uploading.expect_photo(session_id)


def test_asking_twice_for_the_checkout_gives_the_same_page(shop: MemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    first, second = (shop.checking_out.open(session_id, email=None) for _ in range(2))
    assert first == second
    assert first.quoted == Money(amount=490, currency="EUR")


def test_a_checkout_whose_reply_was_lost_is_opened_once_at_the_provider(shop: MemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    shop.payments.weather.lose_reply("open_checkout")
    with pytest.raises(LostReplyError):
        shop.checking_out.open(session_id, email=None)
    shop.checking_out.open(session_id, email=None)
    assert len(shop.payments.checkouts) == 1


def test_a_notice_that_comes_twice_makes_one_order(shop: MemoryShop) -> None:
    notice = shop.payment(shop.upload(b"wedding"))
    for _ in range(3):
        shop.paying.take(notice, sha256_of(b"notice"))
    assert kinds(shop, notice.checkout.order_id) == [e.PaymentReceived]


def test_another_event_about_the_same_checkout_makes_no_second_order(shop: MemoryShop) -> None:
    notice = shop.payment(shop.upload(b"wedding"))
    shop.paying.take(notice, sha256_of(b"notice"))
    shop.paying.take(replace(notice, event_id="evt_other"), sha256_of(b"notice"))
    assert kinds(shop, notice.checkout.order_id) == [e.PaymentReceived]


def test_money_that_takes_days_waits_and_then_makes_the_order(shop: MemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    paid = shop.payment(session_id)
    shop.paying.take(replace(paid, event_id="evt_1", kind=NoticeKind.PENDING), sha256_of(b"1"))
    assert shop.uploading.find(session_id).status is UploadStatus.PENDING
    shop.clock.advance(days=30)
    shop.housekeeping.tidy()
    shop.paying.take(paid, sha256_of(b"2"))
    assert shop.live(paid.checkout.order_id).state is State.COMPLETED


def test_an_abandoned_checkout_opens_the_session_again(shop: MemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    notice = replace(shop.payment(session_id), kind=NoticeKind.ABANDONED)
    shop.paying.take(notice, sha256_of(b"1"))
    assert shop.uploading.find(session_id).status is UploadStatus.OPEN


def test_money_for_no_known_session_is_set_aside(shop: MemoryShop) -> None:
    notice = shop.payment(shop.upload(b"wedding"), upload_session_id=None)
    shop.paying.take(notice, sha256_of(b"1"))
    assert not shop.events(notice.checkout.order_id)
    assert [payment.paid.amount for payment in shop.books.pages.unmatched.values()] == [490]


def test_another_amount_than_was_quoted_holds_the_order_and_starts_nothing(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"), paid=Money(amount=1, currency="EUR"))
    order = shop.live(order_id)
    assert order.hold is HoldReason.AMOUNT_MISMATCH
    assert order.state is State.PAID
    assert not shop.restorer.works


def test_a_photo_that_fails_for_good_is_refunded_and_the_rest_delivered(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest", b"portrait"))
    shop.work()
    shop.restorer.fail("prediction-2", FailureReason.CONTENT_FILTER)
    shop.post_prediction("prediction-2")
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert [refund.amount.amount for refund in order.refunds.values()] == [490]
    assert [refund.reason for refund in order.refunds.values()] == [RefundReason.NOT_RESTORED]
    assert sent(shop) == ["confirmation", "result"]


def test_nothing_restored_is_refunded_whole_with_one_mail(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    shop.end_predictions(FailureReason.CONTENT_FILTER)
    shop.work()
    order = shop.live(order_id)
    assert order.state is State.REFUNDED
    assert order.refunded_amount == order.paid_amount
    assert sent(shop) == ["confirmation", "refund"]


def test_attempts_are_used_up_one_after_the_other(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for _ in range(3):
        shop.work()
        shop.end_predictions(FailureReason.PROVIDER_ERROR)
        shop.work()
        shop.pass_time(minutes=10)
    assert kinds(shop, order_id).count(e.RestorationAttemptFailed) == 3
    assert shop.order(order_id).state is State.REFUNDED


def test_a_prediction_without_an_end_is_cancelled_at_its_deadline_and_tried_again(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    for _ in range(35):
        shop.pass_time(minutes=1)
    failures = [event for event in shop.events(order_id) if isinstance(event, e.RestorationAttemptFailed)]
    assert [failure.reason for failure in failures] == [FailureReason.TIMED_OUT]
    assert "cancel" in {call.method for call in shop.restorer.weather.calls}
    assert shop.live(order_id).state is State.COMPLETED


def test_a_webhook_that_never_comes_is_made_up_for_by_looking(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.restorer.succeed("prediction-1", b"restored")
    shop.pass_time(minutes=2)
    assert shop.order(order_id).state is State.COMPLETED


def test_an_orphan_whose_start_was_never_answered_names_itself(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.weather.lose_reply("start")
    shop.work()
    assert e.RestorationStarted not in kinds(shop, order_id)
    shop.end_predictions()
    shop.work()
    assert shop.order(order_id).state is State.COMPLETED
    shop.pass_time(hours=1)
    assert list(shop.restorer.works) == ["prediction-1"]


def test_of_an_orphan_and_its_repeat_the_first_output_wins_and_the_other_is_cancelled(
    shop: MemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.weather.lose_reply("start")
    shop.work()
    shop.pass_time(minutes=1)
    assert list(shop.restorer.works) == ["prediction-1", "prediction-2"]
    shop.restorer.succeed("prediction-1", b"restored")
    shop.post_prediction("prediction-1")
    shop.work()
    order = shop.order(order_id)
    assert order.state is State.COMPLETED
    assert kinds(shop, order_id).count(e.RestorationCompleted) == 1
    assert shop.restorer.works["prediction-2"].told.failure is FailureReason.CANCELED


def test_a_prediction_that_starts_after_its_image_was_settled_is_cancelled(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.weather.lose_reply("start")
    shop.work()
    shop.restorer.succeed("prediction-1", b"restored")
    shop.clock.advance(minutes=1)
    shop.working.sweep()
    claimed = shop.working.claim(shop.queue.waiting.popleft())
    assert claimed is not None
    shop.post_prediction("prediction-1")
    shop.work()
    shop.working.perform(*claimed)
    shop.work()
    assert shop.restorer.works["prediction-2"].told.failure is FailureReason.CANCELED
    assert shop.order(order_id).state is State.COMPLETED


def test_a_webhook_at_an_address_this_shop_did_not_make_is_forged(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    image_id = next(iter(shop.order(order_id).images))
    mark = shop.sealer.restoration_mark(order_id, image_id, 1)
    with pytest.raises(ForgedMessageError):
        shop.restoration_desk.require_mark(mark, order_id, image_id, 2)
    with pytest.raises(ForgedMessageError):
        shop.restoration_desk.require_mark("", order_id, ImageId(shop.ids.new()), 1)


def test_every_message_delivered_twice_makes_one_order_with_two_mails(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    for _ in range(200):
        shop.queue.waiting.extend(list(shop.queue.waiting))
        if not shop.queue.waiting:
            shop.end_predictions()
        for _ in range(len(shop.queue.waiting)):
            shop.perform(shop.queue.waiting.popleft())
    assert shop.order(order_id).state is State.COMPLETED
    assert sent(shop) == ["confirmation", "result"]
    assert len(shop.restorer.works) == 2


def test_a_queue_that_loses_everything_costs_time_and_nothing_else(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for _ in range(60):
        shop.queue.waiting.clear()
        shop.clock.advance(minutes=1)
        shop.working.sweep()
        if shop.queue.waiting:
            shop.perform(shop.queue.waiting.popleft())
        shop.end_predictions()
    assert shop.order(order_id).state is State.COMPLETED
    assert sent(shop) == ["confirmation", "result"]


def test_a_worker_that_dies_leaves_its_work_to_the_next_once_the_lease_is_over(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for reaction_id in list(shop.queue.waiting):
        assert shop.working.claim(reaction_id)  # and dies
    shop.queue.waiting.clear()
    shop.pass_time(seconds=20)
    assert kinds(shop, order_id) == [e.PaymentReceived]
    shop.pass_time(seconds=20)
    assert e.ImagesMoved in kinds(shop, order_id)


def test_a_mail_that_a_crash_may_have_sent_waits_for_word_and_is_not_sent_again(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for reaction_id in list(shop.queue.waiting):
        shop.working.claim(reaction_id)  # the confirmation is accepted, then the worker dies
    shop.queue.waiting.clear()
    shop.pass_time(seconds=40)
    assert not shop.mailer.mailbox
    assert e.EmailUnconfirmed in kinds(shop, order_id)
    email = next(iter(shop.order(order_id).emails.values()))
    notice = MailNotice(
        event_id="delivered-1",
        email_id=email.email_id,
        order_id=order_id,
        message_id="message-1",
        fate=MailFate.ACCEPTED,
    )
    shop.mail_desk.take([notice, notice], sha256_of(b"batch"))
    shop.pass_time(hours=1)
    assert not shop.mailer.mailbox
    assert kinds(shop, order_id).count(e.EmailSent) == 1


def test_a_mail_whose_reply_was_lost_is_sent_once_more_when_no_word_comes(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.mailer.weather.lose_reply("send")
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert sent(shop) == ["confirmation", "result", "confirmation"]
    assert kinds(shop, order_id).count(e.EmailUnconfirmed) == 1


def test_a_mail_provider_that_is_away_is_tried_again_with_growing_waits(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for _ in range(4):
        shop.mailer.weather.fail("send", AWAY)
    assert shop.live(order_id).state is State.COMPLETED
    assert sorted(sent(shop)) == ["confirmation", "result"]


def test_a_refused_result_mail_puts_the_order_on_hold(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.mailer.weather.fail("send", RefusedError("The double", "no such address"))
    order = shop.live(order_id)
    assert order.hold is HoldReason.EMAIL_NOT_SENT
    assert order.state is State.READY


def test_a_missing_upload_puts_the_order_on_hold_and_a_release_goes_on(shop: MemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    key = shop.uploading.find(session_id).photos[0].upload.key
    order_id = shop.pay(session_id)
    kept = shop.storage.objects.pop(key)
    assert shop.live(order_id, hours=0.2).hold is HoldReason.IMAGES_UNAVAILABLE
    shop.storage.objects[key] = kept
    cause = Cause(name="cli", key="release-1", actor="person:grace", correlation_id=order_id)
    shop.recorder.record(order_id, [e.OrderReleased()], cause)
    assert shop.live(order_id).state is State.COMPLETED


def test_work_that_is_never_to_be_had_ends_on_hold_not_in_a_dead_letter(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for _ in range(50):
        shop.storage.weather.fail("copy", AWAY)
    order = shop.live(order_id, hours=24)
    assert order.hold is HoldReason.STORAGE_UNAVAILABLE


def test_a_refund_whose_reply_was_lost_is_paid_once(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.payments.weather.lose_reply("issue_refund")
    shop.end_predictions(FailureReason.REFUSED_INPUT)
    order = shop.live(order_id)
    assert order.state is State.REFUNDED
    assert [len(payment.refunds) for payment in shop.payments.payments.values()] == [1]


def test_housekeeping_takes_what_nobody_paid_for_and_nothing_else(shop: MemoryShop) -> None:
    abandoned = shop.upload(b"forgotten")
    paid = shop.upload(b"wedding")
    in_checkout = shop.upload(b"wavering")
    order_id = shop.pay(paid)
    shop.clock.advance(days=8)
    shop.checking_out.open(in_checkout, email=None)
    shop.housekeeping.tidy()
    held = set(shop.storage.objects)
    assert not any(str(abandoned) in key for key in held)
    assert any(str(paid) in key for key in held), "its images are not verified yet"
    assert any(str(in_checkout) in key for key in held)
    shop.live(order_id)
    shop.housekeeping.tidy()
    assert not any(f"temp/{paid}" in key for key in shop.storage.objects)
    assert shop.order(order_id).state is State.COMPLETED


def test_only_one_confirmation_is_owed_however_often_it_is_asked_for(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    order = shop.live(order_id)
    assert [email.kind for email in order.emails.values()] == [EmailKind.CONFIRMATION, EmailKind.RESULT]


def test_a_mail_that_a_crash_may_have_sent_is_on_record_even_if_the_order_is_held_meanwhile(
    shop: MemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.end_predictions()
    while EmailKind.RESULT not in {email.kind for email in shop.order(order_id).emails.values()}:
        shop.perform(shop.queue.waiting.popleft())
    claimed = shop.working.claim(shop.queue.waiting.popleft())
    assert claimed is not None  # the result is accepted, then the worker dies
    person = Cause(name="cli", key="hold-1", actor="person:grace", correlation_id=order_id)
    shop.recorder.record(order_id, [e.OrderHeld(reason=HoldReason.REQUESTED)], person)
    shop.pass_time(minutes=1)
    assert e.EmailUnconfirmed in kinds(shop, order_id)


def test_a_notice_about_a_mail_whose_event_could_not_be_written_comes_again_as_new(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    email = next(iter(shop.order(order_id).emails.values()))
    notice = MailNotice(
        event_id="delivered-1",
        email_id=email.email_id,
        order_id=order_id,
        message_id="message-1",
        fate=MailFate.ACCEPTED,
    )
    with pytest.raises(RuntimeError), shop.books_break_at_record():
        shop.mail_desk.take([notice], sha256_of(b"batch"))
    shop.mail_desk.take([notice], sha256_of(b"batch"))
    assert e.EmailSent in kinds(shop, order_id)


def refund_notice(
    kind: NoticeKind, intent: str | None, provider_refund_id: str, **facts: object
) -> PaymentNotice:
    told = {
        "event_id": f"evt_{kind}_{provider_refund_id}",
        "event_type": "refund.updated",
        "kind": kind,
        "payment_intent_id": intent,
        "refund": ProviderRefund(
            provider_refund_id=provider_refund_id,
            has_failed=kind is NoticeKind.REFUND_FAILED,
            amount=Money(amount=490, currency="EUR"),
        ),
    }
    return PaymentNotice(**(told | facts))


def test_a_refund_made_in_the_dashboard_is_taken_in(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    payment = shop.order(order_id).payment
    assert payment is not None
    for _ in range(2):
        notice = refund_notice(NoticeKind.REFUND_ISSUED, payment.payment_intent_id, "re_dashboard")
        shop.paying.take(notice, sha256_of(b"1"))
    order = shop.live(order_id)
    assert order.state is State.REFUNDED
    assert [refund.reason for refund in order.refunds.values()] == [RefundReason.AT_PROVIDER]
    assert sent(shop) == ["confirmation", "refund"]


def test_a_notice_about_an_order_that_comes_before_its_payment_comes_again(shop: MemoryShop) -> None:
    paid = shop.payment(shop.upload(b"wedding"))
    assert paid.checkout is not None
    early = refund_notice(
        NoticeKind.REFUND_ISSUED, paid.checkout.payment_intent_id, "re_1", created_at=shop.clock.now()
    )
    with pytest.raises(UnavailableError):
        shop.paying.take(early, sha256_of(b"1"))
    shop.paying.take(paid, sha256_of(b"2"))
    shop.paying.take(early, sha256_of(b"1"))
    order_id = shop.uploading.find(paid.checkout.upload_session_id).order_id
    assert shop.order(order_id).state is State.REFUNDED


def test_a_notice_about_money_that_is_not_this_shops_is_accepted_once_no_payment_can_come(
    shop: MemoryShop,
) -> None:
    foreign = refund_notice(NoticeKind.REFUND_ISSUED, "pi_foreign", "re_9", created_at=shop.clock.now())
    shop.clock.advance(hours=2)
    shop.paying.take(foreign, sha256_of(b"1"))


def test_word_of_an_older_page_does_not_open_a_session_whose_new_page_is_being_opened(
    shop: MemoryShop,
) -> None:
    session_id = shop.upload(b"wedding")
    old = replace(shop.payment(session_id), kind=NoticeKind.ABANDONED)
    shop.clock.advance(hours=2)
    shop.payments.weather.fail("open_checkout", AWAY)
    with pytest.raises(UnavailableError):
        shop.checking_out.open(session_id, email=None)
    shop.paying.take(old, sha256_of(b"1"))
    assert shop.uploading.find(session_id).status is UploadStatus.CHECKOUT


def test_housekeeping_goes_on_with_the_others_when_one_session_cannot_be_tidied(shop: MemoryShop) -> None:
    sessions = [shop.upload(b"forgotten") for _ in range(3)]
    shop.clock.advance(days=8)
    shop.storage.weather.fail("delete", AWAY)
    with pytest.raises(UnavailableError):
        shop.housekeeping.tidy()
    assert len(shop.storage.objects) == 1
    with pytest.raises(UploadSessionClosedError):
        shop.checking_out.open(sessions[0], email=None)
    shop.housekeeping.tidy()
    assert not shop.storage.objects


def test_housekeeping_finds_what_a_crash_kept_from_being_written_down(shop: MemoryShop) -> None:
    session_id = shop.upload(b"forgotten")
    key = ObjectKey(f"uploads/temp/{session_id}/never-written-down")
    shop.storage.put(key, io.BytesIO(b"photo"), size_bytes=5, media_type="image/png")
    shop.clock.advance(days=8)
    shop.housekeeping.tidy()
    assert not shop.storage.objects


def test_an_erased_orders_link_opens_nothing(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    token = list(shop.mailer.mailbox.values())[-1].letter.text.rsplit("/", 1)[-1]
    cause = Cause(name="cli", key="erase-1", actor="person:grace", correlation_id=order_id)
    shop.recorder.record(order_id, [e.OrderErased()], cause)
    with pytest.raises(LinkExpiredError):
        shop.delivering.find(token)


def test_a_refund_that_is_found_failed_at_the_provider_is_not_taken_for_issued(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.payments.weather.lose_reply("issue_refund")
    shop.end_predictions(FailureReason.REFUSED_INPUT)
    shop.work()
    [payment] = shop.payments.payments.values()
    shop.payments.fail_refund(payment.refunds[0][1].provider_refund_id)
    shop.clock.advance(days=2)
    shop.working.sweep()
    shop.work()
    order = shop.order(order_id)
    assert [refund.status for refund in order.refunds.values()] == [RefundStatus.FAILED]
    assert order.hold is HoldReason.REFUND_NOT_ISSUED


def test_nothing_comes_back_that_never_left(shop: MemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.restorer.weather.lose_reply("start")
    shop.work()
    shop.end_predictions()
    shop.work()
    events = kinds(shop, order_id)
    assert events.index(e.RestorationStarted) + 1 == events.index(e.RestorationCompleted)
