"""An erased customer's traits remain in no table, object, queue or log."""

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import redis
from minio import Minio
from PIL import Image

from domain.order.states import State
from domain.order.values import OrderId
from sandbox.demo.http_customer import Customer
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually


@dataclass(frozen=True)
class Canary:
    """A customer whose traits occur nowhere else."""

    canary_id: str
    order_id: OrderId
    token: str  # of the link in the mail

    @property
    def email(self) -> str:
        """An address with capitals, as people type it."""
        return f"Canary.{self.canary_id}@customer.example"

    @property
    def traits(self) -> dict[str, bytes]:
        """The traits that must not be found, by kind."""
        return {
            "address": f"canary.{self.canary_id}".encode(),
            "name": f"name-{self.canary_id}".encode(),
            "file name": f"file-{self.canary_id}".encode(),
            "picture": f"exif-{self.canary_id}".encode(),
            "note": f"note-{self.canary_id}".encode(),
        }

    def found_in(self, content: bytes) -> list[str]:
        """The traits that the bytes contain, in any case."""
        return [trait for trait, words in self.traits.items() if words in content.lower()]


@pytest.fixture
def canary(running_shop: RunningShop, tmp_path: Path, photo: Path) -> Canary:
    """A customer with a bounced confirmation, a restored photo and a download."""
    canary_id = uuid4().hex
    person = Canary(canary_id, OrderId(uuid4()), token="")
    marked = tmp_path / "marked.jpg"
    with Image.open(photo) as picture:
        exif = picture.getexif()
        exif[0x010E] = f"exif-{canary_id}"  # ImageDescription
        picture.save(marked, exif=exif)
    running_shop.misbehave("sendgrid", {"on": f"mail:{person.email}", "do": "bounce"})
    with Customer(
        running_shop.shop.url,
        running_shop.shop.addresses["sendgrid"],
        email=person.email,
        name=f"Name-{canary_id}",
    ) as customer:
        customer.open_session()
        customer.send(marked, f"file-{canary_id}.jpg")
        customer.pay(customer.ask_for_checkout()["url"])
        order_id = OrderId(UUID(eventually(customer.order_id, "the order")))
        eventually(lambda: running_shop.order(order_id).state is State.COMPLETED, "the completed order")
        mail = eventually(lambda: customer.mails()[1:], "the mail with the link")[0]
        link = customer.link_in(mail) or ""
        with customer.fetching(link) as chunks:
            assert b"".join(chunks)
    running_shop.note(order_id, f"Note-{canary_id}")
    return Canary(canary_id, order_id, token=re.findall(r"/api/download/([^/?]+)", link)[0])


def restoreclick(running_shop: RunningShop, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command as a staff member."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "entrypoints.cli", *words],
        env=running_shop.shop.environment,
        capture_output=True,
        check=True,
    )


def places(running_shop: RunningShop) -> Iterator[tuple[str, bytes]]:
    """Everything that the shop has stored, by place."""
    for row in running_shop.everything_stored():
        yield "a table", row.encode()
    shop = running_shop.shop.environment
    storage = Minio(
        shop["S3_ENDPOINT"].removeprefix("http://"),
        shop["S3_ACCESS_KEY"],
        shop["S3_SECRET_KEY"],
        secure=False,
        region=shop["S3_REGION"],
    )
    for found in storage.list_objects(shop["S3_BUCKET"], recursive=True, include_version=True):
        version = found.version_id
        with closing(
            storage.get_object(shop["S3_BUCKET"], str(found.object_name), version_id=version)
        ) as answer:
            yield f"object {found.object_name}", _unpacked(answer.read())
            answer.release_conn()
    queue = redis.Redis.from_url(shop["REDIS_URL"])
    for key in queue.scan_iter():
        yield "the queue", key + b" " + (queue.dump(key) or b"")
    queue.close()
    for log in running_shop.shop.worker.log.parent.glob("*.log"):
        yield f"log {log.name}", log.read_bytes()


def _unpacked(content: bytes) -> bytes:
    """Replace an archive by its contents."""
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b" ".join(name.encode() + archive.read(name) for name in archive.namelist())


def left_of(canary: Canary, running_shop: RunningShop) -> dict[str, set[str]]:
    """The places in which traits are found, by trait."""
    left: dict[str, set[str]] = {}
    for place, content in places(running_shop):
        for trait in canary.found_in(content):
            left.setdefault(trait, set()).add(place)
    return left


def test_nothing_about_an_erased_person_is_left_anywhere(
    running_shop: RunningShop, canary: Canary, tmp_path: Path
) -> None:
    before = left_of(canary, running_shop)
    assert set(before) == set(canary.traits), "what does not find them now would not find them later"
    assert any(place.startswith("object") for place in before["picture"])
    discreet = {
        place for found in before.values() for place in found if place.startswith(("log", "the queue"))
    }
    assert not discreet, "these hold no personal data even before"
    with_token = [place for place, content in places(running_shop) if canary.token.encode() in content]
    assert not with_token, "the key to the photos is in the mail alone"
    restoreclick(running_shop, "customers", "export", canary.email, "--to", str(tmp_path / "person.zip"))
    assert set(canary.found_in(_unpacked((tmp_path / "person.zip").read_bytes()))) == set(canary.traits)

    words = ("customers", "erase", canary.email.upper(), "--reason", "asked for it", "--yes", "--json")
    erased = restoreclick(running_shop, *words, "--actor", "grace")
    assert running_shop.order(canary.order_id).state is State.ERASED
    assert not left_of(canary, running_shop)
    running_shop.expedite(canary.order_id)
    running_shop.rebuild()
    assert not left_of(canary, running_shop)
    assert not canary.found_in(erased.stdout + erased.stderr)
    certificate = json.loads(erased.stdout)
    assert certificate["erasure"]["actor"] == "person:grace"
    assert certificate["removed_objects"] == 4
    assert certificate["removed_rows"]["customers"] == certificate["removed_rows"]["file_uploads"] == 1
