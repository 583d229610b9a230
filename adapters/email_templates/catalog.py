"""All language files together: what mails and pages say, in each language of the shop."""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from adapters.email_templates.phrases import FALLBACK, Catalog

#: One file for each language that customers are written to in.
LANGUAGES = files("adapters.email_templates") / "languages"


def read_languages(folder: Traversable = LANGUAGES) -> Mapping[str, Catalog]:
    """The languages by name; raises LanguageFileError when one says less, or more, than English."""
    found = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    languages = {str(phrases.language): phrases for phrases in map(Catalog.read, found)}
    for phrases in languages.values():
        phrases.must_say_all_of(languages[FALLBACK], f"{phrases.language}.toml")
    return languages
