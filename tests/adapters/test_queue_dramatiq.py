"""The queue wakes workers at once, and carries disposable ids only."""

import time
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any, Self
from uuid import UUID, uuid4

import dramatiq
import pytest

from adapters import queue_dramatiq
from adapters.queue_dramatiq import DramatiqQueue, list_key
from domain.order.reactions import CancelPrediction, MoveImages
from domain.ports.errors import NoAnswerError, UnavailableError
from domain.use_cases.reaction_handlers import Queue
from tests.silence import silent_listener

SOON_SECONDS = 5
REACTION = MoveImages()


@pytest.fixture
def queue(redis_url: str) -> Iterator[DramatiqQueue]:
    queue = DramatiqQueue(redis_url)
    queue.broker.client.flushall()
    yield queue
    queue.close()


class Hands:
    """A worker that records what it received, and when."""

    def __init__(self, queue: DramatiqQueue) -> None:
        self.handed: list[tuple[str, float]] = []
        self.came = Event()
        for name in queue.broker.get_declared_queues():
            dramatiq.actor(broker=queue.broker, queue_name=name, actor_name=name)(self.take)
        self.worker = dramatiq.Worker(queue.broker, worker_threads=2)

    def take(self, reaction_id: str) -> None:
        self.handed.append((reaction_id, time.monotonic()))
        self.came.set()

    def __enter__(self) -> Self:
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop()


def test_every_reaction_has_one_of_four_queues(queue: DramatiqQueue) -> None:
    assert queue.broker.get_declared_queues() == {"storage", "restoration", "payments", "email"}
    assert set(Queue) == queue.broker.get_declared_queues()


def test_an_idle_worker_is_woken_at_once(queue: DramatiqQueue) -> None:
    delays: list[float] = []
    with Hands(queue) as hands:
        for _ in range(7):
            hands.came.clear()
            sent_at = time.monotonic()
            queue.send([(uuid4(), REACTION)])
            assert hands.came.wait(SOON_SECONDS)
            delays.append(hands.handed[-1][1] - sent_at)
    # Dramatiq's own polling takes about 140 ms; half of that still distinguishes the two on a busy machine.
    assert sorted(delays)[len(delays) // 2] < 0.07


def test_what_was_sent_before_a_worker_came_is_not_lost(queue: DramatiqQueue) -> None:
    reaction_id = uuid4()
    queue.send([(reaction_id, CancelPrediction("prediction"))])
    with Hands(queue) as hands:
        assert hands.came.wait(SOON_SECONDS)
    assert [UUID(handed) for handed, _ in hands.handed] == [reaction_id]


def test_a_message_carries_the_id_and_nothing_else(queue: DramatiqQueue) -> None:
    reaction_id = uuid4()
    queue.send([(reaction_id, CancelPrediction("secret-prediction"))])
    assert queue.broker.client.lrange(list_key("restoration"), 0, -1) == [str(reaction_id)]


def test_what_a_stopping_worker_has_not_begun_returns_to_the_front(queue: DramatiqQueue) -> None:
    began, may_end = Event(), Event()

    def begin(_: str) -> None:
        began.set()
        assert may_end.wait(SOON_SECONDS)

    dramatiq.actor(broker=queue.broker, queue_name="storage", actor_name="storage")(begin)
    sent = [uuid4() for _ in range(5)]
    queue.send([(reaction_id, REACTION) for reaction_id in sent])
    worker = dramatiq.Worker(queue.broker, worker_threads=1)
    worker.start()
    assert began.wait(SOON_SECONDS)
    stopper = Thread(target=worker.stop)
    stopper.start()
    may_end.set()
    stopper.join(SOON_SECONDS)
    left = queue.broker.client.lrange(list_key("storage"), 0, -1)
    assert left == [str(reaction_id) for reaction_id in sent[-len(left) :]]
    assert len(left) >= 3


def test_a_worker_goes_on_after_redis_was_emptied(queue: DramatiqQueue) -> None:
    with Hands(queue) as hands:
        queue.broker.client.flushall()
        queue.send([(uuid4(), REACTION)])
        assert hands.came.wait(SOON_SECONDS)


def test_an_unavailable_redis_is_not_an_error_for_senders(tmp_path_factory: pytest.TempPathFactory) -> None:
    unavailable = DramatiqQueue(f"unix://{tmp_path_factory.mktemp('no_server')}/valkey.sock")
    unavailable.send([(uuid4(), REACTION)])
    with pytest.raises(UnavailableError, match="check REDIS_URL"):
        unavailable.check()
    unavailable.close()


@pytest.mark.parametrize(
    ("refusal", "undo", "says"),
    [
        (
            ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory-policy noeviction"),
            "CONFIG SET maxmemory 0",
            "OutOfMemory",
        ),
        (("REPLICAOF 127.0.0.1 9",), "REPLICAOF NO ONE", "ReadOnly"),
    ],
    ids=["out of memory", "a replica"],
)
def test_a_redis_that_refuses_writes_fails_its_check_only(
    queue: DramatiqQueue, refusal: tuple[str, ...], undo: str, says: str
) -> None:
    handed: list[tuple[str, UUID]] = []
    queue.when_unavailable(lambda *what: handed.append(what))
    redis: Any = queue.broker.client
    reactions = [uuid4(), uuid4()]
    for command in refusal:
        redis.execute_command(command)
    try:
        with pytest.raises(UnavailableError, match=f"it refuses writes: {says}.*look at its memory"):
            queue.check()
        queue.send([(reactions[0], REACTION), (reactions[1], CancelPrediction("prediction"))])
    finally:
        redis.execute_command(undo)
    assert handed == [("storage", reactions[0]), ("restoration", reactions[1])]
    queue.check()
    queue.send([(uuid4(), REACTION)])
    assert len(handed) == 2


def test_a_hanging_redis_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_dramatiq, "SOCKET_TIMEOUT_SECONDS", 0.3)
    handed: list[tuple[str, UUID]] = []
    with silent_listener() as port:
        queue = DramatiqQueue(f"redis://127.0.0.1:{port}/0")
        queue.when_unavailable(lambda *what: handed.append(what))
        with pytest.raises(NoAnswerError):
            queue.check()
        began = time.monotonic()
        for _ in range(20):
            queue.send([(uuid4(), REACTION)])
        assert time.monotonic() - began < 0.3
        assert len(handed) == 20
        queue.close()


def test_a_list_that_no_worker_empties_stays_bounded(
    queue: DramatiqQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_dramatiq, "LONGEST_LIST", 3)
    sent = [uuid4() for _ in range(5)]
    for reaction_id in sent:
        queue.send([(reaction_id, REACTION)])
    queue.send([(reaction_id, CancelPrediction("prediction-0-1")) for reaction_id in sent])
    for name in ("storage", "restoration"):
        assert queue.broker.client.lrange(list_key(name), 0, -1) == [str(each) for each in sent[-3:]]
