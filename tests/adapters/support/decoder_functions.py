"""Behaviour of decoders on hostile pictures, as functions for the pool."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

from adapters.images import refusals


def length(picture: BinaryIO, _: BinaryIO) -> int:
    return len(picture.read())


def process_id(_: BinaryIO, __: BinaryIO) -> int:
    return os.getpid()


def echo(picture: BinaryIO, output: BinaryIO, times: int) -> None:
    output.write(picture.read() * times)


def refuse(_: BinaryIO, __: BinaryIO) -> None:
    raise refusals.too_small(3, 4, 5)


def stumble(_: BinaryIO, __: BinaryIO) -> None:
    raise LookupError("a defect of ours")


def lie(_: BinaryIO, __: BinaryIO) -> int:
    return "no number"  # type: ignore[return-value]


def crash(_: BinaryIO, __: BinaryIO) -> None:
    ctypes.string_at(0)


def be_killed(_: BinaryIO, __: BinaryIO) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def burn(_: BinaryIO, __: BinaryIO, seconds: float) -> int:
    """Use this much CPU; return this process's id."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid()


def spin(_: BinaryIO, __: BinaryIO) -> None:
    while True:
        pass


def spin_after_telling(_: BinaryIO, __: BinaryIO, fifo: str) -> None:
    """Write this process's id to a pipe, then use all CPU."""
    Path(fifo).write_text(str(os.getpid()))
    while True:
        pass


def hang(_: BinaryIO, __: BinaryIO) -> None:
    time.sleep(3600)


def hang_after_telling(_: BinaryIO, __: BinaryIO, fifo: str) -> None:
    Path(fifo).write_text(str(os.getpid()))
    time.sleep(3600)


def devour(_: BinaryIO, __: BinaryIO, size_bytes: int) -> int:
    return len(bytearray(size_bytes))


def chatter(_: BinaryIO, __: BinaryIO) -> None:
    """Write to the process's own standard streams, as C libraries do."""
    os.write(1, b"TIFFReadDirectory: unknown tag\n")
    os.write(2, b"Corrupt JPEG data\n" * 10_000)
    sys.stderr.flush()


def environment(_: BinaryIO, __: BinaryIO) -> dict[str, str]:
    return dict(os.environ)


def open_files(_: BinaryIO, __: BinaryIO) -> list[str]:
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(descriptor.readlink()))
        except FileNotFoundError:
            continue  # the listing's own
    return found


def overwrite(picture: BinaryIO, _: BinaryIO) -> bool:
    """Whether the picture itself can be written to."""
    try:
        os.write(picture.fileno(), b"x")
    except OSError:
        return False
    return True
