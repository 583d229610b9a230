"""Unusual file names, repeated uploads, partial downloads, and mail events without ids."""

import io
import json
import socket
import unicodedata
import zipfile
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from uuid import UUID, uuid4

import httpx2

from domain.order.states import State
from domain.order.values import OrderId
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

CASES = Path(__file__).parent.parent / "cases"
NAMES = [
    name
    for case in ("names-capitals", "names-joiners", "names-number-prefix")
    for name in json.loads((CASES / case / "names.json").read_text())
]
#: The bytes of the archive that arrive before the connection breaks.
BROKEN_AT = 5000


def test_each_photo_arrives_once_under_its_name_and_the_archive_is_resumed(
    running_shop: RunningShop, photo: Path
) -> None:
    log = running_shop.shop.processes["The API"].log
    logged_bytes = log.stat().st_size
    email = f"{uuid4().hex}@customer.example"
    customer = running_shop.customer(email)
    running_shop.turn("sendgrid", shares_account=True)
    running_shop.misbehave("sendgrid", {"on": f"mail:{email}", "do": "late_bounce"})
    running_shop.misbehave("sendgrid", {"on": "webhook:bounce", "do": "late", "seconds": 2})
    session_id = customer.open_session()
    with httpx2.Client(base_url=running_shop.shop.url, timeout=30) as client:
        _send_photos(client, session_id, photo)
        _hang_up_while_sending(running_shop.shop.url, session_id)
        customer.pay(customer.ask_for_checkout()["url"])
        order_id = OrderId(UUID(eventually(customer.order_id, "the order")))
        eventually(lambda: running_shop.order(order_id).state is State.COMPLETED, "the completed order")
        order = running_shop.order(order_id)
        assert len(order.restored_images) == len(NAMES)
        link = next(link for mail in customer.mails() if (link := customer.link_in(mail)))
        archive = urljoin(f"{link.partition('/photos')[0]}/", "archive")
        content = _fetched_in_pieces(client, archive)
    saved = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert len({unicodedata.normalize("NFC", name).casefold() for name in saved}) == len(NAMES)
    assert {Path(name).stem.removesuffix("-restored") for name in saved} >= {
        Path(name).stem for name in NAMES if not name.isascii()
    }
    running_shop.waits_for("EmailBounced", order_id)
    running_shop.turn("sendgrid", shares_account=False)
    logged = log.read_bytes()[logged_bytes:].decode().splitlines()
    assert [line for line in logged if '"level": "error"' in line or "Traceback" in line] == []
    assert any('"problem": "body-incomplete"' in line for line in logged), "the client that hung up was seen"


def _send_photos(client: httpx2.Client, session_id: str, photo: Path) -> None:
    """Upload a photo under each name, one twice, and remove one again."""
    photos = f"/api/uploads/{session_id}/photos"
    for number, name in enumerate([*NAMES, "not-this-one.jpg"]):
        # Bytes after the end of a JPEG show nothing, and make it another file.
        content = photo.read_bytes() + b"%d" % number
        sent = [client.post(photos, params={"filename": name}, content=content) for _ in range(2)]
        assert [answer.status_code for answer in sent] == [201, 200]
        first, again = (answer.json() for answer in sent)
        assert (again["photo_id"], again["is_duplicate"], first["file_name"]) == (
            first["photo_id"],
            True,
            name,
        )
    assert client.delete(f"{photos}/{first['photo_id']}").status_code == 204
    session = client.get(f"/api/uploads/{session_id}").json()
    assert [each["file_name"] for each in session["photos"]] == NAMES


def _hang_up_while_sending(shop_url: str, session_id: str) -> None:
    """Send half of a photo, then disconnect."""
    url = urlsplit(shop_url)
    head = (
        f"POST /api/uploads/{session_id}/photos?filename=cut.jpg HTTP/1.1\r\nHost: {url.netloc}\r\n"
        "Content-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(head.encode() + bytes(50_000))


def _fetched_in_pieces(client: httpx2.Client, archive: str) -> bytes:
    """Begin the download, lose the connection, and resume."""
    with client.stream("GET", archive) as broken:
        assert broken.headers["accept-ranges"] == "bytes"
        etag, size_bytes = broken.headers["etag"], int(broken.headers["content-length"])
        begun = next(broken.iter_bytes(BROKEN_AT))
    rest = client.get(archive, headers={"Range": f"bytes={BROKEN_AT}-", "If-Range": etag})
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes {BROKEN_AT}-{size_bytes - 1}/{size_bytes}"
    beyond = client.get(archive, headers={"Range": f"bytes={size_bytes}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size_bytes}")
    assert client.get(archive, headers={"If-None-Match": etag}).status_code == 304
    assert int(client.head(archive).headers["content-length"]) == size_bytes
    assert begun + rest.content == client.get(archive).content
    return begun + rest.content
