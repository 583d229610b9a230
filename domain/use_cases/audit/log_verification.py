"""Verification of the log: whether events were changed since they were written.

Within a stream each event contains its predecessor's hash, so any change, removal or insertion breaks the chain after
it. Cutting off the end of a chain, or forging it again from some event on, breaks nothing: that is detected by
comparison with a head that was printed earlier, signed, and kept elsewhere.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.order.values import OrderId, Sha256
from domain.ports.event_store import ChainedEvent, LogCursor


class DefectKind(StrEnum):
    """A kind of defect in the log."""

    CONTENTS_CHANGED = "contents_changed"
    PREDECESSOR_CHANGED = "predecessor_changed"
    MISSING = "missing"
    REPEATED = "repeated"
    UNREADABLE = "unreadable"
    UNDECODABLE = "undecodable"
    # The others are detected only by comparison with a kept head.
    REMOVED = "removed"
    FORGED = "forged"
    ADDED = "added"
    DIFFERENT = "different"


#: What is wrong, as the rest of a sentence that begins with the place.
PROBLEMS: Mapping[DefectKind, str] = {
    DefectKind.CONTENTS_CHANGED: "it does not say what was recorded",
    DefectKind.PREDECESSOR_CHANGED: "it was recorded after another event than the one that precedes it now",
    DefectKind.MISSING: "it is missing, though later events of the order are there",
    DefectKind.REPEATED: "there are two of it",
    DefectKind.UNREADABLE: "its transaction is yet to come on this server, "
    "so that who reads the whole log does not see it",
    DefectKind.UNDECODABLE: "this version of the shop does not know its name, or its fields are not those of its name",
    DefectKind.REMOVED: "it stood in the log when the head was kept, and does not any more",
    DefectKind.FORGED: "it, and perhaps what precedes it, is not what stood there when the head was kept",
    DefectKind.ADDED: "it was put among events that are older than the head",
    DefectKind.DIFFERENT: "up to the kept head it does not hold the same events in the same order",
}

_COMPARE = "compare the order's stream with a backup, and with what the providers know of it"
_SEARCH = "look for it in a backup, and find out who could delete it"
ADVICE: Mapping[DefectKind, str] = dict.fromkeys(DefectKind, _COMPARE) | {
    DefectKind.MISSING: _SEARCH,
    DefectKind.UNREADABLE: f"if the database was restored from a dump, restore a physical backup; if not, {_COMPARE}",
    DefectKind.UNDECODABLE: f"run the version of the shop that wrote it; if none did, {_COMPARE}",
    DefectKind.REMOVED: f"{_SEARCH}; if a backup older than the head was restored, this is what was lost with it",
    DefectKind.DIFFERENT: "see what is said of single orders; if nothing is, compare txid and position with a backup",
}


@dataclass(frozen=True, kw_only=True)
class LogDefect:
    """A defect and where it is: an order's versions, or the log."""

    defect: DefectKind
    order_id: OrderId | None = None
    version: int | None = None
    last_version: int | None = None

    def __str__(self) -> str:
        return f"{self._place}: {PROBLEMS[self.defect]}. What to do: {ADVICE[self.defect]}."

    @property
    def _place(self) -> str:
        if self.order_id is None:
            return "The log"
        if self.version == self.last_version:
            return f"Order {self.order_id}, version {self.version}"
        return f"Order {self.order_id}, each version from {self.version} to {self.last_version}"


@dataclass(frozen=True, kw_only=True)
class StreamHead:
    """The newest event of a stream; its hash covers all earlier ones."""

    version: int = 0
    sha256: Sha256 | None = None  # None while there is no event


@dataclass(frozen=True, kw_only=True)
class LogSnapshot:
    """The state of the log up to a position, as one hash.

    The heads of the streams serve to locate differences.
    """

    events: int
    txid: int
    position: int
    sha256: Sha256  # of the events' hashes, concatenated in commit order
    streams: Mapping[OrderId, StreamHead]


@dataclass(frozen=True, kw_only=True)
class VerificationReport:
    """The head of the log, and its defects."""

    head: LogSnapshot
    findings: tuple[LogDefect, ...]


def verify(log: Iterable[ChainedEvent], kept: LogSnapshot | None = None) -> VerificationReport:
    """Verify each stream's versions, links and contents, optionally against a kept head.

    The log is read in commit order and is not held in memory; one small record per order is.
    """
    check = _Check()
    differences: list[LogDefect] | None = None
    for event in log:
        if kept and differences is None and event.cursor > LogCursor(kept.txid, kept.position):
            differences = _differences(check.head(), kept)
        check.take(event)
    head = check.head()
    if kept and differences is None:
        differences = _differences(head, kept)
    check.give_up_waiting()
    return VerificationReport(head=head, findings=(*check.findings, *(differences or ())))


@dataclass(slots=True)
class _Stream:
    """The verified part of a stream, and events that arrived early.

    ``newest`` is the newest event read; ``waiting`` are events that precede, in the log, events that they should
    follow.
    """

    checked: StreamHead = field(default_factory=StreamHead)
    newest: StreamHead = field(default_factory=StreamHead)
    waiting: dict[int, ChainedEvent] = field(default_factory=dict)


class _Check:
    """Verifies the log event by event."""

    def __init__(self) -> None:
        self.findings: list[LogDefect] = []
        self._streams: dict[OrderId, _Stream] = {}
        self._unreadable: set[OrderId] = set()
        self._events = 0
        self._cursor = LogCursor()
        self._hash = hashlib.sha256()

    def take(self, event: ChainedEvent) -> None:
        """Verify an event, at the latest after its predecessor arrived."""
        stream = self._streams.setdefault(event.order_id, _Stream())
        self._count(event, stream)
        if event.actual_sha256 != event.sha256:
            self._find(DefectKind.CONTENTS_CHANGED, event)
        if not event.is_decodable:
            self._find(DefectKind.UNDECODABLE, event)
        if event.version <= stream.checked.version or event.version in stream.waiting:
            self._find(DefectKind.REPEATED, event)
        else:
            stream.waiting[event.version] = event
            self._follow(stream)

    def give_up_waiting(self) -> None:
        """Report missing events, and verify those after each gap."""
        for order_id, stream in self._streams.items():
            while stream.waiting:
                behind = stream.waiting[min(stream.waiting)]
                self.findings.append(
                    LogDefect(
                        defect=DefectKind.MISSING,
                        order_id=order_id,
                        version=stream.checked.version + 1,
                        last_version=behind.version - 1,
                    )
                )
                stream.checked = StreamHead(version=behind.version - 1, sha256=behind.previous_sha256)
                self._follow(stream)

    def head(self) -> LogSnapshot:
        """Return the head of the events taken so far."""
        return LogSnapshot(
            events=self._events,
            txid=self._cursor.txid,
            position=self._cursor.position,
            sha256=Sha256(self._hash.hexdigest()),
            streams={order_id: stream.newest for order_id, stream in self._streams.items()},
        )

    def _count(self, event: ChainedEvent, stream: _Stream) -> None:
        if event.is_readable:
            self._events += 1
            self._cursor = event.cursor
            self._hash.update(event.sha256.encode())
            if event.version > stream.newest.version:
                stream.newest = StreamHead(version=event.version, sha256=event.sha256)
        elif event.order_id not in self._unreadable:
            self._unreadable.add(event.order_id)
            self._find(DefectKind.UNREADABLE, event)

    def _follow(self, stream: _Stream) -> None:
        while (event := stream.waiting.pop(stream.checked.version + 1, None)) is not None:
            if event.previous_sha256 != stream.checked.sha256:
                self._find(DefectKind.PREDECESSOR_CHANGED, event)
            stream.checked = StreamHead(version=event.version, sha256=event.sha256)

    def _find(self, defect: DefectKind, event: ChainedEvent) -> None:
        self.findings.append(
            LogDefect(
                defect=defect, order_id=event.order_id, version=event.version, last_version=event.version
            )
        )


def _differences(now: LogSnapshot, kept: LogSnapshot) -> list[LogDefect]:
    """Return how the log up to the kept head's position differs."""
    nothing = StreamHead()
    found = (
        []
        if (now.events, now.sha256) == (kept.events, kept.sha256)
        else [LogDefect(defect=DefectKind.DIFFERENT)]
    )
    for order_id in {**kept.streams, **now.streams}:
        found += _difference(
            order_id, now.streams.get(order_id, nothing), kept.streams.get(order_id, nothing)
        )
    return found


def _difference(order_id: OrderId, now: StreamHead, then: StreamHead) -> Iterator[LogDefect]:
    if now.version < then.version:
        yield LogDefect(
            defect=DefectKind.REMOVED, order_id=order_id, version=now.version + 1, last_version=then.version
        )
    elif now.version > then.version:
        yield LogDefect(
            defect=DefectKind.ADDED, order_id=order_id, version=then.version + 1, last_version=now.version
        )
    elif now.sha256 != then.sha256:
        yield LogDefect(
            defect=DefectKind.FORGED, order_id=order_id, version=now.version, last_version=now.version
        )
