"""How many predictions run at a time: a start needs an admission before anybody may claim it."""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.order.reactions import Reaction

#: What a pace of so many "a minute" is measured over: any minute, not the clock's.
MINUTE = timedelta(minutes=1)


class PredictionSlots(Protocol):
    """Hands out the slots at the restorer. A try that ended, however it ended, has given its admission back."""

    def grant(self, now: datetime, *, max_running: int, max_per_minute: int) -> list[tuple[UUID, Reaction]]:
        """Admit as many starts that are due as there are free slots; they count as sent now.

        A slot is taken by each start that is admitted or claimed, and by each prediction that is still to be
        collected or cancelled. Orders take turns: first comes whose order has the fewest slots, then whose order
        was not admitted for the longest, then what has been due for the longest. Nothing is admitted in a pause.
        Who admits at the same time waits for the other, so both limits hold whatever the number of workers.
        """
        ...

    def pause(self, until: datetime) -> None:
        """Admit nothing until then, or until the end of a pause that is longer.

        Starts that nobody has begun lose their admission; what would have been their prediction was never created.
        """
        ...
