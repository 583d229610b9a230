"""What became of each visit, as far as the visitor knows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from tests.chaos.schedule import Visit

#: A word in whatever is forged, so that its traces can be looked for.
FORGED = "forged_by_visitor"


class Ending(StrEnum):
    """How a visit ended."""

    UNDER_WAY = "under way"
    SERVED = "served"  # the photos are there, or the money is on its way back
    LEFT = "left"  # as they had meant to
    GAVE_UP = "gave up"  # because the shop did not answer for too long
    REFUSED = "refused"  # by an answer that no customer should see


class GaveUpError(Exception):
    """A visitor's patience is over."""


class RefusedError(Exception):
    """A visitor was answered what no customer should be."""


@dataclass
class Experience:
    """A visit as its visitor has lived it. ``delivered`` are the SHA-256 of the pictures in the archive."""

    visit: Visit
    ending: Ending = Ending.UNDER_WAY
    word: str = ""  # what a visitor who was not served would say
    session_id: str = ""
    order_id: str = ""
    link: str = ""
    delivered: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Forgery:
    """A message that no provider sent, or a link that nobody was given, and how the shop answered it."""

    what: str
    mark: str
    status: int


@dataclass
class Town:
    """Everybody who came, and what was forged."""

    experiences: list[Experience] = field(default_factory=list)
    forgeries: list[Forgery] = field(default_factory=list)
    trespasses: list[Forgery] = field(default_factory=list)  # a customer's own link, tried on another's photo

    def count(self, holds: Callable[[Experience], bool]) -> int:
        """How many visits are such."""
        return sum(map(holds, self.experiences))
