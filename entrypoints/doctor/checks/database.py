"""PostgreSQL: reachable, current, durable, with enough connections."""

from collections.abc import Iterator

from entrypoints.bootstrap.diagnosis import SESSION_PREFIX, Diagnosis
from entrypoints.doctor.findings import Check, Finding, error, warning
from entrypoints.process_connections import process_connections

SUBJECT = "database"
#: The subject of the storage, which has the log's head.
STORAGE = "storage"


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of the database."""
    return [
        Check(subject=SUBJECT, look=lambda: _schema(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _server(diagnosis), needs=[SUBJECT]),
        Check(subject=SUBJECT, look=lambda: _disk(diagnosis), needs=[SUBJECT]),
        Check(subject=SUBJECT, look=lambda: _log(diagnosis), needs=[SUBJECT, STORAGE]),
        Check(subject=SUBJECT, look=lambda: _workers(diagnosis), needs=[SUBJECT]),
    ]


def _schema(diagnosis: Diagnosis) -> Iterator[Finding]:
    diagnosis.check_database()
    yield from ()


def _disk(diagnosis: Diagnosis) -> Iterator[Finding]:
    if not diagnosis.has_free_space():
        yield error(
            "database_full",
            "PostgreSQL's disk has less than 16 MiB free, so no photo, payment or order is recorded: free some space"
            " there, or enlarge it. The shop then goes on by itself.",
        )


def _log(diagnosis: Diagnosis) -> Iterator[Finding]:
    if diagnosis.is_behind_log():
        yield error(
            "database_behind_log",
            "The database lacks events that the storage knows of, as after a backup was restored: no payments are taken"
            " and workers wait. Restore a newer backup, or run `restoreclick db restored`.",
        )


def _workers(diagnosis: Diagnosis) -> Iterator[Finding]:
    """Look for a worker's session; an operator's PGAPPNAME hides its name."""
    names = diagnosis.sessions()
    if any(name.startswith(SESSION_PREFIX) and name.endswith(" worker") for name in names):
        return
    if diagnosis.settings.link_signing_key is None:
        yield error(
            "worker_missing",
            "The database has no session of a worker, so no order goes on: start `restoreclick worker`.",
        )
    else:
        yield warning(
            "worker_missing",
            "The database has no session of a worker: start `restoreclick worker`, unless a scheduler calls the worker"
            " endpoints.",
        )


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
    required = 2 * process_connections(diagnosis.settings.worker_threads)
    if facts.connections < required:
        yield warning(
            "database_connections_few",
            f"PostgreSQL accepts {facts.connections} connections, and one API and one worker may use {required}: raise"
            " max_connections, or lower WORKER_THREADS.",
        )
