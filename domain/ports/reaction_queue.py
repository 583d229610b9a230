"""The ports for the reactions table and the queue that wakes workers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.order.reactions import Reaction
from domain.order.values import OrderId


class Outcome(StrEnum):
    """The outcome of a claimed reaction."""

    DONE = "done"
    AGAIN = "pending"  # partly done; the order still requires it
    DROPPED = "dropped"  # the order no longer required it; it may require it again
    FAILED = "failed"  # its attempts are used up; staff may have it retried


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A reaction leased until ``leased_until``; ``token`` is the fencing token."""

    reaction_id: UUID
    order_id: OrderId
    reaction: Reaction
    token: UUID
    attempts: int  # including this one
    was_interrupted: bool  # the previous lease expired without an outcome
    first_due_at: datetime
    claimed_at: datetime
    leased_until: datetime


@dataclass(frozen=True, kw_only=True)
class ScheduledReaction:
    """A reaction with its id and due time.

    ``sent_at`` is set when the committing process sends it to a worker at once; otherwise the sweeper does. With a
    ``claim`` that process runs it itself: it is inserted as leased.
    """

    reaction_id: UUID
    order_id: OrderId
    reaction: Reaction
    due_at: datetime
    sent_at: datetime | None = None
    claim: Claim | None = None


@dataclass(frozen=True, kw_only=True)
class ExhaustedReaction:
    """A reaction whose attempts are used up; first due at ``since``."""

    order_id: OrderId
    kind: type[Reaction]  # its arguments may be unreadable
    since: datetime


@dataclass(frozen=True, kw_only=True)
class UnreadableWork:
    """An open reaction whose kind or arguments this version cannot read."""

    reaction_id: UUID
    order_id: OrderId
    kind: str
    version: int  # of the arguments' format
    since: datetime  # when it was first due


class ReactionTable(Protocol):
    """The only source of truth about pending reactions."""

    def schedule(self, reactions: Iterable[ScheduledReaction]) -> None:
        """Insert reactions or reopen closed ones; open ones stay.

        They are reopened whatever their outcome was; only a kind that ``is_done_once`` stays done. Those with a claim
        are leased to it, unless they stay.
        """

    def claim(self, reaction_id: UUID, token: UUID, now: datetime, lease: timedelta) -> Claim | None:
        """Lease a reaction that is due, or was sent as due.

        It must be unclaimed, or its lease expired. None if it cannot be claimed; a reaction that needs an admission
        cannot be claimed without one.
        """

    def renew(self, tokens: Iterable[UUID], leased_until: datetime) -> None:
        """Renew leases that are still held."""

    def postpone(self, claim: Claim, due_at: datetime, problem: str, *, has_progressed: bool = False) -> None:
        """Release a claimed reaction and its admission until ``due_at``.

        Raise LeaseLostError. If it ``has_progressed`` it did not fail: its attempts are counted from zero again.
        """

    def close(self, claim: Claim, *, outcome: Outcome, problem: str | None = None) -> None:
        """Close a claimed reaction without an event, or raise LeaseLostError."""

    def expedite(self, reaction: ScheduledReaction) -> None:
        """Make a reaction due at ``due_at`` or earlier.

        It is inserted if necessary; a closed one stays closed. One that is leased meanwhile becomes due at once when
        it is postponed.
        """

    def take_unsent(
        self,
        now: datetime,
        resend_after: timedelta,
        limit: int,
        kinds: Collection[type[Reaction]] | None = None,
    ) -> list[tuple[UUID, Reaction]]:
        """Due reactions that are unsent or whose message may be lost.

        They count as sent now. ``resend_after`` doubles with each unanswered message, up to 64-fold; with zero, all due
        reactions are returned. Reactions that wait for an admission are not. ``kinds`` restricts them; None is all.
        """

    def forget_closed(self, before: datetime, limit: int) -> int:
        """Delete reactions closed and last claimed before; return how many.

        Exhausted ones of a kind that ``is_done_once`` stay, because ``exhausted`` lists them.
        """

    def exhausted(self) -> list[ExhaustedReaction]:
        """Exhausted reactions of kinds that are done once, oldest first.

        No event records their failure.
        """

    def unreadable(self) -> list[UnreadableWork]:
        """Open reactions that this version cannot read, oldest first.

        They are left alone.
        """

    def rewrite(self, reactions: Iterable[ScheduledReaction]) -> None:
        """Rewrite open reactions in this version's format, due at ``due_at``.

        Missing ones are inserted. Closed ones stay as they are, and so do leased ones whose lease has not expired by
        then.
        """


class ReactionQueue(Protocol):
    """Wakes workers; messages may be lost, rows of the table are not."""

    def send(self, reactions: Iterable[tuple[UUID, Reaction]]) -> None:
        """Send due reactions to workers.

        An unavailable queue is no error: the sweeper resends the reactions later.
        """
