"""The command handler: conflicts are retried, writes are atomic, workers wake afterwards."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from domain.order import events as e
from domain.order.errors import IllegalMoveError
from domain.order.order import Order
from domain.order.reactions import MoveImages, reaction_id_of
from domain.order.values import HoldReason, NoteId, OrderId
from domain.ports.event_store import Commit
from domain.ports.notes import Note
from domain.ports.reaction_queue import Outcome
from domain.ports.unit_of_work import CauseRepeatedError, Transaction, VersionConflictError
from domain.signed_tokens import sha256_of
from domain.use_cases.order_command_handler import MAX_DECISIONS
from domain.use_cases.order_transaction import Cause, OrderTransaction, ReactionResult
from tests.doubles.container import InMemoryShop
from tests.doubles.event_store import InMemoryEventStore

HELD = e.OrderHeld(reason=HoldReason.REQUESTED)


def cause(key: str = "a test") -> Cause:
    return Cause(name="a test", key=key, actor="person:ada", correlation_id=uuid4())


def note_about(shop: InMemoryShop, order_id: OrderId) -> Note:
    return Note(
        note_id=NoteId(shop.ids.new()),
        order_id=order_id,
        actor="person:ada",
        text="Great-aunt Adele is in the wrong order.",
        written_at=shop.clock.now(),
    )


def notes_of(shop: InMemoryShop, order_id: OrderId) -> list[Note]:
    with shop.unit_of_work.transaction() as transaction:
        return transaction.notes.of(order_id)


def write(note: Note) -> Callable[[Transaction, Commit], None]:
    return lambda transaction, _: transaction.notes.write(note)


@pytest.fixture
def order_id(shop: InMemoryShop) -> OrderId:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.queue.waiting.clear()
    return order_id


def conflicts(monkeypatch: pytest.MonkeyPatch, count: int) -> list[Commit]:
    """Let so many appends conflict; return the attempted commits."""
    append, tried = InMemoryEventStore.append, []

    def conflicting(event_store: InMemoryEventStore, commit: Commit) -> None:
        tried.append(commit)
        if len(tried) <= count:
            raise VersionConflictError(commit.before.order_id, commit.before.version)
        append(event_store, commit)

    monkeypatch.setattr(InMemoryEventStore, "append", conflicting)
    return tried


def test_a_conflict_is_decided_again_until_the_last_decision(
    shop: InMemoryShop, order_id: OrderId, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, decisions = conflicts(monkeypatch, MAX_DECISIONS - 1), []

    def hold(_: object, order: Order) -> list[e.Event]:
        decisions.append(order.version)
        return [HELD]

    commit = shop.command_handler.handle(order_id, hold, cause())
    assert commit.after == shop.order(order_id)
    assert shop.order(order_id).is_held
    assert len(tried) == len(decisions) == MAX_DECISIONS


def test_a_conflict_of_every_decision_is_raised_and_nothing_is_recorded(
    shop: InMemoryShop, order_id: OrderId, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, note = shop.order(order_id), note_about(shop, order_id)
    tried = conflicts(monkeypatch, MAX_DECISIONS)
    with pytest.raises(VersionConflictError):
        shop.command_handler.handle(order_id, [HELD], cause(), also=write(note))
    assert len(tried) == MAX_DECISIONS
    assert (shop.order(order_id), notes_of(shop, order_id)) == (before, [])
    assert not shop.queue.waiting


def test_what_is_passed_in_commits_with_the_events(shop: InMemoryShop, order_id: OrderId) -> None:
    note = note_about(shop, order_id)
    shop.command_handler.handle(order_id, [HELD], cause(), also=write(note))
    assert shop.order(order_id).is_held
    assert notes_of(shop, order_id) == [note]


def test_what_is_passed_in_takes_the_events_back_when_it_fails(shop: InMemoryShop, order_id: OrderId) -> None:
    before = shop.order(order_id)

    def refuse(transaction: Transaction, _: Commit) -> None:
        transaction.notes.write(note_about(shop, order_id))
        raise RuntimeError("the note does not fit")

    with pytest.raises(RuntimeError):
        shop.command_handler.handle(order_id, [e.NoteAdded(note_id=NoteId(uuid4()))], cause(), also=refuse)
    assert (shop.order(order_id), notes_of(shop, order_id)) == (before, [])


def test_a_refused_request_takes_back_what_was_written_before_it(
    shop: InMemoryShop, order_id: OrderId
) -> None:
    before = shop.order(order_id)

    def purge(transaction: Transaction, _: Order) -> list[e.Event]:
        transaction.notes.write(note_about(shop, order_id))
        return [e.PhotosPurged()]

    with pytest.raises(IllegalMoveError):
        shop.command_handler.handle(order_id, purge, cause())
    assert (shop.order(order_id), notes_of(shop, order_id)) == (before, [])


def test_a_repeated_cause_only_closes_the_claim(shop: InMemoryShop, order_id: OrderId) -> None:
    shop.command_handler.handle(order_id, [HELD], cause())
    shop.command_handler.handle(order_id, [e.OrderReleased()], cause("another test"))
    claimed = shop.reaction_runner.claim(reaction_id_of(order_id, MoveImages()))
    assert claimed is not None
    lease = shop.policy.work.lease
    closing = ReactionResult(claim=claimed[0], retry_after=2 * lease)
    before, called = shop.order(order_id), []
    commit = shop.command_handler.handle(
        order_id, [HELD], cause(), closing=closing, also=lambda *given: called.append(given)
    )
    assert commit.events == ()
    assert commit.closes == claimed[0]
    assert commit.outcome is Outcome.AGAIN  # the photos are not moved yet
    assert shop.order(order_id) == before
    assert not called
    shop.clock.advance(seconds=lease.total_seconds() + 1)
    assert shop.reaction_runner.claim(claimed[0].reaction_id) is None, "the lease is still open"
    shop.clock.advance(seconds=lease.total_seconds())
    assert shop.reaction_runner.claim(claimed[0].reaction_id) is not None


def test_workers_are_woken_after_the_commit_and_for_it_alone(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid, seen = shop.payment(shop.upload(b"wedding")), []
    assert paid.checkout is not None
    order_id = paid.checkout.order_id
    assert order_id is not None
    send = shop.queue.send

    def watched(reactions: object) -> None:
        seen.append(shop.order(order_id).version)
        send(reactions)  # type: ignore[arg-type]

    monkeypatch.setattr(shop.queue, "send", watched)
    with pytest.raises(RuntimeError), shop.event_store_fails():
        shop.payment_webhook.handle(paid, sha256_of("a body"))
    assert not seen
    shop.payment_webhook.handle(paid, sha256_of("a body"))
    assert seen == [1]


def test_a_preview_decides_as_the_handler_does_and_writes_nothing(
    shop: InMemoryShop, order_id: OrderId
) -> None:
    before = shop.order(order_id)
    preview = shop.command_handler.preview(before, [HELD], cause())
    assert shop.order(order_id) == before
    commit = shop.command_handler.handle(order_id, [HELD], cause())
    assert [each.event for each in preview.events] == [each.event for each in commit.events]
    assert preview.after.hold is commit.after.hold


def test_orders_of_one_transaction_are_recorded_all_or_none(shop: InMemoryShop, order_id: OrderId) -> None:
    other = shop.pay(shop.upload(b"portrait"), email="bruno@customers.example")
    shop.command_handler.handle(other, [HELD], cause("used"))
    versions = [shop.order(each).version for each in (order_id, other)]

    def hold_both(transaction: OrderTransaction[Transaction]) -> None:
        for order in [transaction.load(each) for each in (order_id, other)]:
            note = e.NoteAdded(note_id=NoteId(uuid4()))
            transaction.record(order, [note], cause("used"))

    with pytest.raises(CauseRepeatedError):
        shop.command_handler.transact(hold_both)
    assert [shop.order(each).version for each in (order_id, other)] == versions
