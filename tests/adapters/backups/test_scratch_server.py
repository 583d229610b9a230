"""A scratch server ends with the process that started it."""

import subprocess
import sys
from pathlib import Path

from tests.waiting import eventually

#: A daemon thread, as a worker's: it is not unwound at exit.
_PROGRAM = """
import sys, threading
from pathlib import Path
from adapters.backups.scratch_server import running

begun = threading.Event()

def drill():
    with running(Path(sys.argv[1]), Path(sys.argv[1]), 5):
        begun.set()
        threading.Event().wait()

threading.Thread(target=drill, daemon=True).start()
begun.wait()
"""


def test_a_server_ends_with_a_process_that_exits(tmp_path: Path) -> None:
    for name, script in (
        ("postgres", f"echo $$ > {tmp_path}/pid; exec sleep 600"),
        ("pg_isready", f"test -s {tmp_path}/pid"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    subprocess.run([sys.executable, "-c", _PROGRAM, tmp_path], check=True, timeout=60)  # noqa: S603
    server = int((tmp_path / "pid").read_text())
    eventually(lambda: not Path(f"/proc/{server}").exists(), "the end of the server")
