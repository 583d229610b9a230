"""The participants of a world: visitors, staff and a forger."""

from dataclasses import dataclass

#: How customers pay; each is as likely as it is frequent here.
HABITS = ("pay",) * 9 + (
    "pay later",
    *("pay twice",) * 2,
    "abandon",
    "pay when it is late",
    "come back with more",
    "pay too little",
)
#: What customers do with a link; each is as likely as it is frequent here.
LINK_ACTIONS = (
    *("fetch",) * 6,
    "fetch one",
    "look",
    "forget",
    "ask for a redo",
    "ask for redos",
    "dispute",
    "renew",
    "resend",
    "come back after weeks",
    "follow an old mail's link",
)


@dataclass(frozen=True)
class Participant:
    """One participant; a visitor has a number from 1.

    What is none here is drawn.
    """

    name: str
    number: int = 0
    habit: str | None = None
    link_action: str | None = None
    photos: int | None = None


STAFF = Participant("staff")
FORGER = Participant("forger")


def visitor(
    number: int, *, habit: str | None = None, link_action: str | None = None, photos: int | None = None
) -> Participant:
    """Describe one visitor."""
    return Participant(f"visitor {number}", number, habit, link_action, photos)


def all_participants(visitors: int) -> tuple[Participant, ...]:
    """List this many visitors, the staff and the forger."""
    return (*(visitor(number) for number in range(1, visitors + 1)), STAFF, FORGER)
