"""What a fault is: something that is done to the shop or its world, proves that it struck, and ends."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.chaos.shop_under_test import Stage


class MissedError(Exception):
    """A fault could not be shown to have struck; the message is the rest of a sentence that begins with its name."""


@dataclass
class Strike:
    """A fault under way; ``proof`` says by what it is known that it struck."""

    proof: str = ""


#: Entered it strikes, left it ends, with everything in its place again; raises MissedError.
Deed = Callable[[Stage], AbstractContextManager[Strike]]
#: The same as it is written down, before ``contextmanager`` makes a deed of it.
Timeline = Callable[[Stage], Iterator[Strike]]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault by its name; ``lasts_seconds`` is how long it goes on once it has struck."""

    name: str
    to: str
    do: Deed
    lasts_seconds: float = 0.0
