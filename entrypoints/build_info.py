"""The version of this program, as --version, health and metrics state it."""

from functools import cache
from importlib import metadata

PACKAGE = "restoreclick"


@cache
def version() -> str:
    """The installed package's version, such as 0.2.0."""
    return metadata.version(PACKAGE)
