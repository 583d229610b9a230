"""Putting a restored database right on the command line."""

import json

import pytest

from entrypoints.cli.commands.restored_database import recover
from tests.domain.use_cases.recovery.test_restored_database import Backup, lose
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
