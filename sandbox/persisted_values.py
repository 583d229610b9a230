"""Small things a data folder remembers between starts: credentials, port numbers."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")


class DataFolderError(Exception):
    """A data folder cannot be used; the message is a sentence that says what to do."""


class UnwritableFolderError(DataFolderError):
    """Nothing can be kept in a folder."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder = folder
        self.reason = reason
        super().__init__(
            f"Nothing can be kept in {folder} ({reason}): choose another folder, or mend this one."
        )


class UnreadableFileError(DataFolderError):
    """A file of the data folder does not hold what was kept in it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(f"{file} is damaged: delete it and start again.")


def private_folder(path: Path) -> Path:
    """Make the folder, for its owner only, unless it exists; return it. Raises UnwritableFolderError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise UnwritableFolderError(path, error.strerror or type(error).__name__) from error
    return path


def kept(file: Path, make: Callable[[], T]) -> T:
    """Return what `file` holds; the first time, what `make` returns (anything JSON can hold), and keep it.

    Raises UnreadableFileError when it is damaged, UnwritableFolderError when its folder is not ours.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        keep(file, made := make())
        return made
    except OSError as error:
        raise UnwritableFolderError(file.parent, error.strerror or type(error).__name__) from error
    try:
        return cast("T", json.loads(content))
    except ValueError as error:
        raise UnreadableFileError(file) from error


def keep(file: Path, value: object) -> None:
    """Write the value so that only its owner can read it, and nobody, even after a power cut, ever sees half of it."""
    private_folder(file.parent)
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(value, out, indent=2)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
