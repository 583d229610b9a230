"""Catalogs: the phrases of mails and pages, one file a language.

A phrase is one sentence, or one for each form of a number: ``one``, ``few``, ``other``... as the language tells them
apart (Unicode's plural rules), or a number of its own such as ``2``. Names in braces are filled in.
"""

import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Self

from babel import Locale, UnknownLocaleError

#: One file for each language that customers are written to in.
CATALOGS = files("adapters.localization") / "catalogs"

#: The language for customers of a language without a catalog, and the model of every other file.
FALLBACK = "en"

#: Every number of photos that a letter may speak of.
_NUMBERS = range(201)

Phrase = str | Mapping[str, str]


class LanguageFileError(Exception):
    """A language file does not hold what mails and pages say."""

    def __init__(self, file_name: str, problems: list[str]) -> None:
        super().__init__(f"Mend the language file {file_name}: {'; '.join(problems)}.")
        self.file_name = file_name
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """A language and its phrases by name, ``section.phrase``."""

    language: Locale
    phrases: Mapping[str, Phrase]

    @classmethod
    def read(cls, file: Traversable) -> Self:
        """Read a catalog; raises LanguageFileError when it is malformed."""
        try:
            language = Locale.parse(file.name.removesuffix(".toml"))
            sections = tomllib.loads(file.read_text(encoding="utf-8"))
        except (ValueError, UnknownLocaleError) as error:
            raise LanguageFileError(file.name, [str(error)]) from error
        if loose := [name for name, section in sections.items() if not isinstance(section, dict)]:
            raise LanguageFileError(file.name, [f"{name} is in no section" for name in loose])
        phrases = {
            f"{section}.{name}": phrase for section in sections for name, phrase in sections[section].items()
        }
        if broken := [name for name, phrase in phrases.items() if not _is_phrase(phrase)]:
            raise LanguageFileError(file.name, [f"{name} is no phrase" for name in broken])
        return cls(language=language, phrases=phrases)

    @property
    def tag(self) -> str:
        """The tag of the language, as HTML and HTTP take it: ``pt-BR``."""
        return str(self.language).replace("_", "-")

    @property
    def own_name(self) -> str:
        """The language's name in the language itself: ``Deutsch``."""
        name = self.language.get_display_name(self.language) or self.tag
        return name[:1].upper() + name[1:]

    def say(self, name: str, count: int | None = None, /, **filling: str) -> str:
        """A phrase in the plural form of ``count``, filled in."""
        phrase = self.phrases[name]
        if not isinstance(phrase, str):
            if count is None:
                raise AssertionError(f"{name} depends on a number.")
            exact = phrase.get(str(count))
            phrase = phrase[self.language.plural_form(count)] if exact is None else exact
        return phrase.format(count=count, **filling)

    def require_phrases_of(self, model: Self, file_name: str) -> None:
        """Raise LanguageFileError unless it has exactly the phrases of ``model``."""
        if problems := list(self._differences(model)):
            raise LanguageFileError(file_name, problems)

    def _differences(self, model: Self) -> Iterator[str]:
        for name in model.phrases.keys() - self.phrases.keys():
            yield f"{name} is missing"
        for name in self.phrases.keys() - model.phrases.keys():
            yield f"no mail or page says {name}"
        forms = {self.language.plural_form(number) for number in _NUMBERS}
        for name in model.phrases.keys() & self.phrases.keys():
            phrase, example = self.phrases[name], model.phrases[name]
            if isinstance(example, str) and not isinstance(phrase, str):
                yield f"{name} depends on no number"
            elif not isinstance(phrase, str):
                yield from (f"{name} lacks the form {form!r}" for form in forms - phrase.keys())
            for strange in _filled(phrase) - _filled(example) - {"count"}:
                yield f"nothing fills {{{strange}}} in {name}"


def read_catalogs(folder: Traversable = CATALOGS) -> Mapping[str, Catalog]:
    """The catalogs by language; raises LanguageFileError for an incomplete one."""
    found = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    catalogs = {str(catalog.language): catalog for catalog in map(Catalog.read, found)}
    for catalog in catalogs.values():
        catalog.require_phrases_of(catalogs[FALLBACK], f"{catalog.language}.toml")
    return catalogs


@cache
def own_catalogs() -> Mapping[str, Catalog]:
    """The shop's own catalogs, read once."""
    return read_catalogs()


def _is_phrase(phrase: object) -> bool:
    """Whether it is text, or text by plural form."""
    texts = phrase.values() if isinstance(phrase, dict) else [phrase]
    try:
        return all(isinstance(text, str) and _braces(text) is not None for text in texts)
    except ValueError:
        return False


def _filled(phrase: Phrase) -> set[str]:
    """What has to be known to say the phrase."""
    return {
        name for text in ([phrase] if isinstance(phrase, str) else phrase.values()) for name in _braces(text)
    }


def _braces(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
