"""Files with personal data or secrets.

Only the owner may read them, and none is left half written.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from entrypoints.command_errors import CommandFailedError

_PERMISSIONS = 0o600


class UnwritableFolderError(CommandFailedError):
    """The folder cannot be written to."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder = folder
        self.reason = reason
        super().__init__(
            f"Nothing can be saved in {folder.resolve()} ({reason}): make room there, or choose another folder."
        )


class FileTakenError(CommandFailedError):
    """The target file exists already."""

    def __init__(self, target: Path, otherwise: str) -> None:
        self.target = target
        self.otherwise = otherwise
        super().__init__(f"{target} is there already: choose another name, {otherwise}.")


@contextmanager
def private_file(
    target: Path, *, replaces: bool = False, otherwise: str = "for it is not overwritten"
) -> Iterator[BinaryIO]:
    """A new file to write, readable by its owner alone.

    If the block raises, no file is left, and a file that was to be replaced is unchanged. Raises UnwritableFolderError,
    and unless ``replaces`` FileTakenError, whose message contains ``otherwise``.
    """
    try:
        descriptor, path = _open(target, replaces=replaces)
    except FileExistsError as error:
        raise FileTakenError(target, otherwise) from error
    except OSError as error:
        raise unwritable(target.parent, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        path.replace(target)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise unwritable(target.parent, error) from error
        raise


def _open(target: Path, *, replaces: bool) -> tuple[int, Path]:
    if replaces:
        descriptor, name = mkstemp(
            dir=target.parent, prefix=f".{target.name}."
        )  # mkstemp sets the permissions
        return descriptor, Path(name)
    return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PERMISSIONS), target


def unwritable(folder: Path, error: OSError) -> UnwritableFolderError:
    """The error for a folder that could not be written to."""
    return UnwritableFolderError(folder, error.strerror or type(error).__name__)
