"""A worker's threads go on with what follows, within limits."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from threading import Event, Thread
from uuid import uuid4

import pytest
from dramatiq.brokers.stub import StubBroker

from domain.order.order import Order
from domain.order.reactions import MoveImages, PrepareDownload, Reaction, SendEmail
from domain.order.values import EmailId, EmailKind
from domain.ports.reaction_queue import Claim
from domain.ports.unit_of_work import LeaseLostError
from entrypoints.worker.actors import MOST_IN_A_ROW, Performer, declare_actors
from entrypoints.worker.lease_renewal import LeaseRenewal
from tests.entrypoints.worker.test_worker_parts import claim, order
from tests.waiting import eventually

SOON_SECONDS = 5
MAIL = SendEmail(EmailId(uuid4()), EmailKind.RESULT, 1)


class Chain:
    """A reaction runner whose reactions follow each other in this order."""

    def __init__(self, *reactions: Reaction, on_perform: Callable[[Reaction], None] = lambda _: None) -> None:
        self._reactions = reactions
        self._on_perform = on_perform
        self.performed: list[Reaction] = []

    def claim(self, _: object) -> tuple[Claim, Order]:
        """Claim the first."""
        return self._claimed(self._reactions[0], 1)

    def perform(
        self, held: Claim, _: Order, follows: Callable[[Reaction], bool]
    ) -> tuple[Claim, Order] | None:
        """Perform one; go on with the next, if that may follow."""
        self.performed.append(held.reaction)
        self._on_perform(held.reaction)
        following = self._reactions[held.attempts : held.attempts + 1]
        if following and follows(following[0]):
            return self._claimed(following[0], held.attempts + 1)
        return None

    def _claimed(self, reaction: Reaction, number: int) -> tuple[Claim, Order]:
        made = replace(claim(), reaction=reaction, attempts=number)
        return made, order(made)


def performer_of(chain: Chain, *, threads: int = 4, stopping: Event | None = None) -> Performer:
    """A performer whose queues are named by the reactions' kinds."""
    return Performer(
        chain,  # type: ignore[arg-type]
        LeaseRenewal(chain),  # type: ignore[arg-type]
        queue_of=lambda reaction: type(reaction).__name__,
        threads=threads,
        is_stopping=(stopping or Event()).is_set,
    )


def test_a_thread_performs_what_follows_from_its_reaction() -> None:
    chain = Chain(MoveImages(), PrepareDownload(), MAIL)
    performer_of(chain).perform(str(uuid4()))
    assert chain.performed == [MoveImages(), PrepareDownload(), MAIL]


def test_no_order_occupies_a_thread_for_ever() -> None:
    chain = Chain(*[MoveImages()] * (2 * MOST_IN_A_ROW))
    performer_of(chain).perform(str(uuid4()))
    assert len(chain.performed) == MOST_IN_A_ROW


def test_a_worker_that_stops_takes_on_nothing_more() -> None:
    stopping = Event()
    chain = Chain(MoveImages(), PrepareDownload(), on_perform=lambda _: stopping.set())
    performer_of(chain, stopping=stopping).perform(str(uuid4()))
    assert chain.performed == [MoveImages()]


def test_a_lost_lease_ends_the_row_and_occupies_nothing() -> None:
    def lose(reaction: Reaction) -> None:
        if reaction == PrepareDownload():
            raise LeaseLostError(uuid4())

    chain = Chain(MoveImages(), PrepareDownload(), MAIL, on_perform=lose)
    performer = performer_of(chain, threads=2)
    for _ in range(2):
        performer.perform(str(uuid4()))
    assert chain.performed == [MoveImages(), PrepareDownload()] * 2


@pytest.mark.parametrize(("threads", "lent"), [(1, 0), (2, 1), (4, 2), (5, 2)])
def test_another_queues_reactions_occupy_at_most_half_of_the_threads(threads: int, lent: int) -> None:
    """A mailer that hangs holds up no more of the storage's threads."""
    returns = Event()
    hanging: list[Reaction] = []

    def hang(reaction: Reaction) -> None:
        if reaction == MAIL:
            hanging.append(reaction)
            assert returns.wait(SOON_SECONDS)

    chain = Chain(MoveImages(), MAIL, on_perform=hang)
    performer = performer_of(chain, threads=threads)
    with ExitStack() as ends:
        ends.callback(returns.set)
        hands = [Thread(target=performer.perform, args=(str(uuid4()),)) for _ in range(threads)]
        for hand in hands:
            hand.start()
        eventually(lambda: sum(hand.is_alive() for hand in hands) == len(hanging) == lent, "the others' end")
        assert chain.performed.count(MoveImages()) == threads
    for hand in hands:
        hand.join(SOON_SECONDS)
    performer.perform(str(uuid4()))
    assert chain.performed.count(MAIL) == lent + (1 if lent else 0)


def test_an_actor_has_no_result_for_the_broker() -> None:
    broker = StubBroker()
    broker.declare_queue("email")
    given: list[str] = []

    def perform(reaction_id: str) -> list[str]:
        given.append(reaction_id)
        return given

    declare_actors(broker, perform)
    assert broker.get_actor("email").fn("a reaction") is None
    assert given == ["a reaction"]
