"""What may go wrong, where, and how often: drawn by the name of its place, so that each can be taken out alone."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from tests.simulation.keyed_random import KeyedRandom

#: How likely a fault is at each of its places, drawn once for a seed: often not at all.
RATES = (0.0, 0.0, 0.02, 0.1, 0.3)
#: The same for requests, which only strike calls that are made for an order.
REQUEST_RATES = (0.0, 0.1, 0.3, 0.5)


class Fault(StrEnum):
    """Everything that may go wrong."""

    ERROR = "error"  # nothing was done, and that is said
    TIMEOUT_BEFORE = "time-out before the work"  # nothing was done, and nobody knows
    TIMEOUT_AFTER = "time-out after the work"  # it was done, and nobody knows
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    STOP = "stopped past its lease"  # the whole process, which then comes back
    STOP_INSIDE = "stopped inside a transaction"  # with all that it has locked
    BROKEN = "connection broken"  # within a transaction, or in the middle of an object
    DELAY = "delay"
    CHORES = "chores at that moment"  # sweeper and housekeeping
    REQUEST = "a request at that moment"  # about the order that is worked at, between claim and record
    LOST = "lost"
    DUPLICATE = "duplicate"
    REORDER = "reordered"  # what comes later overtakes it
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
    Fault.CHORES,
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
        Fault.CHORES,
        Fault.CLOCK_STEP,
    ),
    "commit": (Fault.ERROR, Fault.TIMEOUT_AFTER, Fault.CRASH_BEFORE, Fault.CRASH_AFTER),
    "queue": (*_MESSAGE, Fault.QUEUE_EMPTIED),
    "webhook": _MESSAGE,
    "request": (Fault.LOST, Fault.DUPLICATE, Fault.DELAY),
    "process": (Fault.OLD_CODE,),
}
#: Of what is drawn for a place, each fault has two bytes; from here on none is spoken for.
SPARE = 2 * max(map(len, AT.values()))
#: What runs by the clock, whoever's order it is.
CHORES = (
    *("sweeper", "leases", "housekeeping", "reconciling", "retention", "reminders"),
    *("unmatched payments", "pending payments", "checkouts", "refunds", "disputes", "events"),
    *("objects", "predictions", "messages"),
)


def is_chore(place: str) -> bool:
    """Whether a place is on the way of a chore, and no order's."""
    return any(f" {chore}" in place for chore in CHORES)


@dataclass(frozen=True)
class Struck:
    """The faults of one place at one time; ``name`` is the place's, with how often it was come to."""

    name: str
    faults: Collection[Fault]
    share: float = 0.0  # from 0 up to 1, drawn with them, for whatever the place needs
    spare: bytes = b""  # more of the same

    def __contains__(self, fault: Fault) -> bool:
        return fault in self.faults

    def id_of(self, fault: Fault) -> str:
        """What the fault is called in a plan."""
        return fault_id(self.name, fault)


def fault_id(place: str, fault: Fault) -> str:
    """The name of one fault at one place."""
    return f"{place}!{fault}"


@dataclass(frozen=True)
class Plan:
    """Which faults may strike: those that are drawn, of these none but ``only``, and ``forced`` ones in any case.

    What is forced strikes after the bad days, too; whoever forces anything draws nothing beside it. Where it
    ``is_calm``, predictions, refunds and mails end well by themselves, too.
    """

    only: frozenset[str] | None = None
    forced: frozenset[str] = frozenset()
    rates_are_zero: bool = False
    is_calm: bool = False


@dataclass
class Faults:
    """Draws faults while ``are_on``, and requests longer.

    ``struck`` are the ids of those that did something, in their order.
    """

    chance: KeyedRandom
    plan: Plan = field(default_factory=Plan)
    are_on: bool = True
    requests_are_on: bool = True  # also after the bad days: a request is no failure
    struck: list[str] = field(default_factory=list)
    tally: Counter[tuple[str, Fault]] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)  # come to, in their order, where there is a plan
    on_chores: int = 0  # of those that struck
    ordered: dict[str, list[Fault]] = field(default_factory=dict)  # for the next place of a kind

    def __post_init__(self) -> None:
        self._limits = {kind: self._limits_of(kind, faults) for kind, faults in AT.items()}
        self._is_plain = self.plan.only is None and not self.plan.forced

    def at(self, kind: str, about: str) -> Struck:
        """What strikes at a place this time."""
        name = self.chance.numbered(f"{kind} {about}")
        shares = self.chance.shares(name)
        share, spare = shares[-1] / 256, shares[SPARE:-1]
        if not (self.are_on or self.requests_are_on or self.plan.forced):
            return Struck(name, (), share, spare)
        drawn = [
            fault
            for index, (fault, limit) in enumerate(self._limits[kind])
            if int.from_bytes(shares[2 * index : 2 * index + 2], "big") < limit
        ]
        if not (self.are_on or self.plan.forced):
            drawn = [fault for fault in drawn if fault is Fault.REQUEST]
        if self.ordered.get(kind):
            drawn.append(self.ordered[kind].pop(0))
        if not self._is_plain:
            drawn = self._planned(kind, name, drawn)
        return Struck(name, drawn, share, spare)

    def strike(self, place: str, fault: Fault) -> None:
        """Write down that a fault does what it does: what was drawn for a place may find nothing to do there."""
        self.struck.append(fault_id(place, fault))
        self.on_chores += is_chore(place)
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
