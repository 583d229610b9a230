"""CPU time of processes and their children, ended ones included."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil


@dataclass
class Used:
    """CPU seconds by process, filled in when the measured block has ended."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, other: "Used") -> None:
        """Add what another block used."""
        for name, seconds in other.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds

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
        client = time.process_time()  # inside of the readings, which take some milliseconds themselves
        yield used
        if self._with_client:
            used.seconds["client"] = time.process_time() - client
        used.seconds.update({name: after - before[name] for name, after in self._read().items()})

    def _read(self) -> dict[str, float]:
        return {name: seconds_of(pids() if callable(pids) else pids) for name, pids in self._groups.items()}


def seconds_of(pids: Iterable[int]) -> float:
    """Return the CPU seconds of processes and their descendants so far.

    Each is counted once: by its own clock, which has nanoseconds, until its parent has reaped it, and from then on in
    its parent's sum of ended children, which the kernel tells in steps of 10 ms.
    """
    roots = [psutil.Process(pid) for pid in pids]
    while True:
        family = _family(roots)
        with suppress(psutil.NoSuchProcess, OSError):  # one has just been reaped: all are read again
            ended = sum(_seconds_of_ended_children(pid) for pid in family)
            living = sum(clock_of(pid) for pid in family)
            if family <= _family(roots):
                return ended + living


def _family(roots: Iterable[psutil.Process]) -> set[int]:
    return {process.pid for root in roots for process in (root, *root.children(recursive=True))}


def _seconds_of_ended_children(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.children_user + times.children_system)


def clock_of(pid: int) -> float:
    """Return the CPU seconds of a process, its ended threads included.

    The id of its clock is what clock_getcpuclockid(3) makes of the process id on Linux.
    """
    return time.clock_gettime((~pid << 3) | 2)


def rss_mebibytes(pid: int) -> float:
    """Return the resident memory of a process, without its children."""
    return float(psutil.Process(pid).memory_info().rss) / 1024 / 1024
