"""The restored photos are kept in folders of their own; nobody else's file is ever touched."""

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from entrypoints.cli.keeping import StrangeArchiveError, folder_for, save

ORDER = "20261122-000001"


def archive(*names: str) -> list[bytes]:
    whole = BytesIO()
    with ZipFile(whole, "w") as zipped:
        for name in names:
            zipped.writestr(name, f"the pixels of {name}")
    return [whole.getvalue()[:20], whole.getvalue()[20:]]


def kept(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def test_the_archive_and_its_pictures_are_saved_beside_one_another(tmp_path: Path) -> None:
    folder = folder_for(ORDER, tmp_path / "restored")
    pictures = save(archive("aunt.png", "uncle.png"), "photos.zip", folder)
    assert pictures == [folder / "aunt.png", folder / "uncle.png"]
    assert (folder / "aunt.png").read_text() == "the pixels of aunt.png"
    assert kept(folder) == {"photos.zip", "aunt.png", "uncle.png"}


def test_a_second_run_replaces_what_the_first_one_saved(tmp_path: Path) -> None:
    save(archive("aunt.png"), "photos.zip", folder_for(ORDER, tmp_path))
    again = folder_for(ORDER, tmp_path)
    save(archive("uncle.png"), "photos.zip", again)
    assert again == tmp_path / ORDER
    assert kept(again) == {"photos.zip", "uncle.png"}


def test_a_folder_with_somebodys_own_file_is_left_alone(tmp_path: Path) -> None:
    first = folder_for(ORDER, tmp_path)
    save(archive("aunt.png"), "photos.zip", first)
    (first / "letter.txt").write_text("Dear great-aunt")
    second = folder_for(ORDER, tmp_path)
    assert second == tmp_path / f"{ORDER}-2"
    assert kept(first) == {"photos.zip", "aunt.png", "letter.txt"}


def test_a_folder_of_the_same_name_that_we_never_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ORDER).mkdir()
    (tmp_path / ORDER / "aunt.png").write_text("somebody's own")
    assert folder_for(ORDER, tmp_path) == tmp_path / f"{ORDER}-2"


@pytest.mark.parametrize(
    "name",
    ["../aunt.png", "/etc/aunt.png", "folder/aunt.png", "..\\aunt.png", ".profile", "C:aunt.png", ".."],
)
def test_an_archive_that_reaches_out_of_its_folder_is_not_unpacked(tmp_path: Path, name: str) -> None:
    folder = folder_for(ORDER, tmp_path / "restored")
    with pytest.raises(StrangeArchiveError, match="no plain file name"):
        save(archive("uncle.png", name), "photos.zip", folder)
    assert kept(folder) == {"photos.zip"}
