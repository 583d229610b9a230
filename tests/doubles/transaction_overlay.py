"""Tables as a transaction sees them: read committed, with row locks.

The first transaction that writes a row locks it.
"""

from collections.abc import Hashable, ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")

_GONE: Final = object()
_UNWRITTEN: Final = object()


class RowLockedError(Exception):
    """Another open transaction has locked this row.

    Wait for its end, then retry the statement.
    """

    def __init__(self, row: Hashable, holder: int) -> None:
        self.row = row
        self.holder = holder
        super().__init__(f"Row {row} belongs to transaction {holder} until that ends.")


@dataclass
class Locks:
    """The locked rows by open transaction; locks are reentrant."""

    holders: dict[Hashable, int] = field(default_factory=dict)

    def take(self, row: Hashable, txid: int) -> None:
        """Lock a row until the transaction ends; raise RowLockedError."""
        holder = self.holders.setdefault(row, txid)
        if holder != txid:
            raise RowLockedError(row, holder)

    def release(self, txid: int) -> None:
        """Release all rows of a transaction."""
        self.holders = {row: holder for row, holder in self.holders.items() if holder != txid}


@dataclass
class TransactionWrites:
    """The locks and writes of one transaction, which can be undone partly."""

    txid: int
    locks: Locks
    _undo: list[tuple[dict[Any, Any], Any, Any]] = field(default_factory=list)

    def take(self, row: Hashable) -> None:
        """Lock a row, or any other hashable name."""
        self.locks.take(row, self.txid)

    def is_taken_by_another(self, row: Hashable) -> bool:
        """Whether locking it would have to wait."""
        return self.locks.holders.get(row, self.txid) != self.txid

    def note(self, written: dict[Any, Any], key: object) -> None:
        """Record a row's value before it is written."""
        self._undo.append((written, key, written.get(key, _UNWRITTEN)))

    def savepoint(self) -> int:
        """A savepoint."""
        return len(self._undo)

    def back_to(self, savepoint: int) -> None:
        """Undo the writes since a savepoint; locks are kept."""
        while len(self._undo) > savepoint:
            written, key, before = self._undo.pop()
            if before is _UNWRITTEN:
                del written[key]
            else:
                written[key] = before


class TableOverlay(MutableMapping[K, V]):
    """A table of frozen values: the committed rows under this transaction's writes."""

    def __init__(self, name: str, kept: dict[K, V], writing: TransactionWrites) -> None:
        self._name = name
        self._kept = kept
        self._writing = writing
        self.written: dict[K, V] = {}

    def hold(self, key: K) -> None:
        """Lock a row; raise RowLockedError."""
        self._writing.take((self._name, key))

    def is_held_by_another(self, key: K) -> bool:
        """Whether another transaction has locked the row."""
        return self._writing.is_taken_by_another((self._name, key))

    def keep(self) -> None:
        """Apply the writes to the committed rows."""
        for key, value in self.written.items():
            if value is _GONE:
                self._kept.pop(key, None)
            else:
                self._kept[key] = value

    def _view(self) -> dict[K, V]:
        if not self.written:
            return self._kept
        return {key: value for key, value in {**self._kept, **self.written}.items() if value is not _GONE}

    def __getitem__(self, key: K) -> V:
        value = self.written.get(key, _UNWRITTEN) if self.written else _UNWRITTEN
        if value is _UNWRITTEN:
            return self._kept[key]
        if value is _GONE:
            raise KeyError(key)
        return cast("V", value)

    def get(self, key: K, default: Any = None) -> Any:
        """The row, or another value, without an error for a missing row."""
        value = self.written.get(key, _UNWRITTEN) if self.written else _UNWRITTEN
        if value is _UNWRITTEN:
            return self._kept.get(key, default)
        return default if value is _GONE else value

    def __contains__(self, key: object) -> bool:
        if key in self.written:
            return self.written[key] is not _GONE
        return key in self._kept

    def __setitem__(self, key: K, value: V) -> None:
        self.hold(key)
        self._writing.note(self.written, key)
        self.written[key] = value

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self.__setitem__(key, cast("V", _GONE))

    def __iter__(self) -> Iterator[K]:
        return iter(self._view())

    def __len__(self) -> int:
        return len(self._view())

    def keys(self) -> KeysView[K]:
        return self._view().keys()

    def values(self) -> ValuesView[V]:
        return self._view().values()

    def items(self) -> ItemsView[K, V]:
        return self._view().items()
