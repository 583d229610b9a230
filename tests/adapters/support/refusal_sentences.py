"""What customers read about a picture that cannot be read."""

from adapters.localization.catalog import own_catalogs
from adapters.localization.locales import localization_for
from adapters.localization.refusal_messages import unreadable_text
from domain.ports.errors import UnreadableImageError


def english(error: UnreadableImageError) -> str:
    return unreadable_text(error, localization_for("en", own_catalogs()))


def german(error: UnreadableImageError) -> str:
    return unreadable_text(error, localization_for("de", own_catalogs()))
