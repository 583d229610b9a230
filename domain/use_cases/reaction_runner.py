"""The reaction runner: claim, check, call, then record and close in one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.order import events as e
from domain.order.commands import Proposal
from domain.order.order import Order
from domain.order.reactions import Reaction, is_still_required, required_reactions
from domain.ports.clock import Clock
from domain.ports.errors import BusyError, CallOverrunError, OutsideError, UnavailableError
from domain.ports.ids import Ids
from domain.ports.reaction_queue import Claim, Outcome, ReactionQueue
from domain.ports.unit_of_work import HasEventStore, HasReactions, LeaseLostError, UnitOfWork
from domain.use_cases.order_command_handler import Cause, OrderCommandHandler, ReactionResult
from domain.use_cases.reaction_handlers import Attempt, ReactionHandlers, spec_of
from domain.use_cases.restoration.prediction_limits import PredictionLimiter, holds_slot
from domain.use_cases.restoration.predictions import StillRunning
from domain.use_cases.retry_policy import RetryPolicy
from domain.use_cases.shop_policy import ShopPolicy


class ReactionRepositories(HasEventStore, HasReactions, Protocol):
    """What reactions are claimed in."""


#: How many reactions one look of the sweeper sends again.
SWEEP_LIMIT = 500


class ReactionRunner:
    """Does outstanding work, one reaction at a time."""

    def __init__(
        self,
        *,
        unit_of_work: UnitOfWork[ReactionRepositories],
        queue: ReactionQueue,
        command_handler: OrderCommandHandler[HasEventStore],
        handlers: ReactionHandlers,
        prediction_limiter: PredictionLimiter,
        clock: Clock,
        ids: Ids,
        policy: ShopPolicy,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._queue = queue
        self._command_handler = command_handler
        self._handlers = handlers
        self._clock = clock
        self._ids = ids
        self._policy = policy
        self._prediction_limiter = prediction_limiter

    def claim(self, reaction_id: UUID) -> tuple[Claim, Order] | None:
        """Take a reaction and load its order; none if it is not due, done, or somebody else's."""
        with self._unit_of_work.transaction() as transaction:
            claim = transaction.reactions.claim(
                reaction_id, self._ids.new(), self._clock.now(), self._policy.work.lease
            )
            if claim is None:
                return None
            order = transaction.event_store.load(claim.order_id)
            if is_still_required(claim.reaction, order) or _may_have_been_sent(claim):
                return claim, order
            transaction.reactions.close(claim, outcome=Outcome.DROPPED)
        if holds_slot(claim.reaction):
            self._prediction_limiter.grant_slots()
        return None

    def perform(self, claim: Claim, order: Order) -> None:
        """Do claimed work and write down what came of it.

        What is not available is tried again later, and what has used up its attempts becomes an event. A provider
        that is busy uses none up: it is there, and its turn will come. Raises LeaseLostError when the claim ran out
        meanwhile; what is unexpected is postponed like an outage, then raised.
        """
        try:
            proposed = self._do(claim, order)
        except StillRunning as not_yet:
            self._postpone(claim, not_yet.wait, "still running", has_progressed=True)
        except BusyError as busy:
            self._postpone(claim, self._prediction_limiter.pause(busy), str(busy), has_progressed=True)
        except OutsideError as error:
            self._try_again(claim, order, error)
        except Exception as error:
            self._try_again(claim, order, error)
            raise
        else:
            # Mark work that ends in a hold as failed, not done, so that the table tells the two apart.
            ends_in_hold = any(isinstance(event, e.OrderHeld) for event in proposed)
            outcome = Outcome.FAILED if ends_in_hold else Outcome.DONE
            after = self._record(claim, order, proposed, outcome)
            if claim.attempts >= self._retry_policy(claim.reaction).attempts:
                self._give_up_what_spins(claim, after)

    def renew(self, held: Sequence[tuple[Claim, Order]]) -> list[Claim]:
        """Renew the leases of calls that are in time; give up the others, and return these.

        A call that has not returned by the last moment of its claim counts as a failed attempt. Its work is given
        back, so its claim's token is void, and whatever the call still returns is discarded.
        """
        now = self._clock.now()
        overdue = [(claim, order) for claim, order in held if now >= self._last_moment(claim)]
        in_time = [claim.token for claim, order in held if (claim, order) not in overdue]
        if in_time:
            with self._unit_of_work.transaction() as transaction:
                transaction.reactions.renew(in_time, now + self._policy.work.lease)
        return [claim for claim, order in overdue if self._give_up_call(claim, order)]

    def _last_moment(self, claim: Claim) -> datetime:
        return claim.claimed_at + self._retry_policy(claim.reaction).time_limit

    def _give_up_call(self, claim: Claim, order: Order) -> bool:
        """Count a call that does not return as failed; false if it has just ended, or lost its lease before."""
        limit = self._retry_policy(claim.reaction).time_limit
        try:
            if when_unanswered := spec_of(claim.reaction).when_unanswered:
                unanswered = when_unanswered(Attempt(claim.reaction, order, claim))
                self._record(claim, order, unanswered, Outcome.FAILED)
            else:
                self._try_again(claim, order, CallOverrunError(type(claim.reaction).__name__, limit))
        except LeaseLostError:
            return False
        return True

    def resend_due(self) -> int:
        """Send again what is due, expired or lost, admit what may start now, and tell how much that was."""
        with self._unit_of_work.transaction() as transaction:
            unsent = transaction.reactions.take_unsent(
                self._clock.now(), self._policy.work.resend_after, SWEEP_LIMIT
            )
        self._queue.send(unsent)
        return len(unsent) + self._prediction_limiter.grant_slots()

    def _do(self, claim: Claim, order: Order) -> Sequence[Proposal]:
        spec, attempt = spec_of(claim.reaction), Attempt(claim.reaction, order, claim)
        if claim.was_interrupted and spec.when_unanswered is not None:
            return spec.when_unanswered(attempt)
        return spec.handle(self._handlers, attempt)

    def _try_again(self, claim: Claim, order: Order, error: Exception) -> None:
        limits = self._retry_policy(claim.reaction)
        if claim.attempts >= limits.attempts:
            self._record(claim, order, _events_when_exhausted(claim, order), Outcome.FAILED)
            return
        wait = limits.wait(claim.reaction_id, claim.attempts)
        if isinstance(error, UnavailableError) and error.retry_after_seconds is not None:
            wait = max(wait, timedelta(seconds=error.retry_after_seconds))
        # Only our own errors' words are kept: a stranger's could hold what must not be written down.
        problem = str(error) if isinstance(error, OutsideError) else type(error).__name__
        self._postpone(claim, wait, problem)

    def _record(self, claim: Claim, order: Order, proposed: Sequence[Proposal], outcome: Outcome) -> Order:
        """Record the outcome and close the claim; work the order still needs is due again after a growing wait."""
        wait = self._retry_policy(claim.reaction).wait(claim.reaction_id, claim.attempts)
        closing = ReactionResult(claim=claim, outcome=outcome, retry_after=wait)
        return self._command_handler.handle(order.order_id, proposed, _cause(claim), closing=closing).after

    def _give_up_what_spins(self, claim: Claim, after: Order) -> None:
        """Give up work whose outcomes, attempt after attempt, leave the order needing it all the same."""
        if claim.reaction in required_reactions(after):
            cause = _cause(claim)
            cause = replace(cause, key=f"{cause.key}:spent")
            self._command_handler.handle(after.order_id, _events_when_exhausted(claim, after), cause)

    def _postpone(self, claim: Claim, wait: timedelta, problem: str, *, has_progressed: bool = False) -> None:
        due_at = self._clock.now() + wait
        with self._unit_of_work.transaction() as transaction:
            transaction.reactions.postpone(claim, due_at, problem, has_progressed=has_progressed)

    def _retry_policy(self, reaction: Reaction) -> RetryPolicy:
        return spec_of(reaction).retry(self._policy)


def _may_have_been_sent(claim: Claim) -> bool:
    """Whether a crash hid the outcome of a call that must not simply be repeated."""
    return claim.was_interrupted and spec_of(claim.reaction).when_unanswered is not None


def _events_when_exhausted(claim: Claim, order: Order) -> Sequence[e.Event]:
    return spec_of(claim.reaction).when_exhausted(Attempt(claim.reaction, order, claim))


def _cause(claim: Claim) -> Cause:
    name = f"reaction:{claim.reaction_id}"
    return Cause(
        name=f"{name} ({type(claim.reaction).__name__}, attempt {claim.attempts})",
        key=f"{name}:{claim.token}",  # reopened work has the same id and another token
        actor="worker",
        correlation_id=claim.order_id,
    )
