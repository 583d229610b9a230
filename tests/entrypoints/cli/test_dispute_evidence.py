"""The evidence pack on the command line, from real database and storage."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order import events as e
from domain.order.values import OrderId
from domain.use_cases.order_transaction import Cause
from sandbox.services.seaweedfs_server import S3
from tests.adapters.images.test_inspector import encoded, picture
from tests.adapters.postgres.test_tampering import tamper
from tests.adapters.support.provider_accounts import minio_store
from tests.domain.support.event_builders import euros
from tests.doubles.container import InMemoryShop
from tests.entrypoints.support.shell import Shell

#: The number of the first order in the shop of doubles.
NUMBER = "20260314-000001"


@pytest.fixture
def shop(own_database_url: str) -> Iterator[InMemoryShop]:
    """A shop whose database the commands read."""
    with closing(PostgresUnitOfWork(own_database_url, connections=2)) as unit_of_work:
        shop = InMemoryShop(unit_of_work=unit_of_work)
        shop.ids.given = uuid4().int >> 8  # one storage serves many tests
        yield shop


@pytest.fixture
def order_id(shop: InMemoryShop, s3: S3) -> OrderId:
    """A delivered and disputed order, with its photos in the commands' storage."""
    photo = encoded(picture((800, 600)), "JPEG").getvalue()
    session_id = shop.upload(photo)
    order_id = shop.pay(session_id)
    for _ in range(5):
        shop.work()
        shop.end_predictions(photo)
        shop.pass_time(minutes=1)
    opened = e.DisputeOpened(dispute_id="dp_harvest", amount=euros(490), reason="fraudulent")
    shop.command_handler.handle(
        order_id, [opened], Cause(name="a test", key="bank", actor="stripe", correlation_id=UUID(int=7))
    )
    store = minio_store(s3)
    with closing(store):
        for key, content in shop.storage.objects.items():
            store.put(key, io.BytesIO(content), size_bytes=len(content), media_type="image/png")
    return order_id


def test_a_disputed_order_names_its_evidence_pack_which_is_one_private_file(
    restoreclick: Shell, order_id: OrderId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "`restoreclick orders evidence` writes the pack" in restoreclick("orders", "show", NUMBER).out
    monkeypatch.chdir(tmp_path)
    answer = restoreclick("orders", "evidence", str(order_id), "--dispute", "dp_harvest")
    assert (answer.status, answer.err) == (0, "")
    for text in (
        "the customer's name and e-mail address: Ada, ada@customer.example",
        "1 photo before and after, with 2 small pictures and their file names",
        "the SHA-256 of 3 objects, 3 of them verified",
        "none of the shop's notes",
    ):
        assert text in answer.out
    (target,) = tmp_path.iterdir()
    assert target.name == f"evidence-{NUMBER}.zip"
    assert target.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("timeline.json"))["verifies"] is True
        assert archive.read("evidence.html").count(b"data:image/jpeg;base64,/9j/") == 2


def test_a_pack_replaces_a_file_only_on_request(
    restoreclick: Shell, order_id: OrderId, tmp_path: Path
) -> None:
    target = tmp_path / "bank.zip"
    target.write_text("of another day")
    command = ["orders", "evidence", str(order_id), "--to", str(target)]
    refused = restoreclick(*command)
    assert refused.status == 1
    assert refused.err == f"{target} is there already: choose another name, or replace it with --force.\n"
    assert target.read_text() == "of another day"
    assert restoreclick(*command, "--dispute", "dp_other", "--force").status == 1
    assert target.read_text() == "of another day"
    assert restoreclick(*command, "--force", "--with-notes").out.endswith(
        "0 notes of the shop, word for word\n"
    )
    assert zipfile.is_zipfile(target)
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_pack_that_does_not_verify_is_written_with_a_warning_and_a_status_of_one(
    restoreclick: Shell, order_id: OrderId, shop: InMemoryShop, s3: S3, own_database_url: str, tmp_path: Path
) -> None:
    (image,) = shop.order(order_id).images.values()
    assert image.original is not None
    with closing(minio_store(s3)) as store:
        store.delete([image.original.key])
    tamper(
        own_database_url,
        order_id,
        "UPDATE events SET actor = 'person:mallory' WHERE order_id = %s AND version = 2",
    )
    target = tmp_path / "bank.zip"
    answer = restoreclick("orders", "evidence", NUMBER, "--to", str(target))
    assert answer.status == 1
    changed, missing, sentence = answer.err.splitlines()
    assert changed == "WARNING: Event 2 of the order: it does not say what was recorded."
    assert missing.endswith("is missing, though not deleted on record: Photo 1, as it was sent.")
    assert sentence.startswith(f"{target} DOES NOT VERIFY (2 problems above)")
    with zipfile.ZipFile(target) as archive:
        assert b"This pack does not verify." in archive.read("evidence.html")


def test_an_order_or_dispute_that_is_none_leaves_no_file(
    restoreclick: Shell, order_id: OrderId, tmp_path: Path
) -> None:
    target = tmp_path / "bank.zip"
    unknown = restoreclick("orders", "evidence", "20260314-000077", "--to", str(target))
    assert unknown.err.startswith("There is no order 20260314-000077")
    other = restoreclick("orders", "evidence", str(order_id), "--dispute", "dp_77", "--to", str(target))
    assert other.err.startswith("The order has no dispute dp_77 (it has dp_harvest)")
    assert (unknown.status, other.status) == (1, 1)
    assert not list(tmp_path.iterdir())
