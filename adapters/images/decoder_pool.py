"""A pool of limited child processes that decode untrusted pictures.

Whatever a file does to a decoder affects that file only.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Condition
from typing import BinaryIO, TypeVar, TypeVarTuple, cast, get_type_hints

import structlog

from adapters.images.decoder_answers import error_of, unavailable, value_of
from adapters.images.decoder_child import ChildEndedError, DecoderChild
from adapters.images.decoder_messages import Answer, Task
from adapters.images.decoder_process import ProcessLimits
from domain.ports.cancellation import CanceledError, Cancellation
from domain.ports.errors import UnavailableError

Arguments = TypeVarTuple("Arguments")
R = TypeVar("R")

MEBIBYTE = 1024 * 1024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class DecoderLimits:
    """Limits of decoding: processes, time, memory, and the queue for them."""

    #: How many pictures are decoded at a time; a file of a few hundred kilobytes may be a picture of any size.
    processes: int = 2
    #: CPU seconds per inspection; the slowest picture within the size limits takes five.
    cpu_seconds: float = 20.0
    #: Wall-clock time-out per CPU second: generous on a busy machine, exceeded only by a hung process.
    wall_seconds_per_cpu_second: float = 3.0
    #: Address space of one process. The largest picture within the size limits takes 800 MiB beside the libraries.
    memory_bytes: int = 1536 * MEBIBYTE
    #: The largest file that a task may write.
    output_bytes: int = 256 * MEBIBYTE
    #: How many tasks may wait for a process ...
    waiting: int = 16
    #: ... and for how long: the sender has a time-out too.
    waiting_seconds: float = 60.0
    #: A process is replaced after this many tasks, which bounds memory leaks.
    tasks_per_process: int = 500


class _NeverCanceled:
    """The cancellation of a task that cannot be cancelled."""

    is_requested = False

    @contextmanager
    def calling(self, _: Callable[[], None]) -> Iterator[None]:
        yield


class DecoderPool:
    """Run functions on pictures in child processes, started on first use.

    A function of the pool is defined at module level. Its parameters are the picture, an empty file for its output,
    and its own arguments; msgspec checks what it returns against its return annotation.
    """

    def __init__(self, limits: DecoderLimits | None = None) -> None:
        self._limits = limits or DecoderLimits()
        self._condition = Condition()
        self._idle: list[DecoderChild] = []
        self._busy: set[DecoderChild] = set()
        self._taken_slots = 0
        self._waiting = 0
        self._is_closed = False
        self._start_error: str | None = None

    def run(
        self,
        function: Callable[[BinaryIO, BinaryIO, *Arguments], R],
        picture: BinaryIO,
        *arguments: *Arguments,
        output: BinaryIO | None = None,
        cancellation: Cancellation | None = None,
        effort: float = 1.0,
    ) -> R:
        """Return what ``function`` returns for a picture.

        It may write to ``output``, a file with a descriptor. ``effort`` multiplies a task's time and CPU limits.
        Raises UnreadableImageError if the picture is the cause, also when it takes too much CPU or memory or crashes
        its decoder; UnavailableError when the pool is full, hangs or cannot start a process; CanceledError soon after
        cancellation was requested.
        """
        task = Task(
            function=f"{function.__module__}:{function.__qualname__}",
            arguments=list(arguments),
            cpu_seconds=self._limits.cpu_seconds * effort,
        )
        canceled = cancellation or _NeverCanceled()
        with _opened(picture) as source, _opened_output(output) as target, self._slot(canceled):
            answer = self._answer(task, (source, target), canceled)
        return cast("R", value_of(answer, get_type_hints(function)["return"]))

    def check(self) -> None:
        """Raise UnavailableError if the queue is full or no process starts."""
        with self._condition:
            if self._is_full():
                raise self._full()
            is_worth_a_try = self._start_error is not None and self._is_free()
        if is_worth_a_try:
            with self._slot(_NeverCanceled()):
                self._release(self._acquire())

    def close(self) -> None:
        """End all processes; running and waiting tasks raise UnavailableError."""
        with self._condition:
            self._is_closed = True
            idle, self._idle = self._idle, []
            for child in self._busy:
                child.kill()
            self._condition.notify_all()
        for child in idle:
            child.close()

    @contextmanager
    def _slot(self, cancellation: Cancellation) -> Iterator[None]:
        """Wait for a free slot."""
        with cancellation.calling(self._wake), self._condition:
            if self._is_full():
                raise self._full()
            self._waiting += 1
            try:
                self._condition.wait_for(
                    lambda: self._is_free() or self._is_closed or cancellation.is_requested,
                    self._limits.waiting_seconds,
                )
            finally:
                self._waiting -= 1
            if cancellation.is_requested:
                raise CanceledError
            if self._is_closed:
                raise unavailable("it is shutting down")
            if not self._is_free():
                raise self._full()
            self._taken_slots += 1
        try:
            yield
        finally:
            with self._condition:
                self._taken_slots -= 1
                self._condition.notify()

    def _is_free(self) -> bool:
        return self._taken_slots < self._limits.processes

    def _is_full(self) -> bool:
        return not self._is_free() and self._waiting >= self._limits.waiting

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()

    def _answer(self, task: Task, files: tuple[int, int], cancellation: Cancellation) -> Answer:
        wall_seconds = task.cpu_seconds * self._limits.wall_seconds_per_cpu_second
        child = self._acquire()
        is_reusable = False
        try:
            with cancellation.calling(child.kill):
                answer = child.run(task, files, wall_seconds=wall_seconds)
            # From here on no cancellation kills the process, but one may have done so after it answered.
            is_reusable = not cancellation.is_requested
        except TimeoutError as error:
            _log.warning("decoder_hung", pid=child.pid, function=task.function)
            raise unavailable(f"a picture took longer than {wall_seconds:.0f} seconds") from error
        except ChildEndedError as error:
            if cancellation.is_requested:
                raise CanceledError from error
            if self._is_closed:
                raise unavailable("it is shutting down") from error
            _log.warning("decoder_ended", pid=child.pid, function=task.function, signal=error.signal)
            raise error_of(error) from error
        finally:
            self._release(child, is_reusable=is_reusable)
        return answer

    def _acquire(self) -> DecoderChild:
        """Return an idle process, or start one; raise UnavailableError if that fails."""
        while True:
            with self._condition:
                child = self._idle.pop() if self._idle else None
                if child is not None and child.is_running:
                    self._busy.add(child)
                    return child
            if child is None:
                break
            child.close()
        limits = ProcessLimits(memory_bytes=self._limits.memory_bytes, output_bytes=self._limits.output_bytes)
        try:
            child = DecoderChild(limits)
        except (OSError, ChildEndedError) as error:
            self._start_error = f"no decoder process can be started: {error}"
            raise unavailable(self._start_error) from error
        self._start_error = None
        with self._condition:
            self._busy.add(child)
        return child

    def _release(self, child: DecoderChild, *, is_reusable: bool = True) -> None:
        with self._condition:
            self._busy.discard(child)
            is_kept = is_reusable and child.tasks < self._limits.tasks_per_process and not self._is_closed
            if is_kept:
                self._idle.append(child)
        if not is_kept:
            child.close()

    def _full(self) -> UnavailableError:
        return unavailable("too many pictures are waiting", retry_after_seconds=self._limits.waiting_seconds)


@contextmanager
def _opened(picture: BinaryIO) -> Iterator[int]:
    """Yield a read descriptor at the picture's beginning.

    A picture in memory is copied to a file.
    """
    try:
        descriptor = picture.fileno()
    except OSError:
        with TemporaryFile() as copy:
            picture.seek(0)
            shutil.copyfileobj(picture, copy)
            with _opened(copy) as found:
                yield found
        return
    picture.flush()
    picture.seek(0)
    if sys.platform == "linux":
        # Reopened, so that the child can neither write to it nor move its position.
        descriptor = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    else:
        descriptor = os.dup(descriptor)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _opened_output(output: BinaryIO | None) -> Iterator[int]:
    if output is not None:
        yield output.fileno()
        output.seek(0)
        return
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123 -- no path of ours
        yield nothing.fileno()
