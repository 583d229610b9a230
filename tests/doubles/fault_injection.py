"""Faults of a double, ordered by a test."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain.ports.errors import LostReplyError, OutsideError


@dataclass(frozen=True)
class Call:
    """One call that reached a double: its method and subject."""

    method: str
    subject: str


@dataclass
class FaultInjector:
    """Records every call of a double and injects the ordered faults."""

    calls: list[Call] = field(default_factory=list)
    _before: dict[str, deque[OutsideError]] = field(default_factory=dict)
    _after: dict[str, deque[OutsideError]] = field(default_factory=dict)

    def fail(self, method: str, error: OutsideError) -> None:
        """Let the method's next call fail without effect; orders queue up."""
        self._before.setdefault(method, deque()).append(error)

    def lose_reply(self, method: str) -> None:
        """Let the method's next call take effect but lose its reply."""
        error = LostReplyError("The double", "the reply was lost on request")
        self._after.setdefault(method, deque()).append(error)

    def clear_up(self) -> None:
        """Discard the ordered faults that have not struck."""
        self._before.clear()
        self._after.clear()

    @contextmanager
    def over(self, method: str, subject: str) -> Iterator[None]:
        """Surround a call, with the faults ordered for its method."""
        self.calls.append(Call(method, subject))
        if self._before.get(method):
            raise self._before[method].popleft()
        yield
        if self._after.get(method):
            raise self._after[method].popleft()
