"""PostgreSQL's programs: their addresses, ends and messages."""

import os
from pathlib import Path

import pytest

from adapters.backups.programs import PostgresPrograms, major_version_of, without_rows
from domain.ports.backups import BackupFailedError, BackupKind


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_message_repeats_no_row() -> None:
    written = """pg_restore: error: COPY failed for table "customers": ERROR:  duplicate key value
DETAIL:  Key (email)=(grace@customer.example) already exists.
CONTEXT:  COPY customers, line 3: "7 grace@customer.example"
Command was: INSERT INTO customers VALUES ('grace@customer.example');
"""
    assert without_rows(written) == (
        'pg_restore: error: COPY failed for table "customers": ERROR:  duplicate key value'
    )


def test_a_failure_after_the_first_bytes_is_reported(tmp_path: Path) -> None:
    program(tmp_path, "pg_dump", "echo half; echo 'pg_dump: error: no space' >&2; exit 1")
    programs = PostgresPrograms("postgresql://shop@localhost/shop", tmp_path)
    with programs.copy(BackupKind.LOGICAL) as chunks:
        assert next(chunks) == b"half\n"
        with pytest.raises(BackupFailedError, match="pg_dump failed: pg_dump: error: no space"):
            next(chunks)


def test_a_program_that_nothing_reads_any_more_is_ended(tmp_path: Path) -> None:
    program(tmp_path, "pg_dump", f"echo $$ > {tmp_path}/pid; exec cat /dev/zero")
    programs = PostgresPrograms("postgresql://shop@localhost/shop", tmp_path)
    with programs.copy(BackupKind.LOGICAL) as chunks:
        next(chunks)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize("kind", BackupKind)
def test_the_password_and_our_own_parameter_are_no_arguments(tmp_path: Path, kind: BackupKind) -> None:
    for name in ("pg_dump", "pg_basebackup"):
        program(tmp_path, name, 'echo "$@"; echo "$PGPASSWORD"')
    url = "postgresql://shop:hush%40@localhost/shop?pgbouncer=true&host=%2Frun%2Fpg"
    with PostgresPrograms(url, tmp_path).copy(kind) as chunks:
        arguments, password = b"".join(chunks).decode().splitlines()
    assert "--dbname=postgresql://shop@localhost/shop?host=%2Frun%2Fpg" in arguments
    assert "hush" not in arguments
    assert password == "hush@"


def test_what_a_restore_program_refuses_is_reported(tmp_path: Path) -> None:
    program(tmp_path, "pg_restore", "echo 'pg_restore: error: unsupported version' >&2; exit 1")
    with pytest.raises(BackupFailedError, match="unsupported version"):
        PostgresPrograms("postgresql://shop@localhost/shop", tmp_path).load([bytes(10**6)] * 20)


@pytest.mark.parametrize(
    "refusal",
    [
        "FATAL:  must be superuser or replication role to start walsender",
        "FATAL:  permission denied to start WAL sender",
        'FATAL:  no pg_hba.conf entry for replication connection from host "10.0.0.7", user "shop", no encryption',
    ],
)
def test_a_role_that_may_not_replicate_gets_the_statement_that_lets_it(tmp_path: Path, refusal: str) -> None:
    program(tmp_path, "pg_basebackup", f"echo 'pg_basebackup: error: {refusal}' >&2; exit 1")
    programs = PostgresPrograms("postgresql://shop@localhost/shop", tmp_path)
    with (
        programs.copy(BackupKind.PHYSICAL) as chunks,
        pytest.raises(BackupFailedError, match=r"ALTER ROLE \.\.\. REPLICATION"),
    ):
        next(chunks)


def test_a_program_names_its_major_version(tmp_path: Path) -> None:
    program(tmp_path, "pg_dump", "echo 'pg_dump (PostgreSQL) 18.1 (Debian 18.1-1.pgdg13+2)'")
    program(tmp_path, "initdb", "echo 'initdb (PostgreSQL) 19beta1'")
    program(tmp_path, "postgres", "echo 'something else 7'")
    assert [major_version_of(name, tmp_path) for name in ("pg_dump", "initdb")] == [18, 19]
    for name, problem in (("postgres", "names no version"), ("createdb", "it is not in")):
        with pytest.raises(BackupFailedError, match=problem):
            major_version_of(name, tmp_path)
