"""Backups: make one, list them, archive and fetch the log."""
# ruff: noqa: PLC0415 -- each command imports what it needs only when it runs

import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import rich_click as click

from entrypoints.cli.commands.shared_options import json_option
from entrypoints.exit_codes import ExitCode

env_file_option = click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True, readable=False),  # see read_backup_settings
    help="A file of NAME=value lines with the settings that the environment lacks.",
)


@click.group("backup", invoke_without_command=True)
@click.option(
    "--physical", "kind", flag_value="physical", help="The whole cluster; BACKUP_KIND decides otherwise."
)
@click.option("--logical", "kind", flag_value="logical", help="A dump, where no base backup is allowed.")
@env_file_option
@json_option
@click.pass_context
def backup_commands(
    context: click.Context, kind: str | None, env_file: Path | None, *, as_json: bool
) -> None:
    """Back up the database, encrypted, into the bucket."""
    context.obj = env_file
    if context.invoked_subcommand is not None:
        return
    from domain.ports.backups import BackupKind
    from entrypoints.backup_settings import read_backup_settings
    from entrypoints.bootstrap.backups import open_backups
    from entrypoints.cli.support.backup_printing import print_backup
    from entrypoints.database_setting import read_database_url

    settings = read_backup_settings(env_file)
    with open_backups(settings, read_database_url()) as backups:
        print_backup(backups.make(BackupKind(kind or settings.backup_kind)), as_json=as_json)


@backup_commands.command("list")
@json_option
@click.pass_context
def list_backups(context: click.Context, *, as_json: bool) -> None:
    """List the backups in the bucket, the newest runs, and the archived log."""
    from entrypoints.backup_settings import read_backup_settings
    from entrypoints.bootstrap.backup_storage import open_vault
    from entrypoints.bootstrap.backups import read_facts
    from entrypoints.cli.support.backup_printing import print_backups, print_bucket
    from entrypoints.database_setting import read_database_url

    settings = read_backup_settings(context.obj)
    with open_vault(settings) as vault:
        manifests, unopened = vault.manifests(), vault.unopened()
    try:
        facts = read_facts(read_database_url())
    except Exception:
        # When the database is lost, what the bucket has is what is needed.
        print_bucket(manifests, unopened, as_json=as_json)
        raise
    print_backups(manifests, unopened, facts, now=datetime.now(UTC), as_json=as_json)


@backup_commands.group("wal")
def wal_commands() -> None:
    """Archive and fetch PostgreSQL's log; PostgreSQL itself runs these in its data directory."""


@wal_commands.command("push")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.pass_context
def push(context: click.Context, path: Path) -> None:
    """Archive the file PATH (%p of archive_command); one that is archived is never overwritten."""
    from domain.order.values import Sha256
    from entrypoints.backup_settings import read_backup_settings
    from entrypoints.bootstrap.backup_storage import open_wal_archive

    settings = read_backup_settings(context.obj)
    content = path.read_bytes()
    with open_wal_archive(settings, Path.cwd()) as archive:
        archive.push(path.name, content, Sha256(hashlib.sha256(content).hexdigest()))


@wal_commands.command("fetch")
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def fetch(context: click.Context, name: str, target: Path) -> None:
    """Fetch the archived file NAME (%f of restore_command) to TARGET (%p).

    It ends with 66 if there is no such file, which is the end of the log, and with 255 for every other problem. The
    restore_command that `restore` writes has PostgreSQL stop unless the status is 0 or 66.
    """
    try:
        is_there = _fetch(context.obj, name, target)
    except Exception as error:  # noqa: BLE001 -- one sentence, whatever it is
        click.echo(f"{name} could not be fetched: {error}", err=True)
        sys.exit(ExitCode.LOG_UNAVAILABLE)
    if not is_there:
        sys.exit(ExitCode.LOG_ENDS)


def _fetch(env_file: Path | None, name: str, target: Path) -> bool:
    """Write a file of the log; return whether it is archived."""
    from domain.ports.errors import ObjectMissingError
    from entrypoints.backup_settings import read_backup_settings
    from entrypoints.bootstrap.backup_storage import open_wal_archive

    draft = target.with_name(f"{target.name}.part")
    with open_wal_archive(read_backup_settings(env_file), Path.cwd()) as archive:
        try:
            with draft.open("wb") as file:
                file.writelines(archive.fetch(name))
            draft.replace(target)
        except ObjectMissingError:
            return False
        finally:
            draft.unlink(missing_ok=True)
    return True
