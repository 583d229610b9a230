"""A crash at each commit and each call of an order that goes well."""

from itertools import combinations

from tests.simulation.exhaustive import HISTORIES, crash_points, plans, shortest, try_crashes


def test_an_order_survives_a_crash_at_each_of_its_commits_and_calls() -> None:
    history = HISTORIES[0]
    points = crash_points(history, without_chores=True)
    assert len(points) > 50
    tried = try_crashes(history, [(point,) for point in points])
    assert tried.crashes == len(points)
    assert tried.broken == ()


def test_an_upload_that_is_abandoned_survives_any_two_crashes() -> None:
    history = HISTORIES[1]
    pairs = list(combinations(crash_points(history, without_chores=True), 2))
    assert try_crashes(history, pairs).broken == ()


def test_the_histories_are_eight_and_the_shortest_two_are_crashed_in_pairs() -> None:
    assert len({history.name for history in HISTORIES}) == 8
    few = shortest(HISTORIES)
    assert few[0].name == "abandoned"
    alone, paired = (len(list(plans(few[0], in_pairs=in_pairs))) for in_pairs in (False, True))
    points = len(crash_points(few[0], without_chores=True))
    assert paired - alone == points * (points - 1) // 2
