"""The kinds of goals that rows have."""

from benchmarks.measure import LIMIT, OURS, Figures, Goal


def _ratio(figures: Figures, other: str) -> float | None:
    return figures[OURS].value / figures[other].value if other in figures else None


def of_the_limit(at_least: float) -> Goal:
    """The share of the limit that the shop reaches."""
    return times(LIMIT, at_least)


def times(other: str, at_least: float) -> Goal:
    """How many times as much as another contestant."""
    return Goal(
        text=f">= {at_least:g} x {other}", measured=lambda figures: _ratio(figures, other), at_least=at_least
    )


def at_most_times(other: str, at_most: float) -> Goal:
    """How many times as much as another contestant, where less is better."""
    return Goal(
        text=f"<= {at_most:g} x {other}", measured=lambda figures: _ratio(figures, other), at_most=at_most
    )


def cpu(process: str, at_most: float) -> Goal:
    """The CPU milliseconds of an operation in one process."""
    return Goal(
        text=f"<= {at_most:g} ms CPU {process}",
        measured=lambda figures: figures[OURS].cpu_ms.get(process),
        at_most=at_most,
    )


def fact(name: str, *, at_most: float | None = None, at_least: float | None = None) -> Goal:
    """A further figure, by its name."""
    bound = f"<= {at_most:g}" if at_most is not None else f">= {at_least:g}"
    return Goal(
        text=f"{name} {bound}",
        measured=lambda figures: figures[OURS].facts.get(name),
        at_most=at_most,
        at_least=at_least,
    )


def value(unit: str, *, at_most: float | None = None, at_least: float | None = None) -> Goal:
    """The row's own value."""
    bound = f"<= {at_most:g}" if at_most is not None else f">= {at_least:g}"
    return Goal(
        text=f"{bound} {unit}",
        measured=lambda figures: figures[OURS].value,
        at_most=at_most,
        at_least=at_least,
    )
