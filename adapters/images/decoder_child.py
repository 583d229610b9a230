"""The parent's side of a decoder process."""

import os
import signal
import socket
import subprocess
import sys
from tempfile import TemporaryFile
from threading import Lock

import msgspec
import structlog

from adapters.images.decoder_messages import Answer, ChannelClosedError, Ready, Task, receive_answer, send
from adapters.images.decoder_process import ProcessLimits

#: Loading the libraries takes a fifth of a second, and several on a busy machine.
START_SECONDS = 30.0

#: Limit of the libraries' output that is logged per task.
_LOGGED_BYTES = 1_000

_log = structlog.get_logger(__name__)


class ChildEndedError(Exception):
    """The process ended before it answered; ``signal`` is None if it exited."""

    def __init__(self, ended_by: signal.Signals | None) -> None:
        self.signal = ended_by
        super().__init__(f"The decoder process ended ({ended_by.name if ended_by else 'exit'}).")


class DecoderChild:
    """A decoder process, used by one thread except for ``kill``."""

    def __init__(self, limits: ProcessLimits) -> None:
        """Start the process; raise OSError, TimeoutError or ChildEndedError."""
        self.tasks = 0
        self._channel, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        self._output = TemporaryFile(buffering=0)  # noqa: SIM115 -- closed in ``close``
        self._lock = Lock()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    sys.executable,
                    "-m",
                    "adapters.images.decoder_process",
                    str(theirs.fileno()),
                    str(lifeline),
                    msgspec.json.encode(limits).decode(),
                ],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                pass_fds=(theirs.fileno(), lifeline),
                # In a process group of its own: Ctrl-C lets the parent finish its work first.
                start_new_session=True,
            )
        except OSError:
            self._channel.close()
            os.close(self._lifeline)
            self._output.close()
            raise
        finally:
            theirs.close()
            os.close(lifeline)
        try:
            self._await_ready()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is still running."""
        with self._lock:
            return self._process.poll() is None

    def run(self, task: Task, files: tuple[int, int], *, wall_seconds: float) -> Answer:
        """Run a task; raise TimeoutError or ChildEndedError, unusable after either."""
        self.tasks += 1
        self._channel.settimeout(wall_seconds)
        try:
            send(self._channel, task, files)
            return receive_answer(self._channel)
        except (ChannelClosedError, ConnectionError) as error:
            self.kill()
            raise ChildEndedError(self._ending()) from error
        finally:
            self._log_output()

    def kill(self) -> None:
        """Kill the process; callable from any thread."""
        with self._lock:  # never after it was waited for: its id may be reused
            if self._process.returncode is None:
                self._process.kill()

    def close(self) -> None:
        """Kill the process and free its resources."""
        self.kill()
        self._ending()
        self._channel.close()
        os.close(self._lifeline)
        self._output.close()

    def _await_ready(self) -> None:
        self._channel.settimeout(START_SECONDS)
        try:
            answer = receive_answer(self._channel)
        except ChannelClosedError as error:
            self.kill()
            raise ChildEndedError(self._ending()) from error
        if not isinstance(answer, Ready):
            raise ChildEndedError(None)

    def _ending(self) -> signal.Signals | None:
        """Wait for the process to end; return the signal of its end."""
        with self._lock:
            code = self._process.wait()
        return signal.Signals(-code) if code < 0 else None

    def _log_output(self) -> None:
        """Log the libraries' output as one bounded debug line."""
        if not os.fstat(self._output.fileno()).st_size:
            return
        self._output.seek(0)
        written = self._output.read(_LOGGED_BYTES)
        self._output.seek(0)
        self._output.truncate()
        _log.debug("decoder_output", pid=self.pid, text=written.decode(errors="replace"))


def _environment() -> dict[str, str]:
    """Return an environment without the shop's own, which holds every secret."""
    return {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        # One arena: a dozen would reserve gigabytes of address space, which is what the memory limit counts.
        "MALLOC_ARENA_MAX": "1",
    }
