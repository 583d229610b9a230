"""Storage and log agree: named objects exist, and existing ones are named."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.order.events import ImagesMoved
from domain.order.states import State
from domain.order.values import ObjectKey, OrderId, UploadSessionId
from domain.ports.object_storage import ObjectOwner
from domain.use_cases.reconciliation.findings import Side
from tests.domain.support.event_builders import PHONE
from tests.domain.support.reconciliation_runs import compare, found, only
from tests.doubles.container import InMemoryShop


@pytest.fixture
def order_id(shop: InMemoryShop) -> OrderId:
    """A completed order."""
    order_id = shop.pay(shop.upload(b"wedding"))
    assert shop.live(order_id).state is State.COMPLETED
    return order_id


def key(shop: InMemoryShop, prefix: str) -> ObjectKey:
    return next(key for key in shop.storage.objects if key.startswith(prefix))


def put(shop: InMemoryShop, name: str) -> ObjectKey:
    stray = ObjectKey(name)
    shop.storage.put(stray, io.BytesIO(b"whose?"), size_bytes=6, media_type="image/png")
    return stray


@pytest.mark.parametrize("prefix", ["uploads/originals/", "uploads/restored/", "downloads/"])
@pytest.mark.parametrize("reads_bytes", [True, False])
def test_a_deleted_object_is_reported(
    shop: InMemoryShop, order_id: OrderId, prefix: str, *, reads_bytes: bool
) -> None:
    missing = key(shop, prefix)
    del shop.storage.objects[missing]
    finding = only(compare(shop, repairs=True, reads_bytes=reads_bytes))
    assert (finding.what, finding.subject, finding.order_id) == ("object_missing", missing, order_id)


def test_an_object_with_changed_bytes_is_reported(shop: InMemoryShop, order_id: OrderId) -> None:
    original = key(shop, "uploads/originals/")
    shop.storage.objects[original] = b"WEDDING"
    finding = only(compare(shop))
    assert (finding.what, finding.order_id) == ("object_differs", order_id)
    assert compare(shop, reads_bytes=False).agrees


@pytest.mark.usefixtures("order_id")
def test_a_truncated_object_is_reported_without_reading_it(shop: InMemoryShop) -> None:
    shop.storage.objects[key(shop, "downloads/")] = b""
    assert found(compare(shop, reads_bytes=False)) == ["object_differs"]


@pytest.mark.parametrize("prefix", ["uploads/originals/", "uploads/restored/", "downloads/"])
def test_an_orphan_object_is_reported_and_never_deleted(
    shop: InMemoryShop, order_id: OrderId, prefix: str
) -> None:
    stray = put(shop, f"{prefix}{order_id}/unnamed")
    assert compare(shop).agrees, "it may be on its way into the log"
    shop.clock.advance(hours=2)
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.subject, finding.is_repaired) == ("stray_object", stray, False)
    assert stray in shop.storage.objects


def test_what_was_named_or_stored_before_the_period_is_left_for_a_longer_one(
    shop: InMemoryShop, order_id: OrderId
) -> None:
    stray = put(shop, f"downloads/{order_id}/unnamed")
    shop.clock.advance(days=29)
    link = shop.order(order_id).newest_link
    assert link is not None
    delivery = shop.downloads.find(shop.token_signer.download_token(link.link_id))
    shop.downloads.record_download(delivery, PHONE, shop.ids.new())
    shop.clock.advance(days=2)
    original = key(shop, "uploads/originals/")
    del shop.storage.objects[original]
    assert compare(shop).agrees
    longer = shop.reconciliation.compare(shop.clock.now() - timedelta(days=60), repairs=False)
    assert {finding.subject for finding in longer.findings} == {original, stray}


def test_an_object_that_is_purged_while_it_is_read_is_not_missed(
    shop: InMemoryShop, order_id: OrderId, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.clock.advance(days=91)
    read = shop.storage.read

    def purge_and_read(wanted: ObjectKey) -> AbstractContextManager[Iterator[bytes]]:
        shop.photo_retention.purge()
        shop.work()
        return read(wanted)

    monkeypatch.setattr(shop.storage, "read", purge_and_read)
    report = shop.reconciliation.compare(shop.clock.now() - timedelta(days=120), repairs=False)
    assert shop.order(order_id).photos_are_purged
    assert [each for each in report.findings if each.side is Side.STORAGE] == []


def test_an_object_of_an_order_that_nothing_happened_to_lately_is_no_stray(
    shop: InMemoryShop, order_id: OrderId
) -> None:
    shop.clock.advance(days=40)
    for name in shop.storage.objects:
        if str(order_id) in name:
            shop.storage.stored_at[name] = shop.clock.now() - timedelta(days=1)
    assert compare(shop).agrees


def tidied(shop: InMemoryShop) -> UploadSessionId:
    """A session that was abandoned and cleaned up."""
    session_id = shop.upload(b"forgotten")
    shop.clock.advance(days=8)
    shop.upload_cleanup.tidy()
    return session_id


@pytest.mark.parametrize("owner", [ObjectOwner.OURS, ObjectOwner.UNMARKED])
def test_uploads_that_the_database_cannot_place_are_reported_and_kept(
    shop: InMemoryShop, owner: ObjectOwner
) -> None:
    lost = put(shop, f"uploads/temp/{uuid4()}/{uuid4()}")
    shop.storage.described[lost] = replace(shop.storage.described[lost], owner=owner)
    shop.clock.advance(hours=2)
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.subject, finding.since) == (
        "unknown_upload",
        lost,
        shop.storage.stored_at[lost],
    )
    assert not finding.is_repaired
    assert lost in shop.storage.objects


def test_another_shops_objects_in_the_bucket_are_listed_and_kept(shop: InMemoryShop) -> None:
    order, session = uuid4(), uuid4()
    theirs = [
        put(shop, f"uploads/originals/{order}/{uuid4()}"),
        put(shop, f"uploads/temp/{session}/1"),
        put(shop, f"uploads/temp/{session}/2"),
    ]
    for each in theirs:
        description = shop.storage.described[each]
        shop.storage.described[each] = replace(description, owner=ObjectOwner.FOREIGN)
    shop.clock.advance(hours=2)
    report = compare(shop, repairs=True)
    assert report.agrees
    assert [(each.kind, each.subject) for each in report.foreign] == [("object", each) for each in theirs]
    assert set(theirs) <= set(shop.storage.objects)
    asked = [call.subject for call in shop.storage.fault_injector.calls if call.method == "describe"]
    assert len(asked) == 2, "one object of each order or session tells whose the others are"


def test_an_orphan_upload_is_deleted_on_request(shop: InMemoryShop) -> None:
    stray = put(shop, f"uploads/temp/{tidied(shop)}/{uuid4()}")
    kept = shop.upload(b"wavering")
    assert compare(shop, repairs=True).agrees
    shop.clock.advance(hours=2)
    assert not only(compare(shop)).is_repaired
    assert only(compare(shop, repairs=True)).is_repaired
    assert [str(kept) in name for name in shop.storage.objects] == [True]
    assert stray not in shop.storage.objects


def test_an_upload_whose_session_was_tidied_is_stray(shop: InMemoryShop, order_id: OrderId) -> None:
    del order_id
    left = key(shop, "uploads/temp/")
    shop.clock.advance(days=8)
    shop.upload_cleanup.tidy()
    put(shop, left)
    shop.clock.advance(hours=2)
    assert only(compare(shop)).subject == left


def test_photos_that_are_about_to_go_are_no_strays(shop: InMemoryShop, order_id: OrderId) -> None:
    shop.clock.advance(days=91)
    for name in shop.storage.stored_at:
        shop.storage.stored_at[name] = shop.clock.now() - timedelta(days=2)
    shop.photo_retention.purge()  # and no worker has come yet
    assert shop.order(order_id).photos_are_purged
    assert compare(shop).agrees


def test_what_was_purged_is_not_missed_and_what_was_left_of_it_is_stray(
    shop: InMemoryShop, order_id: OrderId
) -> None:
    left = key(shop, "uploads/originals/")
    shop.clock.advance(days=91)
    shop.photo_retention.purge()
    shop.work()
    assert shop.order(order_id).photos_are_purged
    assert compare(shop).agrees
    put(shop, left)
    shop.clock.advance(hours=2)
    assert found(compare(shop)) == ["stray_object"]


def test_a_stream_with_a_gap_makes_no_object_of_its_order_a_stray(
    shop: InMemoryShop, order_id: OrderId
) -> None:
    """The event that named the object may be the missing one."""
    stray = put(shop, f"uploads/restored/{order_id}/stray")
    streams = shop.own_unit_of_work.pages.streams
    streams[order_id] = tuple(each for each in streams[order_id] if not isinstance(each.event, ImagesMoved))
    shop.clock.advance(hours=2)
    report = compare(shop, repairs=True)
    assert (report.cut_off, found(report)) == ({}, ["stream_broken"])
    assert stray in shop.storage.objects


def begun_upload(shop: InMemoryShop) -> ObjectKey:
    """An upload that stopped after its first piece; the piece's key."""
    service, session_id = shop.resumable_uploads, shop.upload_service.open().session_id
    upload = service.create(session_id, file_name="adele.jpg", metadata="", size_bytes=10).upload
    (part_key,) = service.append(upload, io.BytesIO(b"piece"), 5).part_keys
    return part_key


def test_pieces_of_an_upload_are_no_strays(shop: InMemoryShop) -> None:
    begun_upload(shop)
    shop.clock.advance(hours=2)
    assert compare(shop).agrees


def test_a_piece_that_outlived_its_session_is_stray_and_deleted_on_request(shop: InMemoryShop) -> None:
    part_key = begun_upload(shop)
    stored = shop.storage.described[part_key]
    shop.clock.advance(days=8)
    shop.upload_cleanup.tidy()
    assert stored.owner is ObjectOwner.OURS
    put(shop, part_key)  # by a process that had been cut off
    shop.clock.advance(hours=2)
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.subject) == ("stray_upload", part_key)
    assert part_key not in shop.storage.objects
