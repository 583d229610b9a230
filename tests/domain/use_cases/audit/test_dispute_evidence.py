"""The evidence pack for a bank: content, verification results and omissions."""

import io
import json
import tracemalloc
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest

from adapters.archive_zip import ZipArchiver
from adapters.evidence_pages import TemplateEvidenceWriter
from adapters.localization.evidence_text import caption, evidence_text_of
from domain.order import events as e
from domain.order.values import DisputeOutcome, NoteId, OrderId, RefundId, RefundReason
from domain.ports.dispute_evidence import ObjectState
from domain.ports.event_store import LogCursor
from domain.ports.images import Thumbnailer
from domain.ports.notes import Note
from domain.use_cases.audit.dispute_evidence import (
    DisputeEvidence,
    EvidencePack,
    NothingToProveError,
    UnknownDisputeError,
)
from domain.use_cases.order_transaction import Cause
from tests.domain.support.event_builders import PHONE, euros
from tests.doubles.container import InMemoryShop
from tests.doubles.images import PlainInspector

HOSTILE = "<img src=x onerror=alert(1)>\"'&.jpg"


class Reader(HTMLParser):
    """Parses a page like a browser: its elements, loaded resources and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loaded: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(page)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def finished(shop: InMemoryShop, *photos: bytes, **facts: Any) -> OrderId:
    order_id = shop.pay(shop.upload(*photos), **facts)
    shop.live(order_id, hours=0.2)
    return order_id


def say(shop: InMemoryShop, order_id: OrderId, event: e.Event, actor: str = "stripe") -> None:
    key = f"said {shop.ids.new()}"
    shop.command_handler.handle(
        order_id, [event], Cause(name="a test", key=key, actor=actor, correlation_id=UUID(int=7))
    )


def disputed(shop: InMemoryShop, order_id: OrderId, dispute_id: str = "dp_harvest") -> None:
    say(
        shop,
        order_id,
        e.DisputeOpened(dispute_id=dispute_id, amount=euros(490), reason="product_not_received"),
    )


def dispute_evidence(shop: InMemoryShop, thumbnailer: Thumbnailer | None = None) -> DisputeEvidence:
    writer = TemplateEvidenceWriter(shop_name="Restored & Co")
    return shop.with_ports(
        archiver=ZipArchiver(), evidence_writer=writer, thumbnailer=thumbnailer or shop.ports.thumbnailer
    ).dispute_evidence


def unpacked(pack: EvidencePack) -> dict[str, str]:
    content = b"".join(pack.content)
    assert len(content) == pack.size_bytes
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def rewrite(shop: InMemoryShop, order_id: OrderId, version: int, **changes: Any) -> None:
    """Change an event and leave its hash, as a superuser could."""
    pages = shop.own_unit_of_work.pages
    forged = [
        replace(line, **changes) if line.version == version else line for line in pages.streams[order_id]
    ]
    keep(shop, order_id, forged)


def keep(shop: InMemoryShop, order_id: OrderId, stream: list[e.RecordedEvent]) -> None:
    pages = shop.own_unit_of_work.pages
    pages.streams[order_id] = tuple(stream)
    pages.log = {LogCursor(number, number): line for number, line in enumerate(stream, start=1)}


def test_a_pack_shows_who_bought_what_was_delivered_and_fetched_and_what_was_disputed(
    shop: InMemoryShop,
) -> None:
    order_id = finished(shop, b"wedding", b"honeymoon")
    link = shop.order(order_id).newest_link
    assert link is not None
    shop.clock.advance(days=1)
    say(shop, order_id, e.ResultDownloaded(link_id=link.link_id, image_id=None, client=PHONE), "customer")
    disputed(shop, order_id)
    pack = dispute_evidence(shop).pack(order_id)
    files = unpacked(pack)
    assert list(files) == ["evidence.html", "timeline.txt", "timeline.json", "hashes.txt", "chain.txt"]
    page = Reader(files["evidence.html"]).text
    for text in (
        "Restored & Co",
        "Evidence for order 20260314-000001",
        "Every record verifies.",
        "read anew",
        "Ada, ada@customer.example",
        "The e-mail with the download link went out to the customer",
        "The customer pressed the button behind the link and fetched the whole archive (Firefox on a phone, ",
        "dp_harvest, 4.90 EUR, not decided yet",
        "(product not received)",
        "great-aunt-2.jpg",
        "Paid 9.80 EUR; paid back by the shop 0.00 EUR; disputed and not decided 4.90 EUR.",
        str(pack.evidence.head),
    ):
        assert text in page
    message = shop.order(order_id).emails
    assert all(mail.message_id and mail.message_id in page for mail in message.values())
    for text in (page, files["hashes.txt"], files["chain.txt"]):
        assert f"{shop.clock.now():%Y-%m-%d %H:%M:%S}" in text
    assert evidence_text_of(pack.evidence).problems == ()
    timeline = json.loads(files["timeline.json"])
    assert timeline["verifies"] is True
    assert [event["type"] for event in timeline["events"]] == [
        type(event).__name__ for event in shop.events(order_id)
    ]
    assert all(event["sha256"] == event["reckoned_sha256"] for event in timeline["events"])
    assert "The customer pressed the button behind the link" in files["timeline.txt"]
    assert files["chain.txt"].count("  recorded     ") == len(timeline["events"])


def test_every_object_is_read_and_each_photo_shown_before_and_after(shop: InMemoryShop) -> None:
    order_id = finished(shop, b"wedding", b"honeymoon")
    seen: list[tuple[int, int]] = []
    pack = dispute_evidence(shop).pack(order_id, watch=lambda done, of: seen.append((done, of)))
    files = unpacked(pack)
    assert [exhibit.state for exhibit in pack.evidence.exhibits] == [ObjectState.VERIFIED] * 5
    assert seen == [(done, 5) for done in range(1, 6)]
    thumbnails = [(photo.before.thumbnail, photo.after[0].thumbnail) for photo in pack.evidence.photos]
    assert [
        (b"honeymoon" in (before or b""), b"restored honeymoon" in (after or b""))
        for before, after in thumbnails
    ] == [
        (False, False),
        (True, True),
    ]
    assert files["hashes.txt"].count("\nverified ") == 6  # five objects, and the word explained
    for exhibit in pack.evidence.exhibits:
        assert files["hashes.txt"].count(exhibit.stored.sha256) == 2
    assert len(Reader(files["evidence.html"]).loaded) == 4


def test_the_page_runs_nothing_and_loads_nothing_whatever_a_file_or_a_person_is_called(
    shop: InMemoryShop,
) -> None:
    session_id = shop.upload()
    shop.upload_service.add(session_id, HOSTILE, io.BytesIO(b"wedding"), 7)
    order_id = shop.pay(session_id, name="<script>alert(1)</script>")
    shop.live(order_id, hours=0.2)
    page = Reader(unpacked(dispute_evidence(shop).pack(order_id))["evidence.html"])
    assert HOSTILE in page.text
    assert "<script>alert(1)</script>" in page.text
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "form", "base"}
    assert not page.handlers
    assert page.loaded
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.loaded)


def test_a_changed_event_is_reported_and_the_rest_is_still_shown(shop: InMemoryShop) -> None:
    order_id = finished(shop, b"wedding")
    rewrite(shop, order_id, 2, actor="person:mallory")
    pack = dispute_evidence(shop).pack(order_id)
    files = unpacked(pack)
    assert evidence_text_of(pack.evidence).problems == (
        "Event 2 of the order: it does not say what was recorded.",
    )
    page = Reader(files["evidence.html"]).text
    assert "This pack does not verify." in page
    assert "Every record verifies." not in page
    assert page.count("Does not verify.") == 1
    assert [
        event["version"] for event in json.loads(files["timeline.json"])["events"] if not event["is_sound"]
    ] == [2]
    assert "DOES NOT VERIFY: Event 2" in files["chain.txt"]
    assert files["chain.txt"].count("  DIFFERS") == 1


def test_events_behind_a_missing_one_are_not_shown(shop: InMemoryShop) -> None:
    order_id = finished(shop, b"wedding")
    stream = list(shop.own_unit_of_work.pages.streams[order_id])
    keep(shop, order_id, [line for line in stream if line.version != 4])
    pack = dispute_evidence(shop).pack(order_id)
    assert [line.version for line in evidence_text_of(pack.evidence).lines] == [1, 2, 3]
    assert any(
        "it is missing" in problem and "is not shown here" in problem
        for problem in evidence_text_of(pack.evidence).problems
    )
    assert f"event {len(stream)}, not shown" in unpacked(pack)["chain.txt"]
    keep(shop, order_id, stream[1:])
    with pytest.raises(NothingToProveError):
        dispute_evidence(shop).pack(order_id)


def test_a_missing_or_changed_object_is_reported_instead_of_shown(shop: InMemoryShop) -> None:
    order_id = finished(shop, b"wedding", b"honeymoon")
    first, second = shop.order(order_id).images.values()
    assert first.original is not None
    assert second.restored is not None
    shop.storage.objects[second.restored.key] = b"somebody else"
    del shop.storage.objects[first.original.key]
    pack = dispute_evidence(shop).pack(order_id)
    files = unpacked(pack)
    assert evidence_text_of(pack.evidence).problems == (
        "1 object of the storage is not what was recorded: Photo 2, restored.",
        "1 object of the storage is missing, though not deleted on record: Photo 1, as it was sent.",
    )
    assert "MISSING    Photo 1, as it was sent" in files["hashes.txt"]
    assert "DIFFERS    Photo 2, restored" in files["hashes.txt"]
    assert len(Reader(files["evidence.html"]).loaded) == 2
    assert json.loads(files["timeline.json"])["verifies"] is False


def test_photos_beyond_retention_are_reported_as_deleted_and_not_as_a_defect(shop: InMemoryShop) -> None:
    order_id = finished(shop, b"wedding")
    shop.clock.advance(days=91)
    shop.photo_retention.purge()
    shop.work()
    pack = dispute_evidence(shop).pack(order_id)
    files = unpacked(pack)
    assert evidence_text_of(pack.evidence).problems == ()
    page = Reader(files["evidence.html"])
    assert "The photos were deleted on 13 June 2026, when their retention was over." in page.text
    assert "read anew" not in page.text
    assert page.loaded == []
    assert files["hashes.txt"].count("deleted    ") == 4  # three objects, and the word explained


def test_a_forgotten_customer_stays_forgotten(shop: InMemoryShop) -> None:
    order_id = finished(shop, b"wedding")
    shop.customer_erasure.erase("ada@customer.example", actor="person:grace", reason="asked")
    pack = dispute_evidence(shop).pack(order_id)
    whole = "".join(unpacked(pack).values())
    assert evidence_text_of(pack.evidence).problems == ()
    assert "The customer's name and address were erased" in whole
    assert "when the customer's data were erased" in whole
    for gone in ("ada@customer.example", "great-aunt"):
        assert gone not in whole


def test_notes_are_left_out_unless_they_are_asked_for(shop: InMemoryShop) -> None:
    order_id = finished(shop, b"wedding")
    with shop.unit_of_work.transaction() as transaction:
        transaction.notes.write(
            Note(
                note_id=NoteId(UUID(int=99)),
                order_id=order_id,
                actor="person:grace",
                text="she is <b>impossible</b>",
                written_at=shop.clock.now(),
            )
        )
    assert "impossible" not in "".join(unpacked(dispute_evidence(shop).pack(order_id)).values())
    page = Reader(unpacked(dispute_evidence(shop).pack(order_id, has_notes=True))["evidence.html"])
    assert "she is <b>impossible</b>" in page.text


def test_one_of_several_disputes_can_be_picked(shop: InMemoryShop) -> None:
    order_id = finished(shop, b"wedding", b"honeymoon")
    disputed(shop, order_id, "dp_first")
    say(shop, order_id, e.DisputeClosed(dispute_id="dp_first", outcome=DisputeOutcome.WON))
    disputed(shop, order_id, "dp_second")
    service = dispute_evidence(shop)
    assert [dispute.dispute_id for dispute in service.pack(order_id).evidence.disputes] == [
        "dp_first",
        "dp_second",
    ]
    picked = service.pack(order_id, dispute_id="dp_second").evidence.disputes
    assert [(dispute.dispute_id, dispute.outcome) for dispute in picked] == [("dp_second", None)]
    with pytest.raises(UnknownDisputeError, match="dp_first, dp_second"):
        service.pack(order_id, dispute_id="dp_third")


def test_a_picture_that_cannot_be_shown_small_is_evidence_all_the_same(shop: InMemoryShop) -> None:
    order_id = finished(shop, b"wedding")

    class Blind(PlainInspector):
        def thumbnail(self, picture: Any, side_pixels: int = 360) -> bytes:
            del picture, side_pixels
            return super().thumbnail(io.BytesIO(b"broken"))

    pack = dispute_evidence(shop, Blind()).pack(order_id)
    assert evidence_text_of(pack.evidence).problems == ()
    assert "cannot be shown small" in unpacked(pack)["evidence.html"]


def test_photos_pass_through_little_memory_one_after_the_other(shop: InMemoryShop) -> None:
    order_id = finished(shop, *(bytes([number]) * 1_000_000 for number in range(1, 9)))
    service = dispute_evidence(shop)
    tracemalloc.start()
    try:
        pack = service.pack(order_id)
        assert sum(len(chunk) for chunk in pack.content) == pack.size_bytes
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(exhibit.stored.size_bytes for exhibit in pack.evidence.exhibits) > 24_000_000
    assert peak < 5_000_000


def test_an_upload_of_an_order_that_was_stopped_at_once_may_be_gone(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    assert dispute_evidence(shop).pack(order_id).evidence.exhibits[0].state is ObjectState.VERIFIED
    shop.storage.objects.clear()
    assert dispute_evidence(shop).pack(order_id).evidence.exhibits[0].state is ObjectState.MISSING
    refund_id = RefundId(UUID(int=8))
    back = e.RefundRequested(
        refund_id=refund_id, amount=euros(490), reason=RefundReason.AT_PROVIDER, image_ids=()
    )
    say(shop, order_id, back)
    say(shop, order_id, e.RefundIssued(refund_id=refund_id, amount=euros(490), provider_refund_id="re_1"))
    pack = dispute_evidence(shop).pack(order_id)
    assert pack.evidence.exhibits[0].state is ObjectState.DELETED
    assert evidence_text_of(pack.evidence).problems == ()
    assert "read anew" not in unpacked(pack)["evidence.html"]


def test_each_exhibit_names_the_number_of_its_photo(shop: InMemoryShop) -> None:
    order_id = finished(shop, b"wedding", b"harvest")
    evidence = dispute_evidence(shop).pack(order_id).evidence
    captions = [caption(each) for photo in evidence.photos for each in (photo.before, *photo.after)]
    assert captions == [
        "Photo 1, as it was sent",
        "Photo 1, restored",
        "Photo 2, as it was sent",
        "Photo 2, restored",
    ]
    assert [caption(each) for each in evidence.archives] == ["Archive 1 of the restored photos"]
