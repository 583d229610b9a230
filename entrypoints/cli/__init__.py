"""The command line: demo and development shop, production processes, staff commands.

Each command imports what it needs only when it runs, so that help is quick and no command needs another's libraries.
"""
# ruff: noqa: PLC0415 -- see above

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import rich_click as click

from entrypoints.bootstrap.garbage_collection import collect_rarely, leave_garbage
from entrypoints.cli.commands.backup import backup_commands
from entrypoints.cli.commands.customers import customer_commands
from entrypoints.cli.commands.demo import run_demo, run_dev
from entrypoints.cli.commands.log import log_commands
from entrypoints.cli.commands.orders import order_commands
from entrypoints.cli.commands.payments import payment_commands
from entrypoints.cli.commands.restore import restore_command
from entrypoints.cli.commands.shared_options import env_file_option, json_option
from entrypoints.cli.commands.shell import print_completion, print_manual
from entrypoints.cli.commands.simulate import run_simulation
from entrypoints.cli.commands.upgrade import upgrade_command
from entrypoints.cli.support.error_reporting_group import Commands
from entrypoints.exit_codes import ExitCode


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command, by default from ``sys.argv``, and exit with its status."""
    collect_rarely()
    try:
        cli(arguments, prog_name="restoreclick", standalone_mode=False)
    except click.ClickException as failure:
        failure.show()
        sys.exit(failure.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        leave_garbage()
    sys.exit(ExitCode.DONE)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="restoreclick", message="%(prog)s %(version)s")
def cli() -> None:
    """Old photos go in, restored photos come out in an e-mail, and the log can tell the whole story."""


cli.add_command(run_demo)
cli.add_command(run_dev)


@cli.command()
@click.option(
    "--fd",
    type=click.IntRange(min=0),
    help="A listening socket to serve on, inherited from the parent process.",
)
def serve(fd: int | None) -> None:
    """Serve the shop's API; every setting comes from the environment."""
    from entrypoints.bootstrap.database import check_database
    from entrypoints.build_info import name_database_sessions
    from entrypoints.command_errors import CommandFailedError
    from entrypoints.http import BrandError, CannotListenError, run
    from entrypoints.settings import read_settings

    settings = read_settings()
    name_database_sessions("serve")
    check_database(settings.database_url)  # refuses an outdated schema before any request is served
    try:
        run(settings, fd=fd)
    except (BrandError, CannotListenError) as error:
        raise CommandFailedError(str(error)) from error


@cli.command()
def worker() -> None:
    """Do the shop's outstanding work; every setting comes from the environment."""
    from entrypoints.bootstrap.database import check_database
    from entrypoints.build_info import name_database_sessions
    from entrypoints.settings import read_settings
    from entrypoints.worker import run

    settings = read_settings()
    name_database_sessions("worker")
    check_database(settings.database_url)  # as for serve
    run(settings)


@cli.command()
@click.option("--since", default="7d", show_default=True, help="7d, 12h, or an ISO date.")
@click.option("--fix", is_flag=True, help="Repair what is safe to repair.")
@click.option("--skip-bytes", is_flag=True, help="Do not read photos to compare their hashes.")
@json_option
def reconcile(since: str, *, fix: bool, skip_bytes: bool, as_json: bool) -> None:
    """Compare the log with Stripe, the storage, Replicate and SendGrid; ends with 1 if they differ."""
    from entrypoints.cli.commands.reconcile import reconcile
    from entrypoints.cli.support.open_shop import open_shop

    with open_shop() as shop:
        agrees = reconcile(
            shop.reconciliation, since, repairs=fix, reads_bytes=not skip_bytes, as_json=as_json
        )
    if not agrees:
        sys.exit(ExitCode.FAILED)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
def status(*, as_json: bool) -> None:
    """Say what needs someone: ends with 0 if nothing does, 1 if something does, 2 if that cannot wait."""
    from domain.ports.errors import UnavailableError
    from entrypoints.bootstrap.database import NoDatabaseError
    from entrypoints.cli.commands.status import show_status, show_unreadable
    from entrypoints.cli.support.open_shop import open_shop

    try:
        with open_shop() as shop:
            exit_status = show_status(shop.figures.read(), as_json=as_json)
    except (NoDatabaseError, UnavailableError) as error:
        exit_status = show_unreadable(str(error), as_json=as_json)
    sys.exit(exit_status)


@cli.command()
@env_file_option
def setup(env_path: Path) -> None:
    """Ask for the settings that are missing, write them to a file, and offer one real order.

    It needs a terminal. What is in the file or in the environment stays; each answer is kept at once. It ends as
    `doctor` does.
    """
    from entrypoints.cli.commands.setup import set_up

    sys.exit(set_up(env_path))


@cli.command()
@click.option("--fix", is_flag=True, help="Create what is missing: the bucket, Stripe's webhook endpoint.")
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask before each repair.")
@env_file_option
@json_option
def doctor(env_path: Path, *, fix: bool, is_agreed: bool, as_json: bool) -> None:
    """Examine settings, machine, servers, providers, DNS and the public address.

    Each finding says how to mend it. It ends with 1 if there are warnings only, with 2 if the shop cannot work.
    """
    from entrypoints.cli.commands.doctor import examine_shop

    sys.exit(examine_shop(env_path, fixes=fix, is_agreed=is_agreed, as_json=as_json))


@cli.group()
def db() -> None:
    """Upgrade the database's schema, and rebuild its read models."""


@db.command()
@click.option("--revision", default="head", show_default=True, help="The revision to come to.")
@json_option
def upgrade(revision: str, *, as_json: bool) -> None:
    """Bring the schema up to date; running it twice is harmless."""
    from entrypoints.bootstrap import schema
    from entrypoints.database_setting import read_database_url

    schema.upgrade(read_database_url(), revision, on_wait=lambda sentence: click.echo(sentence, err=True))
    click.echo(json.dumps({"revision": revision}) if as_json else f"The schema is at {revision}.")


@db.command()
@click.argument("revision")
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
@json_option
def downgrade(revision: str, *, is_agreed: bool, as_json: bool) -> None:
    """Downgrade the schema to REVISION ("base": to nothing), which is refused once there are events."""
    from entrypoints.bootstrap import schema
    from entrypoints.cli.support.confirmation import ask
    from entrypoints.database_setting import read_database_url

    database_url = read_database_url()
    if not is_agreed:
        ask(
            f"Everything that revisions after {revision} hold is deleted.",
            question="Take the schema back?",
            undone="Nothing was changed.",
        )
    schema.downgrade(database_url, revision)
    click.echo(json.dumps({"revision": revision}) if as_json else f"The schema is back at {revision}.")


@db.command()
@json_option
def rebuild(*, as_json: bool) -> None:
    """Rebuild every read model from the log while the shop runs.

    An order whose events cannot be read keeps its rows, and the command ends with 1.
    """
    from entrypoints.bootstrap.database import open_unit_of_work
    from entrypoints.cli.commands.rebuild_read_models import rebuild
    from entrypoints.database_setting import read_database_url

    with open_unit_of_work(read_database_url()) as unit_of_work:
        rebuild(unit_of_work.rebuild(), as_json=as_json)


@db.command("restored")
@click.option(
    "--even-if-current",
    is_flag=True,
    help="Also if the newest head is there: it is up to ten seconds older than what was lost.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
def recover_restored_database(*, even_if_current: bool, as_json: bool) -> None:
    """After a backup was restored: skip order numbers, rebuild orders, and hold the payments that are left.

    Nothing is refunded and nothing is deleted. Running it again is harmless. It ends with 1 if something remains for
    a person.
    """
    from entrypoints.cli.commands.restored_database import recover
    from entrypoints.cli.support.open_shop import open_shop

    with open_shop() as shop:
        if not recover(shop.restored_database, even_if_current=even_if_current, as_json=as_json):
            sys.exit(ExitCode.FAILED)


cli.add_command(backup_commands)
cli.add_command(restore_command)
cli.add_command(upgrade_command)
cli.add_command(order_commands)
cli.add_command(payment_commands)
cli.add_command(log_commands)
cli.add_command(customer_commands)
cli.add_command(run_simulation)
cli.add_command(print_completion)
cli.add_command(print_manual)
