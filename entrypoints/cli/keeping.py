"""Where the restored photos go: a folder for each order, in which only our own files of an earlier run are replaced."""

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from entrypoints.failures import CommandFailedError

#: Names what a run saved in a folder, so that the next one knows which files are ours.
MARK = ".restoreclick"

#: So many folders of one order, none of them ours, are nobody's accident.
_FOLDERS = 1000


class StrangeArchiveError(CommandFailedError):
    """An archive names a file that does not belong into one plain folder."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"The archive holds {name!r}, which is no plain file name: nothing of it was unpacked."
        )


def folder_for(order_number: str, under: Path) -> Path:
    """An empty folder, or one that held the same order before; others' files of an equal name keep theirs."""
    for count in range(1, _FOLDERS):
        folder = under / (order_number if count == 1 else f"{order_number}-{count}")
        if not folder.exists():
            folder.mkdir(parents=True)
        if _is_ours(folder):
            _clear(folder)
            (folder / MARK).touch()
            return folder
    raise CommandFailedError(f"{under} is full of folders for {order_number}: remove some.")


def save(archive: Iterable[bytes], name: str, folder: Path) -> list[Path]:
    """Save an archive and each picture in it, and tell where those are; raises StrangeArchiveError."""
    path = _ours(folder, name)
    with path.open("wb") as file:
        for chunk in archive:
            file.write(chunk)
    with ZipFile(path) as unpacked:
        members = [member for member in unpacked.infolist() if not member.is_dir()]
        for member in members:
            if not _is_plain(member.filename):
                raise StrangeArchiveError(member.filename)
        pictures = []
        for member in members:
            picture = _ours(folder, member.filename)
            with unpacked.open(member) as content, picture.open("xb") as file:
                shutil.copyfileobj(content, file)
            pictures.append(picture)
    return pictures


def _is_plain(name: str) -> bool:
    return (
        name == PurePosixPath(name).name and "\\" not in name and not name.startswith(".") and ":" not in name
    )


def _ours(folder: Path, name: str) -> Path:
    """A file that is about to be written here, noted as ours."""
    with (folder / MARK).open("a", encoding="utf-8") as mark:
        mark.write(f"{name}\n")
    return folder / name


def _is_ours(folder: Path) -> bool:
    """Whether nothing but an earlier run has written here."""
    if not folder.is_dir():
        return False
    mark = folder / MARK
    names = {*mark.read_text(encoding="utf-8").splitlines(), MARK} if mark.is_file() else set()
    return all(path.name in names for path in folder.iterdir())


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
