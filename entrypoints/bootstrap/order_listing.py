"""The list of orders, without the imports of the other queries."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain.use_cases.order_listing import OrderListing
from entrypoints.bootstrap.database import open_unit_of_work
from entrypoints.database_setting import read_database_url


@contextmanager
def open_order_listing() -> Iterator[OrderListing]:
    """The list of orders; raises SettingsError, and the errors of ``open_unit_of_work``."""
    with open_unit_of_work(read_database_url()) as unit_of_work:
        yield OrderListing(unit_of_work=unit_of_work)
