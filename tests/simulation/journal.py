"""What a world's transactions said to the books and heard from them, so that other books can be told the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Statement:
    """One call of a transaction's port, and what it gave."""

    port: str
    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    found: Any


@dataclass
class Journal:
    """The transactions that were committed, in that order; each is written down whole or not at all."""

    transactions: list[list[Statement]] = field(default_factory=list)

    def statements(self) -> Iterator[Statement]:
        """Every statement there was."""
        for each in self.transactions:
            yield from each
