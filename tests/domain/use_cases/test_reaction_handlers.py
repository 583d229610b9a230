"""Every reaction has a table row, and ends or is recorded.

A kind without a row, or without a journey here, fails a test that names it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from domain.order import events as e
from domain.order.reactions import (
    REACTION_TYPES,
    CancelPrediction,
    CollectRestoration,
    DeletePhotos,
    IssueRefund,
    MoveImages,
    PrepareDownload,
    Reaction,
    RestoreImage,
    SendEmail,
)
from domain.order.values import OrderId
from domain.ports.errors import UnavailableError
from domain.ports.reaction_queue import Outcome
from domain.use_cases.reaction_handlers import REACTIONS
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.support.claims import claim_next
from tests.doubles.container import InMemoryShop

UNAVAILABLE = UnavailableError("The double", "out for lunch")
GRACE = StaffRequest(actor="person:grace", reason="They asked.")


def pay(shop: InMemoryShop) -> OrderId:
    return shop.pay(shop.upload(b"wedding"))


def stop_a_running_restoration(shop: InMemoryShop) -> OrderId:
    order_id = pay(shop)
    shop.work()
    shop.staff_actions.refund(order_id, GRACE)
    return order_id


def end_the_retention(shop: InMemoryShop) -> OrderId:
    order_id = pay(shop)
    shop.live(order_id)
    shop.clock.advance(days=shop.policy.retention.photos.days)
    assert shop.photo_retention.purge() == 1
    return order_id


#: What makes an order need each kind of reaction, and what is recorded once its attempts are used up.
JOURNEYS: Mapping[type[Reaction], tuple[Callable[[InMemoryShop], OrderId], list[type[e.Event]]]] = {
    MoveImages: (pay, [e.OrderHeld]),
    RestoreImage: (pay, [e.RestorationFailed, e.RefundRequested]),
    CollectRestoration: (pay, [e.RestorationAttemptFailed]),
    CancelPrediction: (stop_a_running_restoration, []),
    PrepareDownload: (pay, [e.OrderHeld]),
    SendEmail: (pay, [e.EmailFailed]),
    IssueRefund: (stop_a_running_restoration, [e.RefundFailed, e.OrderHeld]),
    DeletePhotos: (end_the_retention, []),
}


@pytest.mark.parametrize("kind", REACTION_TYPES)
def test_every_kind_of_reaction_has_a_row(kind: type[Reaction]) -> None:
    assert kind in REACTIONS


@pytest.mark.parametrize("kind", REACTION_TYPES)
def test_work_that_fails_is_tried_again_and_its_last_attempt_is_on_record(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch, kind: type[Reaction]
) -> None:
    begin, recorded = JOURNEYS[kind]
    order_id = begin(shop)
    claim, order = claim_next(shop, kind)
    before = len(shop.events(order_id))

    def fails(*_: object) -> list[e.Event]:
        raise UNAVAILABLE

    monkeypatch.setitem(REACTIONS, kind, replace(REACTIONS[kind], handle=fails))
    shop.reaction_runner.perform(claim, order)
    row = shop.own_unit_of_work.pages.work[claim.reaction_id]
    assert (row.outcome, row.problem) == (None, str(UNAVAILABLE))
    assert shop.events(order_id)[before:] == []

    shop.clock.advance(minutes=1)
    shop.reaction_runner.resend_due()
    claimed = shop.reaction_runner.claim(claim.reaction_id)
    assert claimed is not None
    last = replace(claimed[0], attempts=REACTIONS[kind].retry(shop.policy).attempts)
    shop.reaction_runner.perform(last, order)
    assert [type(event) for event in shop.events(order_id)[before:]] == recorded
    with shop.unit_of_work.transaction() as transaction:
        given_up = [each.kind for each in transaction.reactions.exhausted()]
    assert recorded or given_up == [type(claim.reaction)], (
        "neither the log nor a list knows that it was given up"
    )
    assert shop.own_unit_of_work.pages.work[claim.reaction_id].outcome is Outcome.FAILED
