"""A new folder for each order's photos: no file is ever replaced."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from sandbox.demo.errors import DemoError


class StrangeArchiveError(DemoError):
    """An archive names a file outside of its folder."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"The archive holds {name!r}, which is no plain file name: nothing of it was unpacked."
        )


class UnwritableFolderError(DemoError):
    """Nothing can be saved in a folder."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder = folder
        self.reason = reason
        super().__init__(
            f"Nothing can be saved in {folder} ({reason}): make room there, or start this in another folder."
        )


def require_writable(under: Path) -> None:
    """Raise UnwritableFolderError if no folder can be made here; leaves no trace."""
    existing = next(path for path in (under, *under.absolute().parents) if path.exists())
    with _explained(under), TemporaryDirectory(dir=existing):
        pass


def folder_for(order_number: str, under: Path) -> Path:
    """A new folder named for the order, with ``-2``, ``-3``... if taken.

    Raises UnwritableFolderError.
    """
    with _explained(under):
        under.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            folder = under / (order_number if number == 1 else f"{order_number}-{number}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            break
    return folder


def save(archive: Iterable[bytes], name: str, folder: Path) -> list[Path]:
    """Save an archive and each picture in it; the pictures' paths.

    Raises StrangeArchiveError, or UnwritableFolderError when there is no room.
    """
    path = folder / name
    with _explained(folder):
        with path.open("xb") as file:
            for chunk in archive:
                file.write(chunk)
        with ZipFile(path) as unpacked:
            members = [member for member in unpacked.infolist() if not member.is_dir()]
            for member in members:
                if not _is_plain(member.filename):
                    raise StrangeArchiveError(member.filename)
            pictures = [folder / member.filename for member in members]
            for member, picture in zip(members, pictures, strict=True):
                with unpacked.open(member) as content, picture.open("xb") as file:
                    shutil.copyfileobj(content, file)
    return pictures


def _is_plain(name: str) -> bool:
    return (
        name == PurePosixPath(name).name and "\\" not in name and not name.startswith(".") and ":" not in name
    )


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnwritableFolderError(folder, error.strerror or type(error).__name__) from error
