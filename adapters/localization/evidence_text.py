"""Evidence in English: the timeline, and what does not verify."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from adapters.localization.formats import counted, date_text
from adapters.localization.log_defect_text import defect_of_order_text
from adapters.localization.status_text import status_of
from adapters.localization.timeline_text import TimelineLine, TimelineText, timeline_text_of
from domain.order import events as e
from domain.order.values import Sha256
from domain.ports.dispute_evidence import Evidence, Exhibit, ObjectRole, ObjectState, PhotosDeleted

_DELIVERY = e.LinkEvent | e.EmailOutcome | e.EmailFeedback
_MONEY = e.PaymentReceived | e.RefundEvent | e.DisputeEvent


@dataclass(frozen=True, kw_only=True)
class EvidenceLine:
    """An event in words, with the provider's id of its subject."""

    event: e.Event
    version: int
    at: datetime
    who: str
    text: str
    reference: str | None
    sha256: Sha256
    is_sound: bool


@dataclass(frozen=True, kw_only=True)
class EvidenceText:
    """A pack's sentences; ``problems`` are about what does not verify."""

    timeline: TimelineText
    lines: tuple[EvidenceLine, ...]
    status: str
    photos_gone: str | None
    problems: tuple[str, ...]

    @property
    def deliveries(self) -> list[EvidenceLine]:
        """The lines about links, e-mails and downloads."""
        return [line for line in self.lines if isinstance(line.event, _DELIVERY)]

    @property
    def money(self) -> list[EvidenceLine]:
        """The lines about payments, refunds and disputes."""
        return [line for line in self.lines if isinstance(line.event, _MONEY)]


def evidence_text_of(evidence: Evidence) -> EvidenceText:
    """The evidence in words; lines that the chain contradicts are marked."""
    timeline = timeline_text_of(evidence.history)
    doubted = {
        version
        for found in evidence.defects
        if found.version is not None and found.last_version is not None
        for version in range(found.version, found.last_version + 1)
    }
    return EvidenceText(
        timeline=timeline,
        lines=tuple(_line(entry, doubted) for entry in timeline.entries),
        status=status_of(evidence.order),
        photos_gone=_photos_gone(evidence.photos_deleted),
        problems=(*map(defect_of_order_text, evidence.defects), *_doubts(evidence.exhibits)),
    )


def caption(exhibit: Exhibit) -> str:
    """What an object is."""
    return {
        ObjectRole.ORIGINAL: f"Photo {exhibit.number}, as it was sent",
        ObjectRole.RESULT: f"Photo {exhibit.number}, restored",
        ObjectRole.EARLIER_RESULT: f"Photo {exhibit.number}, earlier result",
        ObjectRole.ARCHIVE: f"Archive {exhibit.number} of the restored photos",
    }[exhibit.role]


def _line(entry: TimelineLine, doubted: set[int]) -> EvidenceLine:
    recorded = entry.recorded
    if recorded.sha256 is None:
        raise AssertionError("An event that was read from the log has a hash.")
    return EvidenceLine(
        event=recorded.event,
        version=recorded.version,
        at=recorded.recorded_at,
        who=entry.who,
        text=entry.text,
        reference=_reference(recorded.event),
        sha256=recorded.sha256,
        is_sound=recorded.version not in doubted,
    )


def _reference(event: e.Event) -> str | None:
    """The provider's id of what an event is about."""
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


def _photos_gone(deleted: PhotosDeleted | None) -> str | None:
    if deleted is None:
        return None
    day = date_text(deleted.at)
    if deleted.by_erasure:
        return f"The photos were deleted on {day}, when the customer's data were erased."
    return f"The photos were deleted on {day}, when their retention was over."


def _doubts(exhibits: tuple[Exhibit, ...]) -> Iterator[str]:
    """What is wrong with objects, many in one sentence."""
    for state, wrong in (
        (ObjectState.DIFFERS, "not what was recorded"),
        (ObjectState.MISSING, "missing, though not deleted on record"),
    ):
        concerned = [caption(each) for each in exhibits if each.state is state]
        if concerned:
            are = "is" if len(concerned) == 1 else "are"
            yield f"{counted(len(concerned), 'object')} of the storage {are} {wrong}: {'; '.join(concerned)}."
