import io
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import Any, BinaryIO, cast

import pytest
from structlog.testing import capture_logs

from adapters.images.decoder_answers import DecoderDefectError
from adapters.images.decoder_pool import MEBIBYTE, DecoderLimits, DecoderPool
from domain.ports.cancellation import CanceledError
from domain.ports.errors import UnavailableError, UnreadableImageError
from entrypoints.cancellation import ThreadCancellation
from tests.adapters.support import decoder_functions as functions

ROOT = Path(__file__).parents[3]

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads what only Linux provides")


@contextmanager
def opened(**limits: Any) -> Iterator[DecoderPool]:
    pool = DecoderPool(DecoderLimits(**limits))
    try:
        yield pool
    finally:
        pool.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with opened(processes=1, cpu_seconds=1, wall_seconds_per_cpu_second=60) as pool:
        yield pool


def photo(content: bytes = b"great-aunt Adele, 1931") -> BinaryIO:
    return io.BytesIO(content)


class Occupied:
    """A pool whose only process hangs until cancellation is requested."""

    def __init__(self, pool: DecoderPool, fifo: Path) -> None:
        os.mkfifo(fifo)
        self.cancellation = ThreadCancellation()
        self._threads = ThreadPoolExecutor()
        self.work = self.start(pool, functions.hang_after_telling, str(fifo))
        self.pid = int(fifo.read_text())

    def start(self, pool: DecoderPool, function: Any, *arguments: Any) -> "Future[Any]":
        return self._threads.submit(pool.run, function, photo(), *arguments, cancellation=self.cancellation)

    def end(self) -> None:
        self.cancellation.request()
        self._threads.shutdown()


@pytest.fixture
def occupied(tmp_path: Path) -> Iterator[tuple[DecoderPool, Occupied]]:
    with opened(processes=1, waiting=1) as pool:
        occupied = Occupied(pool, tmp_path / "started")
        try:
            yield pool, occupied
        finally:
            occupied.end()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_does_one_task_after_the_other(pool: DecoderPool) -> None:
    assert pool.run(functions.process_id, photo()) == pool.run(functions.process_id, photo()) != os.getpid()


def test_pictures_in_memory_in_files_and_between_are_read_from_their_start(pool: DecoderPool) -> None:
    with TemporaryFile() as in_a_file, SpooledTemporaryFile() as between:
        for file in (photo(), in_a_file, cast("BinaryIO", between)):
            file.write(b"x" * 1000)
            assert pool.run(functions.length, file) == 1000


def test_output_is_ready_to_be_read(pool: DecoderPool) -> None:
    with TemporaryFile() as output:
        pool.run(functions.echo, photo(b"ab"), 3, output=output)
        assert output.read() == b"ababab"


def test_refusals_keep_their_problem_and_advice(pool: DecoderPool) -> None:
    with pytest.raises(UnreadableImageError) as refusal:
        pool.run(functions.refuse, photo())
    assert (refusal.value.refusal, refusal.value.values) == (
        "too_small",
        {"width": 3, "height": 4, "limit": 5},
    )


def test_a_defect_is_not_blamed_on_the_picture(pool: DecoderPool) -> None:
    with pytest.raises(DecoderDefectError, match="LookupError: a defect of ours"):
        pool.run(functions.stumble, photo())


def test_an_answer_of_another_type_is_a_defect(pool: DecoderPool) -> None:
    with pytest.raises(DecoderDefectError, match="Expected `int`, got `str`"):
        pool.run(functions.lie, photo())


def test_a_crash_affects_its_own_picture_only(pool: DecoderPool) -> None:
    before = pool.run(functions.process_id, photo())
    with pytest.raises(UnreadableImageError, match="not_opened"):
        pool.run(functions.crash, photo())
    assert pool.run(functions.process_id, photo()) != before


def test_a_process_killed_by_the_system_is_not_blamed_on_its_picture(pool: DecoderPool) -> None:
    with pytest.raises(UnavailableError, match="the system ended a decoder process"):
        pool.run(functions.be_killed, photo())
    assert pool.run(functions.length, photo()) == 22


def test_an_idle_process_that_was_killed_is_replaced(pool: DecoderPool) -> None:
    pid = pool.run(functions.process_id, photo())
    with exit_of(pid) as has_ended:
        os.kill(pid, signal.SIGKILL)
        assert has_ended()
    assert pool.run(functions.process_id, photo()) != pid


def test_a_picture_that_takes_too_much_cpu_is_refused(pool: DecoderPool) -> None:
    with pytest.raises(UnreadableImageError, match="too_slow"):
        pool.run(functions.spin, photo())
    assert pool.run(functions.length, photo()) == 22


def test_cpu_is_counted_anew_for_each_task() -> None:
    # The kernel counts CPU by ticks, which may differ from the process's own clock: hence the wide margin.
    with opened(processes=1, cpu_seconds=1, wall_seconds_per_cpu_second=120) as pool:
        pids = {pool.run(functions.burn, photo(), 0.6) for _ in range(3)}
    assert len(pids) == 1


def test_a_hanging_decoder_is_killed_after_its_time_out() -> None:
    with opened(processes=1, wall_seconds_per_cpu_second=0.001) as pool:
        pid = pool.run(functions.process_id, photo(), effort=1000)
        with pytest.raises(UnavailableError, match="a picture took longer"):
            pool.run(functions.hang, photo())
        assert not is_running(pid)
        assert pool.run(functions.length, photo(), effort=1000) == 22


@linux
def test_a_picture_that_takes_too_much_memory_is_refused(pool: DecoderPool) -> None:
    with pytest.raises(UnreadableImageError, match="too_much_memory"):
        pool.run(functions.devour, photo(), 4096 * MEBIBYTE)
    assert pool.run(functions.devour, photo(), 256 * MEBIBYTE) == 256 * MEBIBYTE


def test_output_is_limited_in_size() -> None:
    with opened(processes=1, output_bytes=MEBIBYTE) as pool, TemporaryFile() as output:
        with pytest.raises(UnreadableImageError):
            pool.run(functions.echo, photo(bytes(1024)), 1025, output=output)
        assert os.fstat(output.fileno()).st_size <= MEBIBYTE


def test_a_running_task_ends_when_it_is_cancelled(occupied: tuple[DecoderPool, Occupied]) -> None:
    pool, occupant = occupied
    occupant.cancellation.request()
    with pytest.raises(CanceledError):
        occupant.work.result(timeout=20)
    assert not is_running(occupant.pid)
    assert pool.run(functions.length, photo()) == 22


def test_a_queued_task_ends_when_it_is_cancelled(
    occupied: tuple[DecoderPool, Occupied],
) -> None:
    pool, _ = occupied
    cancellation = ThreadCancellation()
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(lambda: pool.run(functions.length, photo(), cancellation=cancellation))
        cancellation.request()
        with pytest.raises(CanceledError):
            waiting.result(timeout=20)


def test_a_cancelled_task_is_not_started(pool: DecoderPool) -> None:
    cancellation = ThreadCancellation()
    cancellation.request()
    with pytest.raises(CanceledError):
        pool.run(functions.length, photo(), cancellation=cancellation)


def test_the_queue_is_bounded_in_length(tmp_path: Path) -> None:
    with opened(processes=1, waiting=0) as pool:
        pool.check()
        occupant = Occupied(pool, tmp_path / "started")
        try:
            for refused in (lambda: pool.run(functions.length, photo()), pool.check):
                with pytest.raises(UnavailableError, match="too many pictures are waiting") as refusal:
                    refused()
                assert refusal.value.retry_after_seconds
        finally:
            occupant.end()
        pool.check()
        assert pool.run(functions.length, photo()) == 22


def test_the_queue_is_bounded_in_time(tmp_path: Path) -> None:
    with opened(processes=1, waiting_seconds=0.01) as pool:
        occupant = Occupied(pool, tmp_path / "started")
        try:
            with pytest.raises(UnavailableError, match="too many pictures are waiting"):
                pool.run(functions.length, photo())
        finally:
            occupant.end()


def test_a_closed_pool_decodes_nothing_and_leaves_no_process(tmp_path: Path) -> None:
    with opened(processes=1) as pool:
        occupant = Occupied(pool, tmp_path / "started")
        pool.close()
        with pytest.raises(UnavailableError, match="shutting down"):
            occupant.work.result(timeout=20)
        assert not is_running(occupant.pid)
        with pytest.raises(UnavailableError, match="shutting down"):
            pool.run(functions.length, photo())


def test_a_process_is_replaced_after_its_task_limit() -> None:
    with opened(processes=1, tasks_per_process=2) as pool:
        pids = [pool.run(functions.process_id, photo()) for _ in range(3)]
    assert pids[0] == pids[1] != pids[2]


def test_a_pool_that_can_start_no_process_says_so_until_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened() as broken:
        broken.check()
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(UnavailableError, match="no decoder process can be started"):
            broken.run(functions.length, photo())
        with pytest.raises(UnavailableError, match="no decoder process can be started"):
            broken.check()
        monkeypatch.undo()
        broken.check()
        assert broken.run(functions.length, photo()) == 22


def test_a_process_has_nothing_of_the_shops_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_canary")
    with opened() as pool:
        found = pool.run(functions.environment, photo())
    assert not any("canary" in value for value in found.values())
    assert set(found) <= {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LANG", "LC_CTYPE", "MALLOC_ARENA_MAX"}


@linux
def test_a_process_has_no_connection_and_no_file_of_the_shop(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as connection,
        (tmp_path / "ledger").open("w") as file,
        opened() as pool,
    ):
        found = pool.run(functions.open_files, photo())
        ours = {str(Path(f"/proc/self/fd/{each.fileno()}").readlink()) for each in (connection, file)}
    assert not ours & set(found)
    assert sum(each.startswith("socket:") for each in found) == 1  # the channel to its parent


@linux
def test_a_process_cannot_change_the_picture(pool: DecoderPool) -> None:
    with TemporaryFile() as file:
        file.write(b"great-aunt")
        assert not pool.run(functions.overwrite, file)


def test_libraries_write_no_raw_lines(pool: DecoderPool, capfd: pytest.CaptureFixture[str]) -> None:
    with capture_logs() as logs:
        pool.run(functions.chatter, photo())
        pool.run(functions.length, photo())
    assert capfd.readouterr() == ("", "")
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("decoder_output", "debug")
    assert line["text"].startswith("TIFFReadDirectory: unknown tag\nCorrupt JPEG data\n")
    assert len(line["text"]) <= 1000


@contextmanager
def exit_of(pid: int) -> Iterator[Any]:
    if sys.platform != "linux":
        pytest.skip("only Linux can wait for another process's child")
    descriptor = os.pidfd_open(pid)
    try:
        yield lambda: bool(select.select([descriptor], [], [], 20)[0])
    finally:
        os.close(descriptor)


PARENT = """
import io, sys
from adapters.images.decoder_pool import DecoderPool
from tests.adapters.support import decoder_functions as functions
DecoderPool().run(functions.{function}, io.BytesIO(b"x"), sys.argv[1])
"""


@linux
@pytest.mark.parametrize("function", ["spin_after_telling", "hang_after_telling"])
def test_no_process_outlives_a_parent_that_was_killed(function: str, tmp_path: Path) -> None:
    fifo = tmp_path / "started"
    os.mkfifo(fifo)
    parent = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", PARENT.format(function=function), str(fifo)], cwd=ROOT
    )
    try:
        with exit_of(int(fifo.read_text())) as has_ended:
            parent.kill()
            assert has_ended()
    finally:
        parent.kill()
        parent.wait()
