"""What a role may learn about backups of its server."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from adapters.postgres.archiving_facts import archiving_facts

ROLE = "shop_without_more"


@pytest.fixture
def ordinary_role_url(own_database_url: str) -> Iterator[str]:
    """The database for a role with no privilege, as behind PgBouncer."""
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        role = sql.Identifier(ROLE)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'hush'").format(role))
        try:
            url = make_url(own_database_url).set(username=ROLE, password="hush")
            url = url.update_query_dict({"pgbouncer": "true"})
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_only_a_role_that_may_replicate_can_back_up(own_database_url: str, ordinary_role_url: str) -> None:
    owner = archiving_facts(own_database_url)
    assert (owner.may_replicate, owner.accepts_replication) == (True, True)
    assert owner.sees_files
    ordinary = archiving_facts(ordinary_role_url)
    assert (ordinary.role, ordinary.may_replicate, ordinary.accepts_replication) == (ROLE, False, False)
    assert ordinary == type(ordinary)(
        role=ROLE,
        cluster=owner.cluster,
        may_replicate=False,
        accepts_replication=False,
        archives=False,
        archive_timeout_seconds=owner.archive_timeout_seconds,
        sees_files=False,
        is_failing=False,
    )
