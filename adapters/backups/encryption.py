"""Encryption of streams with flat memory: AES-256-GCM in chunks.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizar 2015), as in age and Tink. A stream is

    magic (4 bytes) | salt (32 bytes) | chunk | chunk | ... | last chunk

Each stream has a key of its own, derived from the secret and the salt by HKDF-SHA256. Each chunk is CHUNK_BYTES of
plaintext (the last one less, perhaps nothing) with a tag of 16 bytes; its nonce is the chunk's number and whether it is
the last one. So chunks that are changed, exchanged, left out or cut off are detected before their bytes are used.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.ports.backups import UndecryptableError

MAGIC = b"RCB1"
SALT_BYTES = 32
#: Plaintext of a chunk; memory is bounded by a few of them.
CHUNK_BYTES = 1024 * 1024

_TAG_BYTES = 16
_HEADER_BYTES = len(MAGIC) + SALT_BYTES


def encrypted(content: Iterable[bytes], secret: bytes) -> Iterator[bytes]:
    """Yield the encrypted stream of a content in chunks of any size."""
    salt = os.urandom(SALT_BYTES)
    cipher = AESGCM(_stream_key(secret, salt))
    yield MAGIC + salt
    for number, (chunk, is_last) in enumerate(_sized(content, CHUNK_BYTES)):
        yield cipher.encrypt(_nonce(number, is_last=is_last), chunk, None)


def decrypted(stream: Iterable[bytes], secrets: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the content of a stream that one of the secrets encrypted.

    Raises UndecryptableError at the first chunk that is not as it was written; chunks before it are as they were.
    """
    header, rest = _header_of(stream)
    if header[: len(MAGIC)] != MAGIC or len(header) != _HEADER_BYTES:
        raise UndecryptableError("it is not an encrypted stream of this shop")
    ciphers = [AESGCM(_stream_key(secret, header[len(MAGIC) :])) for secret in secrets]
    for number, (chunk, is_last) in enumerate(_sized(rest, CHUNK_BYTES + _TAG_BYTES)):
        for cipher in ciphers:
            with suppress(InvalidTag):
                content = cipher.decrypt(_nonce(number, is_last=is_last), chunk, None)
                break
        else:
            wrong_key = "neither BACKUP_KEY nor BACKUP_PREVIOUS_KEY encrypted it, or it was changed"
            raise UndecryptableError("it was changed or cut off" if number else wrong_key)
        ciphers = [cipher]
        yield content


def _stream_key(secret: bytes, salt: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"restoreclick backup").derive(secret)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _header_of(stream: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Split a stream into its header and the rest."""
    chunks = iter(stream)
    header = b""
    for chunk in chunks:
        header += chunk
        if len(header) >= _HEADER_BYTES:
            break
    return header[:_HEADER_BYTES], _followed(header[_HEADER_BYTES:], chunks)


def _followed(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks


def _sized(content: Iterable[bytes], size_bytes: int) -> Iterator[tuple[bytes, bool]]:
    """Cut a content into chunks of one size.

    Each comes with whether it is the last, which may be shorter, or empty if the content is.
    """
    buffer = bytearray()
    for piece in content:
        buffer += piece
        while len(buffer) > size_bytes:  # one byte more shows that this is not the last chunk
            yield bytes(buffer[:size_bytes]), False
            del buffer[:size_bytes]
    yield bytes(buffer), True
