"""The port for new ids."""

from typing import Protocol
from uuid import UUID


class Ids(Protocol):
    """The only source of new ids."""

    def new(self) -> UUID:
        """A new id; ids sort by the time of their creation."""
