"""The in-memory unit of work with concurrent transactions.

Other tasks may run before every statement.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any, cast

from adapters.postgres.event_codec import UnknownEventError
from adapters.postgres.session_settings import IDLE_IN_TRANSACTION_SECONDS
from domain.order.events import Event, RecordedEvent
from domain.order.order import Order
from domain.order.values import OrderId
from domain.ports.errors import UnavailableError
from domain.ports.unit_of_work import (
    CauseRepeatedError,
    LeaseLostError,
    UnitOfWorkError,
    VersionConflictError,
)
from tests.doubles.transaction_overlay import RowLockedError
from tests.doubles.unit_of_work import InMemoryTransaction, InMemoryUnitOfWork
from tests.simulation.fault_hooks import FaultHooks
from tests.simulation.faults import Fault, Struck
from tests.simulation.journal import Journal, Statement
from tests.simulation.scheduler import SECOND

#: The recovery that each error counts as.
MET: dict[type[UnitOfWorkError], str] = {
    VersionConflictError: "a step that came second was decided again",
    CauseRepeatedError: "a cause that was on record changed nothing",
    LeaseLostError: "an outcome was discarded because the lease was lost",
}
#: The least duration of a statement and the size of one extra unit, in microseconds; the number of units is
#: drawn.
STATEMENT, STEP = 100, 3
#: How long PostgreSQL lets a session idle within a transaction before it ends it.
IDLE = int(IDLE_IN_TRANSACTION_SECONDS * SECOND)


class InterleavedUnitOfWork(InMemoryUnitOfWork):
    """Transactions like PostgreSQL's: read committed, row locks, deadlock detection.

    ``on_commit`` receives each transaction just before its writes are kept, ``on_kept`` right after.
    ``new_event`` is the event type that old code does not know. With a ``journal``, every transaction runs
    alone and is recorded.
    """

    def __init__(
        self,
        trouble: FaultHooks,
        on_commit: Callable[[InMemoryTransaction], None],
        on_kept: Callable[[InMemoryTransaction], None],
        new_event: type[Event] | None,
        journal: Journal | None = None,
    ) -> None:
        super().__init__()
        self.journal = journal
        self.trouble = trouble
        self._on_commit = on_commit
        self._on_kept = on_kept
        self._new_event = new_event
        self._unknown_to_old_code: set[OrderId] = set()
        self._waits: dict[int, int] = {}
        self._idle_since: dict[int, int] = {}  # open transactions that are between two statements
        self._paces: dict[int, Iterator[int]] = {}  # of the open transactions' statements
        self._strikes_at: dict[int, tuple[int, Struck]] = {}  # how many statements remain until then

    @contextmanager
    def transaction(self) -> Iterator[InMemoryTransaction]:
        """Run a concurrent transaction, which may fail at begin and at commit."""
        about = str(self.trouble.scheduler.current.facts.get("about", ""))
        struck = self.trouble.enter("transaction", about)
        transaction = self.begin()
        self._idle_since[transaction.writing.txid] = self.trouble.scheduler.now
        self._paces[transaction.writing.txid] = cycle(struck.spare)
        if Fault.STOP_INSIDE in struck or Fault.BROKEN in struck:
            self._strikes_at[transaction.writing.txid] = (1 + int(struck.share * 3), struck)
        statements = _Statements(transaction, self)
        try:
            yield cast("InMemoryTransaction", statements)
            if self.journal is not None and not transaction.is_void:
                self.journal.transactions.append(statements.run)
            self._commit(transaction, about)
        finally:
            self._idle_since.pop(transaction.writing.txid, None)
            self._strikes_at.pop(transaction.writing.txid, None)
            del self._paces[transaction.writing.txid]
            self.end(transaction)
            self.trouble.scheduler.notify(("transaction", transaction.writing.txid))

    def _commit(self, transaction: InMemoryTransaction, about: str) -> None:
        if transaction.is_void or not transaction.pages.is_written:
            return
        struck = None if self.journal is not None else self.trouble.enter("commit", about)
        self._require_session(transaction.writing.txid)
        self._on_commit(transaction)
        self._remember_new_events(transaction)
        self.commit(transaction)
        self._on_kept(transaction)
        if struck is not None:
            self.trouble.leave("commit", struck)

    def run(self, transaction: InMemoryTransaction, statement: Callable[[], Any]) -> Any:
        """Execute a statement once no other transaction locks a row it needs."""
        txid = transaction.writing.txid
        if self.journal is None:
            self._meet_faults(txid)
            self.trouble.scheduler.sleep(STATEMENT + STEP * next(self._paces[txid]))
            self._require_session(txid)
        while True:
            savepoint = transaction.writing.savepoint()
            try:
                found = statement()
            except RowLockedError as locked:
                transaction.writing.back_to(savepoint)
                self._idle_since.pop(txid, None)  # it waits within a statement
                self._wait(txid, locked.holder)
            else:
                self._idle_since[txid] = self.trouble.scheduler.now
                return found

    def _meet_faults(self, txid: int) -> None:
        """Apply the fault drawn for this transaction before one of its statements."""
        left, struck = self._strikes_at.get(txid, (0, None))
        if struck is None:
            return
        self._strikes_at[txid] = (left - 1, struck)
        if left != 1:
            return
        if Fault.STOP_INSIDE in struck:
            self.trouble.stop(struck, Fault.STOP_INSIDE)
        if Fault.BROKEN in struck:
            raise self.trouble.break_off(struck, "transaction")

    def _require_session(self, txid: int) -> None:
        """Raise UnavailableError if PostgreSQL would have ended the idle session."""
        if self.trouble.scheduler.now - self._idle_since.get(txid, self.trouble.scheduler.now) > IDLE:
            self.trouble.trace.recover("a transaction that stood still was ended")
            raise UnavailableError("transaction", "IdleInTransactionSessionTimeout")

    def _release_if_idle(self, holder: int) -> bool:
        """Release the rows of a transaction whose session PostgreSQL has ended."""
        idle_since = self._idle_since.get(holder)
        if idle_since is None or self.trouble.scheduler.now - idle_since <= IDLE:
            return False
        self._locks.release(holder)
        return True

    def _wait(self, txid: int, holder: int) -> None:
        self._waits[txid] = holder
        self.trouble.trace.recover("a transaction waited for another's row")
        try:
            following: int | None = holder
            while following is not None:
                following = self._waits.get(following)
                if following == txid:
                    self.trouble.trace.recover("a deadlock was broken")
                    raise UnavailableError("transaction", "DeadlockDetected")
            if not self._release_if_idle(holder):
                self.trouble.scheduler.wait(("transaction", holder), at_most=IDLE + STATEMENT)
        finally:
            self._waits.pop(txid, None)

    def _remember_new_events(self, transaction: InMemoryTransaction) -> None:
        process = self.trouble.scheduler.current.process
        if self._new_event is None or not process.knows_new_events:
            return
        for recorded in transaction.pages.written("log").values():
            if isinstance(recorded.event, self._new_event):
                self._unknown_to_old_code.add(recorded.order_id)

    def understood(self, found: Any) -> Any:
        """Return what was read; raise UnknownEventError if the code is too old."""
        if self.trouble.scheduler.current.process.knows_new_events:
            return found
        for each in found if isinstance(found, list) else [found]:
            is_stream = isinstance(each, (Order, RecordedEvent))
            if is_stream and each.order_id in self._unknown_to_old_code:
                assert self._new_event is not None
                self.trouble.trace.recover("old code left alone what it does not know")
                raise UnknownEventError(f"{self._new_event.__name__}.v99")
        return found


class _Statements:
    """A transaction's ports; every call of them is a statement."""

    def __init__(self, transaction: InMemoryTransaction, unit_of_work: InterleavedUnitOfWork) -> None:
        self._transaction = transaction
        self._unit_of_work = unit_of_work
        self.run: list[Statement] = []

    def __getattr__(self, name: str) -> Any:
        port = _Port(name, self._transaction, self._unit_of_work, self.run)
        setattr(self, name, port)
        return port


class _Port:
    """One port of a transaction."""

    def __init__(
        self,
        name: str,
        transaction: InMemoryTransaction,
        unit_of_work: InterleavedUnitOfWork,
        run: list[Statement],
    ) -> None:
        self._name = name
        self._port = getattr(transaction, name)
        self._transaction = transaction
        self._unit_of_work = unit_of_work
        self._run = run

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def statement(*args: Any, **kwargs: Any) -> Any:
            try:
                found = self._unit_of_work.run(self._transaction, lambda: method(*args, **kwargs))
            except UnitOfWorkError as error:
                self._unit_of_work.trouble.trace.recover(MET[type(error)])
                raise
            if found is False and name == "accept":
                self._unit_of_work.trouble.trace.recover("a message that came again changed nothing")
            if self._unit_of_work.journal is not None:
                self._run.append(Statement(self._name, name, args, kwargs, found))
            return self._unit_of_work.understood(found) if self._name == "event_store" else found

        setattr(self, name, statement)
        return statement
