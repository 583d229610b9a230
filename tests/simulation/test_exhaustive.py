"""Crash a successful order at each of its commits and calls.

`make exhaustive` runs all histories and pairs.
"""

import pytest

from tests.simulation import exhaustive
from tests.simulation.exhaustive import HISTORIES, crash_points, shortest, try_crashes, try_seconds
from tests.simulation.faults import is_scheduled


@pytest.mark.parametrize(
    "history",
    [pytest.param(HISTORIES[0], id=HISTORIES[0].name, marks=pytest.mark.slow), HISTORIES[1]],
    ids=lambda history: history.name,
)
def test_an_order_survives_a_crash_at_each_of_its_commits_and_calls(history: exhaustive.History) -> None:
    points = [point for point in crash_points(history) if not is_scheduled(point)]
    assert len(points) >= 20
    tried = try_crashes(history, points)
    assert (tried.crashes, tried.broken) == (len(points), ())


def test_a_second_crash_is_tried_also_where_only_the_first_one_leads() -> None:
    history = HISTORIES[1]
    first = next(point for point in crash_points(history) if " put " in point and "before" in point)
    known = set(crash_points(history))
    tried = try_seconds(history, first)
    assert tried.broken == ()
    assert any(second not in known for second in exhaustive.seconds_after(history, first))


def test_the_histories_are_eight_and_the_shortest_two_are_crashed_in_pairs() -> None:
    assert len({history.name for history in HISTORIES}) == 8
    assert [history.name for history in shortest(HISTORIES)] == [
        "abandoned",
        "paid by a method that takes days",
    ]
