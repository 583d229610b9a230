"""Putting a restored database right on the command line."""

import json

import pytest

from domain.order.values import OrderId
from entrypoints.cli.commands.restored_database import recover
from tests.domain.use_cases.recovery.test_restored_database import (
    BY,
    Backup,
    forget_link_ids,
    lose,
    number_of,
)
from tests.doubles.container import InMemoryShop


@pytest.fixture
def shop() -> InMemoryShop:
    return InMemoryShop()


def test_the_command_says_what_was_done(shop: InMemoryShop, capsys: pytest.CaptureFixture[str]) -> None:
    order_id = lose(shop, b"wedding")
    assert recover(shop.restored_database, as_json=False)
    output = capsys.readouterr().out
    for text in (
        "The database lacked what the log's head of ",
        "Order numbers of 2026-03-14 go on after 000003.",
        f"1 order rebuilt from payments and stored photos.\n  order {order_id}\n",
        "The shop takes payments again",
    ):
        assert text in output
    assert recover(shop.restored_database, as_json=False)
    assert "there is nothing to do" in capsys.readouterr().out


def test_what_remains_for_a_person_is_named_and_ends_with_1(
    shop: InMemoryShop, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = Backup(shop)
    shop.pay(shop.upload(b"wedding"))
    shop.log_heads.write()
    shop.storage.delete([key for key in list(shop.storage.objects) if key.startswith("uploads/")])
    backup.restore(shop)
    assert not recover(shop.restored_database, as_json=False)
    output = capsys.readouterr().out
    assert "1 payment held for you: match or refund each by hand.\n  cs_1: 4.90 EUR. " in output


def test_programs_get_one_document(shop: InMemoryShop, capsys: pytest.CaptureFixture[str]) -> None:
    order_id = lose(shop, b"wedding")
    recover(shop.restored_database, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert (document["was_behind"], document["rebuilt"], document["held"]) == (True, [str(order_id)], [])
    assert document["numbers_skipped_to"] == {"2026-03-14": 3}
    recover(shop.restored_database, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"was_behind": False}


def test_a_database_with_the_newest_head_is_examined_on_request(
    shop: InMemoryShop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.pay(shop.upload(b"before the backup"))
    shop.log_heads.write()
    backup = Backup(shop)
    order_id = shop.pay(shop.upload(b"wedding"))
    backup.restore(shop)
    assert recover(shop.restored_database, even_if_current=True, as_json=False)
    output = capsys.readouterr().out
    assert "The database has what the log's head of " in output
    assert f"1 order rebuilt from payments and stored photos.\n  order {order_id}\n" in output


def lose_a_link(shop: InMemoryShop) -> OrderId:
    """Send a new link, withdraw the old one, and lose both facts."""
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    backup = Backup(shop)
    shop.staff_actions.renew_link(order_id, BY, revokes_others=True)
    shop.live(order_id)
    shop.log_heads.write()
    backup.restore(shop)
    return order_id


def test_links_that_may_have_been_withdrawn_are_named(
    shop: InMemoryShop, capsys: pytest.CaptureFixture[str]
) -> None:
    order_id = lose_a_link(shop)
    assert not recover(shop.restored_database, as_json=False)
    output = capsys.readouterr().out
    named = f"Order {order_id} ({number_of(shop, order_id)})"
    assert f"{named}: a link that was mailed since opens again." in output
    assert f"{named}: its earlier links open, too." in output
    assert "`restoreclick orders link --only-revoke`" in output
    assert "holds, releases, withdrawn links and new addresses since " in output


def test_emails_that_may_have_brought_a_link_are_named(
    shop: InMemoryShop, capsys: pytest.CaptureFixture[str]
) -> None:
    order_id = lose_a_link(shop)
    forget_link_ids(shop)
    assert not recover(shop.restored_database, as_json=False)
    output = capsys.readouterr().out
    assert "message-3, that the log lacks, to the customer of order " in output
    assert str(order_id) in output


def test_a_closed_email_activity_is_named_as_the_reason_of_dead_links(
    shop: InMemoryShop, capsys: pytest.CaptureFixture[str]
) -> None:
    lose_a_link(shop)
    shop.email_listing.is_closed = True
    assert not recover(shop.restored_database, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["links_problem"] == "The mail double cannot be compared, because it is closed on request."
    assert (document["relinked"], document["reopened"], document["unknown_emails"]) == ([], [], [])
