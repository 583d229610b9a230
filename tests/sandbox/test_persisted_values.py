"""Values kept in a data folder, and errors of the folder."""

from pathlib import Path

import pytest

from sandbox.persisted_values import (
    UnreadableFileError,
    UnwritableFolderError,
    load_or_create,
    private_folder,
    save,
)


def test_a_saved_value_is_loaded_again_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "shop" / "port.json"
    assert load_or_create(file, lambda: 8001) == 8001
    assert load_or_create(file, lambda: 8002) == 8001
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["port.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "port.json"
    file.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"port.json is damaged: delete it and start again\."):
        load_or_create(file, int)


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("milk")
    for attempt in (
        lambda: private_folder(tmp_path / "list"),
        lambda: save(tmp_path / "list" / "port.json", 1),
    ):
        with pytest.raises(UnwritableFolderError, match="choose another folder"):
            attempt()
