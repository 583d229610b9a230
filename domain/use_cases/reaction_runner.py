"""The reaction runner: claim, call the handler, record the result, retry.

Recording the events and closing the claim is one transaction. What each kind of reaction does is in
``reaction_handlers``.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.order import events as e
from domain.order.commands import Proposal
from domain.order.order import Order
from domain.order.reactions import Reaction, is_still_required, required_reactions
from domain.ports.clock import Clock
from domain.ports.errors import (
    BusyError,
    CallOverrunError,
    OutsideError,
    UnavailableError,
    UnreadableEventError,
)
from domain.ports.event_store import Commit
from domain.ports.ids import Ids
from domain.ports.observer import AttemptEnd, Observer
from domain.ports.reaction_queue import Claim, Outcome, ReactionQueue
from domain.ports.unit_of_work import HasEventStore, HasOrders, HasReactions, LeaseLostError, UnitOfWork
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import ReactionResult
from domain.use_cases.reaction_cause import reaction_cause
from domain.use_cases.reaction_handlers import REACTIONS, Attempt, Queue, ReactionHandlers, spec_of
from domain.use_cases.restoration.prediction_limits import PredictionLimiter, holds_slot
from domain.use_cases.restoration.predictions import StillRunning
from domain.use_cases.retry_policy import RetryPolicy
from domain.use_cases.shop_policy import ShopPolicy


class ReactionRepositories(HasEventStore, HasReactions, Protocol):
    """The repositories that the runner uses."""


#: How many reactions one call of ``resend_due`` sends at most.
SWEEP_LIMIT = 500


@dataclass(eq=False, kw_only=True)
class ReactionRunner:
    """Run pending reactions, one at a time."""

    unit_of_work: UnitOfWork[ReactionRepositories]
    queue: ReactionQueue
    command_handler: OrderCommandHandler[HasOrders]
    handlers: ReactionHandlers
    prediction_limiter: PredictionLimiter
    clock: Clock
    ids: Ids
    policy: ShopPolicy
    observer: Observer

    def claim(self, reaction_id: UUID) -> tuple[Claim, Order] | None:
        """Lease a reaction and load its order.

        None if it is not due, is closed, is leased by another worker, or is no longer required; the last is closed as
        dropped.
        """
        with self.unit_of_work.transaction() as transaction:
            claim = transaction.reactions.claim(
                reaction_id, self.ids.new(), self.clock.now(), self.policy.work.lease
            )
            if claim is None:
                return None
            order = transaction.event_store.load_repeatedly(claim.order_id)
            if is_still_required(claim.reaction, order) or _may_have_been_sent(claim):
                return claim, order
            transaction.reactions.close(claim, outcome=Outcome.DROPPED)
        if holds_slot(claim.reaction):
            self.prediction_limiter.grant_slots()
        return None

    def perform(
        self, claim: Claim, order: Order, follows: Callable[[Reaction], bool] = lambda _: False
    ) -> tuple[Claim, Order] | None:
        """Run a claimed reaction and record its result.

        Return the claim on a new reaction for which ``follows`` was true, with its order: no other worker knows of it,
        so it must be performed next. A failed attempt is retried with backoff; the last one records the events of
        ``when_exhausted``. A busy provider or a prediction that is still running uses up no attempt. Raises
        LeaseLostError if the lease expired meanwhile. An unexpected exception is retried like an outage, then raised.
        """
        with self.observer.attempting(claim, order):
            try:
                return self._perform(claim, order, follows)
            except LeaseLostError:
                self._ended(claim, order, AttemptEnd.LEASE_LOST)
                raise

    def _perform(
        self, claim: Claim, order: Order, follows: Callable[[Reaction], bool]
    ) -> tuple[Claim, Order] | None:
        try:
            proposed = self._do(claim, order)
        except StillRunning as not_yet:
            self._postpone(claim, not_yet.wait, "still running", has_progressed=True)
            self._ended(claim, order, AttemptEnd.WAITS)
        except BusyError as busy:
            self._postpone(claim, self.prediction_limiter.pause(busy), str(busy), has_progressed=True)
            self._ended(claim, order, AttemptEnd.BUSY)
        except OutsideError as error:
            self._ended(claim, order, self._try_again(claim, order, error))
        except Exception as error:
            self._ended(claim, order, self._try_again(claim, order, error))
            raise
        else:
            return self._finish(claim, order, proposed, follows)
        return None

    def _finish(
        self,
        claim: Claim,
        order: Order,
        proposed: Sequence[Proposal],
        follows: Callable[[Reaction], bool],
    ) -> tuple[Claim, Order] | None:
        # Close a reaction that ends in a hold as failed, so that the table distinguishes it from success.
        ends_in_hold = any(isinstance(event, e.OrderHeld) for event in proposed)
        outcome = Outcome.FAILED if ends_in_hold else Outcome.DONE
        end = AttemptEnd.HELD if ends_in_hold else AttemptEnd.DONE
        is_last = claim.attempts >= self._retry_policy(claim.reaction).attempts
        if is_last:
            commit = self._record(claim, order, proposed, outcome)
            if self._give_up_if_still_required(claim, commit.after):
                end = AttemptEnd.GIVEN_UP
        else:
            commit = self._record(claim, order, proposed, outcome, follows)
            if commit.outcome is Outcome.AGAIN:
                end = AttemptEnd.AGAIN
        self._ended(claim, order, end)
        return (commit.follow_up, commit.after) if commit.follow_up else None

    def _ended(self, claim: Claim, order: Order, end: AttemptEnd) -> None:
        self.observer.attempt_ended(claim, order, end, self.clock.now() - claim.claimed_at)

    def renew(self, held: Sequence[tuple[Claim, Order]]) -> list[Claim]:
        """Renew leases of running calls; abandon overdue ones and return their claims.

        A call that exceeds its time limit counts as a failed attempt. Its lease is released, which invalidates the
        fencing token, so any later result of the call is discarded.
        """
        now = self.clock.now()
        overdue = [(claim, order) for claim, order in held if now >= self._last_moment(claim)]
        in_time = [claim.token for claim, order in held if (claim, order) not in overdue]
        if in_time:
            with self.unit_of_work.transaction() as transaction:
                transaction.reactions.renew(in_time, now + self.policy.work.lease)
        return [claim for claim, order in overdue if self._give_up_call(claim, order)]

    def _last_moment(self, claim: Claim) -> datetime:
        return claim.claimed_at + self._retry_policy(claim.reaction).time_limit

    def _give_up_call(self, claim: Claim, order: Order) -> bool:
        """Record an overdue call as a failed attempt.

        False if the lease is lost: the call has just ended, or its lease expired before.
        """
        limit = self._retry_policy(claim.reaction).time_limit
        try:
            if when_unanswered := spec_of(claim.reaction).when_unanswered:
                unanswered = when_unanswered(Attempt(claim.reaction, order, claim))
                commit = self._record(claim, order, unanswered, Outcome.FAILED)
                is_finished = commit.outcome is not Outcome.AGAIN
            else:
                overrun = CallOverrunError(type(claim.reaction).__name__, limit)
                is_finished = self._try_again(claim, order, overrun) is AttemptEnd.GIVEN_UP
        except LeaseLostError:
            return False
        except UnreadableEventError:
            is_finished = (
                False  # a newer version has recorded something: it takes over when the lease has ended
            )
        self.observer.call_overran(claim, is_finished=is_finished)
        return True

    def resend_due(self) -> int:
        """Send due reactions again and grant free prediction slots; return their number.

        Due are also those whose lease expired or whose message was lost; one call sends at most SWEEP_LIMIT.
        """
        with self.unit_of_work.transaction() as transaction:
            unsent = transaction.reactions.take_unsent(
                self.clock.now(), self.policy.work.resend_after, SWEEP_LIMIT
            )
        self.queue.send(unsent)
        return len(unsent) + self.prediction_limiter.grant_slots()

    def due(self, queues: Collection[Queue], limit: int) -> list[UUID]:
        """Due reactions of these queues; free prediction slots are granted before.

        The oldest come first. Whether and when they were sent to workers does not matter: each must be claimed before
        it is performed.
        """
        self.prediction_limiter.grant_slots()
        kinds = [kind for kind, spec in REACTIONS.items() if spec.queue in queues]
        with self.unit_of_work.transaction() as transaction:
            due = transaction.reactions.take_unsent(self.clock.now(), timedelta(), limit, kinds)
        return [reaction_id for reaction_id, _ in due]

    def _do(self, claim: Claim, order: Order) -> Sequence[Proposal]:
        spec, attempt = spec_of(claim.reaction), Attempt(claim.reaction, order, claim)
        if claim.was_interrupted and spec.when_unanswered is not None:
            return spec.when_unanswered(attempt)
        return spec.handle(self.handlers, attempt)

    def _try_again(self, claim: Claim, order: Order, error: Exception) -> AttemptEnd:
        limits = self._retry_policy(claim.reaction)
        if claim.attempts >= limits.attempts:
            self._record(claim, order, _events_when_exhausted(claim, order), Outcome.FAILED)
            return AttemptEnd.GIVEN_UP
        wait = limits.wait(claim.reaction_id, claim.attempts)
        if isinstance(error, UnavailableError) and error.retry_after_seconds is not None:
            wait = max(wait, timedelta(seconds=error.retry_after_seconds))
        # Store the message of our own errors only: others may contain secrets or personal data.
        problem = str(error) if isinstance(error, OutsideError) else type(error).__name__
        self._postpone(claim, wait, problem)
        return AttemptEnd.RETRIED

    def _record(
        self,
        claim: Claim,
        order: Order,
        proposed: Sequence[Proposal],
        outcome: Outcome,
        follows: Callable[[Reaction], bool] = lambda _: False,
    ) -> Commit:
        """Record the result and close the claim.

        If the order still requires the reaction, it is due again after the backoff.
        """
        wait = self._retry_policy(claim.reaction).wait(claim.reaction_id, claim.attempts)
        closing = ReactionResult(claim=claim, outcome=outcome, retry_after=wait, follows=follows)
        return self.command_handler.handle(
            order.order_id, proposed, reaction_cause(claim), known=order, closing=closing
        )

    def _give_up_if_still_required(self, claim: Claim, after: Order) -> bool:
        """Give up a reaction that is still required after its last attempt.

        Each attempt returned a result, but none satisfied the order.
        """
        if claim.reaction not in required_reactions(after):
            return False
        cause = reaction_cause(claim)
        cause = replace(cause, key=f"{cause.key}:spent")
        self.command_handler.handle(after.order_id, _events_when_exhausted(claim, after), cause, known=after)
        return True

    def _postpone(self, claim: Claim, wait: timedelta, problem: str, *, has_progressed: bool = False) -> None:
        due_at = self.clock.now() + wait
        with self.unit_of_work.transaction() as transaction:
            transaction.reactions.postpone(claim, due_at, problem, has_progressed=has_progressed)

    def _retry_policy(self, reaction: Reaction) -> RetryPolicy:
        return spec_of(reaction).retry(self.policy)


def _may_have_been_sent(claim: Claim) -> bool:
    """Whether a crash left the outcome of a non-repeatable call unknown."""
    return claim.was_interrupted and spec_of(claim.reaction).when_unanswered is not None


def _events_when_exhausted(claim: Claim, order: Order) -> Sequence[e.Event]:
    return spec_of(claim.reaction).when_exhausted(Attempt(claim.reaction, order, claim))
