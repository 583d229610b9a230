"""Faults of the provider twins, by their fault rules.

A rule that never struck is a fault that missed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.chaos.faults.strike import FaultContext, MissedError, Strike
from tests.chaos.shop_under_test import ShopUnderTest
from tests.journeys.model_refusals import FIRST, REFUSAL, SECOND
from tests.waiting import eventually

Rule = dict[str, Any]

#: How long to wait for the requests that a rule is about: a photo has to be refused first, for example.
_WINDOW_SECONDS = 60.0


def misbehaving(twin: str, rule: Rule, *, meanwhile: tuple[tuple[str, Rule], ...] = ()) -> FaultContext:
    """Apply a rule until it has struck as often as it may.

    The rules in ``meanwhile`` cause the requests that it is about.
    """

    @contextmanager
    def timeline(shop_under_test: ShopUnderTest) -> Iterator[Strike]:
        others = [(name, shop_under_test.arm(name, other)) for name, other in meanwhile]
        rule_id = shop_under_test.arm(twin, rule)
        strike = Strike()
        try:
            with suppress(TimeoutError):
                eventually(
                    lambda: (
                        shop_under_test.strikes(twin, rule_id) >= rule["times"]
                        or shop_under_test.ending.is_set()
                    ),
                    within_seconds=_WINDOW_SECONDS,
                    every_seconds=0.1,
                )
            times = shop_under_test.strikes(twin, rule_id)
            if not times:
                raise MissedError(f"nothing like {rule['on']} came in {_WINDOW_SECONDS:g} s")
            strike.proof = f"it struck {times} times"
            yield strike
        finally:
            shop_under_test.lift(twin, rule_id)
            for name, other_id in others:
                shop_under_test.lift(name, other_id)

    return timeline


def refused_photos(times: int) -> tuple[tuple[str, Rule], ...]:
    """Let both models refuse some photos, so that refunds are necessary."""
    return (
        ("replicate", {"on": FIRST, "times": times, **REFUSAL}),
        ("replicate", {"on": f"{SECOND}*", "times": None, **REFUSAL}),
    )
