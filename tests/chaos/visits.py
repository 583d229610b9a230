"""The outcome of each visit, as far as the visitor knows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import httpx2

from tests.chaos.schedule import Visit

#: A word in all forgeries, so that their traces can be searched for.
FORGED = "forged_by_visitor"


class Ending(StrEnum):
    """How a visit ended."""

    UNDER_WAY = "under way"
    SERVED = "served"  # the photos are there, or the refund is under way
    LEFT = "left"  # as they intended
    GAVE_UP = "gave up"  # because the shop did not answer for too long
    REFUSED = "refused"  # by an answer that no customer should get


class GaveUpError(Exception):
    """A visitor's patience is over."""


class RefusedError(Exception):
    """A visitor got an answer that no customer should get."""


def require(answer: httpx2.Response) -> None:
    """Raise RefusedError for an answer that no customer should get."""
    if not answer.is_success:
        asked = f"{answer.request.method} {answer.request.url}"
        raise RefusedError(f"{asked} was answered with {answer.status_code}: {answer.text[:300]}")


@dataclass
class Experience:
    """A visit as its visitor experienced it.

    ``delivered`` are the SHA-256 of the pictures in the archive.
    """

    visit: Visit
    ending: Ending = Ending.UNDER_WAY
    word: str = ""  # what a visitor who was not served reports
    session_id: str = ""
    order_id: str = ""
    link: str = ""
    delivered: list[str] = field(default_factory=list)
    broken_pieces: int = 0  # that a photo was resumed after
    stream_events: int = 0  # of the order, received by its stream


@dataclass(frozen=True, kw_only=True)
class Forgery:
    """A forged message or link, and the status the shop answered with."""

    what: str
    marker: str
    status: int


@dataclass
class Visits:
    """All visitors, and what was forged."""

    experiences: list[Experience] = field(default_factory=list)
    forgeries: list[Forgery] = field(default_factory=list)
    trespasses: list[Forgery] = field(default_factory=list)  # a customer's own link, tried on another's photo

    def count(self, holds: Callable[[Experience], bool]) -> int:
        """How many visits satisfy a condition."""
        return sum(map(holds, self.experiences))
