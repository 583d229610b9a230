"""The reaction queue on Dramatiq, with Redis or Valkey.

Redis is disposable: each queue is a list of reactions' ids, the reactions table is the source of truth, and the sweeper
resends what is lost. So nothing is acknowledged, and Dramatiq's own retries, time limits and results stay off.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import dramatiq
import redis
import structlog
from dramatiq.broker import MessageProxy
from dramatiq.errors import ConnectionClosed

from adapters.circuit_breaker import CircuitBreaker
from domain.order.reactions import Reaction
from domain.ports.errors import NoAnswerError, UnavailableError
from domain.use_cases.reaction_handlers import Queue, spec_of

PROVIDER = "Redis"

#: The key that the check writes, and its time to live.
CHECK_KEY = "restoreclick:check"
CHECK_KEY_SECONDS = 60

#: Longer than a blocking wait for a message, so that an idle queue is no time-out.
SOCKET_TIMEOUT_SECONDS = 5
#: Seconds a consumer blocks for a message before it looks whether the worker is stopping.
MESSAGE_WAIT_SECONDS = 1
#: Seconds between checks for a free thread while as many messages wait in the worker as may.
FULL_PREFETCH_WAIT_SECONDS = 0.01

#: Ids that a list holds at most, some 10 MB: without a worker process, no one takes them out.
LONGEST_LIST = 100_000

_log = structlog.get_logger(__name__)


class _Consumer(dramatiq.Consumer):
    """A consumer that blocks until a message comes.

    A message that is lost with its worker is sent again by the sweeper, sooner than a heartbeat would miss the worker.
    """

    def __init__(self, client: redis.Redis, queue_name: str, prefetch: int) -> None:
        self._client = client
        self._queue_name = queue_name
        self._prefetch = prefetch
        self._unfinished: set[str] = set()

    def __next__(self) -> MessageProxy | None:
        if len(self._unfinished) >= self._prefetch:
            time.sleep(FULL_PREFETCH_WAIT_SECONDS)
            return None
        try:
            popped = self._client.blpop([list_key(self._queue_name)], timeout=MESSAGE_WAIT_SECONDS)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None
        if popped is None:
            return None
        message: dramatiq.Message[Any] = dramatiq.Message(
            queue_name=self._queue_name,
            actor_name=self._queue_name,
            args=(str(popped[1]),),
            kwargs={},
            options={},
        )
        self._unfinished.add(message.message_id)
        return MessageProxy(message)

    def ack(self, message: MessageProxy) -> None:
        self._unfinished.discard(message.message_id)

    def nack(self, message: MessageProxy) -> None:
        self._unfinished.discard(message.message_id)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Put messages back that no thread took before the worker stopped."""
        reaction_ids = [message.args[0] for message in messages]
        if reaction_ids:
            self._client.lpush(list_key(self._queue_name), *reversed(reaction_ids))


class ListBroker(dramatiq.Broker):
    """A broker whose queues are lists of reactions' ids in Redis."""

    def __init__(self, redis_url: str, queue_names: Iterable[str]) -> None:
        super().__init__(middleware=[])
        pool = redis.ConnectionPool.from_url(
            redis_url,
            decode_responses=True,
            socket_timeout=SOCKET_TIMEOUT_SECONDS,
            socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        )
        self.client = redis.Redis(connection_pool=pool)
        for queue_name in queue_names:
            self.declare_queue(queue_name)

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue; a declared one stays."""
        self.queues[queue_name] = None

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1) -> _Consumer:  # noqa: ARG002
        """Return a consumer that blocks, whatever the ``timeout``."""
        return _Consumer(self.client, queue_name, prefetch)

    def enqueue_all(self, messages: Iterable[tuple[str, UUID]]) -> None:
        """Enqueue a reaction's id for each queue, in one round trip.

        The oldest ids of an overlong list are dropped: the sweeper resends them.
        """
        queues: dict[str, list[str]] = {}
        for queue_name, reaction_id in messages:
            queues.setdefault(queue_name, []).append(str(reaction_id))
        with self.client.pipeline(transaction=False) as pipeline:
            for queue_name, reaction_ids in queues.items():
                pipeline.rpush(list_key(queue_name), *reaction_ids)
                pipeline.ltrim(list_key(queue_name), -LONGEST_LIST, -1)
            pipeline.execute()


class DramatiqQueue:
    """Enqueue the ids of reactions that are due."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self.broker = ListBroker(redis_url, [queue.value for queue in Queue])
        self._brokers = [self.broker]
        self._breaker = CircuitBreaker(PROVIDER)
        self._fallback: Callable[[str, UUID], None] = lambda _queue_name, _reaction_id: None

    def when_unavailable(self, fallback: Callable[[str, UUID], None]) -> None:
        """Set the fallback for reactions that Redis does not accept.

        It receives the queue's name and the reaction's id.
        """
        self._fallback = fallback

    def send(self, reactions: Iterable[tuple[UUID, Reaction]]) -> None:
        """Enqueue reactions; an outage is logged, as the sweeper resends them."""
        messages = [(self.queue_of(reaction), reaction_id) for reaction_id, reaction in reactions]
        if not messages:
            return
        try:
            with self._calling():
                self.broker.enqueue_all(messages)
        except UnavailableError as error:
            _log.warning("queue_unavailable", problem=error.detail)
            for queue_name, reaction_id in messages:
                self._fallback(queue_name, reaction_id)

    @staticmethod
    def queue_of(reaction: Reaction) -> str:
        """Return the name of the reaction's queue."""
        return spec_of(reaction).queue.value

    def check(self) -> None:
        """Raise UnavailableError unless Redis accepts writes."""
        with self._calling():
            self.broker.client.set(CHECK_KEY, "", ex=CHECK_KEY_SECONDS)

    @contextmanager
    def _calling(self) -> Iterator[None]:
        """Translate Redis's errors; fail fast while the breaker is open."""
        with self._breaker.guard():
            try:
                yield
            except redis.TimeoutError as error:
                raise NoAnswerError(PROVIDER, "no answer; check REDIS_URL, and whether it hangs") from error
            except redis.ResponseError as error:
                refusal = type(error).__name__ if type(error) is not redis.ResponseError else str(error)[:200]
                raise UnavailableError(
                    PROVIDER, f"it refuses writes: {refusal}; look at its memory, its disk and its role"
                ) from error
            except redis.RedisError as error:
                raise UnavailableError(PROVIDER, "no answer; check REDIS_URL") from error

    def broker_of(self, queue_name: str) -> ListBroker:
        """Return a broker that consumes this queue only."""
        broker = ListBroker(self._redis_url, [queue_name])
        self._brokers.append(broker)
        return broker

    def close(self) -> None:
        """Close the connections."""
        for broker in self._brokers:
            broker.close()
            broker.client.close()
            broker.client.connection_pool.disconnect()


def list_key(queue_name: str) -> str:
    """Return the key of a queue's list."""
    return f"restoreclick:{queue_name}:due"
