"""Wake-ups of workers in memory."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from domain.order.reactions import Reaction
from domain.ports.errors import OutsideError


@dataclass
class InMemoryQueue:
    """Wake-ups in sending order; a test may lose or duplicate them."""

    waiting: deque[UUID] = field(default_factory=deque)
    problem: OutsideError | None = None  # raised by ``check``

    def check(self) -> None:
        if self.problem is not None:
            raise self.problem

    def send(self, reactions: Iterable[tuple[UUID, Reaction]]) -> None:
        self.waiting.extend(reaction_id for reaction_id, _ in reactions)
