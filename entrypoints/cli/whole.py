"""The whole shop for one command: the books, the providers and the storage, as every setting tells it."""

from collections.abc import Iterator
from contextlib import contextmanager

from entrypoints.bootstrap.books import open_books
from entrypoints.bootstrap.shop import Shop, build
from entrypoints.logs import log_beside_the_answer
from entrypoints.settings import read_settings


@contextmanager
def open_shop() -> Iterator[Shop]:
    """The shop, for as long as the block takes; raises what keeps its settings or its database from being used."""
    settings = read_settings()
    log_beside_the_answer()
    with open_books(settings):
        pass  # a database that cannot be used is told here, before anything else is
    with build(settings) as shop:
        yield shop
