"""The shop's English for staff, as entrypoints reach it."""

from adapters.localization.attention_text import attention_text_of
from adapters.localization.erasure_text import ELSEWHERE, STAYS, certificate_document
from adapters.localization.evidence_text import EvidenceText, evidence_text_of
from adapters.localization.finding_text import finding_text_of
from adapters.localization.formats import (
    capitalised,
    counted,
    date_text,
    duration_text,
    listed,
    size_text,
)
from adapters.localization.labels import MAILS, POINTS, SIDES, actor_name
from adapters.localization.log_defect_text import defect_text
from adapters.localization.refusal_messages import error_text, redo_obstacle_text
from adapters.localization.status_text import (
    action_texts,
    image_status_of,
    number_of,
    owner_sentence_of,
    reaction_text,
    status_of,
)
from adapters.localization.timeline_text import TimelineLine, TimelineText, timeline_text_of

__all__ = [
    "ELSEWHERE",
    "MAILS",
    "POINTS",
    "SIDES",
    "STAYS",
    "EvidenceText",
    "TimelineLine",
    "TimelineText",
    "action_texts",
    "actor_name",
    "attention_text_of",
    "capitalised",
    "certificate_document",
    "counted",
    "date_text",
    "defect_text",
    "duration_text",
    "error_text",
    "evidence_text_of",
    "finding_text_of",
    "image_status_of",
    "listed",
    "number_of",
    "owner_sentence_of",
    "reaction_text",
    "redo_obstacle_text",
    "size_text",
    "status_of",
    "timeline_text_of",
]
