"""The wired shop for one command, on production's adapters."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import rich_click as click

from domain.ports.errors import UnavailableError
from entrypoints.bootstrap.adapters import open_container
from entrypoints.bootstrap.container import Container
from entrypoints.bootstrap.database import check_database
from entrypoints.logging_config import log_beside_the_answer
from entrypoints.settings import read_settings


@contextmanager
def open_shop() -> Iterator[Container]:
    """The wired shop; closed when the block ends.

    Raises SettingsError, and the errors of ``check_database``.
    """
    settings = read_settings()
    log_beside_the_answer()
    check_database(settings.database_url)  # before any other error is reported
    with open_container(settings) as shop:
        _warn_of_clock(shop.ports.clock.check)
        yield shop


def _warn_of_clock(check: Callable[[], None]) -> None:
    """Warn if this machine's clock is wrong; the database's clock decides anyway."""
    try:
        check()
    except UnavailableError as error:
        click.echo(f"WARNING: {error}", err=True)
