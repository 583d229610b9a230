"""The port that observes the work, for metrics and traces.

An observer changes nothing and never raises.
"""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from domain.order.order import Order
from domain.ports.event_store import Commit
from domain.ports.reaction_queue import Claim
from domain.ports.restorer import Prediction


class AttemptEnd(StrEnum):
    """How an attempt at a reaction ended."""

    DONE = "done"  # its result was recorded
    AGAIN = "again"  # its result was recorded, and the order still requires it: it is repeated
    HELD = "held"  # its result put the order on hold
    WAITS = "waits"  # what it waits for is still running
    BUSY = "busy"  # the provider's rate limit; no attempt is used up
    RETRIED = "retried"  # it failed, and is tried again
    GIVEN_UP = "given_up"  # it failed, and its attempts are used up
    LEASE_LOST = "lease_lost"  # another worker has it; the result is discarded


class Observer(Protocol):
    """Is informed after the fact, from any thread."""

    def committed(self, commit: Commit) -> None:
        """Events, reactions, or both, were committed."""

    def conflicted(self) -> None:
        """Another transaction was first: a command is decided again."""

    def attempting(self, claim: Claim, order: Order) -> AbstractContextManager[None]:
        """Surround an attempt at a reaction, in the thread that makes it."""

    def attempt_ended(self, claim: Claim, order: Order, end: AttemptEnd, took: timedelta) -> None:
        """An attempt at a reaction ended, ``took`` after its claim."""

    def call_overran(self, claim: Claim, *, is_finished: bool) -> None:
        """A call exceeded the time limit of its kind.

        The reaction is finished if it is not tried again.
        """

    def prediction_started(self, model: str, *, is_failover: bool) -> None:
        """A prediction was started.

        A failover uses another model or input than the first, or enlarges a result.
        """

    def prediction_ended(self, order: Order, prediction: Prediction) -> None:
        """A prediction has ended, and its output, if any, was fetched.

        One that did not end in time has failed, whether or not the provider has cancelled it yet.
        """


class NoObserver(Observer):
    """Ignores everything."""

    def committed(self, commit: Commit) -> None:
        """Ignore it."""

    def conflicted(self) -> None:
        """Ignore it."""

    def attempting(self, claim: Claim, order: Order) -> AbstractContextManager[None]:  # noqa: ARG002 -- the port's
        """Do nothing around it."""
        return nullcontext()

    def attempt_ended(self, claim: Claim, order: Order, end: AttemptEnd, took: timedelta) -> None:
        """Ignore it."""

    def call_overran(self, claim: Claim, *, is_finished: bool) -> None:
        """Ignore it."""

    def prediction_started(self, model: str, *, is_failover: bool) -> None:
        """Ignore it."""

    def prediction_ended(self, order: Order, prediction: Prediction) -> None:
        """Ignore it."""
