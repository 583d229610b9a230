"""Verification of the log: whether events were changed since they were written.

Within a stream each event contains its predecessor's hash, so any change, removal or insertion breaks the chain after
it. Cutting off the end of a chain, or forging it again from some event on, breaks nothing: that is detected by
comparison with a head that was printed earlier, signed, and kept elsewhere.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from domain.order.values import OrderId, Sha256
from domain.ports.event_store import ChainedEvent, LogCursor
from domain.ports.log_defects import DefectKind, LogDefect


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

    ``checked`` and ``newest`` are the version and hash of the last verified event and of the newest event read;
    ``waiting`` are events that precede, in the log, events that they should follow.
    """

    checked: tuple[int, Sha256 | None] = (0, None)
    newest: tuple[int, Sha256 | None] = (0, None)
    waiting: dict[int, ChainedEvent] = field(default_factory=dict)


class _Check:
    def __init__(self) -> None:
        self.findings: list[LogDefect] = []
        self._streams: dict[OrderId, _Stream] = {}
        self._unreadable: set[OrderId] = set()
        self._events = 0
        self._cursor = LogCursor()
        self._hash = hashlib.sha256()

    def take(self, event: ChainedEvent) -> None:
        """Verify an event, at the latest after its predecessor arrived."""
        stream = self._streams.get(event.order_id)
        if stream is None:
            stream = self._streams[event.order_id] = _Stream()
        self._count(event, stream)
        if event.actual_sha256 != event.sha256:
            self._find(DefectKind.CONTENTS_CHANGED, event)
        if not event.is_decodable:
            self._find(DefectKind.UNDECODABLE, event)
        if event.version <= stream.checked[0] or event.version in stream.waiting:
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
                        version=stream.checked[0] + 1,
                        last_version=behind.version - 1,
                    )
                )
                stream.checked = (behind.version - 1, behind.previous_sha256)
                self._follow(stream)

    def head(self) -> LogSnapshot:
        return LogSnapshot(
            events=self._events,
            txid=self._cursor.txid,
            position=self._cursor.position,
            sha256=Sha256(self._hash.hexdigest()),
            streams={
                order_id: StreamHead(version=version, sha256=sha256)
                for order_id, stream in self._streams.items()
                for version, sha256 in [stream.newest]
            },
        )

    def _count(self, event: ChainedEvent, stream: _Stream) -> None:
        if event.is_readable:
            self._events += 1
            self._cursor = event.cursor
            self._hash.update(event.sha256.encode())
            if event.version > stream.newest[0]:
                stream.newest = (event.version, event.sha256)
        elif event.order_id not in self._unreadable:
            self._unreadable.add(event.order_id)
            self._find(DefectKind.UNREADABLE, event)

    def _follow(self, stream: _Stream) -> None:
        while (event := stream.waiting.pop(stream.checked[0] + 1, None)) is not None:
            if event.previous_sha256 != stream.checked[1]:
                self._find(DefectKind.PREDECESSOR_CHANGED, event)
            stream.checked = (event.version, event.sha256)

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
