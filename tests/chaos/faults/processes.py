"""Processes are killed, and stopped for so long that their leases run out."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.chaos.faults.strike import Deed, MissedError, Strike
from tests.chaos.shop_under_test import Stage
from tests.waiting import eventually

#: Within it a worker is caught that has work in hand; between two tries it may take some.
_CATCH_SECONDS = 20.0
_FREE_SECONDS = 0.5

_LEASED = "SELECT lease_token FROM reactions WHERE status = 'leased'"
#: Leases that were not prolonged any more, and ran out before somebody else took the work.
_TAKEN_OVER = """SELECT token_before FROM chaos.leases
    WHERE token_before = ANY(%s) AND status_before = 'leased' AND status = 'leased' AND leased_until_before <= at"""


def killed(*names: str) -> Deed:
    """SIGKILL to all of them at once; each is started again afterwards, and waited for."""

    @contextmanager
    def timeline(stage: Stage) -> Iterator[Strike]:
        processes = [stage.process(name) for name in names]
        pids = [process.pid for process in processes]
        for process in processes:
            process.kill()
        if not all(process.poll() == -signal.SIGKILL for process in processes):
            raise MissedError(f"not all of {pids} were ended by it")
        yield Strike(proof=f"process {' and '.join(map(str, pids))} ended by SIGKILL")
        for process in processes:
            process.start_again()
        for name in names:
            stage.wait_until_ready(name)

    return timeline


def stopped(name: str) -> Deed:
    """SIGSTOP, and SIGCONT afterwards: it is there, and does nothing."""

    @contextmanager
    def timeline(stage: Stage) -> Iterator[Strike]:
        stage.send_signal(name, signal.SIGSTOP)
        try:
            eventually(lambda: stage.is_stopped(name), f"{name} stopped")
            yield Strike(proof=f"the kernel has stopped process {stage.process(name).pid}")
        finally:
            stage.send_signal(name, signal.SIGCONT)
        stage.wait_until_ready(name)

    return timeline


def stopped_past_its_lease(name: str) -> Deed:
    """SIGSTOP to a worker with work in hand, until others have taken that over; then it goes on, too late."""

    @contextmanager
    def timeline(stage: Stage) -> Iterator[Strike]:
        until = time.monotonic() + _CATCH_SECONDS
        while time.monotonic() < until and not stage.ending.is_set():
            stage.send_signal(name, signal.SIGSTOP)
            try:
                eventually(lambda: stage.is_stopped(name), f"{name} stopped")
                taken = _taken_over(stage)
                if taken:
                    yield Strike(proof=f"{taken} of its leases ran out, and another worker took the work")
                    return
            finally:
                stage.send_signal(name, signal.SIGCONT)
            stage.ending.wait(_FREE_SECONDS)
        raise MissedError(f"{name} had nothing in hand whenever it was stopped in {_CATCH_SECONDS:g} s")

    return timeline


def _taken_over(stage: Stage) -> int:
    """How many of the leases that are held now were lost to others in the end."""
    held = [row["lease_token"] for row in stage.asked(_LEASED)]

    def taken() -> int:
        return len(stage.asked(_TAKEN_OVER, [held]))

    def is_decided() -> bool:
        still_held = any(row["lease_token"] in held for row in stage.asked(_LEASED))
        return bool(taken()) or not still_held

    with suppress(TimeoutError):
        eventually(is_decided, within_seconds=_CATCH_SECONDS, every_seconds=0.1)
    return taken()
