"""The twins' records, read from their database files."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ProviderRecords:
    """A provider's objects by kind, oldest first."""

    objects: Mapping[str, list[Json]] = field(default_factory=dict)

    def kind(self, name: str) -> list[Json]:
        """All objects of a kind."""
        return self.objects.get(name, [])


def records_file(data_dir: Path, twin: str) -> Path:
    """The database file of a twin."""
    return data_dir / "twins" / twin / f"{twin}.sqlite"


def records_of(data_dir: Path, twin: str) -> ProviderRecords:
    """Read a twin's present ledger from its file."""
    objects: dict[str, list[Json]] = {}
    with _opened(data_dir, twin) as connection:
        for kind, body in connection.execute("SELECT kind, body FROM objects ORDER BY seq"):
            objects.setdefault(kind, []).append(json.loads(body))
    return ProviderRecords(objects=objects)


def undelivered(data_dir: Path, twin: str) -> int:
    """How many of a twin's webhooks are not delivered yet."""
    with _opened(data_dir, twin) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'held')"
        ).fetchone()
    return int(count)


@contextmanager
def _opened(data_dir: Path, twin: str) -> Iterator[sqlite3.Connection]:
    """Open the file for reading, while the twin writes to it."""
    with closing(sqlite3.connect(f"file:{records_file(data_dir, twin)}?mode=ro", uri=True)) as connection:
        yield connection
