"""The reactions table in memory."""

from collections.abc import Collection, Iterable, MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.order.reactions import Reaction
from domain.order.values import OrderId
from domain.ports.reaction_queue import (
    Claim,
    ExhaustedReaction,
    Outcome,
    ReactionTable,
    ScheduledReaction,
    UnreadableWork,
)
from domain.ports.unit_of_work import LeaseLostError
from tests.doubles.tables import Tables, is_held_by_another


@dataclass(frozen=True, kw_only=True)
class Work:
    """A row of the reactions table.

    ``outcome`` is none until it is closed, ``token`` is none unless it is leased.
    """

    reaction_id: UUID
    order_id: OrderId
    reaction: Reaction
    first_due_at: datetime
    due_at: datetime
    sent_at: datetime | None
    sendings: int = 0
    attempts: int = 0
    token: UUID | None = None
    leased_until: datetime | None = None
    outcome: Outcome | None = None
    problem: str | None = None
    admitted_at: datetime | None = None

    def is_to_be_had(self, now: datetime) -> bool:
        """Whether it is due and not leased, or its lease expired.

        It need not be admitted.
        """
        if self.outcome is not None:
            return False
        return (self.due_at if self.leased_until is None else self.leased_until) <= now

    @property
    def is_done_once(self) -> bool:
        """Whether it is done, and of a kind that is never reopened."""
        return self.outcome is Outcome.DONE and self.reaction.is_done_once

    @property
    def may_begin(self) -> bool:
        """Whether it is admitted, or needs no admission."""
        return self.admitted_at is not None or not self.reaction.starts_prediction

    @property
    def free_since(self) -> datetime | None:
        """Since when any worker may claim it; none while it awaits admission."""
        if self.token is None and self.outcome is None and not self.may_begin:
            return None
        return self.leased_until or max(self.due_at, self.admitted_at or self.due_at)

    def is_lost(self, now: datetime, resend_after: timedelta) -> bool:
        """Whether it was never sent, or its message may be lost."""
        patience = resend_after * 2 ** min(max(self.sendings - 1, 0), 6)
        return self.sent_at is None or self.sent_at <= now - patience


def uncount(admissions: MutableMapping[tuple[UUID, datetime], OrderId], work: Work) -> None:
    """Remove an admission without effect from the count."""
    if work.admitted_at is not None:
        admissions.pop((work.reaction_id, work.admitted_at), None)


class InMemoryReactionTable(ReactionTable):
    """The single source of truth about pending reactions."""

    def __init__(self, pages: Tables) -> None:
        self._work = pages.work
        self._admissions = pages.admissions

    def schedule(self, reactions: Iterable[ScheduledReaction]) -> None:
        for scheduled in reactions:
            known = self._work.get(scheduled.reaction_id)
            if known is None:
                self._work[scheduled.reaction_id] = _written(scheduled)
            elif known.outcome is not None and not known.is_done_once:
                self._work[scheduled.reaction_id] = replace(_written(scheduled), problem=known.problem)

    def claim(self, reaction_id: UUID, token: UUID, now: datetime, lease: timedelta) -> Claim | None:
        work = self._work.get(reaction_id)
        if work is None or not work.may_begin or not (work.is_to_be_had(now) or _is_sent(work)):
            return None
        leased = replace(
            work,
            token=token,
            leased_until=now + lease,
            attempts=work.attempts + 1,
            due_at=now,
            sendings=0,
        )
        self._work[reaction_id] = leased
        return Claim(
            reaction_id=reaction_id,
            order_id=work.order_id,
            reaction=work.reaction,
            token=token,
            attempts=leased.attempts,
            was_interrupted=work.token is not None,
            first_due_at=work.first_due_at,
            claimed_at=now,
            leased_until=now + lease,
        )

    def renew(self, tokens: Iterable[UUID], leased_until: datetime) -> None:
        renewed = set(tokens)
        for work in list(self._work.values()):
            if work.token in renewed:
                self._work[work.reaction_id] = replace(work, leased_until=leased_until)

    def postpone(self, claim: Claim, due_at: datetime, problem: str, *, has_progressed: bool = False) -> None:
        held = self._held(claim)
        self._work[claim.reaction_id] = replace(
            held,
            token=None,
            leased_until=None,
            sent_at=None,
            sendings=0,
            admitted_at=None,
            due_at=held.due_at if held.due_at > claim.claimed_at else due_at,
            problem=problem,
            attempts=0 if has_progressed else held.attempts,
        )

    def close(
        self,
        claim: Claim,
        *,
        outcome: Outcome,
        problem: str | None = None,
        again_at: datetime | None = None,
    ) -> None:
        held = self._held(claim)
        if outcome is Outcome.DROPPED:
            uncount(self._admissions, held)
        self._work[claim.reaction_id] = replace(
            held,
            token=None,
            leased_until=None,
            outcome=None if outcome is Outcome.AGAIN else outcome,
            problem=problem,
            sent_at=None,
            sendings=0,
            admitted_at=None,
            due_at=again_at or held.due_at,
        )

    def expedite(self, reaction: ScheduledReaction) -> None:
        known = self._work.setdefault(reaction.reaction_id, _written(reaction))
        if known.outcome is not None:
            return
        due_at = reaction.due_at if known.token is not None else min(known.due_at, reaction.due_at)
        self._work[reaction.reaction_id] = replace(
            known, due_at=due_at, sent_at=reaction.sent_at, sendings=1 if reaction.sent_at else 0
        )

    def take_unsent(
        self,
        now: datetime,
        resend_after: timedelta,
        limit: int,
        kinds: Collection[type[Reaction]] | None = None,
    ) -> list[tuple[UUID, Reaction]]:
        found = (
            work
            for work in self._work.values()
            if work.is_to_be_had(now) and work.may_begin and work.is_lost(now, resend_after)
            if kinds is None or type(work.reaction) in kinds
            if not is_held_by_another(self._work, work.reaction_id)  # its holder sends it, too
        )
        unsent = sorted(found, key=lambda work: work.due_at)[:limit]
        for work in unsent:
            self._work[work.reaction_id] = replace(work, sent_at=now, sendings=work.sendings + 1)
        return [(work.reaction_id, work.reaction) for work in unsent]

    def forget_closed(self, before: datetime, limit: int) -> int:
        found = [
            row.reaction_id
            for row in sorted(self._work.values(), key=lambda row: row.due_at)
            if row.outcome is not None
            and row.due_at < before
            and not (row.outcome is Outcome.FAILED and row.reaction.is_done_once)
        ][:limit]
        for reaction_id in found:
            del self._work[reaction_id]
        return len(found)

    def exhausted(self) -> list[ExhaustedReaction]:
        failed = (
            each
            for each in self._work.values()
            if each.outcome is Outcome.FAILED and each.reaction.is_done_once
        )
        return [
            ExhaustedReaction(order_id=each.order_id, kind=type(each.reaction), since=each.first_due_at)
            for each in sorted(failed, key=lambda each: (each.first_due_at, each.reaction_id))
        ]

    def unreadable(self) -> list[UnreadableWork]:
        return []  # nothing in memory was ever encoded

    def rewrite(self, reactions: Iterable[ScheduledReaction]) -> None:
        for reaction in reactions:
            known = self._work.setdefault(reaction.reaction_id, _written(reaction))
            is_leased = known.leased_until is not None and known.leased_until > reaction.due_at
            if known.outcome is None and not is_leased:
                self._work[reaction.reaction_id] = replace(
                    known,
                    reaction=reaction.reaction,
                    due_at=reaction.due_at,
                    sent_at=reaction.sent_at,
                    sendings=1 if reaction.sent_at else 0,
                )

    def _held(self, claim: Claim) -> Work:
        work = self._work.get(claim.reaction_id)
        if work is None or work.token != claim.token:
            raise LeaseLostError(claim.reaction_id)
        return work


def _written(scheduled: ScheduledReaction) -> Work:
    claim = scheduled.claim
    return Work(
        reaction_id=scheduled.reaction_id,
        order_id=scheduled.order_id,
        reaction=scheduled.reaction,
        first_due_at=scheduled.due_at,
        due_at=scheduled.due_at,
        sent_at=scheduled.sent_at,
        sendings=1 if scheduled.sent_at and claim is None else 0,
        attempts=0 if claim is None else claim.attempts,
        token=None if claim is None else claim.token,
        leased_until=None if claim is None else claim.leased_until,
    )


def _is_sent(work: Work) -> bool:
    """Whether it is sent, and so was due by its sender's clock."""
    return work.outcome is None and work.token is None and work.sent_at is not None
