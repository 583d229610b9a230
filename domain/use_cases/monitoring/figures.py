"""The shop's figures at one moment, and what is computed from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.order.reactions import REACTION_TYPES
from domain.ports.backup_runs import BackupFacts
from domain.ports.shop_facts import CurrentFacts, OpenDispute, TotalFacts, WorkFacts
from domain.use_cases.reaction_handlers import REACTIONS

#: With fewer reactions than this in the last hour, a share of errors says nothing.
FEWEST_REACTIONS = 10

#: When a response to a dispute is due if the provider has not stated it: the shortest time that card networks give.
RESPONSE_TIME = timedelta(days=7)

#: The queue of work that only a newer version knows.
UNKNOWN_QUEUE = "unknown"

_QUEUES: Mapping[str, str] = {kind.__name__: REACTIONS[kind].queue.value for kind in REACTION_TYPES}


@dataclass(frozen=True, kw_only=True)
class QueueFigures:
    """The work of one queue."""

    waiting: int = 0
    scheduled: int = 0
    in_flight: int = 0
    failing: int = 0
    oldest_age: timedelta = timedelta(0)  # of what waits
    longest_run: timedelta = timedelta(0)  # of what is in flight


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The shop's figures at ``at``.

    ``unprotected_since`` is when the oldest event was recorded that the storage's head of the log lacks; it and the
    totals are up to a minute older. ``storage_problem`` and ``queue_problem`` say why storage and queue do not serve
    this process, if so; ``is_behind_log`` is true if the storage has a head whose event the database lacks,
    ``database_is_full`` if the database's disk takes nothing more.
    """

    at: datetime
    current: CurrentFacts
    totals: TotalFacts
    max_stored_bytes: int | None = None
    unprotected_since: datetime | None = None
    head_is_known: bool = True  # the storage's copy of the log's head
    storage_problem: str | None = None
    queue_problem: str | None = None
    is_behind_log: bool = False
    database_is_full: bool = False
    backups: BackupFacts | None = None  # none where the shop makes no backups itself
    backup_interval: timedelta | None = None
    needs_archived_log: bool = False  # physical backups lose what is younger without it
    drill_interval: timedelta | None = None  # none where no worker makes restore drills
    began_at: datetime | None = None  # when the first event was recorded
    attention: Mapping[str, int] | None = None  # what waits for staff, by kind; none while unknown

    @property
    def queues(self) -> Mapping[str, QueueFigures]:
        """The work of every queue, idle ones included."""
        names = sorted({*_QUEUES.values(), *(_queue_of(each) for each in self.current.work)})
        return {
            name: self._queue([each for each in self.current.work if _queue_of(each) == name])
            for name in names
        }

    @property
    def waiting(self) -> int:
        """Reactions of all queues that are due and wait for a worker."""
        return sum(each.waiting for each in self.current.work)

    @property
    def oldest_age(self) -> timedelta:
        """How long the oldest reaction has been due or in flight."""
        return max(
            (max(each.oldest_age, each.longest_run) for each in self.queues.values()), default=timedelta(0)
        )

    @property
    def oldest_waiting(self) -> timedelta:
        """How long the oldest reaction has been due that no worker claimed."""
        return max((each.oldest_age for each in self.queues.values()), default=timedelta(0))

    @property
    def readers_late_for(self) -> timedelta:
        """How long readers in commit order have lacked an event."""
        since = self.current.unread_since
        return self.at - since if since is not None else timedelta(0)

    @property
    def error_ratio(self) -> float:
        """The share of the last hour's reactions that failed.

        Zero if they are fewer than FEWEST_REACTIONS.
        """
        failed = sum(each.failing + each.given_up_recently for each in self.current.work)
        ended = failed + sum(each.done_recently for each in self.current.work)
        return failed / ended if ended >= FEWEST_REACTIONS else 0.0

    @property
    def storage_ratio(self) -> float | None:
        """The used share of the storage; none without a limit."""
        return self.totals.stored_bytes / self.max_stored_bytes if self.max_stored_bytes else None

    @property
    def oldest_owed_age(self) -> timedelta:
        """How long the oldest refund has been owed; zero without any."""
        return max((self.at - each.since for each in self.current.owed_refunds), default=timedelta(0))

    @property
    def next_response_in(self) -> timedelta | None:
        """The time until the next response is due, if any."""
        return min((due_at(each) - self.at for each in self.totals.disputes), default=None)

    @property
    def unprotected_for(self) -> timedelta:
        """How long the head in the storage has lacked an event.

        Zero if it is current, or unknown.
        """
        return self.at - self.unprotected_since if self.unprotected_since else timedelta(0)

    @property
    def backup_age(self) -> timedelta | None:
        """How old the newest backup is, or the log without one.

        None if the shop makes no backups, or has nothing to back up.
        """
        if self.backups is None:
            return None
        since = self.backups.newest_backup_at or self.began_at
        return self.at - since if since is not None else None

    @property
    def backup_overdue(self) -> timedelta | None:
        """How long ago the next backup was due; negative before."""
        if self.backup_age is None or self.backup_interval is None:
            return None
        return self.backup_age - self.backup_interval

    @property
    def drill_overdue(self) -> timedelta | None:
        """How much older than two intervals the newest drill is; negative before.

        Only drills that were tried to their end count; before the first, the age of the log does. None where no worker
        makes drills.
        """
        if self.backups is None or self.drill_interval is None:
            return None
        since = self.backups.newest_drill_at or self.began_at
        return self.at - since - 2 * self.drill_interval if since is not None else None

    @property
    def drill_has_failed(self) -> bool | None:
        """Whether the newest drill that was tried failed; None without any."""
        if self.backups is None or self.backups.newest_drill_at is None:
            return None
        return self.backups.newest_drill_problem is not None

    @property
    def drill_was_not_tried(self) -> bool | None:
        """Whether the newest drill could not be tried; None without any."""
        if self.backups is None:
            return None
        tried_at, untried_at = self.backups.newest_drill_at, self.backups.newest_untried_at
        if untried_at is None:
            return False if tried_at is not None else None
        return tried_at is None or untried_at > tried_at

    @property
    def unarchived_for(self) -> timedelta | None:
        """How long the oldest event has been missing from the archived log.

        That much would be lost with the database's disk. None if the database archives no log.
        """
        if self.backups is None or not self.backups.archives_log:
            return None
        since = self.backups.unarchived_since
        return self.at - since if since is not None else timedelta(0)

    @property
    def log_is_not_archived(self) -> bool | None:
        """Whether the database archives no log though backups need it.

        None where the shop makes no backups, or dumps alone.
        """
        if self.backups is None or not self.needs_archived_log:
            return None
        return not self.backups.archives_log

    def _queue(self, work: list[WorkFacts]) -> QueueFigures:
        now = self.at
        return QueueFigures(
            waiting=sum(each.waiting for each in work),
            scheduled=sum(each.scheduled for each in work),
            in_flight=sum(each.in_flight for each in work),
            failing=sum(each.failing for each in work),
            oldest_age=_longest_since(now, [each.oldest_due_at for each in work]),
            longest_run=_longest_since(now, [each.oldest_claimed_at for each in work]),
        )


def due_at(dispute: OpenDispute) -> datetime:
    """When the response to a dispute is due."""
    return dispute.respond_by or dispute.opened_at + RESPONSE_TIME


def _queue_of(work: WorkFacts) -> str:
    return _QUEUES.get(work.kind, UNKNOWN_QUEUE)


def _longest_since(now: datetime, moments: list[datetime | None]) -> timedelta:
    return max((now - each for each in moments if each is not None), default=timedelta(0))
