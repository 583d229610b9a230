"""The outcome of a run, and the reasons why it failed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.fault_runner import Incident
from tests.chaos.schedule import Schedule
from tests.chaos.visits import Ending, Visits
from tests.laws import LAWS

#: With fewer orders for each second of faults, a run has shown too little: 300 in two minutes. Orders that
#: complete after the faults count, too: how many complete before depends on the speed of the machine.
LEAST_ORDERS_PER_SECOND = 2.5
#: How many breaches of a law are listed singly.
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything known at the end; ``breaches`` by number of law."""

    schedule: Schedule
    incidents: Sequence[Incident]
    visits: Visits
    completed: int  # orders, while the faults went on
    completed_at_rest: int
    rest_seconds: float
    counts: Mapping[str, int]
    breaches: Mapping[int, Sequence[str]]
    disagreements: Sequence[str]  # unexplained findings of the shop's own reconciliation
    deaths: Sequence[str]  # processes that ended without being killed by a fault
    defects: Sequence[str]  # of the run itself

    @property
    def wanted(self) -> int:
        """How many orders had to be completed."""
        return round(LEAST_ORDERS_PER_SECOND * self.schedule.seconds)

    @property
    def slowest(self) -> Incident | None:
        """The fault with the longest recovery."""
        struck = [incident for incident in self.incidents if not incident.missed]
        return max(struck, key=lambda incident: incident.recovery_seconds, default=None)

    @property
    def failures(self) -> list[str]:
        """The reasons why the run failed, in sentences; empty if it passed."""
        return [*self._broken_laws(), *self._missed(), *self._others()]

    def _broken_laws(self) -> Iterator[str]:
        for law in LAWS:
            breaches = self.breaches.get(law.number, ())
            if breaches:
                shown = "\n".join(f"    {breach}" for breach in breaches[:_SHOWN])
                more = f"\n    and {len(breaches) - _SHOWN} more" if len(breaches) > _SHOWN else ""
                yield f"Law {law.number} is broken: {law.sentence}\n{shown}{more}"
        for disagreement in self.disagreements:
            yield f"The shop's own reconciliation finds: {disagreement}"

    def _missed(self) -> Iterator[str]:
        for incident in self.incidents:
            if incident.missed:
                at = f"{incident.planned.at_seconds:.0f} s"
                yield f"The fault “{incident.fault.name}”, due at {at}, missed its window: {incident.missed}."

    def _others(self) -> Iterator[str]:
        if self.completed_at_rest < self.wanted:
            yield (
                f"Only {self.completed_at_rest} orders were completed, and {self.wanted} had to be: the machine is "
                "too busy or too slow for this rate, or the shop does not recover."
            )
        for lived in self.visits.experiences:
            if lived.ending is Ending.REFUSED:
                yield f"Visitor {lived.visit.number} ({lived.visit.manner}) was turned away: {lived.word}"
        yield from (f"{death} No fault had killed it." for death in self.deaths)
        yield from (f"The run itself is at fault: {defect}" for defect in self.defects)
