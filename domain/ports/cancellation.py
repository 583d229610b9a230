"""A request to end work whose result is no longer wanted."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class CanceledError(Exception):
    """The work was ended because its result is no longer wanted."""

    def __init__(self) -> None:
        super().__init__("The work was ended because its result is no longer wanted.")


class Cancellation(Protocol):
    """Whether the result of some work is still wanted; once it is not, that stays so."""

    @property
    def is_requested(self) -> bool:
        """Whether the result is no longer wanted."""
        ...

    def calling(self, callback: Callable[[], None]) -> AbstractContextManager[None]:
        """Within the block a request calls ``callback``, once; at once if it came before. Never after the block."""
        ...
