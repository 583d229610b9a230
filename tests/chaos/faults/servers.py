"""Faults of the database, the queue and the storage."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from adapters.queue_dramatiq import list_key
from domain.use_cases.reaction_handlers import Queue
from tests.chaos.faults.processes import hanging
from tests.chaos.faults.strike import MissedError, Strike
from tests.chaos.shop_under_test import ShopUnderTest
from tests.waiting import eventually

_NAME = "PostgreSQL"
_BEGAN = "SELECT pg_postmaster_start_time() AS began"
_CUT = """SELECT pid, pg_terminate_backend(pid) AS is_cut FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_THERE = "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s) AND backend_start < %s"

_MESSAGES = [list_key(queue.value) for queue in Queue]
_FULL_SECONDS = 20.0


@contextmanager
def database_shut_down_at_once(shop_under_test: ShopUnderTest) -> Iterator[Strike]:
    """PostgreSQL's immediate shutdown: sessions are cut, and its restart has to recover."""
    process = shop_under_test.process(_NAME)
    pid, (before,) = process.pid, shop_under_test.ask(_BEGAN)
    process.stop(30, by=signal.SIGQUIT)
    strike = Strike()
    yield strike
    process.start_again()
    shop_under_test.wait_until_ready(_NAME)
    (after,) = shop_under_test.ask(_BEGAN)
    if after["began"] <= before["began"] or "not properly shut down" not in process.output():
        raise MissedError("the server that answers now did not have to recover")
    strike.proof = f"process {pid} is gone, and its successor recovered from what it left"


@contextmanager
def connections_cut(shop_under_test: ShopUnderTest) -> Iterator[Strike]:
    """End every connection to the database from the server's side."""
    cut = [row["pid"] for row in shop_under_test.ask(_CUT) if row["is_cut"]]
    if not cut:
        raise MissedError("no client was connected to the database")
    (now,) = shop_under_test.ask("SELECT now() AS now")
    eventually(lambda: not shop_under_test.ask(_THERE, [cut, now["now"]]), "the end of the connections")
    yield Strike(proof=f"{len(cut)} connections were cut")


@contextmanager
def queue_emptied(shop_under_test: ShopUnderTest) -> Iterator[Strike]:
    """FLUSHALL, at a moment when there are messages to lose.

    Idle workers take a message at once, so both hang until there is one.
    """
    with hanging(shop_under_test, "The worker", "Worker 2"), shop_under_test.valkey() as valkey:

        def lost() -> int:
            with valkey.pipeline(transaction=True) as pipeline:
                for messages in _MESSAGES:
                    pipeline.llen(messages)
                pipeline.flushall()
                *counts, _ = pipeline.execute()
            return sum(counts)

        try:
            count = eventually(lost, "A message to lose", within_seconds=_FULL_SECONDS, every_seconds=0.02)
        except (TimeoutError, redis.RedisError) as error:
            raise MissedError(f"there was no message to lose: {error}") from error
    yield Strike(proof=f"{count} messages were lost with it")
