"""Small values kept in a data folder: credentials, port numbers."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")


class DataFolderError(Exception):
    """A data folder cannot be used; the message says what to do."""


class UnwritableFolderError(DataFolderError):
    """A folder cannot be written."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder = folder
        self.reason = reason
        super().__init__(
            f"Nothing can be kept in {folder} ({reason}): choose another folder, or make it writable."
        )


class UnreadableFileError(DataFolderError):
    """A file of the data folder is damaged."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(f"{file} is damaged: delete it and start again.")


def private_folder(path: Path) -> Path:
    """Create a folder for its owner only; raise UnwritableFolderError if impossible."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise UnwritableFolderError(path, error.strerror or type(error).__name__) from error
    return path


def load_or_create(file: Path, make: Callable[[], T]) -> T:
    """Return the file's JSON value, or save and return that of `make`.

    Raises UnreadableFileError when the file is damaged, UnwritableFolderError when its folder cannot be used.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        save(file, made := make())
        return made
    except OSError as error:
        raise UnwritableFolderError(file.parent, error.strerror or type(error).__name__) from error
    try:
        return cast("T", json.loads(content))
    except ValueError as error:
        raise UnreadableFileError(file) from error


def save(file: Path, value: object) -> None:
    """Write a JSON value atomically and durably, readable by its owner only."""
    private_folder(file.parent)
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(value, out, indent=2)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
