"""Report a run: its progress and outcome, for people and for programs."""

import json
from collections import Counter
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from tests.chaos.fault_runner import Incident
from tests.chaos.outcome import Outcome
from tests.chaos.visits import Ending, Visits
from tests.laws import LAWS

#: How often progress is printed where there is no progress bar.
_PLAIN_SECONDS = 10.0


class Screen:
    """Prints events, and below them a progress bar on terminals."""

    def __init__(self, console: Console, seconds: float) -> None:
        self._console = console
        self._shown_at = 0.0
        self._progress = Progress(
            TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=seconds)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, sentence: str) -> None:
        """Print what begins now."""
        self._console.print(Text(sentence), soft_wrap=True)

    def show(self, seconds: float, completed: int, visits: Visits) -> None:
        """Move the progress bar; without one, print a line now and then."""
        progress = f"{completed} orders completed, {visits.count(_is_served)} customers served"
        self._progress.update(self._task, completed=seconds, description=progress)
        if self._progress.disable and seconds - self._shown_at >= _PLAIN_SECONDS:
            self._shown_at = seconds
            self.say(f"{seconds:6.1f} s  {progress}")

    def struck(self, incident: Incident) -> None:
        """Print a fault that is over, or that missed."""
        began = incident.began or 0.0
        line = Text(f"{began:6.1f} s  {incident.fault.name}: ")
        line.append(
            incident.proof or f"missed, {incident.missed}", style="red" if incident.missed else "cyan"
        )
        self._console.print(line, soft_wrap=True)


def print_report(console: Console, outcome: Outcome) -> None:
    """Print the faults, the counts, the laws and the verdict."""
    console.print(_incidents(outcome))
    for what, count in outcome.counts.items():
        console.print(Text(f"{count:>8}  {what}"))
    endings = Counter(lived.ending.value for lived in outcome.visits.experiences)
    endings_text = ", ".join(f"{count} {ending}" for ending, count in endings.most_common())
    console.print(Text(f"{len(outcome.visits.experiences):>8}  visitors: {endings_text}"))
    for law in LAWS:
        breaches = len(outcome.breaches[law.number])
        verdict = Text("kept", style="green") if not breaches else Text(f"{breaches} breaches", style="red")
        console.print(
            Text(f"Law {law.number:>2} ").append(verdict).append(f": {law.sentence}"), soft_wrap=True
        )
    if (slowest := outcome.slowest) is not None:
        duration = f"{slowest.recovery_seconds:.1f} s after “{slowest.fault.name}” at {slowest.began:.0f} s"
        console.print(Text(f"The slowest recovery took {duration}."))
    console.print(
        Text(
            f"{outcome.completed_at_rest} orders were completed ({outcome.wanted} had to be), {outcome.completed} of "
            f"them within the {outcome.schedule.seconds:g} s of faults; "
            f"the shop was at rest {outcome.rest_seconds:.0f} s after the last fault."
        ),
        soft_wrap=True,
    )


def json_report(outcome: Outcome) -> str:
    """The same as one JSON document."""
    slowest = outcome.slowest
    document: dict[str, Any] = {
        "seed": outcome.schedule.seed,
        "seconds": outcome.schedule.seconds,
        "passed": not outcome.failures,
        "failures": outcome.failures,
        "completed": outcome.completed,
        "wanted": outcome.wanted,
        "completed_at_rest": outcome.completed_at_rest,
        "rest_seconds": round(outcome.rest_seconds, 1),
        "slowest_recovery": slowest and {"fault": slowest.fault.name, "seconds": slowest.recovery_seconds},
        "counts": dict(outcome.counts),
        "breaches": {str(number): list(breaches) for number, breaches in outcome.breaches.items()},
        "faults": [_as_json(incident) for incident in outcome.incidents],
    }
    return json.dumps(document, indent=2)


def _incidents(outcome: Outcome) -> Table:
    table = Table("began", "what", "to what", "how it is known", "ready after", "orders moved on after")
    for incident in outcome.incidents:
        table.add_row(
            _seconds(incident.began),
            incident.fault.name,
            incident.fault.to,
            Text(incident.proof or f"MISSED: {incident.missed}", style="red" if incident.missed else ""),
            _seconds(incident.ready_seconds),
            _seconds(incident.moved_seconds),
        )
    return table


def _as_json(incident: Incident) -> dict[str, Any]:
    return {
        "fault": incident.fault.name,
        "to": incident.fault.to,
        "due": incident.planned.at_seconds,
        "began": incident.began,
        "ended": incident.ended,
        "proof": incident.proof,
        "missed": incident.missed,
        "ready_seconds": incident.ready_seconds,
        "moved_seconds": incident.moved_seconds,
    }


def _seconds(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.1f} s"


def _is_served(lived: Any) -> bool:
    return bool(lived.ending is Ending.SERVED)
