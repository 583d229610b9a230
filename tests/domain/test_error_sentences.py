"""The message and the fields of each error of the domain."""

import importlib
import inspect
import pkgutil
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

import domain
from domain.order.closure import Obstacle
from domain.order.errors import ShopError
from domain.order.order import Order
from domain.order.values import FailureReason, Money, OrderId, OrderNumber, RedoObstacle
from domain.ports.errors import RefusalValue
from domain.ports.upload_sessions import UploadStatus
from domain.unmatched_payment import UnmatchedStatus
from domain.use_cases.support.action_refusals import ActionProblem
from tests.domain.support.given_when_then import given

SENTENCES: dict[str, str] = tomllib.loads(Path(__file__).with_name("error_sentences.toml").read_text("utf-8"))

#: The arguments that errors are built from, by type; a text is the argument's own name.
_ID = UUID("00000000-0000-4000-8000-000000000001")
_ARGUMENTS: dict[object, object] = {
    int: 7,
    bool: True,
    datetime: datetime(2026, 7, 1, 14, 5, tzinfo=UTC),
    timedelta: timedelta(minutes=5),
    FailureReason: FailureReason.UNREADABLE_INPUT,
    UnmatchedStatus: UnmatchedStatus.REFUNDED,
    UploadStatus: UploadStatus.CHECKOUT,
    Mapping[str, RefusalValue] | None: {"count": 7},
    Order: given().order,
    OrderId | None: OrderId(_ID),
    ActionProblem | ShopError: ActionProblem.NOTHING_TO_DO,
    Money: Money(amount=490, currency="EUR"),
    RedoObstacle: RedoObstacle.NOT_RESTORED,
}
_COLLECTIONS: dict[str, object] = {
    "obstacles": {OrderNumber("PR-7"): next(iter(Obstacle))},
    "quota": "sessions",
    "allowed": ["ImageRestored", "OrderHeld"],
    "known": ("dp_1", "dp_2"),
    "payments": ("cs_1", "cs_2"),
}


def _with_a_sentence_of_their_own() -> list[type[Exception]]:
    modules = [
        importlib.import_module(found.name) for found in pkgutil.walk_packages(domain.__path__, "domain.")
    ]
    return [
        kind
        for module in modules
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == module.__name__
        if "__init__" in vars(kind)
    ]


ERRORS = _with_a_sentence_of_their_own()


def _arguments(kind: type[Exception]) -> tuple[list[object], dict[str, object]]:
    positional: list[object] = []
    named: dict[str, object] = {}
    for name, parameter in inspect.signature(kind, eval_str=True).parameters.items():
        annotation = getattr(parameter.annotation, "__supertype__", parameter.annotation)
        value = _COLLECTIONS.get(name) or _ARGUMENTS.get(annotation)
        if value is None and annotation in (str, str | None):
            value = f"[{name}]"
        elif annotation is UUID:
            value = _ID
        elif annotation == int | None:
            value = 7
        elif annotation == float | None:
            value = 60.0
        elif annotation == timedelta | None:
            value = timedelta(minutes=5)
        assert value is not None, f"{kind.__name__} takes {name}: give it a value above"
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            named[name] = value
        else:
            positional.append(value)
    return positional, named


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_says_its_sentence_and_carries_what_it_was_made_of(kind: type[Exception]) -> None:
    positional, named = _arguments(kind)
    error = kind(*positional, **named)
    assert str(error) == SENTENCES[kind.__name__]
    names = list(inspect.signature(kind, eval_str=True).parameters)
    for name, value in {**dict(zip(names, positional, strict=False)), **named}.items():
        assert str(value) in str(getattr(error, name, value))


def test_each_sentence_is_of_an_error_that_exists() -> None:
    assert sorted(SENTENCES) == sorted(kind.__name__ for kind in ERRORS)
