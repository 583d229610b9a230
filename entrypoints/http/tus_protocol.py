"""The headers of tus 1.0, the protocol for resumable uploads.

See https://tus.io/protocols/resumable-upload; its extensions creation, creation-with-upload, expiration, checksum and
termination are supported.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from domain.order.file_names import as_written
from domain.ports.resumable_uploads import ResumableUpload
from entrypoints.http.errors import RequestError
from entrypoints.http.request_bodies import AnyRequest

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
PIECE_MEDIA_TYPE = "application/offset+octet-stream"

#: Checksum algorithms, by the names that the protocol gives them; sha1 is the one that it requires.
_ALGORITHMS: Mapping[str, Callable[[], Any]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}

#: A file name of 255 characters takes up to 1,400 bytes.
MAX_METADATA_BYTES = 4096

#: Digits of a size: more than any photo has.
_MAX_DIGITS = 15


class TusVersionError(RequestError):
    """The client does not speak this version of the protocol."""

    def __init__(self) -> None:
        super().__init__(f"This address speaks tus {VERSION}: send Tus-Resumable: {VERSION}.")


class TusHeaderError(RequestError):
    """A header of the protocol is missing or malformed."""

    def __init__(self, name: str, form: str) -> None:
        self.name = name
        super().__init__(f"The header {name} is missing or malformed: send {form}.")


class NotAPieceError(RequestError):
    """The body has another content type than a piece of an upload."""

    def __init__(self) -> None:
        super().__init__(
            f"A piece of an upload is sent as {PIECE_MEDIA_TYPE}: send it with this Content-Type."
        )


class ChecksumMismatchError(RequestError):
    """The bytes that arrived do not have the announced checksum."""

    def __init__(self) -> None:
        super().__init__("These bytes were changed on their way and are not kept: send them again.")


@dataclass(frozen=True)
class Checksum:
    """The checksum that a client announced for its piece."""

    algorithm: str
    digest: bytes

    def new_hash(self) -> Any:
        """A hash object of the algorithm."""
        return _ALGORITHMS[self.algorithm]()


@dataclass(frozen=True)
class Metadata:
    """Upload-Metadata, as it was sent and as far as it is used."""

    header: str
    file_name: str


def require_version(request: AnyRequest) -> None:
    """Raise TusVersionError unless the client speaks our version."""
    if request.headers.get("tus-resumable") != VERSION:
        raise TusVersionError


def require_piece(request: AnyRequest) -> None:
    """Raise NotAPieceError unless the body is a piece of an upload."""
    if request.content_type[0] != PIECE_MEDIA_TYPE:
        raise NotAPieceError


def size_in(request: AnyRequest, name: str) -> int:
    """A size or offset in bytes; raises TusHeaderError."""
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdecimal() and len(value) <= _MAX_DIGITS):
        raise TusHeaderError(name, "a number of bytes")
    return int(value)


def metadata_in(request: AnyRequest) -> Metadata:
    """The metadata of a new upload; raises TusHeaderError."""
    header = request.headers.get("upload-metadata", "")
    malformed = TusHeaderError(
        "Upload-Metadata", f"keys and values in base64, with commas, {MAX_METADATA_BYTES} bytes at most"
    )
    if len(header) > MAX_METADATA_BYTES or not header.isascii():
        raise malformed
    values: dict[str, str] = {}
    for pair in filter(None, map(str.strip, header.split(","))):
        key, _, encoded = pair.partition(" ")
        try:
            values[key] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise malformed from error
        if "\0" in values[key]:
            raise malformed
    return Metadata(header=header, file_name=as_written(values.get("filename") or values.get("name") or ""))


def checksum_in(request: AnyRequest) -> Checksum | None:
    """The announced checksum of a piece, if any; raises TusHeaderError."""
    header = request.headers.get("upload-checksum")
    if header is None:
        return None
    algorithm, _, encoded = header.partition(" ")
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        digest = b""
    if algorithm not in _ALGORITHMS or not digest:
        raise TusHeaderError(
            "Upload-Checksum", f"one of {', '.join(_ALGORITHMS)}, a space and the digest in base64"
        )
    return Checksum(algorithm, digest)


def capabilities(max_size_bytes: int) -> dict[str, str]:
    """The headers that describe this server."""
    return {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(max_size_bytes),
        "Tus-Checksum-Algorithm": ",".join(_ALGORITHMS),
        "Cache-Control": "no-store",
    }


def headers_of(upload: ResumableUpload) -> dict[str, str]:
    """The headers that describe an upload.

    Photo-Id and Upload-Duplicate are ours: the photo of a complete upload, and that the session had it before.
    """
    headers = {
        "Tus-Resumable": VERSION,
        "Cache-Control": "no-store",
        "Upload-Offset": str(upload.offset_bytes),
        "Upload-Expires": format_datetime(upload.expires_at, usegmt=True),
    }
    if upload.photo_id is not None:
        headers["Photo-Id"] = str(upload.photo_id)
        headers["Upload-Duplicate"] = "true" if upload.is_duplicate else "false"
    return headers
