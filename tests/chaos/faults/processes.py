"""Faults that kill processes, or stop them past their leases."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from tests.chaos.faults.strike import FaultContext, MissedError, Strike
from tests.chaos.shop_under_test import ShopUnderTest
from tests.waiting import eventually

#: How long to try to catch a worker that holds a lease, and the pause in which it may claim work.
_CATCH_SECONDS = 20.0
_FREE_SECONDS = 0.5

_LEASED = "SELECT lease_token FROM reactions WHERE status = 'leased'"
#: Leases that were not renewed, and expired before another worker claimed the work.
_TAKEN_OVER = """SELECT token_before FROM chaos.leases
    WHERE token_before = ANY(%s) AND status_before = 'leased' AND status = 'leased' AND leased_until_before <= at"""


def killed(*names: str) -> FaultContext:
    """SIGKILL all processes at once; afterwards restart each and await it."""

    @contextmanager
    def timeline(shop_under_test: ShopUnderTest) -> Iterator[Strike]:
        processes = [shop_under_test.process(name) for name in names]
        pids = [process.pid for process in processes]
        for process in processes:
            process.kill()
        if not all(process.poll() == -signal.SIGKILL for process in processes):
            raise MissedError(f"not all of {pids} were ended by it")
        yield Strike(proof=f"process {' and '.join(map(str, pids))} ended by SIGKILL")
        for process in processes:
            process.start_again()
        for name in names:
            shop_under_test.wait_until_ready(name)

    return timeline


def stopped(name: str) -> FaultContext:
    """SIGSTOP a process, and SIGCONT it afterwards: it exists, but hangs."""

    @contextmanager
    def timeline(shop_under_test: ShopUnderTest) -> Iterator[Strike]:
        with hanging(shop_under_test, name):
            yield Strike(proof=f"the kernel has stopped process {shop_under_test.process(name).pid}")
        shop_under_test.wait_until_ready(name)

    return timeline


@contextmanager
def hanging(shop_under_test: ShopUnderTest, *names: str) -> Iterator[None]:
    """SIGSTOP processes for the duration of the block."""
    try:
        for name in names:
            shop_under_test.send_signal(name, signal.SIGSTOP)
        for name in names:
            eventually(partial(shop_under_test.is_stopped, name), f"{name} stopped")
        yield
    finally:
        for name in names:
            shop_under_test.send_signal(name, signal.SIGCONT)


def stopped_past_its_lease(name: str) -> FaultContext:
    """SIGSTOP a worker that holds leases until others have claimed its work.

    Then it goes on, too late.
    """

    @contextmanager
    def timeline(shop_under_test: ShopUnderTest) -> Iterator[Strike]:
        until = time.monotonic() + _CATCH_SECONDS
        while time.monotonic() < until and not shop_under_test.ending.is_set():
            shop_under_test.send_signal(name, signal.SIGSTOP)
            try:
                eventually(lambda: shop_under_test.is_stopped(name), f"{name} stopped")
                taken = _taken_over(shop_under_test)
                if taken:
                    yield Strike(proof=f"{taken} of its leases ran out, and another worker took the work")
                    return
            finally:
                shop_under_test.send_signal(name, signal.SIGCONT)
            shop_under_test.ending.wait(_FREE_SECONDS)
        raise MissedError(f"{name} had nothing in hand whenever it was stopped in {_CATCH_SECONDS:g} s")

    return timeline


def _taken_over(shop_under_test: ShopUnderTest) -> int:
    """How many of the leases held now were lost to other workers."""
    held = [row["lease_token"] for row in shop_under_test.asked(_LEASED)]

    def taken() -> int:
        return len(shop_under_test.asked(_TAKEN_OVER, [held]))

    def is_decided() -> bool:
        still_held = any(row["lease_token"] in held for row in shop_under_test.asked(_LEASED))
        return bool(taken()) or not still_held

    with suppress(TimeoutError):
        eventually(is_decided, within_seconds=_CATCH_SECONDS, every_seconds=0.1)
    return taken()
