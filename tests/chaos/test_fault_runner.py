"""A fault counts only if it ended and proved that it struck."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.chaos import fault_runner
from tests.chaos.fault_runner import FaultRunner, Incident
from tests.chaos.faults import Fault, MissedError, Strike
from tests.chaos.schedule import PlannedFault
from tests.chaos.shop_under_test import ShopUnderTest

TOMORROW = datetime.now(UTC) + timedelta(days=1)


@contextmanager
def strikes(_: ShopUnderTest) -> Iterator[Strike]:
    yield Strike(proof="it is gone")


@contextmanager
def shows_nothing(_: ShopUnderTest) -> Iterator[Strike]:
    yield Strike()


@contextmanager
def breaks_off(_: ShopUnderTest) -> Iterator[Strike]:
    yield Strike(proof="it is gone")
    raise KeyError("not foreseen")


def misses(_: ShopUnderTest) -> AbstractContextManager[Strike]:
    raise MissedError("there was nothing to lose")


@pytest.mark.parametrize(
    ("context", "missed"),
    [
        (strikes, ""),
        (shows_nothing, "nothing shows that it struck"),
        (breaks_off, "it broke off: KeyError('not foreseen')"),
        (misses, "there was nothing to lose"),
    ],
)
def test_an_incomplete_fault_is_reported_as_missed_and_the_next_one_runs(
    context: Any, missed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = {
        name: Fault(name=name, to="nobody", do=do) for name, do in {"first": context, "next": strikes}.items()
    }
    monkeypatch.setattr(fault_runner, "FAULTS", faults)
    shop_under_test = SimpleNamespace(ending=Event(), asked=lambda *_: [{"at": TOMORROW}])
    reported: list[Incident] = []
    tracks = [[PlannedFault(at_seconds=0, fault=name) for name in faults]]
    runner = FaultRunner(cast("ShopUnderTest", shop_under_test), tracks, reported.append)
    runner.start()
    runner.wait()
    assert [incident.missed for incident in reported] == [missed, ""]
