"""Scratch files."""

from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol


class ScratchFiles(Protocol):
    """Room for bytes that are too many to hold in memory."""

    def file(self) -> AbstractContextManager[BinaryIO]:
        """An empty file to write and read, gone when the block ends; raises UnavailableError when there is no room."""
        ...
