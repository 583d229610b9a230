"""The words of the pages, from the same language files as those of the mails."""

from functools import cache

from adapters.email_templates import Localization, read_languages, speech_for_browser

__all__ = ["Localization", "speech_of"]

_languages = cache(read_languages)


def speech_of(accept_language: str) -> Localization:
    """How pages speak to a browser with this Accept-Language header: the best of what we speak, else English."""
    return speech_for_browser(accept_language, _languages())
