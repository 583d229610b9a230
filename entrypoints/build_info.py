"""The version of this program, as --version, health and metrics state it."""

import os
from functools import cache
from importlib import metadata

PACKAGE = "restoreclick"


@cache
def version() -> str:
    """The installed package's version, such as 0.2.0."""
    return metadata.version(PACKAGE)


def name_database_sessions(process: str) -> None:
    """Name this process and its version in PostgreSQL's list of sessions.

    The check before an upgrade finds processes of other versions by it. An operator's PGAPPNAME stays.
    """
    os.environ.setdefault("PGAPPNAME", f"{PACKAGE} {version()} {process}")
