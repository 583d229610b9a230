"""The one setting of commands that use only the database.

It needs no pydantic, which takes an eighth of the time of such a command.
"""

import os
from urllib.parse import parse_qsl, urlsplit

from entrypoints.settings_errors import SettingsError, problem

DESCRIPTION = (
    "PostgreSQL 15 or later: postgresql://USER:PASSWORD@HOST/DATABASE; with ?pgbouncer=true for PgBouncer"
)


def read_database_url() -> str:
    """``DATABASE_URL`` from the environment.

    Its name may be in lower case. Raises SettingsError.
    """
    url = named_setting("DATABASE_URL")
    if not url:
        raise SettingsError([problem("database_url", "is missing", DESCRIPTION)])
    try:
        return checked_database_url(url)
    except ValueError as error:
        raise SettingsError([problem("database_url", f"is malformed ({error})", DESCRIPTION)]) from None


def named_setting(name: str) -> str | None:
    """A setting from the environment, whose name may be in lower case."""
    return {each.upper(): value for each, value in os.environ.items()}.get(name)


def checked_database_url(text: str) -> str:
    """Return a URL that libpq accepts; raise ValueError for any other.

    That includes a URL without a host, and one with a socket's folder as ``?host=``. ``?pgbouncer=`` is ours.
    """
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in {"postgresql", "postgres"} and len(parts.path) > 1 and parts.port != 0
        pooler = dict(parse_qsl(parts.query, keep_blank_values=True)).get("pgbouncer", "false")
    except ValueError:  # its port is no number; urlsplit's message might repeat the password
        is_whole = False
    if not is_whole:
        raise ValueError(
            "write postgresql://USER:PASSWORD@HOST/DATABASE, and %40, %2F... for signs in a password"
        )
    if pooler not in {"true", "false"}:
        raise ValueError("pgbouncer must be true or false")
    return text
