"""A customer gets all data the shop holds about them, only theirs."""

import io
import json
import tracemalloc
import zipfile
from typing import Any

import pytest

from adapters.archive_zip import ZipArchiver
from adapters.localization.export_text import EnglishExportText
from domain.order.values import Money, OrderId
from domain.ports.errors import ObjectMissingError
from domain.use_cases.privacy.data_export import DataExport, ExportArchive
from domain.use_cases.privacy.unknown_customer import UnknownCustomerError
from tests.contracts.unreadable_events import DAMAGES, Damage, spoil_in_memory
from tests.doubles.container import InMemoryShop

ADA = "ada@customer.example"


def finished(shop: InMemoryShop, *photos: bytes, **facts: Any) -> OrderId:
    order_id = shop.pay(shop.upload(*photos), **facts)
    shop.live(order_id, hours=0.2)
    return order_id


def export(shop: InMemoryShop) -> ExportArchive:
    return DataExport(
        unit_of_work=shop.unit_of_work, storage=shop.storage, archiver=ZipArchiver(), text=EnglishExportText()
    ).export(ADA)


def unpacked(export_archive: ExportArchive) -> dict[str, bytes]:
    content = b"".join(export_archive.content)
    assert len(content) == export_archive.size_bytes
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_export_holds_rows_events_stories_and_photos_of_every_order(shop: InMemoryShop) -> None:
    finished(shop, b"wedding", b"honeymoon")
    finished(shop, b"harvest")
    export_archive = export(shop)
    files = unpacked(export_archive)
    assert (export_archive.orders, export_archive.photos) == (2, 8)
    assert set(files) >= {
        "README.txt",
        "person.json",
        "20260314-000001/originals/1-great-aunt-1.png",
        "20260314-000001/originals/2-great-aunt-2.png",
        "20260314-000001/results/2-great-aunt-2-attempt-1.png",
        "20260314-000002/originals/1-great-aunt-1.png",
        "20260314-000002/story.txt",
    }
    assert files["20260314-000001/originals/2-great-aunt-2.png"] == b"honeymoon"
    assert files["20260314-000002/results/1-great-aunt-1-attempt-1.png"] == b"restored harvest"
    assert sum(name.startswith("20260314-000001/archives/") for name in files) == 1
    person = json.loads(files["person.json"])
    assert person["customers"][0]["email"] == ADA
    assert len(person["file_uploads"]) == 3
    events = json.loads(files["20260314-000001/history.json"])
    assert [event["type"] for event in events] == [
        type(event).__name__ for event in shop.events(OrderId(min(shop.own_unit_of_work.pages.orders)))
    ]
    assert events[0]["actor"] == "stripe"
    assert b"\n\nThe order is complete" in files["20260314-000001/story.txt"]


def test_photos_that_wait_on_hold_where_they_were_uploaded_are_exported_too(shop: InMemoryShop) -> None:
    finished(shop, b"wedding", paid=Money(amount=1, currency="EUR"))
    export_archive = export(shop)
    assert export_archive.photos == 1
    assert unpacked(export_archive)["20260314-000001/originals/1-great-aunt-1.png"] == b"wedding"


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_an_order_that_cannot_be_read_is_exported_without_its_history(
    shop: InMemoryShop, damage: Damage
) -> None:
    spoiled = finished(shop, b"wedding")
    finished(shop, b"harvest")
    waiting = finished(shop, b"christening", paid=Money(amount=1, currency="EUR"))
    for order_id in (spoiled, waiting):
        spoil_in_memory(shop.own_unit_of_work, order_id, damage)
    export_archive = export(shop)
    files = unpacked(export_archive)
    assert export_archive.orders == 3
    assert set(export_archive.incomplete) == {spoiled, waiting}
    assert all(each.startswith("its log holds ") for each in export_archive.incomplete.values())
    assert b"cannot be read at present" in files[f"{spoiled}/incomplete.txt"]
    of_spoiled = {name: content for name, content in files.items() if name.startswith(f"{spoiled}/")}
    assert sorted(each.split("/")[1] for each in of_spoiled) == [
        *("archives", "incomplete.txt", "originals", "results", "uploads"),
    ]
    assert {b"wedding", b"restored wedding"} <= set(of_spoiled.values())
    assert b"christening" in files.values()
    assert "20260314-000002/story.txt" in files


def test_an_export_holds_nothing_of_other_customers(shop: InMemoryShop) -> None:
    finished(shop, b"wedding")
    finished(shop, b"a secret", email="bruno@customer.example", name="Bruno")
    whole = b"".join(unpacked(export(shop)).values())
    assert b"wedding" in whole
    assert b"a secret" not in whole
    assert b"bruno" not in whole


def test_photos_are_read_when_their_turn_comes(shop: InMemoryShop) -> None:
    finished(shop, b"wedding")
    content = export(shop).content
    shop.storage.objects.clear()
    with pytest.raises(ObjectMissingError):
        b"".join(content)


def test_photos_whose_retention_is_over_are_missing_from_an_export_of_all_the_rest(
    shop: InMemoryShop,
) -> None:
    finished(shop, b"wedding")
    shop.clock.advance(days=91)
    shop.photo_retention.purge()
    shop.work()
    export_archive = export(shop)
    assert (export_archive.orders, export_archive.photos) == (1, 0)
    assert "20260314-000001/history.json" in unpacked(export_archive)


def test_an_unknown_customer_is_not_exported(shop: InMemoryShop) -> None:
    with pytest.raises(UnknownCustomerError):
        export(shop)


def test_an_archive_passes_through_little_memory(shop: InMemoryShop) -> None:
    finished(shop, b"wedding" * 1_000_000)
    export_archive = export(shop)
    assert export_archive.size_bytes > 20_000_000
    tracemalloc.start()
    try:
        assert sum(len(chunk) for chunk in export_archive.content) == export_archive.size_bytes
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
