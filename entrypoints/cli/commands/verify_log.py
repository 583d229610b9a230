"""Verification of the log's hash chain, and against a stored head."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from domain.ports.event_store import ChainedEvent
from domain.ports.log_defects import DefectKind
from domain.use_cases.audit.log_verification import LogSnapshot, VerificationReport, verify
from entrypoints.bootstrap.wording import counted, defect_text
from entrypoints.cli.support.counting_progress import counting_progress
from entrypoints.command_errors import CommandFailedError, MisuseError

#: How many events between two updates of the progress bar: an update costs as much as checking an event.
STRIDE = 500


class UnreadableHeadError(MisuseError):
    """The file holds no head of the log."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"{path} holds no head of the log ({reason}): give a file that `events verify --json` wrote."
        )


class LogChangedError(CommandFailedError):
    """The log differs from what was recorded."""

    def __init__(self, findings: int) -> None:
        self.findings = findings
        super().__init__(
            f"The log is not what was recorded ({counted(findings, 'finding')}): change nothing, take a physical "
            "backup of the database as it is, and look into what was found."
        )


class LogNotDecodableError(CommandFailedError):
    """All events are unchanged, but this version cannot decode some."""

    def __init__(self, findings: int) -> None:
        self.findings = findings
        super().__init__(
            f"Each event says what was recorded, but this version cannot read {counted(findings, 'event')}: "
            "run the version that wrote them."
        )


def verify_log(events: Iterator[ChainedEvent], against: Path | None, *, as_json: bool) -> None:
    """Check the log and print its head.

    Raises LogChangedError, LogNotDecodableError or UnreadableHeadError.
    """
    kept = read_head(against) if against else None
    verdict = verify(_watched(events), kept)
    if as_json:
        click.echo(_json_of(verdict))
    else:
        _show(verdict, kept)
    if verdict.findings and all(each.defect is DefectKind.UNDECODABLE for each in verdict.findings):
        raise LogNotDecodableError(len(verdict.findings))
    if verdict.findings:
        raise LogChangedError(len(verdict.findings))


def read_head(path: Path) -> LogSnapshot:
    """Read a head from a file; raises UnreadableHeadError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=LogSnapshot)
    except OSError as error:
        raise UnreadableHeadError(path, error.strerror or type(error).__name__) from error
    except msgspec.DecodeError as error:
        raise UnreadableHeadError(path, str(error)) from error


def _show(verdict: VerificationReport, kept: LogSnapshot | None) -> None:
    for finding in verdict.findings:
        click.echo(defect_text(finding))
    head = verdict.head
    if not verdict.findings:
        click.echo(
            f"{counted(head.events, 'event')} of {counted(len(head.streams), 'order')}: each says what was recorded."
        )
        if kept:
            click.echo(f"The {counted(kept.events, 'event')} of the kept head are there, in their order.")
    click.echo(f"Head: transaction {head.txid}, position {head.position}, SHA-256 {head.sha256}")


def _json_of(verdict: VerificationReport) -> bytes:
    """The head, which ``--against`` reads back, with what was found beside it."""
    findings = [
        {"sentence": defect_text(finding), **msgspec.to_builtins(finding)} for finding in verdict.findings
    ]
    return msgspec.json.encode({**msgspec.to_builtins(verdict.head), "findings": findings})


def _watched(events: Iterator[ChainedEvent]) -> Iterator[ChainedEvent]:
    """Pass the events on, and show how many."""
    with counting_progress("events") as show:
        for count, event in enumerate(events, start=1):
            if count % STRIDE == 0:
                show(count)
            yield event
