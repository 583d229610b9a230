"""Restored photos get a new folder; no existing file is touched."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from sandbox.demo.save_results import (
    StrangeArchiveError,
    UnwritableFolderError,
    folder_for,
    require_writable,
    save,
)

ORDER = "20261122-000001"


def archive(*names: str) -> list[bytes]:
    whole = BytesIO()
    with ZipFile(whole, "w") as zipped:
        for name in names:
            zipped.writestr(name, f"the pixels of {name}")
    return [whole.getvalue()[:20], whole.getvalue()[20:]]


def kept(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_archive_and_its_pictures_are_saved_beside_one_another(tmp_path: Path) -> None:
    folder = folder_for(ORDER, tmp_path / "restored")
    pictures = save(archive("aunt.png", "uncle.png"), "photos.zip", folder)
    assert pictures == [folder / "aunt.png", folder / "uncle.png"]
    assert (folder / "aunt.png").read_text() == "the pixels of aunt.png"
    assert kept(folder) == {"photos.zip", "aunt.png", "uncle.png"}


def test_what_an_earlier_run_saved_is_left_alone(tmp_path: Path) -> None:
    folders = []
    for name in ("aunt.png", "uncle.png", "niece.png"):
        folders.append(folder_for(ORDER, tmp_path))
        save(archive(name), "photos.zip", folders[-1])
    assert folders == [tmp_path / ORDER, tmp_path / f"{ORDER}-2", tmp_path / f"{ORDER}-3"]
    assert [kept(folder) - {"photos.zip"} for folder in folders] == [
        {"aunt.png"},
        {"uncle.png"},
        {"niece.png"},
    ]


def test_whatever_else_goes_by_the_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ORDER).write_text("somebody's own")
    assert folder_for(ORDER, tmp_path) == tmp_path / f"{ORDER}-2"
    assert (tmp_path / ORDER).read_text() == "somebody's own"


def test_trying_whether_photos_can_be_saved_leaves_no_trace(tmp_path: Path) -> None:
    require_writable(tmp_path / "restored")
    assert kept(tmp_path) == set()


@pytest.mark.parametrize("try_it", [require_writable, lambda under: folder_for(ORDER, under)])
def test_a_place_where_no_folder_can_be_made_is_named(
    tmp_path: Path, try_it: Callable[[Path], object]
) -> None:
    (tmp_path / "restored").write_text("a shopping list")
    with pytest.raises(UnwritableFolderError, match=r"restored \(.+\): make room there"):
        try_it(tmp_path / "restored")


@pytest.mark.parametrize(
    "name",
    ["../aunt.png", "/etc/aunt.png", "folder/aunt.png", "..\\aunt.png", ".profile", "C:aunt.png", ".."],
)
def test_an_archive_that_reaches_out_of_its_folder_is_not_unpacked(tmp_path: Path, name: str) -> None:
    folder = folder_for(ORDER, tmp_path / "restored")
    with pytest.raises(StrangeArchiveError, match="no plain file name"):
        save(archive("uncle.png", name), "photos.zip", folder)
    assert kept(folder) == {"photos.zip"}
