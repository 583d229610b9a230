"""Restores of backups, and the drill that tries one."""
# ruff: noqa: PLC0415 -- each command imports what it needs only when it runs

import sys
from datetime import UTC, datetime
from pathlib import Path

import rich_click as click

from entrypoints.cli.commands.backup import env_file_option
from entrypoints.cli.commands.shared_options import json_option
from entrypoints.command_errors import MisuseError
from entrypoints.exit_codes import ExitCode


class UnclearTargetError(MisuseError):
    """Exactly one target has to be named."""

    def __init__(self) -> None:
        super().__init__(
            "Say where to: --into DIRECTORY restores a physical backup, --logical a dump into the empty database of "
            "DATABASE_URL, and --drill tries a backup without touching anything."
        )


@click.command("restore")
@click.option(
    "--into",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIRECTORY",
    help="An empty data directory for PostgreSQL, which then replays the archived log.",
)
@click.option(
    "--with-log",
    is_flag=True,
    help="With --into: fetch the archived log at once, for a PostgreSQL that cannot run `restoreclick`.",
)
@click.option(
    "--logical", "is_logical", is_flag=True, help="A dump, into the empty database of DATABASE_URL."
)
@click.option(
    "--drill", "is_drill", is_flag=True, help="Only try it, on a scratch server; nothing is changed."
)
@click.option("--at", metavar="TIME", help="12h, or an ISO date and time (UTC): the state as of then.")
@click.option("--backup", "backup_id", metavar="ID", help="This backup, and not the newest one that fits.")
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="With --drill: a folder with room for the whole database, instead of the system's temporary one.",
)
@env_file_option
@json_option
def restore_command(
    directory: Path | None,
    at: str | None,
    backup_id: str | None,
    scratch: Path | None,
    env_file: Path | None,
    *,
    with_log: bool,
    is_logical: bool,
    is_drill: bool,
    as_json: bool,
) -> None:
    """Restore the database from a backup; what is there is never overwritten."""
    if [directory is not None, is_logical, is_drill].count(True) != 1:
        raise UnclearTargetError
    if is_drill:
        _drill(backup_id, scratch, env_file, as_json=as_json)
        return
    from entrypoints.backup_settings import read_backup_settings
    from entrypoints.bootstrap.restores import restore_cluster, restore_dump
    from entrypoints.cli.support.backup_printing import print_restored
    from entrypoints.cli.support.moments import moment
    from entrypoints.cli.support.private_file import unwritable
    from entrypoints.database_setting import read_database_url

    settings = read_backup_settings(env_file)
    until = moment(at, datetime.now(UTC)) if at is not None else None
    if directory is not None:
        try:
            manifest = restore_cluster(
                settings, directory, backup_id=backup_id, at=until, env_file=env_file, with_log=with_log
            )
        except OSError as error:
            raise unwritable(directory, error) from error
    else:
        manifest = restore_dump(settings, read_database_url(), backup_id=backup_id, at=until)
    print_restored(manifest, directory, until, as_json=as_json)


def _drill(backup_id: str | None, scratch: Path | None, env_file: Path | None, *, as_json: bool) -> None:
    from tempfile import TemporaryDirectory

    from entrypoints.bootstrap.restores import Drill
    from entrypoints.cli.support.drill_printing import print_drill
    from entrypoints.settings import read_settings

    drill = Drill(read_settings(env_file), env_file=env_file)
    with TemporaryDirectory(prefix="restore-drill-", dir=scratch) as folder:
        report = drill.run(Path(folder), backup_id)
    print_drill(report, as_json=as_json)
    if report.problems:
        sys.exit(ExitCode.FAILED)
