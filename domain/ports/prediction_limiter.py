"""The port that limits concurrent predictions.

A start needs an admission before a worker may claim it.
"""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.order.reactions import Reaction

#: The window of the per-minute limit: any minute, not the clock's.
MINUTE = timedelta(minutes=1)


class PredictionSlots(Protocol):
    """Grants slots for predictions.

    An attempt returns its admission when it ends, in whatever way.
    """

    def grant(self, now: datetime, *, max_running: int, max_per_minute: int) -> list[tuple[UUID, Reaction]]:
        """Admit as many due starts as there are free slots.

        They count as sent now. A slot is taken by each start that is admitted or claimed, and by each prediction that
        is still to be collected or canceled. Orders take turns: first the order with the fewest slots, then the one
        that was admitted longest ago, then the start that has been due longest. Nothing is admitted during a pause.
        Concurrent callers are serialized, so both limits hold for any number of workers.
        """

    def pause(self, until: datetime) -> None:
        """Admit nothing until ``until``; a longer pause stays.

        Starts that no worker has begun lose their admission: their predictions were not created.
        """
