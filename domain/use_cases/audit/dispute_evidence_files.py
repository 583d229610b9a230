"""The lines of an evidence pack, and its files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.order import events as e
from domain.order.order import Order
from domain.order.values import Money
from domain.ports.archives import ArchiveEntry
from domain.ports.dispute_evidence import Balance, Evidence, EvidenceLine, EvidencePrinter, ObjectState
from domain.ports.event_store import ChainedEvent
from domain.use_cases.audit.archive_files import event_document, json_file, story_file, text_file
from domain.use_cases.audit.log_verification import LogDefect
from domain.use_cases.audit.timeline import Timeline, TimelineEntry, timeline_of
from domain.use_cases.wording.labels import date_text

_DELIVERY: tuple[type[e.Event], ...] = (
    e.DownloadPrepared,
    e.DownloadLinkIssued,
    e.DownloadLinkRevoked,
    e.EmailSent,
    e.EmailUnconfirmed,
    e.EmailFailed,
    e.EmailBounced,
    e.EmailDeferred,
    e.EmailBlocked,
    e.EmailOptedOut,
    e.ResultServed,
    e.ResultDownloaded,
)
_MONEY: tuple[type[e.Event], ...] = (
    e.PaymentReceived,
    e.RefundRequested,
    e.RefundAccepted,
    e.RefundIssued,
    e.RefundFailed,
    e.RefundDropped,
    e.DisputeOpened,
    e.DisputeClosed,
)

_HASHES = """SHA-256 of every object of order {number} as the log recorded it, and as the storage had it on {at} UTC.

verified   the bytes were read and are those that were recorded
DIFFERS    they are not
MISSING    there is no such object, though nobody deleted it on record
deleted    it was deleted when its time was over, so its bytes cannot be compared any more

"""
_CHAIN = """The log of order {number}, event by event, as it was read on {at} UTC.

recorded       the SHA-256 the event got when it was recorded; it covers the event and the one before it
reckoned       the same, worked out anew from what the log holds now
predecessor    the SHA-256 of the event before it, as this one remembers it

"""


@dataclass(frozen=True, kw_only=True)
class Lines:
    """An order's timeline as lines: all of it, and two extracts."""

    all: tuple[EvidenceLine, ...]
    deliveries: tuple[EvidenceLine, ...]
    money: tuple[EvidenceLine, ...]


def lines_of(timeline: Timeline, findings: Sequence[LogDefect]) -> Lines:
    """Return the timeline's lines; those that fail verification are marked."""
    doubted = {
        version
        for finding in findings
        if finding.version is not None and finding.last_version is not None
        for version in range(finding.version, finding.last_version + 1)
    }
    lines = {entry.recorded.version: _line(entry, doubted) for entry in timeline.entries}
    return Lines(
        all=tuple(lines.values()),
        deliveries=tuple(_chapter(timeline, lines, _DELIVERY)),
        money=tuple(_chapter(timeline, lines, _MONEY)),
    )


def balance_of(order: Order) -> Balance:
    """Return the order's current balance."""
    ledger, currency = order.ledger, order.payment.paid.currency if order.payment else ""

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=currency)

    return Balance(
        paid=money(ledger.paid),
        refunded=money(ledger.issued),
        on_its_way_back=money(ledger.pending_refunds_at_provider),
        disputed=money(ledger.disputed),
        lost=money(ledger.lost),
    )


def photos_gone(history: Sequence[e.RecordedEvent]) -> str | None:
    """Return when and why the photos were deleted, if they were."""
    for recorded in reversed(history):
        match recorded.event:
            case e.OrderErased():
                day = date_text(recorded.recorded_at)
                return f"The photos were deleted on {day}, when the customer's data were erased."
            case e.PhotosPurged():
                return f"The photos were deleted on {date_text(recorded.recorded_at)}, when their retention was over."
            case _:
                pass  # deletes nothing
    return None


def sheets(
    evidence: Evidence,
    history: Sequence[e.RecordedEvent],
    chain: Sequence[ChainedEvent],
    printer: EvidencePrinter,
) -> list[ArchiveEntry]:
    """Return the files of a pack, in reading order."""
    return [
        text_file("evidence.html", printer.page(evidence)),
        story_file("timeline.txt", timeline_of(history)),
        json_file("timeline.json", _timeline(evidence, history, chain)),
        text_file("hashes.txt", _about(_HASHES, evidence) + "".join(_hashes(evidence))),
        text_file("chain.txt", _about(_CHAIN, evidence) + "".join(_links(evidence, chain))),
    ]


def _line(entry: TimelineEntry, doubted: set[int]) -> EvidenceLine:
    recorded = entry.recorded
    if recorded.sha256 is None:
        raise AssertionError("An event that was read from the log has a hash.")
    return EvidenceLine(
        version=recorded.version,
        at=recorded.recorded_at,
        who=entry.who,
        text=entry.text,
        reference=_reference(recorded.event),
        sha256=recorded.sha256,
        is_sound=recorded.version not in doubted,
    )


def _reference(event: e.Event) -> str | None:
    """Return the provider's id of what the event is about."""
    match event:
        case e.PaymentReceived():
            return event.payment_intent_id
        case e.EmailSent():
            return event.message_id
        case e.RefundAccepted() | e.RefundIssued() | e.RefundFailed():
            return event.provider_refund_id
        case e.DisputeOpened() | e.DisputeClosed():
            return event.dispute_id
        case _:
            return None


def _chapter(
    timeline: Timeline, lines: dict[int, EvidenceLine], kinds: tuple[type[e.Event], ...]
) -> Iterator[EvidenceLine]:
    return (
        lines[each.recorded.version] for each in timeline.entries if isinstance(each.recorded.event, kinds)
    )


def _about(heading: str, evidence: Evidence) -> str:
    return heading.format(number=evidence.payment.order_number, at=f"{evidence.made_at:%Y-%m-%d %H:%M:%S}")


def _timeline(
    evidence: Evidence, history: Sequence[e.RecordedEvent], chain: Sequence[ChainedEvent]
) -> dict[str, object]:
    links = {link.version: link for link in chain}
    told = {line.version: line for line in evidence.lines}
    return {
        "order_id": evidence.order_id,
        "order_number": evidence.payment.order_number,
        "made_at": evidence.made_at.isoformat(),
        "standing": evidence.standing,
        "verifies": not evidence.problems,
        "problems": evidence.problems,
        "head": evidence.head,
        "events": [
            {
                **event_document(recorded),
                "recorded_at": recorded.recorded_at.isoformat(),
                "sentence": told[recorded.version].text,
                "previous_sha256": links[recorded.version].previous_sha256,
                "reckoned_sha256": links[recorded.version].actual_sha256,
                "is_sound": told[recorded.version].is_sound,
            }
            for recorded in history
        ],
    }


def _hashes(evidence: Evidence) -> Iterator[str]:
    for exhibit in evidence.exhibits:
        state = exhibit.state if exhibit.is_sound else exhibit.state.upper()
        yield f"{state:9}  {exhibit.caption}, {exhibit.stored.size_bytes} bytes, {exhibit.stored.key}\n"
        yield f"{'recorded':>9}  {exhibit.stored.sha256}\n"
        if exhibit.state is not ObjectState.DELETED:
            yield f"{'found':>9}  {exhibit.found_sha256 or 'nothing'}\n"
        yield "\n"
    if evidence.photos_gone:
        yield f"{evidence.photos_gone}\n"


def _links(evidence: Evidence, chain: Sequence[ChainedEvent]) -> Iterator[str]:
    told = {line.version: line for line in evidence.lines}
    for link in sorted(chain, key=lambda link: link.version):
        line = told.get(link.version)
        yield f"event {link.version}{f', {line.at:%Y-%m-%d %H:%M:%S}  {line.text}' if line else ', not told'}\n"
        yield f"  recorded     {link.sha256}\n"
        yield f"  reckoned     {link.actual_sha256}{'' if link.actual_sha256 == link.sha256 else '  DIFFERS'}\n"
        yield f"  predecessor  {link.previous_sha256 or 'none, it is the first'}\n\n"
    for problem in evidence.problems:
        yield f"DOES NOT VERIFY: {problem}\n"
    if not evidence.problems:
        yield f"Every event says what was recorded. Head: {evidence.head}\n"
