"""Read the shop's figures, with caches."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from domain.ports.backup_runs import BackupFacts
from domain.ports.clock import Clock
from domain.ports.errors import UnavailableError
from domain.ports.shop_facts import ShopFacts, TotalFacts
from domain.ports.unit_of_work import HasBackupRuns, UnitOfWork
from domain.use_cases.monitoring.figures import Figures
from domain.use_cases.recovery.log_heads import LogHeads
from domain.use_cases.shop_policy import ShopPolicy
from domain.use_cases.support.attention_items import AttentionKind
from domain.use_cases.support.attention_list import AttentionList, AttentionRepositories

#: How long figures are reused, so that many scrapes cost the database nothing.
CURRENT_CACHED_FOR = timedelta(seconds=5)
TOTALS_CACHED_FOR = timedelta(seconds=60)
#: The list for staff reads the events of every order on it, and of every open one.
ATTENTION_CACHED_FOR = timedelta(minutes=5)

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class SlowFigures:
    """What takes longer to read, and changes slowly."""

    totals: TotalFacts
    backups: BackupFacts | None
    began_at: datetime | None
    unprotected_since: datetime | None
    head_is_known: bool
    storage_problem: str | None
    queue_problem: str | None
    is_behind_log: bool
    database_is_full: bool


class Cache(Protocol[_T_co]):
    """Values of a function of the time, reused for a while."""

    def get(self, now: datetime) -> _T_co:
        """The value at a moment, or an earlier one; raise UnavailableError."""


class Cached(Generic[_T]):
    """The last value of a function, while it is fresh."""

    def __init__(self, read: Callable[[datetime], _T], lifetime: timedelta) -> None:
        self._read = read
        self._lifetime = lifetime
        self._value: tuple[datetime, _T] | None = None

    def get(self, now: datetime) -> _T:
        """The last value if it is fresh, else a new one."""
        if self._value is None or not timedelta() <= now - self._value[0] < self._lifetime:
            self._value = (now, self._read(now))
        return self._value[1]


class CacheFactory(Protocol):
    """Makes caches."""

    def __call__(self, read: Callable[[datetime], _T], lifetime: timedelta) -> Cache[_T]:
        """Make a cache of values that live so long."""


class MonitoringRepositories(AttentionRepositories, HasBackupRuns, Protocol):
    """The repositories that figures are read from."""


class FiguresReader:
    """Reads the figures, cached while fresh.

    ``check_queue`` raises UnavailableError unless the queue takes messages, and ``check_storage`` unless the storage
    takes objects. ``waiting_log`` returns since when archived
    files wait on this machine for the storage of backups. ``slow_cache`` makes the cache of slow figures: by default
    one that reads them when they are asked for.
    """

    def __init__(
        self,
        *,
        facts: ShopFacts,
        unit_of_work: UnitOfWork[MonitoringRepositories],
        log_heads: LogHeads,
        clock: Clock,
        policy: ShopPolicy,
        check_queue: Callable[[], None],
        check_storage: Callable[[], None],
        waiting_log: Callable[[], datetime | None] = lambda: None,
        slow_cache: CacheFactory = Cached,
    ) -> None:
        self._facts = facts
        self._unit_of_work = unit_of_work
        self._log_heads = log_heads
        self._clock = clock
        self._policy = policy
        self._check_queue = check_queue
        self._check_storage = check_storage
        self._waiting_log = waiting_log
        self._current = Cached(facts.current, CURRENT_CACHED_FOR)
        self._slow = slow_cache(self._read_slow, TOTALS_CACHED_FOR)
        self._attention = slow_cache(self._read_attention, ATTENTION_CACHED_FOR)

    def read(self) -> Figures:
        """Return the present figures; raise UnavailableError.

        The database has to be readable; the storage need not be.
        """
        now = self._clock.now()
        current, slow = self._current.get(now), self._slow.get(now)
        return Figures(
            at=now,
            current=current,
            totals=slow.totals,
            max_stored_bytes=self._policy.uploads.max_stored_bytes,
            unprotected_since=slow.unprotected_since,
            head_is_known=slow.head_is_known,
            storage_problem=slow.storage_problem,
            queue_problem=slow.queue_problem,
            is_behind_log=slow.is_behind_log,
            database_is_full=slow.database_is_full,
            backups=slow.backups,
            backup_interval=self._policy.work.backup_interval,
            needs_archived_log=self._policy.work.needs_archived_log,
            drill_interval=self._policy.work.drill_interval,
            began_at=slow.began_at,
            attention=self._known_attention(now),
        )

    def _known_attention(self, now: datetime) -> Mapping[str, int] | None:
        """What waits for staff; the other figures do without it."""
        try:
            return self._attention.get(now)
        except UnavailableError:
            return None

    def _read_attention(self, now: datetime) -> Mapping[str, int]:
        """Count what waits for staff; of broken streams, those of open orders.

        The others are found by the list itself and by reconciliation: it takes reading the whole log.
        """
        items = AttentionList(unit_of_work=self._unit_of_work).items(looking_since=now)
        counts = Counter(item.kind for item in items)
        return {kind.value: counts[kind] for kind in AttentionKind}

    def _read_slow(self, _: datetime) -> SlowFigures:
        head, head_is_known, storage_problem = None, False, None
        try:
            head, head_is_known = self._log_heads.newest(), True
            self._check_storage()
        except UnavailableError as error:
            storage_problem = str(error)
        position = head.position if head is not None else 0
        return SlowFigures(
            totals=self._facts.totals(),
            backups=self._backups() if self._policy.work.makes_backups else None,
            began_at=self._facts.first_event_after(0),
            unprotected_since=self._facts.first_event_after(position) if head_is_known else None,
            head_is_known=head_is_known,
            storage_problem=storage_problem,
            queue_problem=self._queue_problem(),
            database_is_full=not self._facts.has_free_space(),
            is_behind_log=self._log_heads.lacks(head),
        )

    def _queue_problem(self) -> str | None:
        try:
            self._check_queue()
        except UnavailableError as error:
            return str(error)
        return None

    def _backups(self) -> BackupFacts:
        with self._unit_of_work.transaction() as transaction:
            facts = transaction.backup_runs.facts()
        # The database counts a file as archived when it is in the folder, on the disk that may be lost.
        moments = (facts.unarchived_since, self._waiting_log() if facts.archives_log else None)
        return replace(facts, unarchived_since=min(filter(None, moments), default=None))
