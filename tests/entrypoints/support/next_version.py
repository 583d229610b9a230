"""This program with one more migration, as its next version has."""

import shutil
from pathlib import Path

import psycopg
import pytest

from adapters.postgres import schema, schema_upgrade, upgrade_facts

VERSIONS = Path(__file__).parents[3] / "migrations" / "versions"

#: A migration that running processes may go on with.
ADDITION = "ALTER TABLE orders ADD COLUMN colour text"


def add_migration(folder: Path, statement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this program read one more migration, from a new folder."""
    shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_orders_have_a_colour.py").write_text(
        f'''"""Orders have a colour."""

from alembic import op

revision = "9999"
down_revision = "{newest()}"


def upgrade() -> None:
    op.execute("{statement}")
'''
    )
    for module in (schema, schema_upgrade, upgrade_facts):
        monkeypatch.setattr(module, "MIGRATIONS", folder)
    schema.known_revisions.cache_clear()


def newest() -> str:
    """The newest revision that the repository has."""
    return max(file.name[:4] for file in VERSIONS.glob("[0-9]*.py"))


def revision(database_url: str) -> str:
    """The revision of a database's schema."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert row is not None
    return str(row[0])
