"""Each law finds its violations in snapshots made by hand."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.order import events as e
from domain.order.order import Order
from domain.order.reactions import RestoreImage, SendEmail, reaction_id_of
from domain.order.values import EmailKind, FailureReason
from domain.ports.upload_sessions import UploadSession, UploadStatus
from domain.unmatched_payment import UnmatchedStatus
from tests.domain.support.event_builders import ORDER_ID, PAID_AT
from tests.laws import LAWS, violations
from tests.laws.sample import (
    CONFIRMATION,
    FACTS,
    MINE,
    RESULT,
    THEIRS,
    TOKEN,
    call,
    claims,
    fetched,
    lease,
    mail,
    moved_by,
    objects,
    opening,
    payment,
    prediction,
    provider_work,
    refund,
    smooth,
    snapshot,
    stream_of,
)
from tests.laws.snapshot import Deletion, Forgery, OrderStream, UnmatchedRow, whole_stream

WHOLE = stream_of(*smooth())
ORDER = WHOLE.order
READ_MODELS = snapshot().read_models or {}
UNMATCHED = UnmatchedRow(
    payment_intent_id=f"pi_{ORDER_ID.hex}",
    checkout_session_id=None,
    amount=980,
    status=UnmatchedStatus.OPEN,
    refund_id=str(FACTS.refund()),
)


def streams(*events: e.Event) -> Mapping[str, Any]:
    return {"streams": {ORDER_ID: stream_of(*events)}}


def stored(stream: OrderStream) -> Mapping[str, Any]:
    return {"streams": {ORDER_ID: stream}}


def temp_deletion(status: UploadStatus) -> Deletion:
    paid = stream_of(FACTS.paid()).order
    upload = FACTS.paid().photos[0].upload
    photo = type("Photo", (), {"upload": upload})()
    session = UploadSession(
        session_id=uuid4(),  # type: ignore[arg-type]
        order_id=ORDER_ID,
        status=status,
        opened_at=PAID_AT,
        photos=(photo,),
    )
    return Deletion(key=upload.key, order=paid, session=session)


VIOLATIONS: dict[str, tuple[int, Mapping[str, Any]]] = {
    "a version is missing": (1, stored(whole_stream(ORDER_ID, [WHOLE.events[0], *WHOLE.events[2:]]))),
    "a version is there twice": (1, stored(whole_stream(ORDER_ID, [*WHOLE.events, WHOLE.events[-1]]))),
    "an event before those that were judged is gone": (
        1,
        stored(OrderStream(events=WHOLE.events[1:], earlier=ORDER)),
    ),
    "a cause is on record twice": (
        1,
        stored(whole_stream(ORDER_ID, [replace(one, cause_key="the same") for one in WHOLE.events])),
    ),
    "an order began without being paid": (1, streams(FACTS.moved())),
    "a hash does not follow": (1, {"chain_defects": ["Order 1, version 2 is not what was recorded."]}),
    "a row says something else": (
        2,
        {
            "read_models": {
                **READ_MODELS,
                "orders": {key: {**row, "state": "ready"} for key, row in READ_MODELS["orders"].items()},
            }
        },
    ),
    "a table is empty": (2, {"read_models": {}}),
    "the event store gives another order": (2, {"loaded": {ORDER_ID: Order(order_id=ORDER_ID)}}),
    "money at the provider belongs to no order": (3, {"streams": {}, "read_models": {}}),
    "money is an order's and unmatched": (3, {"unmatched": [UNMATCHED]}),
    "another shop's money is an order's": (3, {"payments": [payment(is_ours=False)]}),
    "an order was paid with money that the provider never took": (3, {"payments": []}),
    "an order was paid less than the log says": (3, {"payments": [payment(amount=490)]}),
    "an order has the payment of another checkout": (
        3,
        {"payments": [payment(checkout_session_id="cs_other")]},
    ),
    "a settled payment without an order was kept": (
        3,
        {
            "payments": [payment(), payment(payment_intent_id="pi_2")],
            "unmatched": [replace(UNMATCHED, payment_intent_id="pi_2", status=UnmatchedStatus.REFUNDED)],
        },
    ),
    "money was refunded that is not on record": (
        4,
        {"payments": [payment(refund(), refund(provider_refund_id="re_2"))]},
    ),
    "more was refunded than is on record": (4, {"payments": [payment(refund(amount=981))]}),
    "a refund on record never was": (4, {"payments": [payment(refund(has_failed=True))]}),
    "money was refunded of a payment that nothing knows": (
        4,
        {
            "payments": [
                payment(),
                payment(payment_intent_id="pi_stranger", amount=980, is_ours=False),
            ]
        },
    ),
    "a photo was delivered and paid back": (
        4,
        streams(*(FACTS.prepared(0, 1) if isinstance(one, e.DownloadPrepared) else one for one in smooth())),
    ),
    "no mail brought the result": (5, {"mails": [mail(CONFIRMATION)]}),
    "a refund that covers a photo is not paid": (5, {"payments": [payment(refund(is_paid=False))]}),
    "a provider was called without a claim": (6, {"claims": {}}),
    "a provider was called before the claim": (6, {"claims": claims(*provider_work(), after_call=True)}),
    "a provider was called under another claim": (
        6,
        {"calls": [replace(call(provider_work()[0]), token=THEIRS)]},
    ),
    "a lease was taken from its holder": (
        6,
        {"lease_changes": [lease(MINE, is_claim=True, leased_until_before=PAID_AT + timedelta(hours=1))]},
    ),
    "a result was recorded by another claim": (
        6,
        {"lease_changes": [lease(THEIRS)], "stored_events": [moved_by(MINE)]},
    ),
    "a result was recorded without a lease": (6, {"stored_events": [moved_by(MINE)]}),
    "work was closed that no worker held": (6, {"lease_changes": [lease()]}),
    "work was closed by another process": (
        6,
        {"lease_changes": [lease(MINE, writer_holds=frozenset({THEIRS}))]},
    ),
    "an original is gone": (7, {"objects": objects(without="uploads/originals")}),
    "photos are deleted of an open order": (
        7,
        {"deletions": [Deletion(key=FACTS.prepared(0).archive.key, order=ORDER)]},
    ),
    "an upload is deleted before it is moved": (7, {"deletions": [temp_deletion(UploadStatus.PAID)]}),
    "photos are purged too early": (
        7,
        {
            **streams(*smooth(), e.PhotosPurged()),
            "photo_retention": timedelta(days=30),
        },
    ),
    "photos stay after the retention": (7, {"retention_is_over": True}),
    "an archive is gone": (8, {"objects": objects(without="downloads")}),
    "an object has other bytes": (8, {"objects": dict.fromkeys(objects(), "0" * 64)}),
    "an object has no name": (8, {"objects": {**objects(), "uploads/originals/x": "0"}}),
    "an upload has no session": (8, {"objects": {**objects(), "uploads/temp/unknown/x": "0"}}),
    "an erased customer is stored": (8, {"erased_customers": [FACTS.customer]}),
    "a mail was accepted twice": (9, {"mails": [mail(CONFIRMATION), mail(RESULT), mail(RESULT)]}),
    "a mail was accepted that is not on record": (
        9,
        {"mails": [mail(CONFIRMATION), mail(RESULT), mail(EmailKind.REFUND)]},
    ),
    "a mail on record was never accepted": (9, {"mails": [mail(RESULT)]}),
    "a mail went to another address": (
        9,
        {"mails": [mail(CONFIRMATION), mail(RESULT, addresses=frozenset({"eve@customer.example"}))]},
    ),
    "a customer got another's pictures": (10, {"fetched": [fetched(pictures=["0" * 64])]}),
    "a customer got another's link": (10, {"fetched": [fetched(order_id=str(uuid4()))]}),
    "a mail leads to another's order": (10, {"mails": [mail(CONFIRMATION), mail(RESULT, token="anothers")]}),
    "a token is stored": (10, {"stored_words": frozenset({TOKEN})}),
    "a link opened another's photo": (10, {"openings": [opening(target=str(uuid4()))]}),
    "another's photo is not simply unknown": (10, {"openings": [opening(target=str(uuid4()), status=403)]}),
    "a link opened after it ran out": (10, {"openings": [opening(began_at=PAID_AT + timedelta(days=4000))]}),
    "a link opened other bytes": (10, {"openings": [opening(content="0" * 64)]}),
    "a valid link was refused": (10, {"openings": [opening(status=404)]}),
    "a token that was never issued opened something": (10, {"openings": [opening(before=None)]}),
    "an order has not ended": (11, streams(*smooth()[:5])),
    "a webhook event is still to be delivered": (11, {"unfinished": ["Stripe has webhooks to deliver."]}),
    "a prediction runs on": (
        11,
        {"predictions": [prediction(), prediction(prediction_id="p2", is_running=True)]},
    ),
    "a forgery was accepted": (12, {"forgeries": [Forgery(what="a payment", status=200)]}),
    "a forgery was committed": (12, {"forgeries": [Forgery(what="a payment", led_to_commit=True)]}),
    "a forgery left its mark": (
        12,
        {"forged_word": "forged", "stored_words": frozenset({"evt_forged_000001"})},
    ),
    "a mail says that money was refunded before it was": (
        13,
        {"mails": [mail(CONFIRMATION, "All that you paid has gone back."), mail(RESULT)]},
    ),
    "a German mail announces money that was not asked for": (
        13,
        {"mails": [mail(CONFIRMATION, "Wir erstatten Ihnen alles.", "de"), mail(RESULT)]},
    ),
    "a mail is in a language of no table": (13, {"mails": [mail(CONFIRMATION, language="nl"), mail(RESULT)]}),
    "a download that was not requested": (
        13,
        {**streams(*smooth(), FACTS.downloaded()), "requested": frozenset()},
    ),
    "needed work has no row": (14, streams(*smooth()[:5])),
    "needed work is closed": (
        14,
        {
            **streams(FACTS.paid(), FACTS.moved()),
            "reaction_outcomes": {reaction_id_of(ORDER_ID, RestoreImage(FACTS.image(0), 1)): "done"},
        },
    ),
    "attempts run out without an error": (14, {"stored_events": [moved_by(MINE, exhausted=True)]}),
}


def broken(**changes: Any) -> set[int]:
    return {one.law for one in violations(snapshot(**changes))}


def test_the_laws_are_numbered_as_in_the_documents() -> None:
    assert [law.number for law in LAWS] == list(range(1, 15))


def test_each_law_has_a_violation_here() -> None:
    assert {law for law, _ in VIOLATIONS.values()} == {law.number for law in LAWS}


def test_no_law_is_broken_where_all_is_well() -> None:
    assert list(violations(snapshot(openings=[opening()]))) == []


@pytest.mark.parametrize(("number", "changes"), VIOLATIONS.values(), ids=VIOLATIONS)
def test_a_violation_is_found_by_its_law(number: int, changes: Mapping[str, Any]) -> None:
    assert number in broken(**changes)


def test_a_mail_in_doubt_may_be_accepted_twice() -> None:
    events = [*smooth()[:-2], FACTS.unconfirmed(RESULT), *smooth()[-2:]]
    again = SendEmail(FACTS.email(RESULT), RESULT, 2)
    mails = [mail(CONFIRMATION), mail(RESULT), mail(RESULT)]
    assert broken(events=events, mails=mails, claims=claims(*provider_work(), again)) == set()


def test_a_payment_without_an_order_is_claimed_by_its_own_row() -> None:
    row = replace(UNMATCHED, payment_intent_id="pi_2", status=UnmatchedStatus.REFUNDING)
    second = payment(payment_intent_id="pi_2", refunds=())
    assert 6 not in broken(claims=claims(*provider_work()[:3]), unmatched=[row], payments=[payment(), second])
    assert 6 in broken(
        claims=claims(*provider_work()[:3]), unmatched=[replace(row, status=UnmatchedStatus.OPEN)]
    )


def test_money_of_another_shop_on_the_account_belongs_nowhere() -> None:
    foreign = payment(payment_intent_id="pi_foreign", is_ours=False, refunds=())
    assert broken(payments=[payment(), foreign]) == set()


def test_what_came_second_at_the_restorer_may_be_stored() -> None:
    second = {f"uploads/restored/{ORDER_ID}/second": "0"}
    predictions = [prediction(), prediction(prediction_id="second")]
    assert broken(objects=objects() | second, predictions=predictions) == set()


def test_what_the_storage_lost_is_no_deletion_of_the_shop() -> None:
    assert broken(objects={}, lost_objects=objects().keys()) == set()


def test_a_result_that_the_storage_lost_may_leave_its_order() -> None:
    lost = FACTS.attempt_failed(reason=FailureReason.RESULT_LOST)
    stream = stream_of(*FACTS.until_restoring(), FACTS.started(), FACTS.restored(), lost)
    assert stream.order.images[FACTS.image(0)].restored is None
    assert 1 not in broken(**stored(stream))


def test_a_link_may_open_what_the_storage_damaged() -> None:
    image = ORDER.images[FACTS.image(0)]
    assert image.restored is not None
    damaged = opening(target=str(image.image_id), content="0" * 64)
    assert broken(openings=[damaged]) == {10}
    assert broken(openings=[damaged], lost_objects={image.restored.key}) == set()


def test_a_closed_lease_of_its_holder_breaks_nothing() -> None:
    change = lease(MINE, writer_holds=frozenset({MINE}))
    assert broken(lease_changes=[change], stored_events=[moved_by(MINE)]) == set()
