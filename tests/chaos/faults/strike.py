"""A fault: it strikes, proves that it struck, and ends."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.chaos.shop_under_test import ShopUnderTest


class MissedError(Exception):
    """A fault could not be shown to have struck.

    The message completes a sentence that begins with the fault's name.
    """


@dataclass
class Strike:
    """A fault in progress; ``proof`` states how its strike is known."""

    proof: str = ""


#: On entry it strikes, on exit it ends, with everything restored; raises MissedError.
FaultContext = Callable[[ShopUnderTest], AbstractContextManager[Strike]]
#: The same before ``contextmanager`` is applied.
FaultSteps = Callable[[ShopUnderTest], Iterator[Strike]]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault by its name; ``lasts_seconds`` is its duration after the strike."""

    name: str
    to: str
    do: FaultContext
    lasts_seconds: float = 0.0
