"""Which failures of a restore are the backup's own."""

import pytest

from domain.order.values import ObjectKey
from domain.ports.backups import BackupFailedError, UndecryptableError, UnusableBackupError
from domain.ports.errors import ObjectMissingError, UnavailableError
from entrypoints.bootstrap.restores import judging


@pytest.mark.parametrize(
    "error",
    [
        UndecryptableError("it was changed or cut off"),
        ObjectMissingError(ObjectKey("backups/data/b/database/000001")),
        BackupFailedError("pg_restore", "could not read from input file: end of file"),
        BackupFailedError("postgres", "PANIC:  could not locate a valid checkpoint record"),
        BackupFailedError(
            "postgres", "0001 could not be fetched: What was stored cannot be decrypted: it was cut."
        ),
    ],
    ids=str,
)
def test_what_the_backup_lacks_makes_it_unusable(error: Exception) -> None:
    with pytest.raises(UnusableBackupError) as found, judging("b"):
        raise error
    assert (found.value.backup_id, found.value.problem) == ("b", str(error))


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("The storage", "no answer"),
        BackupFailedError("postgres", "0001 could not be fetched: The storage is not available (no answer)"),
        BackupFailedError("postgres", "FATAL:  could not write to file: No space left on device"),
        BackupFailedError("pg_restore", "it is not on the PATH; install PostgreSQL's programs"),
        BackupFailedError("postgres", "database files are incompatible with server"),
        BackupFailedError("initdb", "cannot be run as root"),
        OSError(28, "No space left on device"),
    ],
    ids=str,
)
def test_what_the_machine_or_the_storage_lacks_says_nothing_about_the_backup(error: Exception) -> None:
    with pytest.raises(type(error)) as found, judging("b"):
        raise error
    assert found.value is error
