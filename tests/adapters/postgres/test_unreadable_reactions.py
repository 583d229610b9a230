"""Reactions of other versions: old ones are upcast, unknown ones skipped."""

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs

from adapters.localization.attention_text import attention_text_of
from adapters.localization.finding_text import finding_text_of
from adapters.postgres.reaction_codec import reaction_of, version_of
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.reactions import (
    CancelPrediction,
    DeletePhotos,
    MoveImages,
    PrepareDownload,
    Reaction,
    RestoreImage,
    pending_reactions,
    reaction_id_of,
)
from domain.order.states import State
from domain.order.values import ImageId, OrderId
from domain.ports.reaction_queue import Outcome, ScheduledReaction
from domain.ports.unit_of_work import UnreadableReactionError
from domain.use_cases.reconciliation.findings import FindingCode
from domain.use_cases.support.attention_items import AttentionKind
from domain.use_cases.support.attention_list import AttentionList
from entrypoints.cli.commands.attention import commands_for
from tests.contracts.stored_streams import MINUTE, NOON, admit, claim, claimed, facts, schedule, scheduled
from tests.domain.support.reconciliation_runs import compare
from tests.doubles.container import POLICY, InMemoryShop


def rewrite(url: str, work: ScheduledReaction, change: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        changed = text(f"UPDATE reactions SET {change} WHERE reaction_id = :reaction_id")
        assert connection.execute(changed, {"reaction_id": work.reaction_id}).rowcount == 1
    engine.dispose()


@pytest.mark.parametrize(
    "change",
    ["kind = 'EngraveFrame'", "arguments_version = 99", """arguments = '{"prediction_id": 7}'"""],
)
def test_unreadable_reactions_stop_no_other(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, change: str
) -> None:
    strange, plain = scheduled(facts(), CancelPrediction("orphan")), scheduled(facts())
    schedule(unit_of_work, strange, plain)
    rewrite(own_database_url, strange, change)
    with capture_logs() as logs, unit_of_work.transaction() as transaction:
        taken = transaction.reactions.take_unsent(NOON, MINUTE, 10)
    assert taken == [(plain.reaction_id, MoveImages())]
    assert [(line["event"], line["reaction_id"]) for line in logs] == [
        ("reaction_unreadable", str(strange.reaction_id))
    ]
    assert claimed(unit_of_work, plain) is not None
    assert admit(unit_of_work) == []
    with pytest.raises(UnreadableReactionError, match="run the version that wrote it"):
        claim(unit_of_work, strange)


def test_an_unreadable_start_takes_no_slot_from_others(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    strange = scheduled(facts(), RestoreImage(ImageId(uuid4()), 1))
    plain = scheduled(facts(), RestoreImage(ImageId(uuid4()), 1), due_at=NOON + MINUTE)
    schedule(unit_of_work, strange, plain)
    rewrite(own_database_url, strange, "arguments_version = 99")
    assert admit(unit_of_work, NOON + MINUTE, max_running=1) == []
    assert admit(unit_of_work, NOON + MINUTE, max_running=1) == [(plain.reaction_id, plain.reaction)]


def test_a_start_with_unreadable_arguments_is_found_at_its_turn(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    strange = scheduled(facts(), RestoreImage(ImageId(uuid4()), 1))
    schedule(unit_of_work, strange)
    rewrite(own_database_url, strange, "arguments = '[7]'")
    assert admit(unit_of_work) == []
    with unit_of_work.transaction() as transaction:
        assert [work.reaction_id for work in transaction.reactions.unreadable()] == [strange.reaction_id]


def test_an_unreadable_exhausted_reaction_is_listed_like_others(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    strange, plain = (
        scheduled(facts(), DeletePhotos(for_good=True)),
        scheduled(facts(), CancelPrediction("a")),
    )
    schedule(unit_of_work, strange, plain)
    for work in (strange, plain):
        held = claimed(unit_of_work, work)
        with unit_of_work.transaction() as transaction:
            transaction.reactions.close(held, outcome=Outcome.FAILED)
    rewrite(own_database_url, strange, "arguments_version = 99")
    with unit_of_work.transaction() as transaction:
        exhausted = {work.order_id: work.kind for work in transaction.reactions.exhausted()}
    assert exhausted == {strange.order_id: DeletePhotos, plain.order_id: CancelPrediction}


def test_a_reaction_required_again_is_written_in_this_version(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    work = scheduled(facts(), CancelPrediction("orphan"))
    schedule(unit_of_work, work)
    rewrite(own_database_url, work, "arguments_version = 99, status = 'failed'")
    schedule(unit_of_work, work)
    assert claimed(unit_of_work, work).reaction == CancelPrediction("orphan")


def test_old_arguments_are_upcast_version_by_version() -> None:
    upcasters = {
        ("CancelPrediction", 1): lambda fields: {"prediction": fields["id"]},
        ("CancelPrediction", 2): lambda fields: {"prediction_id": fields["prediction"]},
    }
    assert version_of("CancelPrediction", upcasters) == 3
    assert version_of("MoveImages", upcasters) == 1
    found = reaction_of(uuid4(), "CancelPrediction", 1, {"id": "p"}, upcasters)
    assert found == CancelPrediction("p")


CHANGES = ["kind = 'EngraveFrame'", "arguments_version = 99", "arguments = '[7]'"]


def work_of(order_id: OrderId, reaction: Reaction) -> ScheduledReaction:
    return ScheduledReaction(
        reaction_id=reaction_id_of(order_id, reaction), order_id=order_id, reaction=reaction, due_at=NOON
    )


@pytest.mark.parametrize("change", CHANGES)
def test_a_required_unreadable_reaction_is_listed_and_rewritten(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, change: str
) -> None:
    shop = InMemoryShop(unit_of_work=unit_of_work)
    order_id = shop.pay(shop.upload(b"wedding"))
    reaction_id = reaction_id_of(order_id, MoveImages())
    rewrite(own_database_url, work_of(order_id, MoveImages()), change)
    (attention_item,) = AttentionList(unit_of_work=unit_of_work).items()
    assert (attention_item.kind, attention_item.subject, attention_item.order_id) == (
        AttentionKind.WORK_UNREADABLE,
        str(reaction_id),
        order_id,
    )
    assert attention_item.number == "20260314-000001"
    assert attention_item.work is not None
    assert (
        f"({attention_item.work.kind}, arguments of version {attention_item.work.version})"
        in attention_text_of(attention_item)
    )
    assert commands_for(attention_item) == ["restoreclick reconcile --fix"]
    (finding,) = compare(shop).findings
    assert (finding.what, finding.subject) == (FindingCode.WORK_UNREADABLE, str(reaction_id))
    (finding,) = compare(shop, repairs=True).findings
    assert finding.is_repaired
    assert AttentionList(unit_of_work=unit_of_work).items() == []
    assert shop.live(order_id).state is State.COMPLETED


def test_a_waiting_unreadable_start_is_rewritten(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    shop = InMemoryShop(
        replace(POLICY, predictions=replace(POLICY.predictions, max_running=1)), unit_of_work=unit_of_work
    )
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    waiting = next(
        reaction for reaction in pending_reactions(shop.order(order_id)) if isinstance(reaction, RestoreImage)
    )
    rewrite(own_database_url, work_of(order_id, waiting), "arguments_version = 99")
    shop.clock.advance(minutes=1)
    (finding,) = compare(shop, repairs=True).findings
    assert (finding.what, finding.is_repaired) == (FindingCode.WORK_UNREADABLE, True)
    assert shop.live(order_id).state is State.COMPLETED


def test_an_unreadable_reaction_of_an_old_order_is_found(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    shop = InMemoryShop(unit_of_work=unit_of_work)
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    stranger = replace(work_of(order_id, PrepareDownload(7)), due_at=shop.clock.now())
    schedule(unit_of_work, stranger)
    rewrite(own_database_url, stranger, "kind = 'EngraveFrame', arguments_version = 3")
    shop.clock.advance(days=60)
    (finding,) = compare(shop, repairs=True).findings
    assert (finding.what, finding.is_repaired) == (FindingCode.WORK_UNREADABLE, False)
    assert "run the version that wrote it" in finding_text_of(finding).advice
    assert (
        finding_text_of(finding).wrong
        == "This version of the shop cannot read EngraveFrame, arguments of version 3."
    )
    (attention_item,) = AttentionList(unit_of_work=unit_of_work).items()
    assert "run the version that wrote it" in attention_text_of(attention_item)
    assert commands_for(attention_item) == [f"restoreclick orders history {attention_item.number}"]


def test_a_reaction_leased_by_a_newer_version_is_left_alone(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    shop = InMemoryShop(unit_of_work=unit_of_work)
    order_id = shop.pay(shop.upload(b"wedding"))
    work = work_of(order_id, MoveImages())
    claimed(unit_of_work, work, shop.clock.now())
    rewrite(own_database_url, work, "arguments_version = 99")
    assert compare(shop, repairs=True).findings == ()
