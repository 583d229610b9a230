"""Redis: reachable and writable."""

from collections.abc import Iterator

from entrypoints.bootstrap.diagnosis import Diagnosis
from entrypoints.doctor.findings import Check, Finding

SUBJECT = "redis"


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The check of Redis."""

    def look() -> Iterator[Finding]:
        diagnosis.check_queue()
        yield from ()

    return [Check(subject=SUBJECT, look=look)]
