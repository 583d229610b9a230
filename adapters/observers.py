"""Several observers as one."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta

from domain.order.order import Order
from domain.ports.event_store import Commit
from domain.ports.observer import AttemptEnd, Observer
from domain.ports.reaction_queue import Claim
from domain.ports.restorer import Prediction


class Observers(Observer):
    """Informs each observer in turn."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def committed(self, commit: Commit) -> None:
        for each in self._observers:
            each.committed(commit)

    def conflicted(self) -> None:
        for each in self._observers:
            each.conflicted()

    def attempting(self, claim: Claim, order: Order) -> AbstractContextManager[None]:
        return self._attempting(claim, order)

    def attempt_ended(self, claim: Claim, order: Order, end: AttemptEnd, took: timedelta) -> None:
        for each in self._observers:
            each.attempt_ended(claim, order, end, took)

    def call_overran(self, claim: Claim, *, is_finished: bool) -> None:
        for each in self._observers:
            each.call_overran(claim, is_finished=is_finished)

    def prediction_started(self, model: str, *, is_failover: bool) -> None:
        for each in self._observers:
            each.prediction_started(model, is_failover=is_failover)

    def prediction_ended(self, order: Order, prediction: Prediction) -> None:
        for each in self._observers:
            each.prediction_ended(order, prediction)

    @contextmanager
    def _attempting(self, claim: Claim, order: Order) -> Iterator[None]:
        with ExitStack() as around:
            for each in self._observers:
                around.enter_context(each.attempting(claim, order))
            yield
