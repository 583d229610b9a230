"""The port for cancellation of work whose result is no longer required."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class CanceledError(Exception):
    """The work was canceled: its result is no longer required."""

    def __init__(self) -> None:
        super().__init__("The work was ended because its result is no longer wanted.")


class Cancellation(Protocol):
    """Whether cancellation of some work was requested; it cannot be revoked."""

    @property
    def is_requested(self) -> bool:
        """Whether cancellation was requested."""

    def calling(self, callback: Callable[[], None]) -> AbstractContextManager[None]:
        """Call ``callback`` once if cancellation is requested within the block.

        It is called at once if the request came before the block, and never after it.
        """
