"""Reactions run once despite crashes, lost messages and lost replies.

A mail is sent once, or flagged.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from domain.order import events as e
from domain.order.order import Order
from domain.order.reactions import (
    CollectRestoration,
    MoveImages,
    PrepareDownload,
    Reaction,
    SendEmail,
    reaction_id_of,
)
from domain.order.states import State
from domain.order.values import EmailKind, FailureReason, HoldReason, OrderId
from domain.ports.email import DeliveryStatus, EmailWebhookEvent
from domain.ports.errors import RefusedError, UnavailableError
from domain.ports.reaction_queue import Claim, Outcome
from domain.ports.unit_of_work import LeaseLostError
from domain.use_cases.order_transaction import Cause, ReactionResult
from domain.use_cases.reaction_handlers import REACTIONS, spec_of
from domain.use_cases.restoration.originals import OriginalsCopier
from domain.use_cases.support.staff_requests import StaffRequest
from tests.contracts.unreadable_events import DAMAGES, spoil_in_memory
from tests.domain.support.assertions import kinds, sent
from tests.domain.support.claims import claim_next
from tests.doubles.container import InMemoryShop

UNAVAILABLE = UnavailableError("The double", "out for lunch")


def test_every_message_delivered_twice_makes_one_order_with_two_mails(shop: InMemoryShop) -> None:
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


def test_a_queue_that_loses_everything_costs_time_and_nothing_else(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for _ in range(60):
        shop.queue.waiting.clear()
        shop.clock.advance(minutes=1)
        shop.reaction_runner.resend_due()
        if shop.queue.waiting:
            shop.perform(shop.queue.waiting.popleft())
        shop.end_predictions()
    assert shop.order(order_id).state is State.COMPLETED
    assert sent(shop) == ["confirmation", "result"]


def test_a_worker_that_dies_leaves_its_work_to_the_next_once_the_lease_is_over(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for reaction_id in list(shop.queue.waiting):
        assert shop.reaction_runner.claim(reaction_id)  # and dies
    shop.queue.waiting.clear()
    shop.pass_time(seconds=20)
    assert kinds(shop, order_id) == [e.PaymentReceived]
    shop.pass_time(seconds=20)
    assert e.ImagesMoved in kinds(shop, order_id)


def follow(shop: InMemoryShop, reaction_id: UUID, *kinds: type[Reaction]) -> list[Reaction]:
    """Perform a reaction and what follows of these kinds; return all."""
    performed = []
    claimed = shop.reaction_runner.claim(reaction_id)
    while claimed is not None:
        performed.append(claimed[0].reaction)
        claimed = shop.reaction_runner.perform(*claimed, lambda reaction: isinstance(reaction, kinds))
    return performed


def restored_order(shop: InMemoryShop) -> tuple[OrderId, UUID]:
    """A restored order, and the reaction that collects its result."""
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.end_predictions()
    return order_id, shop.queue.waiting.popleft()


def test_a_thread_goes_on_with_what_its_reaction_makes_due(shop: InMemoryShop) -> None:
    order_id, collecting = restored_order(shop)
    performed = follow(shop, collecting, PrepareDownload, SendEmail)
    assert [type(reaction) for reaction in performed] == [CollectRestoration, PrepareDownload, SendEmail]
    assert not shop.queue.waiting
    assert shop.order(order_id).state is State.COMPLETED
    assert all(row.outcome is Outcome.DONE for row in shop.own_unit_of_work.pages.work.values())


def test_what_a_thread_does_not_go_on_with_is_sent(shop: InMemoryShop) -> None:
    _, collecting = restored_order(shop)
    performed = follow(shop, collecting, SendEmail)
    assert [type(reaction) for reaction in performed] == [CollectRestoration]
    assert len(shop.queue.waiting) == 1


def test_a_thread_that_dies_before_it_goes_on_leaves_that_to_the_next_worker(shop: InMemoryShop) -> None:
    order_id, collecting = restored_order(shop)
    claimed = shop.reaction_runner.claim(collecting)
    assert claimed is not None
    assert shop.reaction_runner.perform(*claimed, lambda _: True)  # and dies
    assert not shop.queue.waiting
    shop.pass_time(seconds=20)
    assert e.DownloadPrepared not in kinds(shop, order_id)
    shop.pass_time(seconds=20)
    assert shop.order(order_id).state is State.COMPLETED


def test_nothing_follows_the_last_attempt(shop: InMemoryShop) -> None:
    """What its order then requires is recorded after it."""
    _, collecting = restored_order(shop)
    claimed = shop.reaction_runner.claim(collecting)
    assert claimed is not None
    last = replace(claimed[0], attempts=spec_of(claimed[0].reaction).retry(shop.policy).attempts)
    assert shop.reaction_runner.perform(last, claimed[1], lambda _: True) is None
    assert len(shop.queue.waiting) == 1


def test_a_mail_that_a_crash_may_have_sent_waits_for_a_webhook_and_is_not_sent_again(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for reaction_id in list(shop.queue.waiting):
        shop.reaction_runner.claim(reaction_id)  # the confirmation is accepted, then the worker dies
    shop.queue.waiting.clear()
    shop.pass_time(seconds=40)
    assert not shop.mailer.mailbox
    assert e.EmailUnconfirmed in kinds(shop, order_id)
    email = next(iter(shop.order(order_id).emails.values()))
    webhook_event = EmailWebhookEvent(
        event_id="delivered-1",
        email_id=email.email_id,
        order_id=order_id,
        message_id="message-1",
        fate=DeliveryStatus.ACCEPTED,
    )
    shop.email_webhook.handle([webhook_event, webhook_event])
    shop.pass_time(hours=1)
    assert not shop.mailer.mailbox
    assert kinds(shop, order_id).count(e.EmailSent) == 1


def test_a_mail_whose_reply_was_lost_is_sent_once_more_without_a_webhook(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.mailer.fault_injector.lose_reply("send")
    order = shop.live(order_id)
    assert order.state is State.COMPLETED
    assert sent(shop) == ["confirmation", "result", "confirmation"]
    assert kinds(shop, order_id).count(e.EmailUnconfirmed) == 1


def test_an_unavailable_mail_provider_is_retried_with_growing_waits(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for _ in range(4):
        shop.mailer.fault_injector.fail("send", UNAVAILABLE)
    assert shop.live(order_id).state is State.COMPLETED
    assert sorted(sent(shop)) == ["confirmation", "result"]


def test_half_a_day_without_the_mail_provider_needs_no_person(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    outage_ends_at = shop.clock.now() + timedelta(hours=12)
    while shop.clock.now() < outage_ends_at:
        shop.mailer.fault_injector.fail("send", UNAVAILABLE)
        shop.mailer.fault_injector.fail("send", UNAVAILABLE)
        shop.end_predictions()
        shop.pass_time(minutes=20)
    shop.mailer.fault_injector.clear_up()
    assert shop.live(order_id).state is State.COMPLETED
    assert sorted(sent(shop)) == ["confirmation", "result"]


def test_a_refused_result_mail_puts_the_order_on_hold(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.mailer.fault_injector.fail("send", RefusedError("The double", "no such address"))
    order = shop.live(order_id)
    assert order.hold is HoldReason.EMAIL_NOT_SENT
    assert order.state is State.READY


def test_work_that_is_never_to_be_had_ends_on_hold_not_in_a_dead_letter(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for _ in range(50):
        shop.storage.fault_injector.fail("copy", UNAVAILABLE)
    order = shop.live(order_id, hours=24)
    assert order.hold is HoldReason.STORAGE_UNAVAILABLE


def test_a_mail_that_a_crash_may_have_sent_is_on_record_even_if_the_order_is_held_meanwhile(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.end_predictions()
    while EmailKind.RESULT not in {email.kind for email in shop.order(order_id).emails.values()}:
        shop.perform(shop.queue.waiting.popleft())
    claimed = shop.reaction_runner.claim(shop.queue.waiting.popleft())
    assert claimed is not None  # the result is accepted, then the worker dies
    person = Cause(name="cli", key="hold-1", actor="person:grace", correlation_id=order_id)
    shop.command_handler.handle(order_id, [e.OrderHeld(reason=HoldReason.REQUESTED)], person)
    shop.pass_time(minutes=1)
    assert e.EmailUnconfirmed in kinds(shop, order_id)


def test_a_mail_webhook_whose_event_could_not_be_written_is_retried_as_new(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    email = next(iter(shop.order(order_id).emails.values()))
    webhook_event = EmailWebhookEvent(
        event_id="delivered-1",
        email_id=email.email_id,
        order_id=order_id,
        message_id="message-1",
        fate=DeliveryStatus.ACCEPTED,
    )
    with pytest.raises(RuntimeError), shop.event_store_fails():
        shop.email_webhook.handle([webhook_event])
    shop.email_webhook.handle([webhook_event])
    assert e.EmailSent in kinds(shop, order_id)


def test_an_archive_left_unrecorded_by_a_crash_blocks_no_later_one(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"portrait of Adele"))
    shop.live(order_id)
    redo_comes_back(shop, order_id, b"restored again")
    shop.archives.prepare_download(shop.order(order_id))  # stored, and then the worker died
    redo_comes_back(shop, order_id, b"restored once more")
    order = shop.live(order_id)
    assert (order.hold, order.has_current_archive) == (None, True)
    assert order.newest_link is not None
    assert b"restored once more" in shop.storage.objects[order.newest_link.archive.key]


GRACE = StaffRequest(actor="person:grace", reason="They asked.")


def test_a_photo_redone_while_another_redo_is_asked_for_is_sent_even_if_that_one_fails(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.live(order_id)
    shop.staff_actions.redo(order_id, GRACE, photos=[1])
    packing = claim_next(shop, PrepareDownload)
    shop.staff_actions.redo(order_id, GRACE, photos=[2])
    shop.reaction_runner.perform(*packing)  # too late: the other photo is being redone by now
    assert not shop.order(order_id).has_current_archive
    for _ in range(20):
        shop.work()
        shop.end_predictions(FailureReason.REFUSED_INPUT)
        shop.pass_time(minutes=1)
    assert e.RedoFailed in kinds(shop, order_id)
    assert shop.live(order_id).has_current_archive
    assert sent(shop) == ["confirmation", "result", "redone"]


def test_a_result_mail_that_came_too_late_for_a_hold_is_sent_once_after_the_release(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    claimed = claim_next(shop, SendEmail)
    while claimed[1].state is not State.READY:
        shop.reaction_runner.perform(*claimed)
        claimed = claim_next(shop, SendEmail)
    shop.clock.advance(days=shop.policy.delivery.link_lifetime.days + 1)
    shop.staff_actions.hold(order_id, GRACE)
    shop.reaction_runner.perform(
        *claimed
    )  # the link has run out meanwhile: a new one is made, and nothing is sent
    shop.pass_time(hours=1)
    assert sent(shop) == ["confirmation"]
    shop.staff_actions.release(order_id, GRACE)
    assert shop.live(order_id).state is State.COMPLETED
    assert sent(shop) == ["confirmation", "result"]


def test_work_that_fails_for_good_while_its_order_needs_it_anew_stays_open(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    claim, order = claim_next(shop, MoveImages)
    cause = Cause(name="test", key="test", actor="worker", correlation_id=order_id)
    closing = ReactionResult(claim=claim, outcome=Outcome.FAILED, retry_after=timedelta(minutes=1))
    shop.command_handler.handle(order.order_id, [], cause, closing=closing)
    assert shop.live(order_id).state is State.COMPLETED


def test_work_that_never_changes_its_order_is_given_up_and_cannot_spin(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    tries: list[datetime] = []

    def moves_nothing(*_: object) -> list[e.Event]:
        tries.append(shop.clock.now())
        return []

    monkeypatch.setattr(OriginalsCopier, "move_images", moves_nothing)
    order = shop.live(order_id, hours=24)
    assert order.hold is HoldReason.STORAGE_UNAVAILABLE
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert len(tries) == spec_of(MoveImages()).retry(shop.policy).attempts
    assert waits[-1] >= timedelta(hours=1) > waits[0]


def hang(shop: InMemoryShop, kind: type[Reaction]) -> tuple[Claim, Order]:
    """Claim a reaction and exceed its time limit, renewing its lease."""
    claim, order = claim_next(shop, kind)
    limit = spec_of(claim.reaction).retry(shop.policy).time_limit
    ends_at = shop.clock.now() + limit
    while shop.clock.now() < ends_at - shop.policy.work.lease:
        shop.clock.advance(seconds=10)
        assert shop.reaction_runner.renew([(claim, order)]) == []
        assert shop.reaction_runner.claim(claim.reaction_id) is None
    shop.clock.advance(seconds=shop.policy.work.lease.total_seconds())
    assert shop.reaction_runner.renew([(claim, order)]) == [claim]
    return claim, order


def test_a_call_that_never_returns_counts_as_failed_and_its_late_result_is_discarded(
    shop: InMemoryShop,
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    late = hang(shop, MoveImages)
    row = shop.own_unit_of_work.pages.work[late[0].reaction_id]
    assert (row.token, row.attempts) == (None, 1)
    assert (
        row.problem == "MoveImages is not available (it did not return within 120 minutes): try again later."
    )
    with pytest.raises(LeaseLostError):
        shop.reaction_runner.perform(*late)
    assert kinds(shop, order_id).count(e.ImagesMoved) == 0
    assert shop.live(order_id).state is State.COMPLETED


def test_calls_that_never_return_use_up_their_attempts(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    hang(shop, MoveImages)
    for _ in range(23):
        shop.clock.advance(hours=2)
        shop.reaction_runner.resend_due()
        hang(shop, MoveImages)
    assert shop.order(order_id).hold is HoldReason.STORAGE_UNAVAILABLE


def test_a_mail_whose_call_never_returns_may_have_been_sent(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    hang(shop, SendEmail)
    assert kinds(shop, order_id).count(e.EmailUnconfirmed) == 1
    assert shop.live(order_id).state is State.COMPLETED
    assert sorted(sent(shop)) == ["confirmation", "result"]


def test_a_hanging_call_of_an_order_that_cannot_be_read_hides_no_other(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    mail = claim_next(shop, SendEmail)
    shop.pay(shop.upload(b"harvest"))
    copying = claim_next(shop, MoveImages)
    assert copying[1] != mail[1]
    shop.clock.advance(hours=3)
    spoil_in_memory(shop.own_unit_of_work, mail[1].order_id, DAMAGES["newer version"])
    assert shop.reaction_runner.renew([mail, copying]) == [mail[0], copying[0]]
    assert shop.own_unit_of_work.pages.work[copying[0].reaction_id].token is None


def test_a_call_that_just_ended_is_not_given_up(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    claimed = claim_next(shop, MoveImages)
    shop.reaction_runner.perform(*claimed)
    shop.clock.advance(hours=3)
    assert shop.reaction_runner.renew([claimed]) == []


def redo_comes_back(shop: InMemoryShop, order_id: OrderId, result: bytes) -> None:
    """Request another attempt and let it succeed; perform nothing that follows."""
    shop.staff_actions.redo(order_id, StaffRequest(actor="person:grace", reason="They asked."), photos=[1])
    results = len(shop.order(order_id).restored_images[0].results)
    for _ in range(50):
        if shop.queue.waiting:
            shop.perform(shop.queue.waiting.popleft())
        else:
            shop.end_predictions(result)
        if len(shop.order(order_id).restored_images[0].results) > results:
            return
    raise AssertionError("The redo does not come back.")


def test_a_photo_that_is_given_up_says_after_how_many_attempts(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for _ in range(30):
        shop.restorer.fault_injector.fail("start", UNAVAILABLE)
    shop.live(order_id, hours=24)
    (failed,) = [event for event in shop.events(order_id) if isinstance(event, e.RestorationFailed)]
    assert (failed.attempts, failed.reason) == (0, FailureReason.UNAVAILABLE), (
        "no prediction was ever started"
    )


def test_a_prediction_that_cannot_be_looked_at_is_given_up_under_its_own_attempt(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    (prediction_id,) = shop.restorer.works
    for _ in range(30):
        shop.restorer.fault_injector.fail("look", UNAVAILABLE)
    for _ in range(60):
        shop.pass_time(minutes=30)
    failed = next(event for event in shop.events(order_id) if isinstance(event, e.RestorationAttemptFailed))
    assert (failed.attempt, failed.prediction_id, failed.reason) == (
        1,
        prediction_id,
        FailureReason.UNAVAILABLE,
    )


def test_an_unexpected_exception_is_recorded_by_its_type_alone(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    claimed = shop.reaction_runner.claim(reaction_id_of(order_id, MoveImages()))
    assert claimed is not None

    def fails(*_: object) -> list[e.Event]:
        raise RuntimeError("ada@customer.example")

    monkeypatch.setitem(REACTIONS, MoveImages, replace(REACTIONS[MoveImages], handle=fails))
    with pytest.raises(RuntimeError):
        shop.reaction_runner.perform(*claimed)
    assert shop.own_unit_of_work.pages.work[claimed[0].reaction_id].problem == "RuntimeError"
