"""Fields that providers send: our ids, their codes, storable text."""

import re
import unicodedata
from typing import Annotated
from uuid import UUID

from msgspec import Meta

#: Providers' codes, e.g. `insufficient_funds`, `5.1.1`, `Invalid Address`; sentences and addresses do not match.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,39}")

#: Longer than any real name or address.
LONGEST_TEXT = 500

#: Far longer than any provider's ids; an index of the database holds no entry of 2,700 bytes.
LONGEST_ID = 255

#: An id of a provider's.
ProviderId = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]

#: Deeper than any provider nests.
MAX_DEPTH = 100

#: An unterminated string matches up to the end. Matching is linear for any input.
_BRACKETS_AND_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[][{}]', re.DOTALL)

#: JSON escapes of control characters, and of surrogates, paired or lone.
_SUSPECT = re.compile(rb"\\[bf]|\\u(?:00[01][0-9A-Fa-f]|007[Ff]|00[89][0-9A-Fa-f]|[Dd][89A-Fa-f])")

#: Any escape; a surrogate pair is one match. JSON has backslashes in strings only.
_ESCAPES = re.compile(
    rb"\\u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}|\\u([0-9A-Fa-f]{4})|\\.", re.DOTALL
)
_UNSTORABLE_ESCAPES = frozenset({rb"\b", rb"\f"})

#: Control characters and lone surrogates; PostgreSQL stores neither NUL nor surrogates.
_UNSTORABLE_CATEGORIES = frozenset({"Cc", "Cs"})


def our_id(text: str | None) -> UUID | None:
    """Parse one of our ids in a provider's metadata; None if invalid."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def plain_code(text: str | None) -> str | None:
    """Return a provider's code; None for text that may contain personal data."""
    return text if text is not None and _CODE.fullmatch(text) else None


def clean_text(text: str | None) -> str | None:
    """Return one line without control characters and lone surrogates.

    It has at most LONGEST_TEXT characters; None if nothing is left.
    """
    if text is None:
        return None
    spaced = (" " if each in "\t\n\r" else each for each in text)
    fit = "".join(each for each in spaced if unicodedata.category(each) not in _UNSTORABLE_CATEGORIES)
    return fit.strip()[:LONGEST_TEXT] or None


def readable(body: bytes) -> bytes:
    """Remove control characters and lone surrogates from a JSON document's strings.

    Everything else is unchanged, e.g. a number too large for a decoder. Raises ValueError if it is nested too deep.
    """
    _require_shallow(body)
    if _SUSPECT.search(body) is None:
        return body
    return _ESCAPES.sub(_storable_escape, body)


def _storable_escape(escape: re.Match[bytes]) -> bytes:
    """Return an escape, or nothing if its character cannot be stored."""
    text, lone = escape[0], escape[1]
    if lone is None:
        return b"" if text in _UNSTORABLE_ESCAPES else text
    character = chr(int(lone, 16))
    return (
        b""
        if character not in "\t\n\r" and unicodedata.category(character) in _UNSTORABLE_CATEGORIES
        else text
    )


def _require_shallow(body: bytes) -> None:
    """Raise ValueError before a decoder runs out of stack."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _BRACKETS_AND_STRINGS.finditer(body):
        if token[0] in (b"[", b"{"):
            depth += 1
        elif token[0] in (b"]", b"}"):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ValueError("The document is nested too deep.")


def cleaned(value: object) -> object:
    """Remove what ``readable`` removes from a decoded JSON value, keys included."""
    match value:
        case str():
            return "".join(
                each
                for each in value
                if each in "\t\n\r" or unicodedata.category(each) not in _UNSTORABLE_CATEGORIES
            )
        case list():
            return [cleaned(each) for each in value]
        case dict():
            return {str(cleaned(name)): cleaned(each) for name, each in value.items()}
        case _:
            return value
