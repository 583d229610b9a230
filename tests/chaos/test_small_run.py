"""A minimal run: few customers, the shortest faults, and all laws.

It shows that the run itself works. What takes two minutes to find is left to `make chaos`.
"""

from pathlib import Path

import pytest

from tests.chaos.fault_runner import Incident
from tests.chaos.run import run
from tests.chaos.schedule import Manner, PlannedFault, Schedule, Visit
from tests.chaos.visits import Ending, Visits

#: The time at which each is due.
FAULTS = {"Stripe loses replies": 0.0, "cut the connections": 1.0}
MANNERS = (Manner.PAYS, Manner.PAYS_TWICE, Manner.STRANGER, Manner.FORGER, Manner.ABANDONS_PAYMENT)

SMALL = Schedule(
    seed=0,
    seconds=2,
    visits=tuple(
        Visit(
            number=number,
            at_seconds=number * 0.2,
            manner=MANNERS[number % len(MANNERS)],
            email=f"visitor-{number}@customer.example",
            photos=(number,),
            hesitates_seconds=1,
        )
        for number in range(len(MANNERS))
    ),
    tracks=tuple((PlannedFault(at_seconds=due, fault=fault),) for fault, due in FAULTS.items()),
)


class Notes:
    """A watcher that records which faults ended, in order."""

    def __init__(self) -> None:
        self.over: list[str] = []

    def say(self, sentence: str) -> None:
        assert sentence

    def show(self, seconds: float, completed: int, visits: Visits) -> None:
        assert seconds >= 0
        assert completed >= 0
        assert visits.experiences

    def struck(self, incident: Incident) -> None:
        self.over.append(incident.fault.name)


@pytest.mark.slow
def test_a_shop_that_is_taken_apart_keeps_the_laws(tmp_path: Path) -> None:
    notes = Notes()
    outcome = run(SMALL, tmp_path / "shop", {}, notes)
    assert set(notes.over) == set(FAULTS)
    assert [incident.missed for incident in outcome.incidents] == [""] * len(FAULTS)
    assert {number: found for number, found in outcome.breaches.items() if found} == {}
    assert (outcome.disagreements, outcome.deaths, outcome.defects) == ([], [], [])
    assert {lived.ending for lived in outcome.visits.experiences} == {Ending.SERVED, Ending.LEFT}
    assert outcome.completed_at_rest == 2
    # The only payment without an order has no signed token of this shop: it belongs to another system, and is
    # not stored.
    assert outcome.counts["payments without an order"] == 0
    assert len(outcome.visits.forgeries) == 8
    assert outcome.counts["pieces that broke off"] >= 1
    assert outcome.counts["events of streams"] >= 1
