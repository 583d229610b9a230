"""PostgreSQL's programs: the base backup, the dump, and their restores."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

from adapters.postgres.connections import POOLER_PARAMETER
from domain.ports.backups import BackupFailedError, BackupKind, DatabaseSource

CHUNK_BYTES = 1024 * 1024

#: How much of a program's messages an error repeats.
_MESSAGE_CHARACTERS = 600

#: How long a program may take to name its version.
_VERSION_SECONDS = 5.0

#: How PostgreSQL refuses a role, or its connection, that would copy the cluster.
_REPLICATION = re.compile(r"WAL ?sender|replication (?:role|connection)", re.IGNORECASE)
_MAY_NOT_REPLICATE = (
    "; let the role replicate with `ALTER ROLE ... REPLICATION` and a line `host replication` in pg_hba.conf, or set"
    " BACKUP_KIND=logical"
)

_QUOTING = re.compile(r"\b(?:DETAIL|CONTEXT|STATEMENT|QUERY|LINE \d+):|Command was:")


class PostgresPrograms(DatabaseSource):
    """Runs the programs of one folder, by default those on the PATH.

    They must be of the server's major version. A password is passed in the environment, because every user of the
    machine can read the arguments of a process.
    """

    def __init__(self, database_url: str, folder: Path | None) -> None:
        self._folder = folder
        self._url, self._environment = _without_password(database_url)

    def path_of(self, name: str) -> Path:
        """Find a program; raise BackupFailedError."""
        return find_program(name, self._folder)

    @contextmanager
    def copy(self, kind: BackupKind) -> Iterator[Iterator[bytes]]:
        """Stream a tar of the cluster's files, or a dump."""
        if kind is BackupKind.PHYSICAL:
            options = [
                "--pgdata=-",
                "--format=tar",
                "--wal-method=fetch",
                "--checkpoint=fast",
                "--no-password",
            ]
            with self._reading("pg_basebackup", [f"--dbname={self._url}", *options]) as chunks:
                yield chunks
        else:
            options = ["--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-password"]
            with self._reading("pg_dump", [f"--dbname={self._url}", *options]) as chunks:
                yield chunks

    def load(self, chunks: Iterable[bytes]) -> None:
        """Restore a dump into the database; raise BackupFailedError."""
        options = ["--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]
        command: list[str | Path] = [self.path_of("pg_restore"), f"--dbname={self._url}", *options]
        with TemporaryFile() as messages:
            process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stderr=messages, env={**os.environ, **self._environment}
            )
            assert process.stdin is not None  # noqa: S101 -- a pipe was asked for
            try:
                with process.stdin as sink:
                    for chunk in chunks:
                        sink.write(chunk)
            except BrokenPipeError:
                pass  # it failed, or needs no more; its status says which
            except BaseException:
                process.kill()
                process.wait()
                raise
            _check("pg_restore", process.wait(), messages)

    @contextmanager
    def _reading(self, name: str, arguments: list[str]) -> Iterator[Iterator[bytes]]:
        with TemporaryFile() as messages:
            process = subprocess.Popen(  # noqa: S603
                [self.path_of(name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=messages,
                env={**os.environ, **self._environment},
            )
            assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
            try:
                yield _output(name, process, process.stdout, messages)
            finally:
                process.stdout.close()
                if process.poll() is None:
                    process.kill()
                process.wait()


def find_program(name: str, folder: Path | None) -> Path:
    """Find a program in a folder, or on the PATH; raise BackupFailedError."""
    found = shutil.which(name, path=str(folder) if folder else None)
    if found is None:
        where = f"in {folder}" if folder else "on the PATH"
        raise BackupFailedError(
            name,
            f"it is not {where}; install PostgreSQL's programs of the server's major version, and name their "
            "folder in POSTGRESQL_PROGRAMS",
        )
    return Path(found)


def major_version_of(name: str, folder: Path | None) -> int:
    """The major version of PostgreSQL that a program belongs to; raise BackupFailedError."""
    path = find_program(name, folder)
    try:
        printed = subprocess.run(  # noqa: S603
            [path, "--version"],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_SECONDS,
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackupFailedError(
            name, f"it does not run ({type(error).__name__}); install it again"
        ) from error
    # As in "pg_dump (PostgreSQL) 18.1 (Debian 18.1-1)", "19beta1" or "18devel".
    found = re.search(rb"\(PostgreSQL\) (\d+)", printed)
    if found is None:
        raise BackupFailedError(
            name, f"{path} names no version of PostgreSQL; install PostgreSQL's own program"
        )
    return int(found[1])


def run_program(path: Path, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> None:
    """Run a program to its end; raise BackupFailedError."""
    with TemporaryFile() as messages:
        status = subprocess.run(  # noqa: S603
            [path, *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=messages,
            stderr=messages,
            env={**os.environ, **(environment or {})},
        ).returncode
        _check(path.name, status, messages)


def _output(
    name: str, process: subprocess.Popen[bytes], output: IO[bytes], messages: IO[bytes]
) -> Iterator[bytes]:
    while chunk := output.read(CHUNK_BYTES):
        yield chunk
    _check(name, process.wait(), messages)


def _check(name: str, status: int, messages: IO[bytes]) -> None:
    if status != 0:
        messages.seek(0)
        written = without_rows(messages.read().decode(errors="replace"))
        advice = _MAY_NOT_REPLICATE if _REPLICATION.search(written) else ""
        detail = written[-_MESSAGE_CHARACTERS:] or f"it ended with status {status}"
        raise BackupFailedError(name, f"{detail}{advice}")


def without_rows(messages: str) -> str:
    """Leave out the lines in which PostgreSQL quotes rows and statements.

    What remains is logged and recorded, where no personal data may be.
    """
    return "\n".join(line for line in messages.strip().splitlines() if not _QUOTING.search(line))


def _without_password(database_url: str) -> tuple[str, dict[str, str]]:
    """Move a URL's password into the environment; drop our own parameter."""
    parts = urlsplit(database_url)
    own = f"{POOLER_PARAMETER}="
    known = [each for each in parts.query.split("&") if each and not each.startswith(own)]
    parts = parts._replace(query="&".join(known))
    if parts.password is None:
        return urlunsplit(parts), {}
    user, _, host = parts.netloc.rpartition("@")
    address = f"{user.partition(':')[0]}@{host}"
    return urlunsplit(parts._replace(netloc=address)), {"PGPASSWORD": unquote(parts.password)}
