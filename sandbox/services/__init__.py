"""Servers from PyPI wheels in one data folder: `with postgresql(data_dir) as database_url:`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

from sandbox.processes import Supervisor
from sandbox.services import postgres_server, seaweedfs_server, valkey_server

T = TypeVar("T")


def _alone(start: Callable[[Supervisor, Path], T]) -> Callable[[Path], AbstractContextManager[T]]:
    @contextmanager
    def service(data_dir: Path) -> Iterator[T]:
        with Supervisor() as supervisor:
            yield start(supervisor, data_dir.resolve())

    return service


#: PostgreSQL 18 while the context lasts: the URL of a database.
postgresql = _alone(postgres_server.start)

#: Valkey 9 while the context lasts: its URL.
valkey = _alone(valkey_server.start)

#: SeaweedFS while the context lasts: endpoint, access key and secret key.
seaweedfs = _alone(seaweedfs_server.start)

__all__ = ["postgresql", "seaweedfs", "valkey"]
