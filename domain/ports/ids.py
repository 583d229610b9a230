"""Ids."""

from typing import Protocol
from uuid import UUID


class Ids(Protocol):
    """The only source of new ids."""

    def new(self) -> UUID:
        """A fresh id; ids sort by the time they were made."""
        ...
