"""Where a twin listens."""

import socket
import subprocess
import sys


def test_a_port_that_is_taken_ends_the_twin_with_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "sandbox.twins.replicate", "--port", str(port)],
            check=False,
            capture_output=True,
            text=True,
        )
    assert ended.returncode == 1
    sentence = ended.stderr.splitlines()[-1]
    assert sentence.startswith(f"Port {port} of 127.0.0.1 cannot be used")
    assert "Traceback" not in ended.stderr
