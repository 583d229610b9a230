"""Folders for unix sockets."""

import os
import shutil
import tempfile
from pathlib import Path

from sandbox.persisted_values import private_folder
from sandbox.processes import Supervisor

#: A socket's whole path has to fit into 104 bytes on macOS and 108 on Linux; this leaves room for its name.
_LONGEST_FOLDER_BYTES = 80


def socket_folder(supervisor: Supervisor, data_dir: Path) -> Path:
    """Create an empty, private folder for sockets.

    It is in `data_dir`, or temporary if that path is too long, and is removed with the supervisor's processes.
    """
    folder = data_dir / "run"
    if len(os.fsencode(folder)) > _LONGEST_FOLDER_BYTES:
        folder = Path(tempfile.mkdtemp(prefix="restoreclick-", dir="/tmp"))
    else:
        shutil.rmtree(folder, ignore_errors=True)  # leftovers of a killed server
        private_folder(folder)
    supervisor.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder
