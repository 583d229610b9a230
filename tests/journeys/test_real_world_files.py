"""Files of scanners, editors and cameras are delivered correctly, or refused."""

import io
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

import pytest
from PIL import Image, ImageCms

from domain.order.states import State
from domain.order.values import OrderId
from sandbox.demo.http_customer import Customer, RefusedPhotoError
from tests.adapters.images.test_real_world_files import difference
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

PICTURES = Path(__file__).parents[1] / "adapters" / "images" / "pictures"

#: What is refused at upload, and part of the advice.
REFUSED = {
    "raw-dng.dng": "raw file",
    "tiff-three-pages.tif": "3 pages",
    "tiff-float.tif": "floating point",
    "jpeg-many-scans.jpg": "JPEG",
}
#: What is delivered like another picture, and by how many levels of a channel the two may differ.
LIKE = {
    "png-large-text.png": ("reference-colours.png", 1.0),
    "png-large-profile.png": ("reference-colours.png", 1.0),
    "png-text-checksum.png": ("reference-colours.png", 1.0),
    "png-without-end.png": ("reference-colours.png", 1.0),
    "jpeg-without-end.jpg": ("reference-colours.png", 5.0),
    "profile-exchanged.jpg": ("reference-colours.png", 3.0),
    "profile-wide-gamut.png": ("reference-colours.png", 3.0),
    "profile-linear-grey.tif": ("reference-grey.png", 3.0),
    "tiff-16-white-is-zero.tif": ("reference-grey.png", 5.0),
    "tiff-16-white-is-zero-big-endian.tif": ("reference-grey.png", 5.0),
}
TURNED = ("exif-resolution-signed.jpg", "exif-unit-rational.jpg")
OVALS = ("alpha-oval-png.png", "alpha-oval-palette.png")
PANORAMA = "sandbox-panorama.jpg"
REFERENCES = ("reference-colours.png", "reference-grey.png")


def test_each_is_delivered_as_viewers_show_it_or_refused_with_advice(running_shop: RunningShop) -> None:
    customer = running_shop.customer()
    customer.open_session()
    for name, word in REFUSED.items():
        with pytest.raises(RefusedPhotoError, match=word):
            customer.send(PICTURES / name, name)
    taken = [*REFERENCES, *LIKE, *TURNED, *OVALS, PANORAMA]
    for name in taken:
        assert customer.send(PICTURES / name, name)
    customer.pay(customer.ask_for_checkout()["url"])
    order_id = OrderId(UUID(eventually(customer.order_id, "the order")))
    eventually(lambda: running_shop.order(order_id).state is State.COMPLETED, "the completed order")
    assert not running_shop.order(order_id).refunds
    delivered = pictures_in(archive(customer))
    assert len(delivered) == len(taken)

    for name, (reference, levels) in LIKE.items():
        assert difference(delivered[stem(name)], delivered[stem(reference)]) < levels, name
    for name in TURNED:
        assert delivered[stem(name)].size == (240, 160)
        assert hues(delivered[stem(name)]) == ["red", "green", "blue", "yellow"], name
    for name in OVALS:
        oval = delivered[stem(name)]
        assert oval.convert("RGB").getpixel((2, 2)) == (255, 255, 255), name
        assert oval.convert("RGBA").getchannel("A").getextrema() == (0, 255), name
    assert delivered[stem(PANORAMA)].size == (2600, 32)
    for image in delivered.values():
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)


def archive(customer: Customer) -> ZipFile:
    """The archive behind the link in the mail."""
    links = eventually(
        lambda: [link for mail in customer.mails() if (link := customer.link_in(mail))], "the mail"
    )
    with customer.fetching(links[0]) as chunks:
        return ZipFile(io.BytesIO(b"".join(chunks)))


def pictures_in(zipped: ZipFile) -> dict[str, Image.Image]:
    """The pictures by their photos' names, without an extension."""
    found: dict[str, Image.Image] = {
        stem(name): Image.open(io.BytesIO(zipped.read(name))) for name in zipped.namelist()
    }
    for image in found.values():
        image.load()
    return found


def stem(name: str) -> str:
    return Path(name).name.partition(".")[0].removesuffix("-restored")


def hues(image: Image.Image) -> list[str]:
    """The names of the colours in the four corners, row by row."""
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 0): "yellow"}
    rgb = image.convert("RGB")
    corners = ((20, 20), (220, 20), (20, 140), (220, 140))
    found = [rgb.crop((x - 4, y - 4, x + 4, y + 4)).resize((1, 1)).tobytes() for x, y in corners]
    return [
        names.get((colour[0] > 110, colour[1] > 110, colour[2] > 110), str(list(colour))) for colour in found
    ]
