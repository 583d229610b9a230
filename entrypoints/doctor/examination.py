"""The examination: all checks at once, each within its time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

from domain.ports.errors import OutsideError
from entrypoints.bootstrap.diagnosis import Diagnosis
from entrypoints.bootstrap.wording import error_text
from entrypoints.command_errors import CommandFailedError
from entrypoints.doctor.checks import (
    backups,
    clocks,
    database,
    machine,
    public_address,
    replicate,
    sender_domain,
    sendgrid,
    settings,
    storage,
    stripe,
    versions,
    wakeups,
)
from entrypoints.doctor.findings import Check, Finding, error

#: How long all checks together may take; each bounds its own calls.
CHECK_SECONDS = 30.0

SUBJECTS = (
    settings,
    versions,
    machine,
    clocks,
    database,
    wakeups,
    storage,
    backups,
    stripe,
    replicate,
    sendgrid,
    sender_domain,
    public_address,
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the checks of one subject found."""

    subject: str
    findings: Sequence[Finding]
    unexamined_without: Sequence[str] = ()  # subjects whose outage kept a check from looking


def examine(diagnosis: Diagnosis) -> list[Result]:
    """Run all checks concurrently; return the results by subject.

    A check that does not end in time is a finding; its thread is abandoned.
    """
    checks = [check for subject in SUBJECTS for check in subject.checks(diagnosis)]
    ended: SimpleQueue[tuple[int, list[Finding]]] = SimpleQueue()

    def run(number: int, check: Check) -> None:
        ended.put((number, _findings(check)))

    for number, check in enumerate(checks):
        Thread(target=run, args=(number, check), name=f"doctor-{check.subject}", daemon=True).start()
    found: dict[int, list[Finding]] = {}
    deadline = time.monotonic() + CHECK_SECONDS
    while len(found) < len(checks):
        try:
            number, findings = ended.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            break
        found[number] = findings
    late = {
        number: [error(f"{check.subject}_timeout", _late(check.subject))]
        for number, check in enumerate(checks)
        if number not in found
    }
    return _by_subject(checks, found | late)


def _by_subject(checks: Sequence[Check], found: dict[int, list[Finding]]) -> list[Result]:
    results: dict[str, dict[Finding, None]] = {}
    unexamined: dict[str, dict[str, None]] = {}
    # A subject's own checks say whether it is there.
    off = {
        check.subject
        for number, check in enumerate(checks)
        if check.subject not in check.needs and any(map(_is_outage(check), found[number]))
    }
    for number, check in enumerate(checks):
        lacking = [name for name in check.needs if name in off]
        kept = [each for each in found[number] if not (lacking and _is_outage(check)(each))]
        results.setdefault(check.subject, {}).update(dict.fromkeys(kept))
        if len(kept) < len(found[number]):
            unexamined.setdefault(check.subject, {}).update(dict.fromkeys(lacking))
    return [
        Result(
            subject=subject,
            findings=tuple(findings),
            unexamined_without=tuple(name for name in unexamined.get(subject, {}) if name != subject),
        )
        for subject, findings in results.items()
    ]


def _is_outage(check: Check) -> Callable[[Finding], bool]:
    """Whether a finding of a check is that it could not look."""
    return lambda finding: finding.code in {f"{check.subject}_unavailable", f"{check.subject}_timeout"}


def _findings(check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        for finding in check.look():
            found.append(finding)  # noqa: PERF402 -- what was found before an outage is kept
    except (OutsideError, CommandFailedError) as problem:
        found.append(error(f"{check.subject}_unavailable", error_text(problem)))
    except Exception as defect:  # noqa: BLE001 -- one check's defect must not hide what the others found
        found.append(error(f"{check.subject}_defect", _defect(check.subject, type(defect).__name__)))
    return found


def _late(subject: str) -> str:
    return (
        f"The check of {subject} did not end within {CHECK_SECONDS:.0f} seconds: look at the network to it."
    )


def _defect(subject: str, name: str) -> str:
    return f"The check of {subject} failed itself ({name}): report that as a defect."
