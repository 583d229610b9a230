"""Inject faults into port calls.

Every call of a port passes through here; other tasks may run before it continues.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from domain.ports.errors import AccountRefusedError, BusyError, LostReplyError, UnavailableError
from domain.ports.reaction_queue import Claim
from tests.doubles.fault_injection import FaultInjector
from tests.simulation.faults import Fault, Faults, Struck
from tests.simulation.scheduler import MINUTE, SECOND, Crashed, Process, Scheduler
from tests.simulation.trace import Trace

#: How long a call of each kind takes at least and at most, in microseconds.
LATENCY = {
    "transaction": (200, 2_000),
    "commit": (200, 3_000),
    "storage": (2_000, 60_000),
    "payments": (60_000, 600_000),
    "restorer": (60_000, 900_000),
    "mailer": (60_000, 400_000),
}
#: Scheduled tasks that may run in the middle of a call.
SCHEDULED = (
    "agenda",
    "agenda",
    "agenda",
    "housekeeping",
    "unmatched payments",
    "pending payments",
    "retention",
    "reminders",
    "reconciling",
)
#: How long a call lasts during which a request arrives: by its end the request is recorded or has met a
#: fault.
REQUEST_TAKES = 20 * SECOND
#: How long a caller waits before it times out.
TIMEOUT = 30 * SECOND
#: The clock error after a clock step.
STEP = timedelta(minutes=10)


@dataclass
class FaultHooks:
    """Gives calls their latency and their faults.

    ``crash`` ends a process; ``request`` makes staff or a bank send a request about an order, drawn by the
    place's name.
    """

    scheduler: Scheduler
    faults: Faults
    trace: Trace
    crash: Callable[[Process], None]
    request: Callable[[Claim, str], None]
    struck: dict[str, Struck] = field(default_factory=dict)  # the latest, by task name

    def enter(self, kind: str, about: str) -> Struck:
        """Begin a call: other tasks run first, and faults strike.

        Raises what the port may raise, or Crashed.
        """
        struck = self.faults.at(kind, about)
        self._take_time(kind, struck)
        if struck.faults:
            self._strike(kind, struck)
        self.struck[self.scheduler.current.name] = struck
        return struck

    def leave(self, kind: str, struck: Struck) -> None:
        """End a call whose work is done.

        Raises Crashed if the process dies now, or the port's error if the reply is lost.
        """
        if not struck.faults:
            return
        if Fault.CRASH_AFTER in struck:
            self._die(struck, Fault.CRASH_AFTER)
        if Fault.TIMEOUT_AFTER in struck:
            self.note(struck, Fault.TIMEOUT_AFTER)
            self.scheduler.sleep(TIMEOUT)
            raise lost(kind)

    def stop(self, struck: Struck, fault: Fault) -> None:
        """Stop the whole process here, for longer than its leases last."""
        process = self.scheduler.current.process
        self.note(struck, fault)
        minutes = self.faults.chance.between(f"stop {struck.name}", 0.6, 3)
        process.stopped_until = max(process.stopped_until, self.scheduler.now + int(minutes * MINUTE))
        self.scheduler.sleep(1)

    def break_off(self, struck: Struck, kind: str) -> UnavailableError:
        """Record a connection that breaks midway; return the error to raise."""
        self.note(struck, Fault.BROKEN)
        return lost(kind)

    def _take_time(self, kind: str, struck: Struck) -> None:
        least, most = LATENCY[kind]
        self.scheduler.sleep(int(least + (most - least) * struck.share**3))

    def _strike(self, kind: str, struck: Struck) -> None:
        process = self.scheduler.current.process
        if Fault.CLOCK_STEP in struck:
            self.note(struck, Fault.CLOCK_STEP)
            process.skew = self.faults.chance.one_of(f"step {struck.name}", (-STEP, timedelta(0), STEP))
        if Fault.SCHEDULED in struck:
            task = self.faults.chance.one_of(f"chore {struck.name}", SCHEDULED)
            if self.scheduler.notify(task):
                self.note(struck, Fault.SCHEDULED)
                self.scheduler.sleep(SECOND)
        claim = cast("Claim | None", self.scheduler.current.facts.get("claim"))
        if Fault.REQUEST in struck and claim is not None:
            self.note(struck, Fault.REQUEST)
            self.request(claim, struck.name)
            self.scheduler.sleep(REQUEST_TAKES)
        if Fault.STOP in struck:
            self.stop(struck, Fault.STOP)
        if Fault.DELAY in struck:
            self.note(struck, Fault.DELAY)
            self.scheduler.sleep(int(self.faults.chance.between(f"delay {struck.name}", 1, 60) * SECOND))
        if Fault.CRASH_BEFORE in struck:
            self._die(struck, Fault.CRASH_BEFORE)
        if Fault.ERROR in struck:
            self.note(struck, Fault.ERROR)
            raise self._error(kind, struck)
        if Fault.TIMEOUT_BEFORE in struck:
            self.note(struck, Fault.TIMEOUT_BEFORE)
            self.scheduler.sleep(TIMEOUT)
            raise lost(kind)

    def _error(self, kind: str, struck: Struck) -> UnavailableError:
        which = self.faults.chance.at(f"error {struck.name}")
        if kind == "restorer" and which < 0.3:
            return BusyError(kind, "it has enough to do")
        if kind in {"payments", "restorer", "mailer"} and which < 0.4:
            return AccountRefusedError(kind, "the key was refused")
        if which < 0.6:
            return UnavailableError(kind, "out for lunch", retry_after_seconds=20)
        return UnavailableError(kind, "out for lunch")

    def _die(self, struck: Struck, fault: Fault) -> None:
        process = self.scheduler.current.process
        self.note(struck, fault)
        self.crash(process)
        raise Crashed

    def note(self, struck: Struck, fault: Fault) -> None:
        """Record that a fault took effect."""
        self.faults.strike(struck.name, fault)
        self.trace.note(f"FAULT {fault}", struck.name)


def lost(kind: str) -> UnavailableError:
    """The port's error for a lost reply.

    The database and the storage report only that they are unavailable.
    """
    if kind in {"transaction", "commit", "storage"}:
        return UnavailableError(kind, "the connection broke")
    return LostReplyError(kind, "the reply was lost")


@dataclass
class SimulatedFaultInjector(FaultInjector):
    """The faults of one provider's double."""

    kind: str = ""
    trouble: FaultHooks | None = None
    on_call: Callable[[str, str], None] = lambda _method, _subject: None

    @contextmanager
    def over(self, method: str, subject: str) -> Iterator[None]:
        """Surround a call with its latency and its faults."""
        assert self.trouble is not None
        struck = self.trouble.enter(self.kind, f"{method} {subject}")
        self.on_call(method, subject)
        yield
        self.trouble.leave(self.kind, struck)
