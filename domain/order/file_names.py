"""Customers' file names, kept as written and made safe for disks.

Joiners, variation selectors and characters of a newer Unicode than this Python's stay: they are part of how a language
or an emoji is written. What could hide an extension, end a line or cannot be stored is removed.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

#: Of the 255 bytes that most file systems allow, so that the shop's additions fit.
LONGEST_STEM_BYTES = 200
LONGEST_NAME_BYTES = 255
_LONGEST_ENDING_BYTES = 16

#: A file name extension: up to four letters or digits, with at least one letter.
_ENDING = re.compile(r"\.(?=[0-9]*[A-Za-z])[0-9A-Za-z]{1,4}\Z")

#: Control characters, line separators, direction marks, surrogates and noncharacters.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\uffff]"
)
_NO_CHARACTER = 0xFFFE  # and 0xFFFF, at the end of each plane

#: What Windows forbids in a name; a slash is forbidden everywhere.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]+')
#: Windows treats these as devices, whatever follows a dot after them.
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"]
)

_JOINER = "\u200d"
_JOINED = re.compile(
    "[\u200c\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\uff9e\uff9f\u1160-\u11ff\ud7b0-\ud7fb]"
)
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")
_VIRAMA = 9  # the combining class of signs that join two consonants


def as_written(given: str) -> str:
    """A customer's file name without folders and control characters.

    ``photo`` if nothing visible is left.
    """
    base = without_controls(given.replace("\\", "/").rpartition("/")[2]).strip()
    if not _is_visible(base):
        return "photo"
    ending = PurePosixPath(base).suffix
    if len(ending.encode()) > _LONGEST_ENDING_BYTES:
        ending = ""
    stem = base.removesuffix(ending)
    return f"{cut(stem, LONGEST_NAME_BYTES - len(ending.encode()))}{ending}"


def safe_stem(file_name: str) -> str:
    """A file name's stem without anything that a file system refuses.

    Empty if nothing is left. What follows the last dot is an extension only if it looks like one: "St. Moritz" and
    "Oma 12.5.1950" have none.
    """
    base = without_controls(file_name.replace("\\", "/").rpartition("/")[2], ":").rstrip(" .")
    ending = _ENDING.search(base)
    stem = _FORBIDDEN.sub("_", base[: ending.start()] if ending else base).strip(" .")
    if not _is_visible(stem.replace("_", "")):
        return ""
    if stem.partition(".")[0].rstrip(" ").casefold() in _DEVICES:
        stem = f"_{stem}"
    return cut(stem, LONGEST_STEM_BYTES).rstrip(" .")


def distinct(stems: Sequence[str]) -> list[str]:
    """The stems, made distinct on disks that ignore case and Unicode form.

    Of those that are equal there, the first keeps its name; the others get their number (1-based) as a prefix.
    """
    taken: set[str] = set()
    chosen: dict[int, str] = {}
    for index, stem in enumerate(stems):
        if (key := disk_key(stem)) not in taken:
            taken.add(key)
            chosen[index] = stem
    for index, stem in enumerate(stems):
        if index not in chosen:
            chosen[index] = next(name for name in _numbered(stem, index + 1) if disk_key(name) not in taken)
            taken.add(disk_key(chosen[index]))
    return [chosen[index] for index in range(len(stems))]


def disk_key(name: str) -> str:
    """A key that is equal for names that some disk confuses.

    It ignores case, Unicode form and invisible signs.
    """
    visible = "".join(sign for sign in name if not _is_ignorable(sign))
    once = unicodedata.normalize("NFD", visible).upper().casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", once).casefold())


def cut(text: str, limit_bytes: int) -> str:
    """The longest beginning in whole graphemes within ``limit_bytes`` of UTF-8."""
    if len(text.encode()) <= limit_bytes:
        return text
    kept, size_bytes = [], 0
    for cluster in graphemes(text):
        size_bytes += len(cluster.encode())
        if size_bytes > limit_bytes:
            break
        kept.append(cluster)
    # A single grapheme that is longer than the limit is cut all the same.
    return "".join(kept) or text.encode()[:limit_bytes].decode(errors="ignore")


def graphemes(text: str) -> Iterator[str]:
    """Split a text into what readers see as single characters.

    That is: letters with their marks, flags, joined emoji, Hangul, conjuncts.
    """
    cluster = ""
    for sign in text:
        if cluster and not _continues(cluster, sign):
            yield cluster
            cluster = ""
        cluster += sign
    if cluster:
        yield cluster


def _continues(cluster: str, sign: str) -> bool:
    if unicodedata.category(sign).startswith("M") or _JOINED.match(sign):
        return True
    last = cluster[-1]
    if last == _JOINER or unicodedata.combining(last) == _VIRAMA:
        return True
    return bool(_REGIONAL.match(sign)) and len(_REGIONAL.findall(cluster)) % 2 == 1


def _numbered(stem: str, number: int) -> Iterator[str]:
    yield f"{number}-{stem}"
    again = 2
    while True:
        yield f"{number}-{again}-{stem}"
        again += 1


def without_controls(text: str, instead: str = "") -> str:
    """Replace each control character and noncharacter by ``instead``."""
    return "".join(
        instead if ord(sign) & _NO_CHARACTER == _NO_CHARACTER or _CONTROLS.match(sign) else sign
        for sign in text
    )


def _is_visible(text: str) -> bool:
    return any(not sign.isspace() and not _is_ignorable(sign) and sign != "." for sign in text)


def _is_ignorable(sign: str) -> bool:
    """Whether some disks ignore a sign when they compare names."""
    is_selector = "\ufe00" <= sign <= "\ufe0f" or "\U000e0100" <= sign <= "\U000e01ef"
    return is_selector or unicodedata.category(sign) == "Cf"
