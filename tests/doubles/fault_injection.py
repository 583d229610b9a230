"""What goes wrong at a double, and when."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain.ports.errors import LostReplyError, OutsideError


@dataclass(frozen=True)
class Call:
    """One call that reached a double: the method and what it was about."""

    method: str
    subject: str


@dataclass
class FaultInjector:
    """Every call of a double passes through here: it is written down, and may meet the trouble that was ordered."""

    calls: list[Call] = field(default_factory=list)
    _before: dict[str, deque[OutsideError]] = field(default_factory=dict)
    _after: dict[str, deque[OutsideError]] = field(default_factory=dict)

    def fail(self, method: str, error: OutsideError) -> None:
        """Let the next call of a method fail, with nothing done; orders queue up."""
        self._before.setdefault(method, deque()).append(error)

    def lose_reply(self, method: str) -> None:
        """Let the next call of a method do its work and then be told as lost."""
        error = LostReplyError("The double", "the reply was lost on request")
        self._after.setdefault(method, deque()).append(error)

    def clear_up(self) -> None:
        """Forget the trouble that was ordered and has not struck."""
        self._before.clear()
        self._after.clear()

    @contextmanager
    def over(self, method: str, subject: str) -> Iterator[None]:
        """Surround a call's work."""
        self.calls.append(Call(method, subject))
        if self._before.get(method):
            raise self._before[method].popleft()
        yield
        if self._after.get(method):
            raise self._after[method].popleft()
