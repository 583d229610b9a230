"""Localization for entrypoints, which may import adapters only through bootstrap."""

from functools import cache

from adapters.localization.catalog import read_catalogs
from adapters.localization.locales import Localization, localization_for_browser

__all__ = ["Localization", "localization_of"]

_catalogs = cache(read_catalogs)


def localization_of(accept_language: str) -> Localization:
    """The localization for an Accept-Language header; English if no catalog matches."""
    return localization_for_browser(accept_language, _catalogs())
