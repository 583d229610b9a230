"""The reaction queue on Dramatiq, with Redis or Valkey.

Redis is disposable: a message carries a reaction's id only, the reactions table is the source of truth, and the
sweeper resends what is lost. So Dramatiq's own retries, time limits and results stay off.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID, uuid4

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

#: The key that the check writes, and its time to live.
CHECK_KEY = "restoreclick:check"
CHECK_KEY_SECONDS = 60

#: Longer than a blocking wait for a wake-up, so that an idle queue is no time-out.
SOCKET_TIMEOUT_SECONDS = 5
#: Seconds a consumer blocks for a wake-up before it polls; also its heartbeat interval.
WAKE_UP_WAIT_SECONDS = 1
#: Seconds between checks for a free thread while a consumer's prefetch is full.
FULL_PREFETCH_WAIT_SECONDS = 0.01
#: A worker without a heartbeat for this long is dead, and its messages are requeued.
HEARTBEAT_TIMEOUT_MS = 15_000
#: How many calls in a million requeue dead workers' messages: at a few calls a second, one every few seconds.
MAINTENANCE_CHANCE = 50_000
#: Wake-ups kept for consumers that do not wait yet; more would only cause empty polls.
MAX_WAKE_UPS = 16

#: Enqueues messages as Dramatiq's own script does, each with a wake-up: all of a commit in one round trip.
_ENQUEUE_ALL = """
for i = 2, #ARGV, 3 do
    local queue, wake_ups = ARGV[i], ARGV[i] .. ":wake-ups"
    redis.call("hset", queue .. ".msgs", ARGV[i + 1], ARGV[i + 2])
    redis.call("rpush", queue, ARGV[i + 1])
    redis.call("lpush", wake_ups, "")
    redis.call("ltrim", wake_ups, 0, ARGV[1] - 1)
end
"""

_log = structlog.get_logger(__name__)


class _WakingConsumer(_RedisConsumer):
    """A consumer that blocks until woken, instead of polling with backoff.

    A chain of a dozen reactions pays each delay twelve times: this cuts an idle hop from some hundred milliseconds to
    a few, at no cost while idle.
    """

    def __next__(self) -> Any:
        message = super().__next__()
        if message is None:
            self._wait()
        return message

    def _wait(self) -> None:
        if self.outstanding_message_count >= self.prefetch:
            time.sleep(FULL_PREFETCH_WAIT_SECONDS)
            return
        try:
            self.broker.client.blpop([_wake_key(self.queue_name)], timeout=WAKE_UP_WAIT_SECONDS)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None


class WakingBroker(RedisBroker):
    """Dramatiq's Redis broker with consumers that block until woken."""

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
        self._enqueue_all = self.client.register_script(_ENQUEUE_ALL)
        for queue_name in queue_names:
            self.declare_queue(queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1) -> _WakingConsumer:  # noqa: ARG002
        """Return a consumer that blocks; its own polling interval is a millisecond."""
        return _WakingConsumer(self, queue_name, prefetch, 1)

    def enqueue_all(self, messages: Iterable[tuple[str, UUID]]) -> None:
        """Enqueue a reaction's id for each queue, and wake as many consumers."""
        arguments: list[str | bytes | int] = [MAX_WAKE_UPS]
        for queue_name, reaction_id in messages:
            message_id = str(uuid4())
            message: dramatiq.Message[Any] = dramatiq.Message(
                queue_name=queue_name,
                actor_name=queue_name,
                args=(str(reaction_id),),
                kwargs={},
                options={"redis_message_id": message_id},
                message_id=message_id,
            )
            arguments += [f"{self.namespace}:{queue_name}", message_id, message.encode()]
        self._enqueue_all(args=arguments)


class DramatiqQueue:
    """Enqueue the ids of reactions that are due."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self.broker = WakingBroker(redis_url, [queue.value for queue in Queue])
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

    def broker_of(self, queue_name: str) -> WakingBroker:
        """Return a broker that consumes this queue only."""
        broker = WakingBroker(self._redis_url, [queue_name])
        self._brokers.append(broker)
        return broker

    def close(self) -> None:
        """Close the connections."""
        for broker in self._brokers:
            broker.close()
            broker.client.close()
            broker.client.connection_pool.disconnect()


def _wake_key(queue_name: str) -> str:
    return f"restoreclick:{queue_name}:wake-ups"
