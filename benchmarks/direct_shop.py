"""The shop's command handler in this process, without a queue."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.events import Event
from domain.order.values import OrderId
from domain.ports.observer import NoObserver
from domain.pricing import PriceList
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause
from domain.use_cases.restoration.prediction_limits import PredictionLimiter
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.bootstrap.policy import urls_of

PRICE = 490
_URL = "https://shop.example"
POLICY = ShopPolicy(
    prices=PriceList(currency="EUR", steps=((1, PRICE),)),
    urls=urls_of(_URL),
)


class NoQueue:
    """Sends no wake-up: commits are measured without Valkey."""

    def send(self, reactions: Iterable[Any]) -> None:
        """Send nothing."""


class _Clock:
    def now(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)


class _Ids:
    def new(self) -> UUID:
        """Return a new id."""
        return uuid4()


def command_handler_on(unit_of_work: PostgresUnitOfWork) -> OrderCommandHandler[Any]:
    """Return the command handler on a database."""
    clock = _Clock()
    limiter = PredictionLimiter(unit_of_work=unit_of_work, queue=NoQueue(), clock=clock, policy=POLICY)
    return OrderCommandHandler(
        unit_of_work=unit_of_work,
        queue=NoQueue(),
        prediction_limiter=limiter,
        clock=clock,
        ids=_Ids(),
        policy=POLICY,
        observer=NoObserver(),
    )


def commit(handler: OrderCommandHandler[Any], order_id: OrderId, event: Event) -> None:
    """Commit one event: load, decide, append, read models and reactions."""
    key = str(uuid4())
    cause = Cause(name="benchmark", key=key, actor="benchmark", correlation_id=order_id)
    if not handler.handle(order_id, [event], cause).events:
        raise AssertionError(f"The order ignored {event}: nothing was measured.")
