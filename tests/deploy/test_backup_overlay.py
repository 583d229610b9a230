"""The overlay of Compose for backups, and the page on backups."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_archives_the_log_as_the_overlay_does() -> None:
    overlay = (ROOT / "deploy/compose/backup.yaml").read_text()
    (command,) = [
        line.partition("archive_command=")[2]
        for line in overlay.splitlines()
        if line.strip().startswith("- archive_command=")
    ]
    page = (ROOT / "docs/backup.md").read_text()
    assert f"archive_command = '{command}'" in page
    assert "deploy/compose/backup.yaml" in page
    assert "compose.override.yaml" not in page


def test_an_archived_file_is_on_the_disk_before_postgresql_deletes_its_own() -> None:
    overlay = (ROOT / "deploy/compose/backup.yaml").read_text()
    assert "%f.part && sync /archive/%f.part && mv" in overlay
    assert "/archive/%f && sync /archive\n" in overlay
