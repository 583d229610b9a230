"""The upgrade: check, back up, migrate."""
# ruff: noqa: PLC0415 -- imports what it needs only when it runs

import sys
from typing import TYPE_CHECKING

import rich_click as click

from entrypoints.cli.commands.shared_options import json_option
from entrypoints.command_errors import CommandFailedError
from entrypoints.exit_codes import ExitCode

if TYPE_CHECKING:
    from entrypoints.bootstrap.upgrades import UpgradeCheck


class UpgradeObstructedError(CommandFailedError):
    """The check found what should be put right first."""

    def __init__(self, obstacles: int) -> None:
        self.obstacles = obstacles
        super().__init__(
            "Nothing was changed: do what is said above, then run `restoreclick upgrade` again; "
            "`restoreclick db upgrade` migrates without these checks."
        )


@click.command("upgrade")
@click.option(
    "--check", "only_checks", is_flag=True, help="Change nothing; end with 1 if something is in the way."
)
@json_option
def upgrade_command(*, only_checks: bool, as_json: bool) -> None:
    """Upgrade the schema for this version: check, make a backup if there is a BACKUP_KEY, migrate.

    The running processes go on unless the check says otherwise; restart them one by one afterwards.
    """
    from entrypoints.bootstrap.upgrades import Obstacle, check_upgrade
    from entrypoints.cli.support.upgrade_printing import print_check
    from entrypoints.database_setting import read_database_url

    database_url = read_database_url()
    check = check_upgrade(database_url)
    if only_checks:
        print_check(check, as_json=as_json)
        if check.obstacles:
            sys.exit(ExitCode.FAILED)
        return
    if check.obstacles == (Obstacle.BACKUP_TOO_OLD,) and _has_backed_up(check, database_url):
        check = check_upgrade(database_url)
    if check.obstacles:
        print_check(check, as_json=as_json)
        raise UpgradeObstructedError(len(check.obstacles))
    from entrypoints.bootstrap import schema

    schema.upgrade(database_url, on_wait=lambda sentence: click.echo(sentence, err=True))
    print_check(check_upgrade(database_url), as_json=as_json)


def _has_backed_up(check: "UpgradeCheck", database_url: str) -> bool:
    """Make a backup if it can be encrypted and recorded."""
    from domain.ports.backups import BackupKind
    from entrypoints.backup_settings import read_backup_settings
    from entrypoints.bootstrap.backups import RECORDS_BACKUPS, open_backups
    from entrypoints.database_setting import named_setting

    if (
        check.facts.revision is None
        or check.facts.revision < RECORDS_BACKUPS
        or not named_setting("BACKUP_KEY")
    ):
        return False
    settings = read_backup_settings()
    with open_backups(settings, database_url) as backups:
        manifest = backups.make(BackupKind(settings.backup_kind))
    click.echo(f"Backup {manifest.backup_id} was made before the upgrade.", err=True)
    return True
