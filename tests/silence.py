"""Servers that accept connections and never answer."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def silent_listener() -> Iterator[int]:
    """A port that accepts connections and never reads from them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """SIGSTOP a process and its children; SIGCONT them after the block."""
    family = [pid, *_descendants(pid)]
    for each in family:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in family:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)


def _descendants(pid: int) -> Iterator[int]:
    """Find all children by the parents in /proc; Linux only."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    for child, parent in parents.items():
        if parent == pid:
            yield child
            yield from _descendants(child)
