"""A photo arrives although lines break and the API is killed."""

import socket
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx2
from minio import Minio
from tusclient.client import TusClient

from domain.order.values import OrderId
from tests.journeys.outcomes import completes_with_two_mails
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

TUS = {"Tus-Resumable": "1.0.0"}


def test_a_photo_is_resumed_after_a_broken_line_and_a_killed_process(
    running_shop: RunningShop, photo: Path, storage: Minio
) -> None:
    content = photo.read_bytes() + uuid4().bytes
    third = len(content) // 3
    customer = running_shop.customer()
    session_id = customer.open_session()
    client = TusClient(f"{running_shop.shop.url}/api/uploads/{session_id}/tus")
    begun = client.uploader(
        file_stream=BytesIO(content),
        chunk_size=third,
        metadata={"filename": "harvest-1926.jpg"},
        upload_checksum=True,
    )
    begun.upload(stop_at=third)
    address = str(begun.url)

    _hang_up_while_sending(address, third, content[third : third + 1000], len(content) - third)
    with httpx2.Client(timeout=20) as http:

        def offset() -> int:
            return int(http.head(address, headers=TUS).headers["upload-offset"])

        eventually(lambda: offset() == third + 1000, "the bytes that arrived before the line broke")
        running_shop.shop.processes["The API"].kill()
        running_shop.restart()
        assert offset() == third + 1000

    resumed = client.uploader(file_stream=BytesIO(content), url=address, chunk_size=third)
    assert resumed.offset == third + 1000
    resumed.upload()

    (sent,) = httpx2.get(f"{running_shop.shop.url}/api/uploads/{session_id}").json()["photos"]
    assert (sent["file_name"], sent["sha256"]) == ("harvest-1926.jpg", sha256(content).hexdigest())
    kept = storage.list_objects(
        running_shop.shop.environment["S3_BUCKET"], f"uploads/temp/{session_id}/", recursive=True
    )
    assert [str(each.object_name).rpartition("/")[2] for each in kept] == [sent["photo_id"]]

    customer.pay(customer.ask_for_checkout()["url"])
    order_id = OrderId(UUID(eventually(customer.order_id, "the order")))
    completes_with_two_mails(running_shop, customer, order_id, restored=1)


def _hang_up_while_sending(address: str, offset: int, piece: bytes, announced_bytes: int) -> None:
    """Send the beginning of a piece to a reading server, then disconnect."""
    url = urlsplit(address)
    head = (
        f"PATCH {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nTus-Resumable: 1.0.0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n"
        f"Content-Length: {announced_bytes}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(head.encode())
        assert b" 100 " in connection.recv(1000)
        connection.sendall(piece)
