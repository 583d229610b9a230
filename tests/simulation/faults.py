"""Draw faults: which, where and how often.

Each is drawn by the name of its place, so that any can be left out without changing the others.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from struct import Struct

from tests.simulation.keyed_random import KeyedRandom

#: The probabilities of a fault at each of its places, one drawn for each seed; often zero.
RATES = (0.0, 0.0, 0.02, 0.1, 0.3)
#: The same for requests, which occur only during calls that are made for an order.
REQUEST_RATES = (0.0, 0.1, 0.3, 0.5)


class Fault(StrEnum):
    """Every kind of fault."""

    ERROR = "error"  # nothing was done, and the error says so
    TIMEOUT_BEFORE = "time-out before the work"  # nothing was done, and the caller does not know
    TIMEOUT_AFTER = "time-out after the work"  # it was done, and the caller does not know
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    STOP = "stopped past its lease"  # the whole process, which then resumes
    STOP_INSIDE = "stopped inside a transaction"  # with all the rows it has locked
    BROKEN = "connection broken"  # within a transaction, or in the middle of an object
    DELAY = "delay"
    SCHEDULED = "chores at that moment"  # sweeper and housekeeping
    REQUEST = "a request at that moment"  # about the order in progress, between claim and record
    LOST = "lost"
    DUPLICATE = "duplicate"
    REORDER = "reordered"  # later messages overtake it
    QUEUE_EMPTIED = "queue emptied"
    CLOCK_STEP = "clock step of ten minutes"
    OLD_CODE = "old code beside new"


_CALL = (
    Fault.ERROR,
    Fault.TIMEOUT_BEFORE,
    Fault.TIMEOUT_AFTER,
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
    Fault.STOP,
    Fault.DELAY,
    Fault.SCHEDULED,
    Fault.REQUEST,
)
_MESSAGE = (Fault.LOST, Fault.DUPLICATE, Fault.DELAY, Fault.REORDER)

#: What may go wrong at each kind of place.
AT: dict[str, tuple[Fault, ...]] = {
    "storage": (*_CALL, Fault.BROKEN),
    "payments": _CALL,
    "restorer": (*_CALL, Fault.DUPLICATE),
    "mailer": _CALL,
    "transaction": (
        Fault.ERROR,
        Fault.STOP,
        Fault.STOP_INSIDE,
        Fault.BROKEN,
        Fault.DELAY,
        Fault.SCHEDULED,
        Fault.CLOCK_STEP,
    ),
    "commit": (Fault.ERROR, Fault.TIMEOUT_AFTER, Fault.CRASH_BEFORE, Fault.CRASH_AFTER),
    "queue": (*_MESSAGE, Fault.QUEUE_EMPTIED),
    "webhook": _MESSAGE,
    "request": (Fault.LOST, Fault.DUPLICATE, Fault.DELAY),
    "process": (Fault.OLD_CODE,),
}
#: Of the bytes drawn for a place, each fault uses two; from here on they are unused.
SPARE = 2 * max(map(len, AT.values()))
#: The bytes of a place as numbers of two bytes, one for each fault.
_NUMBERS = Struct(">16H").unpack
#: What is scheduled and belongs to no single order.
SCHEDULED = (
    *("sweeper", "leases", "housekeeping", "reconciling", "retention", "reminders"),
    *("unmatched payments", "pending payments", "checkouts", "refunds", "disputes", "events"),
    *("objects", "predictions", "messages"),
)


def is_scheduled(place: str) -> bool:
    """Whether a place belongs to a scheduled task, not to an order."""
    return any(f" {name}" in place for name in SCHEDULED)


@dataclass(frozen=True)
class Struck:
    """The faults at one place at one time.

    ``name`` is the place's, with the number of times it was reached.
    """

    name: str
    faults: Collection[Fault]
    share: float = 0.0  # 0 <= share < 1, drawn with the faults, for whatever the place needs
    spare: bytes = b""  # further drawn bytes, likewise

    def __contains__(self, fault: Fault) -> bool:
        return fault in self.faults

    def id_of(self, fault: Fault) -> str:
        """The id of the fault in a plan."""
        return fault_id(self.name, fault)


def fault_id(place: str, fault: Fault) -> str:
    """The name of one fault at one place."""
    return f"{place}!{fault}"


@dataclass(frozen=True)
class Plan:
    """Which faults may strike: of those drawn only ``only``, and always ``forced``.

    Forced faults strike even after the faulty period; with ``rates_are_zero`` nothing else is drawn. If
    ``is_calm``, predictions, refunds and mails also all succeed at the providers.
    """

    only: frozenset[str] | None = None
    forced: frozenset[str] = frozenset()
    rates_are_zero: bool = False
    is_calm: bool = False


@dataclass
class Faults:
    """Draws faults while ``are_on``, and requests while ``requests_are_on``.

    ``struck`` are the ids of those that took effect, in order.
    """

    chance: KeyedRandom
    plan: Plan = field(default_factory=Plan)
    are_on: bool = True
    requests_are_on: bool = True  # also after the faulty period: a request is no failure
    struck: list[str] = field(default_factory=list)
    tally: Counter[tuple[str, Fault]] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)  # reached, in order; only where there is a plan
    on_scheduled: int = 0  # how many of those that struck
    ordered: dict[str, list[Fault]] = field(default_factory=dict)  # for the next place of a kind

    def __post_init__(self) -> None:
        self._limits = {kind: self._limits_of(kind, faults) for kind, faults in AT.items()}
        self._is_plain = self.plan.only is None and not self.plan.forced

    def at(self, kind: str, about: str) -> Struck:
        """Draw the faults at a place this time."""
        name = self.chance.numbered(f"{kind} {about}")
        shares = self.chance.shares(name)
        share, spare = shares[-1] / 256, shares[SPARE:-1]
        if not (self.are_on or self.requests_are_on or self.plan.forced):
            return Struck(name, (), share, spare)
        drawn = [
            fault
            for (fault, limit), number in zip(self._limits[kind], _NUMBERS(shares), strict=False)
            if number < limit
        ]
        if not (self.are_on or self.plan.forced):
            drawn = [fault for fault in drawn if fault is Fault.REQUEST]
        if self.ordered.get(kind):
            drawn.append(self.ordered[kind].pop(0))
        if not self._is_plain:
            drawn = self._planned(kind, name, drawn)
        return Struck(name, drawn, share, spare)

    def strike(self, place: str, fault: Fault) -> None:
        """Record that a fault took effect.

        Not every drawn fault does: it may find nothing to act on at its place.
        """
        self.struck.append(fault_id(place, fault))
        self.on_scheduled += is_scheduled(place)
        self.tally[place.partition(" ")[0], fault] += 1

    def _planned(self, kind: str, name: str, drawn: list[Fault]) -> list[Fault]:
        only, forced = self.plan.only, self.plan.forced
        self.places.append(name)
        allowed = [fault for fault in drawn if only is None or fault_id(name, fault) in only]
        return allowed + [
            fault for fault in AT[kind] if fault_id(name, fault) in forced and fault not in allowed
        ]

    def _limits_of(self, kind: str, faults: tuple[Fault, ...]) -> list[tuple[Fault, int]]:
        return [
            (
                fault,
                0
                if self.plan.rates_are_zero
                else int(65536 * self.chance.one_of(f"rate {kind} {fault}", _rates_of(fault))),
            )
            for fault in faults
        ]


def _rates_of(fault: Fault) -> tuple[float, ...]:
    return REQUEST_RATES if fault is Fault.REQUEST else RATES
