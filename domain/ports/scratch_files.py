"""The port for temporary files."""

from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol


class ScratchFiles(Protocol):
    """Temporary files for data that does not fit in memory."""

    def file(self) -> AbstractContextManager[BinaryIO]:
        """An empty file to write and read, deleted after the block.

        Raise UnavailableError when there is no space.
        """
