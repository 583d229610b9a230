"""The shop's words, as entrypoints reach them."""

from collections.abc import Sequence

from adapters.localization.attention_text import attention_text_of
from adapters.localization.catalog import Catalog, own_catalogs
from adapters.localization.condition_text import advice_on, condition_text
from adapters.localization.erasure_text import ELSEWHERE, STAYS, certificate_document
from adapters.localization.evidence_text import EvidenceText, evidence_text_of
from adapters.localization.finding_text import finding_text_of
from adapters.localization.formats import capitalised, counted, date_text, duration_text, listed, size_text
from adapters.localization.labels import (
    ANOTHERS_ADDRESS_GIVEN,
    CORRECTED_BY_CUSTOMER,
    MAILS,
    POINTS,
    SIDES,
    actor_name,
)
from adapters.localization.locales import Localization, localization_for, localization_for_browser
from adapters.localization.log_defect_text import defect_text
from adapters.localization.refusal_messages import error_text, redo_obstacle_text, unreadable_text
from adapters.localization.status_text import (
    action_texts,
    image_status_of,
    number_of,
    owner_sentence_of,
    reaction_text,
    status_of,
)
from adapters.localization.timeline_text import TimelineLine, TimelineText, timeline_text_of


def localization_of(accept_language: str) -> Localization:
    """The localization for an Accept-Language header; English if no catalog matches."""
    return localization_for_browser(accept_language, own_catalogs())


def languages() -> Sequence[str]:
    """The languages that the shop has words for."""
    return sorted(own_catalogs())


def has_language(locale: str) -> bool:
    """Whether there are words for the language of ``de-AT``."""
    return not localization_for(locale, own_catalogs()).is_fallback
