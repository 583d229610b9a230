"""Commands import only what they use; servers import everything at the start."""

import os
import subprocess
import sys

import pytest

#: Everything that the shop is made of, and what it uses only when a command runs.
UNUSED_BY_HELP = {
    *("adapters", "domain", "sandbox", "tests"),
    *(
        "alembic",
        "dramatiq",
        "jinja2",
        "litestar",
        "minio",
        "msgspec",
        "psycopg",
        "pydantic",
        "redis",
        "replicate",
    ),
    *("sendgrid", "sqlalchemy", "ssl", "stripe", "transitions", "urllib3", "uvicorn"),
}
UNUSED_BY_THE_LIST = {
    *(
        "adapters.images",
        "adapters.localization",
        "adapters.payments_stripe",
        "adapters.postgres.event_store",
    ),
    *("domain.order.events", "domain.use_cases.queries", "sandbox", "tests"),
    *(
        "PIL",
        "alembic",
        "babel",
        "cryptography",
        "dramatiq",
        "jinja2",
        "litestar",
        "minio",
        "pydantic",
        "redis",
    ),
    *("replicate", "sendgrid", "stripe", "structlog", "transitions", "urllib3", "uvicorn"),
}
_PROGRAM = """
import sys
from entrypoints.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""
_TRANSACTION = """
import os, sys
import entrypoints.bootstrap.adapters
from adapters.postgres.transaction import PostgresTransaction
from adapters.postgres.unit_of_work import PostgresUnitOfWork
before = set(sys.modules)
with PostgresUnitOfWork(os.environ["DATABASE_URL"], connections=1).transaction() as transaction:
    repositories = [getattr(transaction, name) for name in vars(PostgresTransaction) if not name.startswith("_")]
print(len(repositories))
print(*(name for name in set(sys.modules) - before if name.startswith(("adapters.", "domain."))))
"""


def run(program: str, *arguments: str, database_url: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- the programs are above
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "DATABASE_URL": database_url},
    )


@pytest.mark.parametrize(
    "arguments", [("--help",), ("orders", "list", "--help"), ("--version",)], ids=" ".join
)
def test_help_imports_nothing_of_the_shop(arguments: tuple[str, ...]) -> None:
    imported = set(run(_PROGRAM, *arguments).stderr.split())
    assert "click" in imported
    assert imported & UNUSED_BY_HELP == set()


def test_the_list_of_orders_imports_neither_events_nor_texts_nor_providers(database_url: str) -> None:
    listed = run(_PROGRAM, "orders", "list", database_url=database_url)
    imported = set(listed.stderr.split())
    assert "adapters.postgres.order_queries" in imported
    assert imported & UNUSED_BY_THE_LIST == set()


def test_a_server_has_imported_every_repository_before_its_first_transaction(database_url: str) -> None:
    opened = run(_TRANSACTION, database_url=database_url).stdout.splitlines()
    assert int(opened[0]) == 19
    assert opened[1:] == [""]
