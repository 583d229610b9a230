"""Visits to a shop without a brand."""

from functools import cache

from entrypoints.bootstrap.wording import localization_of
from entrypoints.http.pages.site import Site, Visit

_site = cache(Site)


def visit_in(language: str) -> Visit:
    """A visit by someone whose browser prefers this language."""
    return Visit(site=_site(), localization=localization_of(language))
