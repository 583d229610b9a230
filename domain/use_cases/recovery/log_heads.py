"""Log heads in the storage, which reveal a database restored from backup.

The storage keeps the newest head of the log: a database that lacks its event is older.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from uuid import UUID

from domain.order.values import ObjectKey, Sha256
from domain.ports.clock import Clock
from domain.ports.errors import DatabaseBehindError, ObjectDiffersError, ObjectMissingError, UnavailableError
from domain.ports.object_storage import ObjectOwner, ObjectStorage
from domain.ports.unit_of_work import HasLogRecovery, UnitOfWork
from domain.signed_tokens import TokenSigner

#: How long the last answer to "is the database behind?" is used.
ANSWER_CACHED_FOR = timedelta(seconds=15)

#: How many heads stay in the storage: the newest, and earlier ones for staff to look at.
KEPT = 3

#: Days whose order counters a head contains: numbers are assigned for the day of the payment only.
COUNTED_DAYS = 2


@dataclass(frozen=True, kw_only=True)
class LogHead:
    """The end of the log at one time.

    All fields are stored as labels of an object, which its signature covers.
    """

    sequence: int  # of the heads, without gaps
    event_id: UUID | None  # None for an empty log
    sha256: Sha256 | None
    position: int
    order_counters: Mapping[date, int]
    written_at: datetime

    def labels(self) -> dict[str, str]:
        """Return the head as labels of an object."""
        counters = ",".join(f"{day.isoformat()}={number}" for day, number in self.order_counters.items())
        return {
            "sequence": str(self.sequence),
            "event-id": str(self.event_id or ""),
            "sha256": self.sha256 or "",
            "position": str(self.position),
            "order-counters": counters,
            "written-at": self.written_at.isoformat(),
        }

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> "LogHead":
        """Build the head from an object's labels."""
        counters = (each.partition("=") for each in labels["order-counters"].split(",") if each)
        return cls(
            sequence=int(labels["sequence"]),
            event_id=UUID(labels["event-id"]) if labels["event-id"] else None,
            sha256=Sha256(labels["sha256"]) if labels["sha256"] else None,
            position=int(labels["position"]),
            order_counters={date.fromisoformat(day): int(number) for day, _, number in counters},
            written_at=datetime.fromisoformat(labels["written-at"]),
        )


class LogHeads:
    """Writes heads, and compares the database with the newest one.

    A head names one event. A database that has the event is at least as new as the head; one that lacks it is older,
    because events are never removed.
    """

    def __init__(
        self,
        *,
        unit_of_work: UnitOfWork[HasLogRecovery],
        storage: ObjectStorage,
        token_signer: TokenSigner,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._storage = storage
        # One for each key that signs tokens: heads from before its rotation are this shop's.
        self._prefixes = [f"log/heads/{name}/" for name in token_signer.shop_names()]
        self._clock = clock
        # The time of the last check and its result; one value, because threads share it.
        self._answer: tuple[datetime, bool] | None = None

    def newest(self) -> LogHead | None:
        """Return the newest head that this shop wrote; raise UnavailableError."""
        for key in reversed(self._keys()):
            try:
                described = self._storage.describe(key)
            except ObjectMissingError:
                continue  # another worker removed it: there is a newer one
            if described.owner is ObjectOwner.OURS:
                return LogHead.of(described.labels)
        return None

    def is_behind(self) -> bool:
        """Whether the database lacks the newest head's event; raises UnavailableError."""
        return self.lacks(self.newest())

    def lacks(self, head: LogHead | None) -> bool:
        """Whether the database lacks a head's event."""
        if head is None or head.event_id is None:
            return False
        with self._unit_of_work.transaction() as transaction:
            return not transaction.log_recovery.has_event(head.event_id)

    def check(self) -> None:
        """Raise DatabaseBehindError if the database is behind.

        The answer is cached for ANSWER_CACHED_FOR. While the storage is unavailable, the last answer is used; before
        there is one, UnavailableError is raised.
        """
        now, answer = self._clock.now(), self._answer
        if answer is None or not timedelta() <= now - answer[0] < ANSWER_CACHED_FOR:
            try:
                is_behind = self.is_behind()
            except UnavailableError:
                if answer is None:
                    raise
                is_behind = answer[1]
            answer = self._answer = (now, is_behind)
        if answer[1]:
            raise DatabaseBehindError

    def write(self) -> LogHead | None:
        """Write the log's head unless the newest one is equal.

        Returns None if nothing had to be written, or another process was first. Raises DatabaseBehindError.
        """
        newest = self.newest()
        known = newest.event_id if newest is not None else None
        with self._unit_of_work.transaction() as transaction:
            if known is not None and not transaction.log_recovery.has_event(known):
                raise DatabaseBehindError
            event = transaction.log_recovery.newest_event()
        if event is None or event.event_id == known:
            return None
        return self._write(newest.sequence + 1 if newest is not None else 1)

    def replace(self) -> LogHead | None:
        """Write the log's head although the database lacks the newest one's event.

        Called when the recovery is complete.
        """
        newest = self.newest()
        head = self._write(newest.sequence + 1 if newest is not None else 1)
        self._answer = None
        return head

    def _write(self, sequence: int) -> LogHead | None:
        now = self._clock.now()
        with self._unit_of_work.transaction() as transaction:
            event = transaction.log_recovery.newest_event()
            since = now.date() - timedelta(days=COUNTED_DAYS - 1)
            counters = transaction.log_recovery.order_counters(since)
        head = LogHead(
            sequence=sequence,
            event_id=event.event_id if event is not None else None,
            sha256=event.sha256 if event is not None else None,
            position=event.position if event is not None else 0,
            order_counters=counters,
            written_at=now,
        )
        labels = head.labels()
        text = "\n".join(f"{name}: {value}" for name, value in labels.items()).encode()
        try:
            self._storage.put(
                ObjectKey(f"{self._prefixes[0]}{sequence:012}"),
                BytesIO(text),
                size_bytes=len(text),
                media_type="text/plain",
                labels=labels,
            )
        except ObjectDiffersError:
            return None  # another process wrote a head with this number; the next round finds it
        self._storage.delete(self._keys()[:-KEPT])
        return head

    def _keys(self) -> list[ObjectKey]:
        """The keys of this shop's heads, by their sequence numbers."""
        keys = [key for prefix in self._prefixes for key in self._storage.keys(prefix)]
        return sorted(keys, key=lambda key: key.rpartition("/")[2])
