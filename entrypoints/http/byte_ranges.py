"""Conditional and range requests (RFC 9110, sections 13 and 14)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: A single byte range. RFC 9110 allows the whole file as the answer to several ranges, and that is what we send.
_ONE_RANGE = re.compile(
    r"bytes\s*=\s*(?:(\d{1,18})\s*-\s*(\d{1,18})?|-\s*(\d{1,18}))", re.IGNORECASE | re.ASCII
)
_ENTITY_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


@dataclass(frozen=True)
class ByteRange:
    """Bytes ``first`` to ``last``, both included, of a file of ``whole_bytes``."""

    first: int
    last: int
    whole_bytes: int

    @property
    def size_bytes(self) -> int:
        """The length of the range in bytes."""
        return self.last - self.first + 1

    @property
    def content_range(self) -> str:
        """The value of the Content-Range header."""
        return f"bytes {self.first}-{self.last}/{self.whole_bytes}"

    @property
    def is_to_the_end(self) -> bool:
        """Whether the range includes the last byte of the file."""
        return self.last == self.whole_bytes - 1


class UnsatisfiableRangeError(Exception):
    """The file has none of the requested bytes."""

    def __init__(self, whole_bytes: int) -> None:
        self.whole_bytes = whole_bytes
        super().__init__(
            f"The file has {whole_bytes} bytes, and none of those that the Range header asks for: "
            "ask for others, or for the whole file."
        )


class FileChangedError(Exception):
    """The file is no longer the one the client began to download."""

    def __init__(self) -> None:
        super().__init__(
            "The file has changed since the download was begun: download it again from the start."
        )


def require_same_file(headers: Mapping[str, str], etag: str) -> None:
    """Raise FileChangedError if the client accepts only another file (If-Match).

    Android's download manager resumes with If-Match: without the check it would append bytes of the new file to the
    old one.
    """
    given = headers.get("if-match", "*").strip()
    if given != "*" and not any(tag == etag and not weak for weak, tag in _ENTITY_TAG.findall(given)):
        raise FileChangedError


def is_known_to_client(headers: Mapping[str, str], etag: str) -> bool:
    """Whether If-None-Match names the current file, so that 304 is right."""
    given = headers.get("if-none-match", "")
    return given.strip() == "*" or any(tag == etag for _, tag in _ENTITY_TAG.findall(given))


def requested_range(headers: Mapping[str, str], etag: str, whole_bytes: int) -> ByteRange | None:
    """The range to send; none for the whole file.

    The whole file is also the answer to a malformed header and to a range of a file that has changed since (If-Range).
    Raises UnsatisfiableRangeError.
    """
    asked = _ONE_RANGE.fullmatch(headers.get("range", "").strip())
    condition = headers.get("if-range")
    if asked is None or (condition is not None and condition.strip() != etag):
        return None
    first, last, suffix = (int(digits) if digits else None for digits in asked.groups())
    if suffix is not None:
        first, last = max(whole_bytes - suffix, 0), whole_bytes - 1
        if not suffix:
            raise UnsatisfiableRangeError(whole_bytes)
    if first is None or (last is not None and last < first and suffix is None):
        return None
    if first >= whole_bytes:
        raise UnsatisfiableRangeError(whole_bytes)
    end = whole_bytes - 1 if last is None else min(last, whole_bytes - 1)
    return ByteRange(first, end, whole_bytes)
