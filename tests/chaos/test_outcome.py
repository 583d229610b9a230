"""A run fails for broken laws, missed faults and too few orders.

Each reason is reported in a sentence.
"""

import argparse
import json
from dataclasses import replace

from tests.chaos.__main__ import verdict
from tests.chaos.fault_runner import Incident
from tests.chaos.faults import FAULTS
from tests.chaos.outcome import Outcome
from tests.chaos.report import json_report
from tests.chaos.schedule import Manner, PlannedFault, Schedule, Visit
from tests.chaos.visits import Ending, Experience, Visits
from tests.laws import LAWS

VISIT = Visit(number=7, at_seconds=1, manner=Manner.PAYS, email="a@b", photos=(1,), hesitates_seconds=1)


def incident(name: str = "FLUSHALL", *, missed: str = "", ready: float = 1.0) -> Incident:
    planned = PlannedFault(at_seconds=30, fault=name)
    return Incident(
        planned, FAULTS[name], began=30.0, ended=31.0, proof="x", missed=missed, ready_seconds=ready
    )


GOOD = Outcome(
    schedule=Schedule(seed=1, seconds=120, visits=(VISIT,), tracks=()),
    incidents=[incident(), incident("kill Valkey", ready=3.0)],
    visits=Visits([Experience(VISIT, Ending.SERVED)]),
    completed=300,
    completed_at_rest=400,
    rest_seconds=20,
    counts={},
    breaches={law.number: [] for law in LAWS},
    disagreements=[],
    deaths=[],
    defects=[],
)


def test_a_run_without_a_finding_passes() -> None:
    assert GOOD.failures == []
    assert json.loads(json_report(GOOD))["passed"] is True


def test_a_broken_law_is_named_with_its_breaches() -> None:
    breaches = [f"E-mail {number} was accepted twice." for number in range(7)]
    (failure,) = replace(GOOD, breaches={**GOOD.breaches, 9: breaches}).failures
    assert failure.startswith("Law 9 is broken: One e-mail id is accepted")
    assert "E-mail 4 was" in failure
    assert "and 2 more" in failure


def test_a_fault_that_missed_fails_the_run() -> None:
    (failure,) = replace(GOOD, incidents=[incident(missed="there was nothing to lose")]).failures
    assert failure == "The fault “FLUSHALL”, due at 30 s, missed its window: there was nothing to lose."


def test_three_hundred_orders_in_two_minutes_are_the_least() -> None:
    (failure,) = replace(GOOD, completed_at_rest=299).failures
    assert failure.startswith("Only 299 orders were completed, and 300 had to be")
    assert replace(GOOD, schedule=replace(GOOD.schedule, seconds=40)).wanted == 100


def test_other_errors_are_reported_too() -> None:
    refused = Experience(VISIT, Ending.REFUSED, word="POST /api/uploads was answered with 404")
    outcome = replace(
        GOOD,
        visits=Visits([refused]),
        disagreements=["work_lost 1: ..."],
        deaths=["The API has ended."],
        defects=["KeyError()"],
    )
    assert [failure.split()[0] for failure in outcome.failures] == ["The", "Visitor", "The", "The"]


def test_the_slowest_recovery_is_that_of_a_fault_that_struck() -> None:
    slowest = replace(GOOD, incidents=[*GOOD.incidents, incident(missed="x", ready=9.0)]).slowest
    assert slowest is not None
    assert slowest.fault.name == "kill Valkey"


def test_a_planted_bug_counts_as_found_only_by_its_own_law() -> None:
    planted = argparse.Namespace(plant="send-mail-blindly", seconds=120, orders_per_second=4, data=None)
    found = replace(GOOD, breaches={**GOOD.breaches, 9: ["It was accepted twice."]})
    assert verdict(found, planted)[0] == 1
    for blind in (
        GOOD,
        replace(GOOD, completed_at_rest=0),
        replace(GOOD, breaches={**GOOD.breaches, 3: ["x"]}),
    ):
        assert verdict(blind, planted)[0] == 2


def test_a_failed_run_shows_how_to_repeat_it() -> None:
    plain = argparse.Namespace(plant=None, seconds=120, orders_per_second=4, data=None)
    assert verdict(GOOD, plain) == (0, "Nothing was found.")
    status, word = verdict(replace(GOOD, completed_at_rest=0), plain)
    assert status == 1
    assert "--seed 1 --seconds 120 --orders-per-second 4" in word
