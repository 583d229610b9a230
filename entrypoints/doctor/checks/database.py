"""PostgreSQL: reachable, current, durable, with enough connections."""

from collections.abc import Iterator

from entrypoints.bootstrap.diagnosis import Diagnosis
from entrypoints.doctor.findings import Check, Finding, error, warning

SUBJECT = "database"


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of the database."""
    return [
        Check(subject=SUBJECT, look=lambda: _schema(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _server(diagnosis)),
    ]


def _schema(diagnosis: Diagnosis) -> Iterator[Finding]:
    diagnosis.check_database()
    yield from ()


def _server(diagnosis: Diagnosis) -> Iterator[Finding]:
    facts = diagnosis.server_facts()
    if not facts.is_durable:
        yield error(
            "database_not_durable",
            "PostgreSQL may lose payments that it has acknowledged: set fsync, full_page_writes and synchronous_commit"
            " to on.",
        )
    if facts.encoding != "UTF8":
        yield error(
            "database_encoding",
            f"The database's encoding is {facts.encoding}, which lacks names of customers: create it anew with UTF8.",
        )
    required = 2 * (4 * diagnosis.settings.worker_threads + 8)
    if facts.connections < required:
        yield warning(
            "database_connections_few",
            f"PostgreSQL accepts {facts.connections} connections, and one API and one worker may use {required}: raise"
            " max_connections, or lower WORKER_THREADS.",
        )
