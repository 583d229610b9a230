"""Outstanding work: what is scheduled, who has claimed it, and how workers are woken."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.order.reactions import Reaction
from domain.order.values import OrderId


@dataclass(frozen=True, kw_only=True)
class ScheduledReaction:
    """A reaction with its id and the moment it becomes due.

    ``sent_at`` is set when whoever commits it sends it to a worker at once; otherwise the sweeper does.
    """

    reaction_id: UUID
    order_id: OrderId
    reaction: Reaction
    due_at: datetime
    sent_at: datetime | None = None


class Outcome(StrEnum):
    """How a reaction ended."""

    DONE = "done"
    AGAIN = "pending"  # it did what it could, and the order still wants it
    DROPPED = "dropped"  # the order did not want it any more; it may want it again
    FAILED = "failed"  # its attempts are used up; a person may have it tried again


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A reaction that is ours until ``leased_until``, proven by ``token``."""

    reaction_id: UUID
    order_id: OrderId
    reaction: Reaction
    token: UUID
    attempts: int  # this one included
    was_interrupted: bool  # the one who had it before never said how it ended
    first_due_at: datetime
    claimed_at: datetime
    leased_until: datetime


@dataclass(frozen=True, kw_only=True)
class ExhaustedReaction:
    """Work whose attempts are used up; it was due first at ``since``."""

    order_id: OrderId
    reaction: Reaction
    since: datetime


@dataclass(frozen=True, kw_only=True)
class UnreadableWork:
    """An open row that this version of the shop cannot read: of an unknown kind, or with unknown arguments."""

    reaction_id: UUID
    order_id: OrderId
    kind: str
    version: int  # of the arguments
    since: datetime  # when it was due first


class ReactionTable(Protocol):
    """The only truth about outstanding work."""

    def schedule(self, reactions: Iterable[ScheduledReaction]) -> None:
        """Insert work, or reopen it if it is closed, however it was closed; open work stays as it is.

        Only a kind that ``is_done_once`` stays done.
        """
        ...

    def claim(self, reaction_id: UUID, token: UUID, now: datetime, lease: timedelta) -> Claim | None:
        """Lease a reaction that is due or was sent as due, and is nobody's or its lease ran out.

        None if it is not to be had; what needs an admission is not to be had without one.
        """
        ...

    def renew(self, tokens: Iterable[UUID], leased_until: datetime) -> None:
        """Prolong leases that are still held."""
        ...

    def postpone(self, claim: Claim, due_at: datetime, problem: str, *, has_progressed: bool = False) -> None:
        """Give a claimed reaction back for later, its admission too; raises LeaseLostError.

        Work that ``has_progressed`` did not fail: its attempts are counted from the beginning again.
        """
        ...

    def close(self, claim: Claim, *, outcome: Outcome, problem: str | None = None) -> None:
        """End a claimed reaction that leads to no event; raises LeaseLostError."""
        ...

    def expedite(self, reaction: ScheduledReaction) -> None:
        """Have this work done at ``due_at`` or earlier, inserting it if need be; closed work stays closed.

        Work that is leased meanwhile is done again at once if it is given back for later.
        """
        ...

    def take_unsent(self, now: datetime, resend_after: timedelta, limit: int) -> list[tuple[UUID, Reaction]]:
        """Work that is due and unsent, or sent so long ago that it may be lost; it counts as sent now.

        Each time it is sent in vain ``resend_after`` doubles, up to 64 times as long. What waits for an admission
        is not taken.
        """
        ...

    def forget_closed(self, before: datetime, limit: int) -> int:
        """Delete closed work that was last claimed before then, and return how much that was.

        What was given up of the work that is done once stays, because ``given_up`` lists it.
        """
        ...

    def exhausted(self) -> list[ExhaustedReaction]:
        """What was given up of the work that is done once, the oldest first: no event tells of it."""
        ...

    def unreadable(self) -> list[UnreadableWork]:
        """Open work that this version of the shop cannot read, and so leaves alone; the oldest first."""
        ...

    def rewrite(self, reactions: Iterable[ScheduledReaction]) -> None:
        """Write open work anew as this version of the shop does, due at ``due_at``; inserts what has no row.

        Closed work stays as it is, and work under a lease that has not run out by then.
        """
        ...


class ReactionQueue(Protocol):
    """Wakes workers; it may forget, the table does not."""

    def send(self, reactions: Iterable[tuple[UUID, Reaction]]) -> None:
        """Tell workers about work that is due; a queue that is away is no error, the sweeper tells them later."""
        ...
