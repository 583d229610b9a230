"""CPU time of processes and their children, ended ones included."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil


@dataclass
class Used:
    """CPU seconds by process, filled in when the measured block has ended."""

    seconds: dict[str, float] = field(default_factory=dict)

    def ms_per(self, operations: int) -> dict[str, float]:
        """Return CPU milliseconds per operation, by process."""
        return {name: seconds * 1000 / operations for name, seconds in self.seconds.items()}


class CpuMeter:
    """Reads the CPU time of named groups of processes.

    A group is the ids of its root processes. PostgreSQL's root is its postmaster: its backends are children, and the
    kernel adds an ended child to its parent. ``client`` is the process that measures, without its children.
    """

    def __init__(
        self, groups: Mapping[str, Callable[[], list[int]] | list[int]], *, with_client: bool = False
    ) -> None:
        self._groups = groups
        self._with_client = with_client

    @contextmanager
    def reading(self) -> Iterator[Used]:
        """Measure a block."""
        used = Used()
        before = self._read()
        yield used
        used.seconds.update({name: after - before[name] for name, after in self._read().items()})

    def _read(self) -> dict[str, float]:
        found = {
            name: sum(seconds_of(pid) for pid in (pids() if callable(pids) else pids))
            for name, pids in self._groups.items()
        }
        return {"client": time.process_time(), **found} if self._with_client else found


def seconds_of(pid: int) -> float:
    """Return the CPU seconds of a process and its descendants so far."""
    root = psutil.Process(pid)
    whole = 0.0
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # it has just ended, and its parent's time contains it
            times = process.cpu_times()
            whole += times.user + times.system + times.children_user + times.children_system
    return whole


def rss_mebibytes(pid: int) -> float:
    """Return the resident memory of a process, without its children."""
    return float(psutil.Process(pid).memory_info().rss) / 1024 / 1024
