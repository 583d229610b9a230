"""HEIC photos as phones wrote them, which Chromium cannot show."""

from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from uuid import uuid4

import pytest
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener
from playwright.sync_api import Locator, expect

from sandbox.demo.http_customer import Customer
from sandbox.demo.local_shop import LocalShop
from tests.browser.phone_photos import PHONES, photos_of_phones
from tests.browser.visitor import NewVisitor
from tests.waiting import eventually

SHOWN_SIZE = "picture => picture.naturalWidth && [picture.naturalWidth, picture.naturalHeight]"


@pytest.fixture(scope="session")
def phone_photos(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return photos_of_phones(tmp_path_factory.mktemp("phones"))


def shown_size(picture: Locator) -> tuple[int, int]:
    width, height = eventually(lambda: picture.evaluate(SHOWN_SIZE), "the picture")
    return width, height


def size_of(photo: Path) -> tuple[int, int]:
    register_heif_opener()
    with Image.open(photo) as image:
        width, height = ImageOps.exif_transpose(image).size
    return width, height


@pytest.mark.parametrize("phone", PHONES)
def test_a_phone_s_heic_gets_its_upright_preview_from_the_shop(
    new_visitor: NewVisitor, phone_photos: Mapping[str, Path], phone: str
) -> None:
    photo = phone_photos[phone]
    page = new_visitor().open("/")
    page.set_input_files("[data-choose]", photo)
    preview = page.get_by_role("img", name=f"Preview of {photo.name}")
    expect(preview).to_be_visible()
    width, height = size_of(photo)
    shown_width, shown_height = shown_size(preview)
    assert shown_width / shown_height == pytest.approx(width / height, rel=0.01)


def test_a_phone_s_heic_is_restored_and_shown_before_and_after(
    new_visitor: NewVisitor,
    local_shop: LocalShop,
    phone_photos: Mapping[str, Path],
    tmp_path: Path,
) -> None:
    photo = tmp_path / "IMG_0001.HEIC"
    copyfile(phone_photos["iPhone 8 Plus"], photo)
    email = f"{uuid4().hex}@customer.example"
    page = new_visitor().open("/")
    page.set_input_files("[data-choose]", photo)
    page.get_by_role("button", name="Pay €4.90").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Pay 4.90 EUR").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your photos are ready")
    with Customer(local_shop.url, local_shop.addresses["sendgrid"], email=email) as customer:
        link = eventually(
            lambda: next(filter(None, map(customer.link_in, customer.mails())), None), "the link"
        )
    page.goto(link)
    for picture in page.locator("main img").all():
        shown_width, shown_height = shown_size(picture)
        assert shown_width / shown_height == pytest.approx(3024 / 4032, rel=0.01)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this photo: IMG_0001.HEIC").click()
    saved = tmp_path / "saved"
    download.value.save_as(saved)
    with Image.open(saved) as result:
        assert result.size == (3024, 4032)
