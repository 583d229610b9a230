"""Fields of what providers send: our ids, their codes, and text that can be stored."""

import re
import unicodedata
from uuid import UUID

#: Providers' codes and classes, as in `insufficient_funds`, `5.1.1`, `Invalid Address`: no sentence, and no address.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,39}")

#: Longer than any name or address that a person has.
LONGEST_TEXT = 500

#: Deeper than any provider nests.
MAX_DEPTH = 100

#: A string that does not end reaches to the end; nothing is read twice, whatever is in it.
_BRACKETS_AND_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[][{}]', re.DOTALL)

#: JSON escapes of control characters and of surrogates, which may come in pairs or alone.
_SUSPECT = re.compile(rb"\\[bf]|\\u(?:00[01][0-9A-Fa-f]|007[Ff]|00[89][0-9A-Fa-f]|[Dd][89A-Fa-f])")

#: Every escape, one after the other; a pair of surrogates is one. JSON has backslashes in strings only.
_ESCAPES = re.compile(
    rb"\\u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}|\\u([0-9A-Fa-f]{4})|\\.", re.DOTALL
)
_UNFIT_SHORT = frozenset({rb"\b", rb"\f"})

#: Control characters, and halves of a pair that have no encoding: PostgreSQL stores neither NUL nor the halves.
_UNFIT = frozenset({"Cc", "Cs"})


def our_id(told: str | None) -> UUID | None:
    """One of our ids, as we gave it to a provider with what we asked for; none where anything else stands."""
    try:
        return UUID(told or "")
    except ValueError:
        return None


def plain_code(told: str | None) -> str | None:
    """A provider's code for what happened; none where anything else stands, for that may be about a person."""
    return told if told is not None and _CODE.fullmatch(told) else None


def clean_text(told: str | None) -> str | None:
    """A provider's text without control characters and lone surrogates, on one line; none if nothing is left."""
    if told is None:
        return None
    spaced = (" " if each in "\t\n\r" else each for each in told)
    fit = "".join(each for each in spaced if unicodedata.category(each) not in _UNFIT)
    return fit.strip()[:LONGEST_TEXT] or None


def readable(body: bytes) -> bytes:
    """A JSON document whose strings hold no control characters and no lone surrogates any more.

    Nothing else of it changes: a number that is too large for some reader stays in its own event. Raises ValueError
    if it is nested too deep.
    """
    _require_shallow(body)
    if _SUSPECT.search(body) is None:
        return body
    return _ESCAPES.sub(_fit_escape, body)


def _fit_escape(escape: re.Match[bytes]) -> bytes:
    """An escape as it is, or nothing if it stands for what cannot be stored."""
    told, lone = escape[0], escape[1]
    if lone is None:
        return b"" if told in _UNFIT_SHORT else told
    character = chr(int(lone, 16))
    return b"" if character not in "\t\n\r" and unicodedata.category(character) in _UNFIT else told


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
            raise ValueError("It is nested too deep.")


def cleaned(value: object) -> object:
    """A JSON value with every string cleaned, names of fields included."""
    match value:
        case str():
            return "".join(
                each for each in value if each in "\t\n\r" or unicodedata.category(each) not in _UNFIT
            )
        case list():
            return [cleaned(each) for each in value]
        case dict():
            return {str(cleaned(name)): cleaned(each) for name, each in value.items()}
        case _:
            return value
