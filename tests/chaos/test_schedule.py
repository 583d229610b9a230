"""A seed determines its run; two minutes include every kind of event."""

from collections import Counter
from dataclasses import replace

from tests.chaos.faults import FAULTS, TRACKS
from tests.chaos.schedule import CALM_SECONDS, LAST_SECONDS, Manner, Schedule, scheduled

TWO_MINUTES = 120.0


def drawn(seed: int, seconds: float = TWO_MINUTES) -> Schedule:
    return scheduled(seed, seconds=seconds, orders_per_second=6, tracks=TRACKS)


def test_the_same_seed_gives_the_same_run() -> None:
    assert drawn(1926) == drawn(1926)


def test_another_seed_gives_another_run() -> None:
    assert replace(drawn(1927), seed=1926) != drawn(1926)


def test_every_kind_of_fault_comes_in_two_minutes_whatever_the_seed() -> None:
    for seed in range(50):
        planned = [one.fault for track in drawn(seed).tracks for one in track]
        assert set(planned) == set(FAULTS)


def test_every_manner_of_visitor_comes_in_two_minutes() -> None:
    for seed in range(10):
        assert {visit.manner for visit in drawn(seed).visits} == set(Manner)


def test_some_visitors_upload_in_pieces_and_watch_by_stream_and_some_do_not() -> None:
    visits = drawn(7, seconds=14).visits
    assert {visit.is_resumable for visit in visits} == {True, False}
    assert {visit.is_watching for visit in visits} == {True, False}


def test_as_many_orders_are_placed_as_are_wanted() -> None:
    ordering = {Manner.PAYS, Manner.PAYS_TWICE, Manner.PAYS_LATER, Manner.BY_DEBIT}
    counted = Counter(visit.manner in ordering for visit in drawn(3, seconds=1000).visits)
    assert 5500 < counted[True] < 6500


def test_faults_leave_the_beginning_and_the_end_of_a_run_alone_and_follow_one_another() -> None:
    for track in drawn(5).tracks:
        times = [planned.at_seconds for planned in track]
        assert times == sorted(times)
        assert times[0] >= CALM_SECONDS
        assert times[-1] <= TWO_MINUTES - LAST_SECONDS


def test_a_short_run_has_one_fault_of_each_track() -> None:
    assert [len(track) for track in drawn(1, seconds=14).tracks] == [1] * len(TRACKS)
