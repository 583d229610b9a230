"""Render e-mails from their facts."""

import re
import textwrap
from dataclasses import replace
from importlib.resources.abc import Traversable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from adapters.localization.catalog import CATALOGS, read_catalogs
from adapters.localization.locales import Localization, localization_for
from domain.ports.email import EmailFacts, RenderedEmail

_LINE_WIDTH = 72


class TemplateEmailRenderer:
    """Renders e-mails: a template a kind, words from the language's catalog.

    Each template is put into three frames: subject, plain text and HTML.
    """

    def __init__(self, *, shop_name: str = "RestoreClick", languages: Traversable = CATALOGS) -> None:
        self._shop_name = shop_name
        self._languages = read_catalogs(languages)
        self._plain = _environment(is_html=False)
        self._html = _environment(is_html=True)

    def render(self, facts: EmailFacts) -> RenderedEmail:
        name = f"kinds/{facts.kind}.jinja"
        localization = localization_for(facts.locale, self._languages)
        known = self._known(_with_language(facts, localization), localization)
        plain, html = self._plain.get_template(name), self._html.get_template(name)
        return RenderedEmail(
            subject=" ".join(plain.render(known, form="subject").split()),
            text=_without_gaps(plain.render(known, form="text")),
            html=_without_gaps(html.render(known, form="html")),
        )

    def _known(self, facts: EmailFacts, localization: Localization) -> dict[str, Any]:
        """The facts and functions that a template may use."""
        return {
            "facts": facts,
            # A result as large as its original needs no words in a mail; the page has the sizes of all.
            "changed_sizes": [size for size in facts.sizes if size.is_changed],
            "shop_name": self._shop_name,
            "language": localization.phrases.language.language,
            "direction": localization.phrases.language.text_direction,
            "say": localization.say,
            "greeting": localization.greeting,
            "money": localization.money,
            "moment": localization.moment,
            "day": localization.day,
            "file_names": localization.file_names,
        }


def _with_language(facts: EmailFacts, localization: Localization) -> EmailFacts:
    """Return the facts with links to pages in the e-mail's language.

    A page in a language that was not chosen follows the browser instead.
    """
    if localization.is_fallback:
        return facts
    query = f"?lang={localization.phrases.tag}"
    download_url = f"{facts.download_url}{query}" if facts.download_url is not None else None
    return replace(facts, status_url=f"{facts.status_url}{query}", download_url=download_url)


def _environment(*, is_html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("adapters.email_templates"),
        autoescape=is_html,  # noqa: S701 - plain text has nothing to escape
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # a process keeps the version it began with
    )
    environment.filters["paragraph"] = _paragraph
    return environment


def _paragraph(text: str) -> str:
    """Wrap to a width that mail clients keep, without breaking an address."""
    one_line = re.sub(r"[ \t\r\n]+", " ", text).strip()  # and a space that must not break stays as it is
    return textwrap.fill(one_line, _LINE_WIDTH, break_long_words=False, break_on_hyphens=False)


def _without_gaps(text: str) -> str:
    """Reduce the empty lines that template tags leave to one."""
    return re.sub(r"\n(\s*\n)+", "\n\n", text).strip() + "\n"
