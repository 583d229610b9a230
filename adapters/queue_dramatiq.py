"""Wakes workers through Dramatiq on Redis or Valkey.

Redis is disposable here: a message carries the id of a reaction and nothing else, the reactions table is the only
truth, and the sweeper sends again what gets lost. So Dramatiq's own retries, time limits and results stay off.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed

from adapters.circuit_breaker import CircuitBreaker
from domain.order.reactions import Reaction
from domain.ports.errors import NoAnswerError, UnavailableError
from domain.use_cases.reaction_handlers import Queue, spec_of

PROVIDER = "Redis"

#: What the check writes, and how soon it is gone again.
CHECK_KEY = "restoreclick:check"
CHECK_KEY_SECONDS = 60

#: Longer than a blocking wait for a wake-up takes, so that a quiet queue is no time-out.
SOCKET_TIMEOUT_SECONDS = 5
#: How long a consumer waits for a wake-up before it looks by itself; also the rhythm of its heartbeat.
WAKE_UP_WAIT_SECONDS = 1
#: How long a consumer whose hands are full waits before it looks whether they are free again.
FULL_HANDS_WAIT_SECONDS = 0.01
#: A worker that was silent for this long is dead, and what it had fetched goes to the others.
HEARTBEAT_TIMEOUT_MS = 15_000
#: How many calls in a million look for dead workers: at a few calls a second, every few seconds.
MAINTENANCE_CHANCE = 50_000
#: Wake-ups nobody waited for; more of them would only be looked at in vain.
MAX_WAKE_UPS = 16

_log = structlog.get_logger(__name__)


class _WakingConsumer(_RedisConsumer):
    """A consumer that blocks until it is woken, where Dramatiq's own polls with growing pauses.

    A chain of a dozen reactions feels each pause twelve times: this brings the idle hop from some hundred
    milliseconds to a few, at no cost while nothing happens.
    """

    def __next__(self) -> Any:
        message = super().__next__()
        if message is None:
            self._wait()
        return message

    def _wait(self) -> None:
        if self.outstanding_message_count >= self.prefetch:
            time.sleep(FULL_HANDS_WAIT_SECONDS)
            return
        try:
            self.broker.client.blpop([_wake_key(self.queue_name)], timeout=WAKE_UP_WAIT_SECONDS)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None


class WakingBroker(RedisBroker):
    """Dramatiq's Redis broker with consumers that are woken."""

    consumer_class: ClassVar[type] = _WakingConsumer

    def __init__(self, redis_url: str, queue_names: Iterable[str]) -> None:
        pool = redis.ConnectionPool.from_url(
            redis_url, socket_timeout=SOCKET_TIMEOUT_SECONDS, socket_connect_timeout=SOCKET_TIMEOUT_SECONDS
        )
        super().__init__(
            client=redis.Redis(connection_pool=pool),
            middleware=[],
            namespace="restoreclick",
            heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
            maintenance_chance=MAINTENANCE_CHANCE,
        )
        for queue_name in queue_names:
            self.declare_queue(queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1) -> _WakingConsumer:  # noqa: ARG002
        """A consumer that never polls: its idle time-out is a millisecond, then it waits to be woken."""
        return _WakingConsumer(self, queue_name, prefetch, 1)

    def wake(self, queue_name: str) -> None:
        """Have one waiting consumer of a queue look now."""
        key = _wake_key(queue_name)
        with self.client.pipeline(transaction=False) as pipeline:
            pipeline.lpush(key, "")
            pipeline.ltrim(key, 0, MAX_WAKE_UPS - 1)
            pipeline.execute()


class DramatiqQueue:
    """Sends the ids of reactions that are due."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self.broker = WakingBroker(redis_url, [queue.value for queue in Queue])
        self._brokers = [self.broker]
        self._breaker = CircuitBreaker(PROVIDER)
        self._hand_over: Callable[[str, UUID], None] = lambda _queue_name, _reaction_id: None

    def when_away(self, hand_over: Callable[[str, UUID], None]) -> None:
        """Have reactions that Redis does not take handed to a function, with the names of their queues."""
        self._hand_over = hand_over

    def send(self, reactions: Iterable[tuple[UUID, Reaction]]) -> None:
        """Tell workers; when Redis is away the sweeper does it later, so that is logged and no error."""
        left = [(self.queue_of(reaction), reaction_id) for reaction_id, reaction in reactions]
        try:
            while left:
                with self._calling():
                    self._enqueue(*left[0])
                del left[0]
        except UnavailableError as error:
            _log.warning("queue_away", problem=error.detail)
            for queue_name, reaction_id in left:
                self._hand_over(queue_name, reaction_id)

    @staticmethod
    def queue_of(reaction: Reaction) -> str:
        """The name of the queue whose workers do this work."""
        return spec_of(reaction).queue.value

    def check(self) -> None:
        """Raise UnavailableError unless Redis takes what is written."""
        with self._calling():
            self.broker.client.set(CHECK_KEY, "", ex=CHECK_KEY_SECONDS)

    def _enqueue(self, queue_name: str, reaction_id: UUID) -> None:
        self.broker.enqueue(
            dramatiq.Message(
                queue_name=queue_name,
                actor_name=queue_name,
                args=(str(reaction_id),),
                kwargs={},
                options={},
            )
        )
        self.broker.wake(queue_name)

    @contextmanager
    def _calling(self) -> Iterator[None]:
        """Tell Redis's errors in the shop's words, and fail at once while it does not answer."""
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

    def broker_of(self, queue_name: str) -> WakingBroker:
        """A broker that knows this queue only, for a worker whose hands are for nothing else."""
        broker = WakingBroker(self._redis_url, [queue_name])
        self._brokers.append(broker)
        return broker

    def close(self) -> None:
        """Give the connections back."""
        for broker in self._brokers:
            broker.close()
            broker.client.close()
            broker.client.connection_pool.disconnect()


def _wake_key(queue_name: str) -> str:
    return f"restoreclick:{queue_name}:wake-ups"
