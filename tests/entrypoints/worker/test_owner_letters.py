"""A worker's letters to the owner arrive at SendGrid, once each."""

import re
from datetime import timedelta

import psycopg
import pytest

from entrypoints.bootstrap.adapters import open_container
from entrypoints.settings import read_settings
from tests.sandbox.processes import TwinProcess

OWNER = "owner@shop.example"

pytestmark = pytest.mark.usefixtures("restoreclick")  # its environment


@pytest.fixture
def stalled_database(own_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with work that no worker does."""
    monkeypatch.setenv("OWNER_EMAIL", OWNER)
    monkeypatch.setenv("OWNER_LANGUAGE", "de-DE")
    with psycopg.connect(own_database_url) as connection:
        connection.execute(
            """INSERT INTO reactions (reaction_id, order_id, kind, arguments, status, first_due_at, due_at)
            VALUES (gen_random_uuid(), gen_random_uuid(), 'SendEmail', '{}', 'pending', now() - interval '2 hours',
                now() - interval '2 hours')"""
        )
    return own_database_url


def test_letters_of_two_workers_arrive_once_each(stalled_database: str, sendgrid: TwinProcess) -> None:
    settings = read_settings()
    with open_container(settings) as one, open_container(settings) as other:
        with one.ports.unit_of_work.transaction() as transaction:
            due = one.ports.clock.now() - timedelta(hours=7)  # the letter's hour, in UTC
            yesterday = (due - timedelta(days=1)).date().isoformat()
            transaction.owner_letters.claim(f"morning:{yesterday}", one.ports.clock.now())
        assert one.owner_letters.send_due() == 2
        assert other.owner_letters.send_due() == 0
        assert one.owner_letters.send_due() == 0
    mails = sendgrid.control("GET", f"mailbox?to={OWNER}")
    assert isinstance(mails, list)
    subjects = sorted(mail["subject"] for mail in mails)
    assert subjects[0] == (
        "Ihr Laden braucht Sie: Arbeit ist schon länger fällig, und kein Worker erledigt sie (2 Stunden)"
    )
    assert subjects[1].startswith("Ihr Laden, ")
    with psycopg.connect(stalled_database) as connection:
        rows = connection.execute(
            "SELECT subject, status FROM owner_letters WHERE status <> 'claimed' ORDER BY subject"
        ).fetchall()
    assert [status for _, status in rows] == ["sent", "sent"]
    assert rows[0][0] == "condition:work_stalled"
    assert re.fullmatch(r"morning:\d{4}-\d\d-\d\d", rows[1][0])
