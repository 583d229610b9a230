"""From facts to a letter."""

import re
import textwrap

from jinja2 import Environment, PackageLoader, StrictUndefined

from adapters.letters.wording import file_names, greeting, moment, money
from domain.ports.mail import Letter, LetterFacts

#: The language of every template; others may stand beside it.
FALLBACK_LANGUAGE = "en"

_LINE_WIDTH = 72


class TemplateLetterWriter:
    """Writes letters. Each is one template per kind and language, put into a frame for text and one for HTML."""

    def __init__(self, *, shop_name: str = "RestoreClick") -> None:
        self._shop_name = shop_name
        self._text = _environment(is_html=False)
        self._html = _environment(is_html=True)
        self._templates = frozenset(self._text.list_templates())

    def write(self, facts: LetterFacts) -> Letter:
        """The letter for these facts, in the customer's language where there is one, else in English."""
        language = self._language(facts)
        name = f"{language}/{facts.kind}.jinja"
        known = {"facts": facts, "language": language, "shop_name": self._shop_name}
        text = self._text.get_template(name)
        subject = "".join(text.blocks["subject"](text.new_context({**known, "form": "text"})))
        return Letter(
            subject=" ".join(subject.split()),
            text=_without_gaps(text.render(known, form="text")),
            html=_without_gaps(self._html.get_template(name).render(known, form="html")),
        )

    def _language(self, facts: LetterFacts) -> str:
        language = (facts.locale or "").replace("_", "-").partition("-")[0].lower()
        return language if f"{language}/{facts.kind}.jinja" in self._templates else FALLBACK_LANGUAGE


def _environment(*, is_html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("adapters.letters"),
        autoescape=is_html,  # noqa: S701 - plain text has nothing to escape
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "money": money,
        "moment": moment,
        "greeting": greeting,
        "file_names": file_names,
        "paragraph": _paragraph,
    }
    return environment


def _paragraph(text: str) -> str:
    """Lines of a width that mail programs show without breaking them again; an address stays in one piece."""
    return textwrap.fill(" ".join(text.split()), _LINE_WIDTH, break_long_words=False, break_on_hyphens=False)


def _without_gaps(text: str) -> str:
    """Close the gaps that the templates' own lines leave; one empty line parts paragraphs."""
    return re.sub(r"\n(\s*\n)+", "\n\n", text).strip() + "\n"
