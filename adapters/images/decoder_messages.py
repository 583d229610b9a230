"""Messages between the pool and its decoder processes: length, then MessagePack.

A decoder process handles hostile bytes, so its answers are never unpickled: they are data, checked against the
declared return type.
"""

import socket
import struct
from typing import Any

import msgspec

from domain.ports.errors import RefusalValue

#: The largest message that is read; pictures travel in files, answers hold a few facts or a thumbnail.
MAX_MESSAGE_BYTES = 4 * 1024 * 1024

_LENGTH = struct.Struct("!I")


class Task(msgspec.Struct, frozen=True):
    """Call ``function`` (``module:name``) with two files and ``arguments``."""

    function: str
    arguments: list[Any]
    cpu_seconds: float


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The process has loaded its libraries and waits for tasks."""


class Result(msgspec.Struct, frozen=True, tag=True):
    """The function's return value."""

    value: msgspec.Raw


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """The function raised UnreadableImageError with these fields."""

    refusal: str
    values: dict[str, RefusalValue]


class OutOfMemory(msgspec.Struct, frozen=True, tag=True):
    """The picture needs more memory than a decoder process has."""


class Failure(msgspec.Struct, frozen=True, tag=True):
    """The function raised another error; ``errno`` if it was an OSError."""

    error: str
    errno: int | None


Answer = Ready | Result | Refusal | OutOfMemory | Failure


class ChannelClosedError(Exception):
    """The other side closed the channel, or sent an invalid message."""


def send(channel: socket.socket, message: msgspec.Struct, files: tuple[int, ...] = ()) -> None:
    """Send a message with file descriptors."""
    body = msgspec.msgpack.encode(message)
    length = _LENGTH.pack(len(body))
    if files:
        socket.send_fds(channel, [length], list(files))
        channel.sendall(body)
    else:
        channel.sendall(length + body)


def receive_task(channel: socket.socket) -> tuple[Task, list[int]]:
    """Return the next task and its files; raise ChannelClosedError at the end."""
    length, files, _, _ = socket.recv_fds(channel, _LENGTH.size, 2)
    return msgspec.msgpack.decode(_body(channel, length), type=Task), files


def receive_answer(channel: socket.socket) -> Answer:
    """Return the next answer; raise ChannelClosedError, or TimeoutError on time-out."""
    body = _body(channel, _exactly(channel, _LENGTH.size))
    try:
        answer: Answer = msgspec.msgpack.decode(body, type=Answer)
    except msgspec.MsgspecError as error:
        raise ChannelClosedError from error
    return answer


def _body(channel: socket.socket, length: bytes) -> bytes:
    if len(length) != _LENGTH.size:
        raise ChannelClosedError
    (size_bytes,) = _LENGTH.unpack(length)
    if size_bytes > MAX_MESSAGE_BYTES:
        raise ChannelClosedError
    return _exactly(channel, size_bytes)


def _exactly(channel: socket.socket, size_bytes: int) -> bytes:
    chunks = bytearray()
    while len(chunks) < size_bytes:
        try:
            chunk = channel.recv(size_bytes - len(chunks))
        except ConnectionError as error:
            raise ChannelClosedError from error
        if not chunk:
            raise ChannelClosedError
        chunks += chunk
    return bytes(chunks)
