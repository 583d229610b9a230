"""Each law finds its breach in a small dossier made by hand, and none finds any in one where all is well."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.order import events as e
from domain.order.evolve import fold
from domain.order.reactions import MoveImages, SendEmail, reaction_id_of
from domain.order.values import EmailKind
from tests.chaos.collected_state import ExportArchive
from tests.chaos.laws import LAWS
from tests.chaos.provider_records import Ledger
from tests.chaos.sample_state import (
    FACTS,
    TOKEN,
    calls,
    claim,
    customer,
    dossier,
    history,
    lease,
    mail,
    objects_of,
    payment_intent,
    prediction,
    refund,
    smooth,
    work,
)
from tests.chaos.visits import FORGED, Forgery, Town
from tests.domain.support.event_builders import ORDER_ID, PAID_AT

RESULT, CONFIRMATION = EmailKind.PARTIAL_RESULT, EmailKind.CONFIRMATION
MINE, THEIRS = UUID(int=1), UUID(int=2)


def stripe(*refunds: dict[str, Any], intents: int = 1) -> Ledger:
    return Ledger(objects={"payment_intent": [payment_intent()] * intents, "refund": list(refunds)})


def mails(*sent: dict[str, Any]) -> Ledger:
    return Ledger(objects={"mail": list(sent)})


def told_by(*, cause_key: str, txid: str = "7") -> list[dict[str, Any]]:
    return [{"order_id": ORDER_ID, "version": 2, "cause_key": cause_key, "txid": txid}]


def moved_by(token: UUID) -> str:
    return f"reaction:{reaction_id_of(ORDER_ID, MoveImages())}:{token}#1"


def with_gap() -> Mapping[str, Any]:
    stream = history(*smooth())
    return {"histories": {ORDER_ID: [stream[0], *stream[2:]]}}


def with_a_cause_twice() -> Mapping[str, Any]:
    stream = history(*smooth())
    return {"histories": {ORDER_ID: [replace(one, cause_key="the same") for one in stream]}}


def with_wrong_row() -> Mapping[str, Any]:
    told = dossier().read_models
    orders = {key: {**row, "state": "ready"} for key, row in told["orders"].items()}
    return {"read_models": {**told, "orders": orders}}


def without(key_part: str) -> Mapping[str, Any]:
    kept = objects_of(history(*smooth()))
    return {"objects": {key: sha256 for key, sha256 in kept.items() if key_part not in key}}


def town(**changes: Any) -> Mapping[str, Any]:
    return {"town": Town([customer(fold(ORDER_ID, history(*smooth())), **changes)])}


def forged(status: int, **lists: Any) -> Town:
    made = Forgery(what="a payment", mark=FORGED, status=status)
    return Town(forgeries=[made]) if not lists else Town(trespasses=[made])


BREACHES: dict[str, tuple[int, Mapping[str, Any]]] = {
    "a version is missing": (1, with_gap()),
    "a cause is on record twice": (1, with_a_cause_twice()),
    "an order began without being paid": (1, {"histories": {ORDER_ID: history(FACTS.moved())}}),
    "a hash does not follow": (1, {"broken_chain": ["Order 1, version 2 does not say what was recorded."]}),
    "a row tells something else": (2, with_wrong_row()),
    "a table is empty": (2, {"read_models": {}}),
    "money at Stripe is nobody's": (3, {"histories": {}, "read_models": {}}),
    "money is an order's and a stranger's": (
        3,
        {"unmatched": [{"payment_intent_id": f"pi_{ORDER_ID.hex}", "status": "open", "amount": 980}]},
    ),
    "another shop's money is an order's": (
        3,
        {"stripe": Ledger(objects={"payment_intent": [payment_intent(is_ours=False)], "refund": [refund()]})},
    ),
    "an order was paid with money that Stripe never took": (3, {"stripe": Ledger()}),
    "money went back that is not on record": (4, {"stripe": stripe(refund(), refund(id="re_2"))}),
    "more went back than is on record": (4, {"stripe": stripe(refund(amount=981))}),
    "a refund on record never was": (4, {"stripe": stripe()}),
    "money went back to a stranger nobody set aside": (
        4,
        {"stripe": stripe(refund(), refund(id="re_2", payment_intent="pi_stranger"))},
    ),
    "a photo was delivered and paid back": (
        4,
        {
            "histories": {
                ORDER_ID: history(
                    *(
                        FACTS.prepared(0, 1) if isinstance(one, e.DownloadPrepared) else one
                        for one in smooth()
                    )
                )
            }
        },
    ),
    "nobody was told of the result": (5, {"sendgrid": mails(mail(CONFIRMATION))}),
    "a provider was called without a claim": (6, {"leases": []}),
    "a provider was called before the claim": (
        6,
        {"leases": [claim(each, at=PAID_AT + timedelta(seconds=3)) for each in calls()]},
    ),
    "a lease was taken from its holder": (
        6,
        {
            "leases": [
                *map(claim, calls()),
                lease(before=("leased", MINE), after=("leased", THEIRS), until=PAID_AT + timedelta(hours=1)),
            ]
        },
    ),
    "a result was recorded by somebody else": (
        6,
        {
            "leases": [*map(claim, calls()), lease(before=("leased", THEIRS), after=("done", None))],
            "recorded": told_by(cause_key=moved_by(MINE)),
        },
    ),
    "a result was recorded by nobody": (6, {"recorded": told_by(cause_key=moved_by(MINE))}),
    "work was closed that nobody held": (
        6,
        {"leases": [*map(claim, calls()), lease(before=("done", None), after=("done", None))]},
    ),
    "an original is gone": (7, without("uploads/originals")),
    "an archive is gone": (8, without("downloads")),
    "an object has other bytes": (8, {"objects": dict.fromkeys(objects_of(history(*smooth())), "0" * 64)}),
    "an object has no name": (8, {"objects": {**objects_of(history(*smooth())), "uploads/originals/x": "0"}}),
    "an upload has no session": (
        8,
        {"objects": {**objects_of(history(*smooth())), "uploads/temp/nobody/x": "0"}},
    ),
    "a mail was accepted twice": (9, {"sendgrid": mails(mail(CONFIRMATION), mail(RESULT), mail(RESULT))}),
    "a mail was accepted that is not on record": (
        9,
        {"sendgrid": mails(mail(CONFIRMATION), mail(RESULT), mail(EmailKind.REFUND))},
    ),
    "a mail on record was never accepted": (9, {"sendgrid": mails(mail(RESULT))}),
    "a customer got another's pictures": (10, town(delivered=["0" * 64])),
    "a customer got another's link": (10, town(order_id=str(uuid4()))),
    "a mail leads to another's order": (
        10,
        {"sendgrid": mails(mail(CONFIRMATION), mail(RESULT, text="http://shop/api/download/anothers "))},
    ),
    "a token lies in the database": (10, {"words": frozenset({TOKEN})}),
    "a link opened another's photo": (10, {"town": forged(200, trespasses=True)}),
    "an order has not ended": (11, {"restless": ["Order 1 is ready."]}),
    "a prediction runs on": (
        11,
        {
            "replicate": Ledger(
                objects={"prediction": [prediction(), prediction(id="p2", status="processing")]}
            )
        },
    ),
    "a forgery was taken": (12, {"town": forged(200)}),
    "a mail says that money went back before it did": (
        13,
        {"sendgrid": mails(mail(CONFIRMATION, text="All that you paid has gone back."), mail(RESULT))},
    ),
    "a German mail announces money that was not asked for": (
        13,
        {
            "sendgrid": mails(
                mail(CONFIRMATION, text="Wir erstatten Ihnen alles.", html='<html lang="de">'), mail(RESULT)
            )
        },
    ),
    "a mail is in a language of no table": (
        13,
        {"sendgrid": mails(mail(CONFIRMATION, html='<html lang="nl">'), mail(RESULT))},
    ),
    "a forgery left its mark": (12, {"words": frozenset({f"evt_{FORGED}_000001"})}),
}


def breached(evidence: ExportArchive) -> set[int]:
    return {law.number for law in LAWS if list(law.breaches(evidence))}


def test_the_laws_are_those_of_the_house_by_number() -> None:
    assert [law.number for law in LAWS] == list(range(1, 14))


def test_no_law_is_broken_where_all_is_well() -> None:
    found = {law.number: list(law.breaches(dossier())) for law in LAWS}
    assert {number: breaches for number, breaches in found.items() if breaches} == {}


@pytest.mark.parametrize(("number", "changes"), BREACHES.values(), ids=BREACHES)
def test_a_breach_is_found_by_its_law(number: int, changes: Mapping[str, Any]) -> None:
    assert number in breached(dossier(**changes))


def test_a_mail_in_doubt_may_be_accepted_twice() -> None:
    events = [*smooth()[:-2], FACTS.unconfirmed(RESULT), *smooth()[-2:]]
    again = SendEmail(FACTS.email(RESULT), RESULT, 2)
    evidence = dossier(
        events,
        sendgrid=mails(mail(CONFIRMATION), mail(RESULT), mail(RESULT)),
        reactions=[work(each) for each in (*calls(), again)],
        leases=[claim(each) for each in (*calls(), again)],
    )
    assert breached(evidence) == set()


def test_a_photo_that_is_neither_delivered_nor_paid_back_leaves_its_order_open() -> None:
    open_end = [one for one in smooth() if not isinstance(one, e.RefundIssued)]
    assert breached(dossier(open_end, stripe=stripe())) == set()


def test_money_of_another_shop_on_the_account_belongs_nowhere() -> None:
    foreign = payment_intent(THEIRS, is_ours=False)  # type: ignore[arg-type]
    ledger = Ledger(objects={"payment_intent": [payment_intent(), foreign], "refund": [refund()]})
    assert breached(dossier(stripe=ledger)) == set()


def test_what_came_second_at_the_restorer_may_lie_in_the_storage() -> None:
    second = prediction(id="second")
    evidence = dossier(
        objects={**objects_of(history(*smooth())), f"uploads/restored/{ORDER_ID}/second": "0"},
        replicate=Ledger(objects={"prediction": [prediction(), second]}),
    )
    assert breached(evidence) == set()
