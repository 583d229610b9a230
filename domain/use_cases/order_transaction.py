"""A transaction that appends to orders, and what its commits come from."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Generic, TypeVar
from uuid import UUID

from domain.order.commands import Proposal
from domain.order.order import Order
from domain.order.reactions import Reaction
from domain.order.values import OrderId
from domain.ports.event_store import Commit
from domain.ports.reaction_queue import Claim, Outcome
from domain.ports.unit_of_work import HasOrders

Orders_co = TypeVar("Orders_co", bound=HasOrders, covariant=True)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """The origin of a commit.

    ``name`` is for readers of the log; ``key`` makes the commit idempotent: a stream records each key once.
    """

    name: str
    key: str
    actor: str
    correlation_id: UUID


@dataclass(frozen=True, kw_only=True)
class ReactionResult:
    """The claim that a commit closes, and with which outcome.

    If the order still requires the reaction, it is due again after ``retry_after``. The commit also claims one of its
    new reactions, or a start of its order that gets a slot, for which ``follows`` returns true, for the same thread to
    go on with.
    """

    claim: Claim
    retry_after: timedelta
    outcome: Outcome = Outcome.DONE
    follows: Callable[[Reaction], bool] = lambda _: False


_DecideCommit = Callable[[Order, Sequence[Proposal], Cause, ReactionResult | None], Commit]


class OrderTransaction(Generic[Orders_co]):
    """One transaction that appends to orders.

    ``commits`` holds what it appended, and ``admitted`` the starts that got slots, so that the command handler can
    wake the workers after the transaction.
    """

    def __init__(self, repositories: Orders_co, decide_commit: _DecideCommit) -> None:
        self.repositories: Final = repositories
        self.commits: list[Commit] = []
        self.admitted: Sequence[tuple[UUID, Reaction]] | None = None
        self._decide_commit = decide_commit

    def load(self, order_id: OrderId, known: Order | None = None) -> Order:
        """Lock an order until the transaction ends and load it.

        Load every order before the first write, so that the events of each stream keep their order in the log.
        ``known`` is an earlier state of it, which makes that cheaper.
        """
        return self.repositories.event_store.load_locked(order_id, known)

    def record(
        self,
        order: Order,
        proposed: Sequence[Proposal],
        cause: Cause,
        *,
        closing: ReactionResult | None = None,
    ) -> Commit:
        """Decide on an order; append the events with their projections and reactions.

        Nothing is written if there are neither new events nor a claim to close.
        """
        commit = self._decide_commit(order, proposed, cause, closing)
        [recorded] = self._append([commit])
        return recorded

    def record_all(self, decisions: Sequence[tuple[Order, Sequence[Proposal], Cause]]) -> Sequence[Commit]:
        """``record`` on several orders at once."""
        return self._append([self._decide_commit(*decision, None) for decision in decisions])

    def _append(self, commits: Sequence[Commit]) -> Sequence[Commit]:
        changes = [commit for commit in commits if commit.events or commit.closes is not None]
        if not changes:
            return commits
        leased = self.repositories.event_store.append(*changes)
        appended = [_as_leased(commit, leased) for commit in commits]
        self.commits.extend(commit for commit in appended if commit.events or commit.closes is not None)
        return appended


def _as_leased(commit: Commit, leased: Collection[UUID]) -> Commit:
    """The commit with those claims that were taken."""
    reactions = tuple(
        each if each.reaction_id in leased else replace(each, claim=None) for each in commit.reactions
    )
    return replace(
        commit, reactions=reactions, follow_up=next((each.claim for each in reactions if each.claim), None)
    )
