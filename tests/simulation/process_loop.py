"""The event loop of a simulated process, in virtual time."""

import asyncio
from asyncio import BaseEventLoop
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from math import ceil
from typing import Any, cast
from unittest import mock

import anyio.to_thread
from anyio import CapacityLimiter

from tests.simulation.scheduler import SECOND, Process, Scheduler, Task

#: The task of the scheduler that sent the request which is handled now.
_sender: ContextVar[Task] = ContextVar("sender")


class _NoSelector:
    """A selector without I/O.

    Raises AssertionError if a request waits for I/O, which would never arrive.
    """

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise AssertionError("The answer waits for I/O, which never arrives.")
        return []


class ProcessLoop(BaseEventLoop):
    """The event loop of one life of a process.

    It runs whenever a task of the scheduler has something for it, and never waits itself. What handlers hand to a
    thread becomes a task of the scheduler.
    """

    def __init__(self, scheduler: Scheduler, process: Process) -> None:
        super().__init__()
        self._selector = _NoSelector()
        self._scheduler = scheduler
        self._process = process
        self._life = process.life
        self._pending: dict[asyncio.Task[Any], None] = {}
        self.is_abandoned = False

    def is_of(self, process: Process) -> bool:
        """Whether this is the event loop of the process's present life."""
        return process is self._process and process.life == self._life

    def time(self) -> float:
        return self._scheduler.now / SECOND

    def create_task(self, coroutine: Any, **options: Any) -> asyncio.Task[Any]:  # type: ignore[override]
        """Start a task, and remember it until it ends."""
        task: asyncio.Task[Any] = super().create_task(coroutine, **options)
        self._pending[task] = None
        task.add_done_callback(self._pending.pop)
        return task

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Drive a request to its end, and raise what it raises.

        Other tasks of the scheduler run meanwhile.
        """
        context = copy_context()
        context.run(_sender.set, self._scheduler.current)
        with self._running():
            request = self.create_task(work, context=context)
        request.add_done_callback(self._scheduler.notify)
        self._run_ready()
        while not request.done():
            self._scheduler.wait(request, at_most=self._until_next_timer())
            self._run_ready()
        request.result()

    async def run_in_thread(self, func: Callable[..., Any], *args: Any) -> Any:
        """Run a function in a task of the scheduler.

        The task has the name and the facts of the one that sent the request.
        """
        if self.is_abandoned:
            raise asyncio.CancelledError
        outcome = self.create_future()

        def body() -> None:
            result, error = None, None
            try:
                result = func(*args)
            except Exception as raised:  # noqa: BLE001 -- raised in the awaiting coroutine, as from a thread
                error = raised
            if outcome.done():  # the request was cancelled
                pass
            elif error is None:
                outcome.set_result(result)
            else:
                outcome.set_exception(error)
            self._run_ready()

        sender = _sender.get()
        thread = self._scheduler.spawn(sender.name, body, self._process)
        thread.facts = sender.facts
        thread.greenlet.gr_context = copy_context()
        return await outcome

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """Run a function in a thread, whatever executor is passed."""
        del executor
        return self.create_task(self.run_in_thread(func, *args))

    def abandon(self) -> None:
        """Cancel what a dead process leaves behind.

        Otherwise it would run on when its memory is freed.
        """
        self.is_abandoned = True
        for task in list(self._pending):
            task.cancel()
        self._run_ready()

    def _run_ready(self) -> None:
        """Run all that can run now."""
        with self._running():
            while self._ready or self._is_timer_due():  # type: ignore[attr-defined]
                self._run_once()  # type: ignore[attr-defined]

    @contextmanager
    def _running(self) -> Iterator[None]:
        asyncio._set_running_loop(self)  # noqa: SLF001 -- documented for implementers of event loops
        try:
            yield
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001 -- likewise

    def _is_timer_due(self) -> bool:
        return self._until_next_timer() == 0

    def _until_next_timer(self) -> int | None:
        """The microseconds until the next timer is due, if there is one."""
        timers = [timer.when() for timer in self._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        return max(0, ceil((min(timers) - self.time()) * SECOND)) if timers else None

    def __del__(self) -> None:
        """Close nothing: there is no selector."""

    def _process_events(self, events: list[Any]) -> None:
        """Process nothing: there are no I/O events."""

    def _write_to_self(self) -> None:
        """Wake nothing: no other thread runs this loop."""


async def _in_thread(
    func: Callable[..., Any], *args: Any, limiter: CapacityLimiter | None = None, **_: Any
) -> Any:
    """Do as ``anyio.to_thread.run_sync`` does, on the loop of the process."""
    loop = cast("ProcessLoop", asyncio.get_running_loop())
    async with limiter or nullcontext():
        return await loop.run_in_thread(func, *args)


@contextmanager
def threads_are_greenlets() -> Iterator[None]:
    """Run at once what handlers hand to threads, during the block."""
    with mock.patch.object(anyio.to_thread, "run_sync", _in_thread):
        yield


def facts_of(current: Task) -> dict[str, object]:
    """The facts of the present request, or of the current task."""
    return _sender.get(current).facts


def is_of_a_dead_process() -> bool:
    """Whether what runs now belongs to a process that has died."""
    loop = asyncio._get_running_loop()  # noqa: SLF001 -- documented for implementers of event loops
    return isinstance(loop, ProcessLoop) and loop.is_abandoned
