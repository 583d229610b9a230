"""This machine's clock beside those of PostgreSQL, the storage and Stripe."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from entrypoints.bootstrap.diagnosis import Diagnosis
from entrypoints.doctor.findings import Check, Finding, error

SUBJECT = "clocks"

#: The largest difference that is not reported; S3 and TLS tolerate far more.
MOST = timedelta(seconds=5)


def now() -> datetime:
    """This machine's time."""
    return datetime.now(UTC)


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The comparisons with each other clock."""
    clocks: dict[str, Callable[[], datetime | None]] = {
        "PostgreSQL": lambda: diagnosis.server_facts().now,
        "the storage": diagnosis.bucket.answered_at,
        "Stripe": lambda: diagnosis.stripe.describe().answered_at,
    }
    return [
        Check(
            subject=SUBJECT,
            look=_looking(name, clock),
            needs=["database"] if name == "PostgreSQL" else [],
        )
        for name, clock in clocks.items()
    ]


def _looking(name: str, clock: Callable[[], datetime | None]) -> Callable[[], Iterator[Finding]]:
    return lambda: _compare(name, clock)


def _compare(name: str, clock: Callable[[], datetime | None]) -> Iterator[Finding]:
    began = now()
    other = clock()
    if other is None:
        return
    # It answered between the two readings; headers have whole seconds.
    ahead, behind = began - other - timedelta(seconds=1), other - now()
    if ahead > MOST or behind > MOST:
        direction = "ahead of" if ahead > MOST else "behind"
        yield error(
            "clock_off",
            f"This machine's clock is {max(ahead, behind).total_seconds():.0f} seconds {direction} that of {name}: have"
            " NTP set it.",
        )
