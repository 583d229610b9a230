"""The schedule of a run: its visits and faults, from a seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

#: The shop opens without faults: the first customers find everything working.
CALM_SECONDS = 4.0
#: No fault begins so late that its effect could not be shown before the customers stop coming.
LAST_SECONDS = 8.0


class Manner(StrEnum):
    """How a visitor behaves."""

    PAYS = "pays"
    PAYS_TWICE = "pays twice"  # presses the button again, because nothing seems to happen
    PAYS_LATER = "pays later"  # leaves the payment page open for a while
    BY_DEBIT = "pays by debit"  # the bank settles some seconds later
    DEBIT_FAILS = "debit fails"  # or refuses then
    ABANDONS_PHOTOS = "abandons the photos"
    ABANDONS_PAYMENT = "abandons the payment"
    STRANGER = "pays for nothing"  # pays the shop's account without having sent a photo
    FORGER = "forges"  # posts forged webhooks, and tries links that were never issued


#: The number of each in a hundred visitors.
MANNERS = {
    Manner.PAYS: 68,
    Manner.PAYS_TWICE: 6,
    Manner.PAYS_LATER: 10,
    Manner.BY_DEBIT: 4,
    Manner.DEBIT_FAILS: 1,
    Manner.ABANDONS_PHOTOS: 3,
    Manner.ABANDONS_PAYMENT: 4,
    Manner.STRANGER: 2,
    Manner.FORGER: 2,
}
_ORDERING = (Manner.PAYS, Manner.PAYS_TWICE, Manner.PAYS_LATER, Manner.BY_DEBIT)
#: One visitor in this many has an address that bounces.
BOUNCING = 50
BOUNCES = "@bounce.example"
#: One visitor in this many sends two photos instead of one.
TWO_PHOTOS = 8
#: One visitor in this many uploads by tus, on a line that breaks, and one in this many watches a stream of events.
RESUMABLE, WATCHING = 3, 9


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A visitor: arrival, behaviour, and the part each photo shows."""

    number: int
    at_seconds: float
    manner: Manner
    email: str
    photos: tuple[int, ...]
    hesitates_seconds: float

    @property
    def is_resumable(self) -> bool:
        """Whether the visitor uploads by tus, on a line that breaks."""
        return self.number % RESUMABLE == 0

    @property
    def is_watching(self) -> bool:
        """Whether the visitor watches the order by its stream of events."""
        return self.number % WATCHING == 0


@dataclass(frozen=True, kw_only=True)
class PlannedFault:
    """A fault by its name, and when it is due."""

    at_seconds: float
    fault: str


@dataclass(frozen=True, kw_only=True)
class Track:
    """Faults that run one after the other, by name.

    ``pace_seconds`` is how long each takes, including its recovery.
    """

    faults: tuple[str, ...]
    pace_seconds: float


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A run: its visitors, and its faults track by track."""

    seed: int
    seconds: float
    visits: tuple[Visit, ...]
    tracks: tuple[tuple[PlannedFault, ...], ...]


def scheduled(seed: int, *, seconds: float, orders_per_second: float, tracks: Sequence[Track]) -> Schedule:
    """Derive the run of a seed; the tracks run concurrently."""
    return Schedule(
        seed=seed,
        seconds=seconds,
        visits=tuple(_visits(Random(f"{seed} visits"), seconds, orders_per_second)),  # noqa: S311 -- no secrets
        tracks=tuple(
            tuple(_planned_faults(Random(f"{seed} faults {number}"), seconds, track))  # noqa: S311 -- no secrets
            for number, track in enumerate(tracks)
        ),
    )


def _visits(draw: Random, seconds: float, orders_per_second: float) -> Iterator[Visit]:
    """Draw random arrivals, enough for the given number of orders."""
    share = sum(MANNERS[manner] for manner in _ORDERING) / sum(MANNERS.values())
    visitors_per_second = orders_per_second / share
    number, at_seconds = 0, draw.expovariate(visitors_per_second)
    while at_seconds < seconds:
        number += 1
        (manner,) = draw.choices(list(MANNERS), list(MANNERS.values()))
        domain = BOUNCES if draw.randrange(BOUNCING) == 0 else "@customer.example"
        yield Visit(
            number=number,
            at_seconds=at_seconds,
            manner=manner,
            email=f"visitor-{number}{domain}",
            photos=tuple(draw.randrange(10_000) for _ in range(1 + (draw.randrange(TWO_PHOTOS) == 0))),
            hesitates_seconds=draw.uniform(1, 8),
        )
        at_seconds += draw.expovariate(visitors_per_second)


def _planned_faults(draw: Random, seconds: float, track: Track) -> Iterator[PlannedFault]:
    """Draw every fault once, in random order, before any is repeated."""
    available_seconds = seconds - CALM_SECONDS - LAST_SECONDS
    count = max(1, int(available_seconds / track.pace_seconds))
    order: list[str] = []
    while len(order) < count:
        order += draw.sample(track.faults, len(track.faults))
    for number, fault in enumerate(order[:count]):
        at_seconds = (
            CALM_SECONDS + available_seconds * number / count + draw.uniform(0, track.pace_seconds / 4)
        )
        yield PlannedFault(at_seconds=at_seconds, fault=fault)
