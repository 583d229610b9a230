"""An application on an inherited socket, announced to the parent process."""

import socket
import sys
from typing import Any

import uvicorn


def serve(app: Any, fd: int) -> None:
    """Serve until SIGTERM, with uvicorn's fastest parts that are installed."""
    # The socket listens already: what comes before the server accepts it waits.
    sys.stdout.write('{"listening": true}\n')
    sys.stdout.flush()
    config = uvicorn.Config(app, log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=fd)])
