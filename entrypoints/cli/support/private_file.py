"""A file full of what is somebody's own: nobody but whoever made it may read it, and none is left half written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from entrypoints.command_errors import CommandFailedError

_PERMISSIONS = 0o600


class UnwritableFolderError(CommandFailedError):
    """Nothing can be saved in a folder."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder = folder
        self.reason = reason
        super().__init__(
            f"Nothing can be saved in {folder} ({reason}): make room there, or start this in another folder."
        )


class FileTakenError(CommandFailedError):
    """There is a file already where one was to be written."""

    def __init__(self, target: Path, otherwise: str) -> None:
        self.target = target
        self.otherwise = otherwise
        super().__init__(f"{target} is there already: choose another name, {otherwise}.")


@contextmanager
def private_file(
    target: Path, *, replaces: bool = False, otherwise: str = "for it is not overwritten"
) -> Iterator[BinaryIO]:
    """A new file to write; when the block raises, there is none, and what was to be replaced is as it was.

    Raises FileTakenError with ``otherwise`` in it, unless it ``replaces``, or UnwritableFolderError.
    """
    try:
        descriptor, path = _open(target, replaces=replaces)
    except FileExistsError as error:
        raise FileTakenError(target, otherwise) from error
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        path.replace(target)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(target, error) from error
        raise


def _open(target: Path, *, replaces: bool) -> tuple[int, Path]:
    if replaces:
        descriptor, name = mkstemp(
            dir=target.parent, prefix=f".{target.name}."
        )  # its owner's alone by nature
        return descriptor, Path(name)
    return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PERMISSIONS), target


def _unwritable(target: Path, error: OSError) -> UnwritableFolderError:
    return UnwritableFolderError(target.parent, error.strerror or type(error).__name__)
