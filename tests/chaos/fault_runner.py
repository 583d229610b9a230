"""Run the scheduled faults, one thread per track, and measure each recovery."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread

import httpx2
import psycopg
import redis

from sandbox.processes import ProcessError
from tests.chaos.faults import FAULTS, Fault, MissedError
from tests.chaos.schedule import PlannedFault
from tests.chaos.shop_under_test import ShopUnderTest
from tests.waiting import eventually

#: How long orders may make no progress after a fault.
_RECOVERY_SECONDS = 60.0
_MOVED = "SELECT min(recorded_at) AS at FROM events WHERE recorded_at > %s"

#: Errors that keep a fault from striking or ending and are no defect of the run.
_TROUBLES = (
    MissedError,
    TimeoutError,
    ProcessError,
    OSError,
    httpx2.HTTPError,
    psycopg.Error,
    redis.RedisError,
)


@dataclass
class Incident:
    """A fault as it happened.

    Times are seconds since the run began; none means that it did not happen.
    """

    planned: PlannedFault
    fault: Fault
    began: float | None = None
    ended: float | None = None  # when it was over, and what it had taken away began to return
    proof: str = ""
    missed: str = "it never began"  # why it cannot be shown to have struck, or was given up
    ready_seconds: float | None = None  # from its end until what it struck was ready again
    moved_seconds: float | None = None  # from its end until the next order moved on

    @property
    def recovery_seconds(self) -> float:
        """The seconds from its end until everything was working again."""
        return max(self.ready_seconds or 0.0, self.moved_seconds or 0.0)


class FaultRunner:
    """Runs the tracks of a schedule."""

    def __init__(
        self,
        shop_under_test: ShopUnderTest,
        tracks: Sequence[Sequence[PlannedFault]],
        report: Callable[[Incident], None],
    ) -> None:
        self._shop_under_test = shop_under_test
        self._report = report
        self._tracks = [[Incident(planned, FAULTS[planned.fault]) for planned in track] for track in tracks]
        self._threads = [Thread(target=self._follow, args=(track,), daemon=True) for track in self._tracks]
        self._began = 0.0

    @property
    def incidents(self) -> list[Incident]:
        """All scheduled faults, in the order in which they are due."""
        return sorted(
            (one for track in self._tracks for one in track), key=lambda one: one.planned.at_seconds
        )

    def start(self) -> None:
        """Begin; the schedule's time runs from now on."""
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Wait until all faults that began are over."""
        for thread in self._threads:
            thread.join()

    def _follow(self, track: list[Incident]) -> None:
        for incident in track:
            # This wait is a duration, not a fact to poll for: the time at which it is due was drawn.
            self._shop_under_test.ending.wait(max(0.0, incident.planned.at_seconds - self._now()))
            if self._shop_under_test.ending.is_set():
                return
            self._carry_out(incident)
            self._report(incident)

    def _carry_out(self, incident: Incident) -> None:
        fault = incident.fault
        incident.began, incident.missed = self._now(), "it did not come to its end"
        try:
            with fault.do(self._shop_under_test) as strike:
                self._shop_under_test.ending.wait(fault.lasts_seconds)
                incident.ended, ended_at = self._now(), datetime.now(UTC)
            incident.proof = strike.proof
            incident.ready_seconds = self._now() - incident.ended
            incident.moved_seconds = self._moved(ended_at)
            incident.missed = "" if incident.proof else "nothing shows that it struck"
        except _TROUBLES as trouble:
            incident.missed = str(trouble)
        except Exception as defect:  # noqa: BLE001 -- any error fails the run, and the other faults go on
            incident.missed = f"it broke off: {defect!r}"

    def _moved(self, ended_at: datetime) -> float:
        def moved() -> datetime | None:
            rows = self._shop_under_test.asked(_MOVED, [ended_at])
            return rows[0]["at"] if rows else None

        at = eventually(moved, "The next event", within_seconds=_RECOVERY_SECONDS, every_seconds=0.1)
        return (at - ended_at).total_seconds()

    def _now(self) -> float:
        return time.monotonic() - self._began
