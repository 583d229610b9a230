"""A decoder process: one task at a time, without secrets.

It inherits no environment, connections or files of the shop, and ends when its parent does.
"""

import fcntl
import math
import os
import resource
import select
import signal
import socket
import sys
import time
from importlib import import_module
from typing import Any, get_type_hints

import msgspec

from adapters.images.decoder_messages import (
    Answer,
    ChannelClosedError,
    Failure,
    OutOfMemory,
    Ready,
    Refusal,
    Result,
    Task,
    receive_task,
    send,
)
from domain.ports.errors import UnreadableImageError

#: Downloads and webhooks have priority over decoding on a busy machine.
_NICENESS = 5

#: Limits the text of an unexpected error.
_LONGEST_ERROR = 500


class ProcessLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The resource limits of a decoder process."""

    memory_bytes: int
    output_bytes: int


def main() -> None:
    """Serve tasks until the parent ends: ``decoder_process CHANNEL LIFELINE LIMITS``."""
    channel_fd, lifeline, limits_json = sys.argv[1:]
    limits = msgspec.json.decode(limits_json, type=ProcessLimits)
    _end_with_the_parent(int(lifeline))
    _set_limits(limits)
    with socket.socket(fileno=int(channel_fd)) as channel:
        send(channel, Ready())
        while True:
            try:
                task, files = receive_task(channel)
            except (ChannelClosedError, ConnectionError):
                return
            _allow_cpu(task.cpu_seconds)
            send(channel, _answer(task, files))


def _end_with_the_parent(lifeline: int) -> None:
    """Let the kernel end this process when its parent closes the pipe.

    Linux sends SIGIO for that, even during a decoder's C code. Elsewhere the process ends when it next waits for a
    task, or at its limits.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
    has_ended, _, _ = select.select([lifeline], [], [], 0)
    if has_ended:  # before O_ASYNC was set
        sys.exit(0)


def _set_limits(limits: ProcessLimits) -> None:
    os.nice(_NICENESS)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, limits.output_bytes)
    _limit(resource.RLIMIT_AS, limits.memory_bytes)


def _limit(kind: int, value: int) -> None:
    """Lower a limit; macOS refuses to limit the address space."""
    _, most = resource.getrlimit(kind)
    allowed = value if most == resource.RLIM_INFINITY else min(value, most)
    try:
        resource.setrlimit(kind, (allowed, most))
    except ValueError:
        if sys.platform == "linux":
            raise


def _allow_cpu(seconds: float) -> None:
    """Let the kernel end this process after this many more CPU seconds."""
    _limit(resource.RLIMIT_CPU, math.ceil(time.process_time() + seconds))


def _answer(task: Task, files: list[int]) -> Answer:
    try:
        with os.fdopen(files[0], "rb") as picture, os.fdopen(files[1], "wb") as output:
            module, _, name = task.function.partition(":")
            function = getattr(import_module(module), name)
            value = function(picture, output, *_arguments(function, task.arguments))
        return Result(msgspec.Raw(msgspec.msgpack.encode(value)))
    except UnreadableImageError as error:
        return Refusal(error.refusal, error.values)
    except MemoryError:
        return OutOfMemory()
    except Exception as error:  # noqa: BLE001 -- the parent raises it
        number = error.errno if isinstance(error, OSError) else None
        return Failure(f"{type(error).__name__}: {error}"[:_LONGEST_ERROR], number)


def _arguments(function: Any, given: list[Any]) -> list[Any]:
    _, _, *hints = [hint for name, hint in get_type_hints(function).items() if name != "return"]
    return [msgspec.convert(value, type=hint) for value, hint in zip(given, hints, strict=True)]


if __name__ == "__main__":
    main()
