"""Record the statements of a world's transactions, with their results.

They can be replayed on another database and the results compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Statement:
    """One call of a transaction's port, and its result."""

    port: str
    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    found: Any


@dataclass
class Journal:
    """The committed transactions, in commit order, each recorded whole."""

    transactions: list[list[Statement]] = field(default_factory=list)

    def statements(self) -> Iterator[Statement]:
        """Every statement, in order."""
        for each in self.transactions:
            yield from each
