"""A customer without scripts orders, watches and saves photos."""

import io
import re
import zipfile
from html import unescape
from pathlib import Path
from urllib.parse import urljoin
from uuid import UUID, uuid4

import httpx2

from domain.order.states import State
from domain.order.values import OrderId
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

GERMAN = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "de-AT,de;q=0.9"}


class Page:
    """A page and the addresses on it."""

    def __init__(self, answer: httpx2.Response, heading: str) -> None:
        assert answer.status_code == 200, answer.text
        assert f"<h1>{heading}</h1>" in answer.text
        assert '<html lang="de"' in answer.text
        self.text = answer.text
        self.url = str(answer.url)

    def form(self, ending: str) -> str:
        """The address of the form whose action ends so."""
        actions = [unescape(each) for each in re.findall(r'<form method="post" action="([^"]+)"', self.text)]
        return urljoin(self.url, next(action for action in actions if action.endswith(ending)))

    def pictures(self) -> list[str]:
        found = re.findall(r'<img[^>]* src="([^"]+)"', self.text)
        return [urljoin(self.url, unescape(address)) for address in found if "favicon" not in address]


def test_a_customer_without_scripts_orders_and_saves_photos(running_shop: RunningShop, photo: Path) -> None:
    email = f"{uuid4().hex}@customer.example"
    customer = running_shop.customer(email)
    with httpx2.Client(headers=GERMAN, timeout=30, follow_redirects=True) as browser:
        home = Page(browser.get(running_shop.shop.url), "Ihre alten Fotos, so schön wie neu")
        photos = [
            ("photos", (name, photo.read_bytes() + name.encode(), "image/jpeg"))
            for name in ("a.jpg", "b.jpg", "c.jpg")
        ]
        upload = Page(browser.post(home.form("/uploads"), files=photos), "Ihre Fotos und der Preis")
        assert [browser.get(picture).headers["content-type"] for picture in upload.pictures()] == [
            "image/jpeg"
        ] * 3
        removed = Page(browser.post(upload.form("/remove")), "Ihre Fotos und der Preis")
        assert "a.jpg" not in removed.text
        answer = browser.post(removed.form("/pay"), data={"email": email}, follow_redirects=False)
        assert answer.status_code == 303
        landing = customer.press(answer.headers["location"], "pay").headers["location"]
        order_page = eventually(lambda: _order_page(browser, landing), "the page of the order")
        assert 'http-equiv="refresh"' in order_page.text
        order_id = OrderId(UUID(order_page.url.rpartition("/")[2]))
        eventually(lambda: running_shop.order(order_id).state is State.COMPLETED, "the completed order")
        done = Page(browser.get(order_page.url), "Ihre Fotos sind fertig: Sehen Sie in Ihr Postfach")
        assert [browser.get(picture).status_code for picture in done.pictures()] == [200, 200]
        link = eventually(
            lambda: next(filter(None, map(customer.link_in, customer.mails())), None), "the link"
        )
        assert link.endswith("/photos?lang=de")
        english = {"Accept-Language": "en"}
        gallery = Page(browser.get(link, headers=english), "Ihre restaurierten Fotos")
        assert [browser.get(picture).headers["content-type"] for picture in gallery.pictures()] == [
            "image/jpeg"
        ] * 4
        image, _ = running_shop.order(order_id).images
        saved = browser.post(gallery.form(str(image)))
        assert saved.headers["content-disposition"].startswith('attachment; filename="b-restored')
        archive = zipfile.ZipFile(io.BytesIO(browser.post(gallery.form("archive")).content))
        assert archive.read(archive.namelist()[0]) == saved.content
        shared = Page(browser.post(gallery.form("share")), "Ihre restaurierten Fotos")
        (address,) = re.findall(r'value="([^"]+)" readonly', shared.text)
        assert "Noch nicht richtig?" not in Page(browser.get(address), "Ihre restaurierten Fotos").text
        browser.post(shared.form("share/revoke"))
        assert browser.get(address).status_code == 410
    assert running_shop.event_names(order_id).count("ResultDownloaded") == 2


def _order_page(browser: httpx2.Client, landing: str) -> Page | None:
    """The page after the payment, once it is that of the order."""
    answer = browser.get(landing)
    if "/restoration/status/" not in str(answer.url):
        return None
    heading = re.findall("<h1>(.*)</h1>", answer.text)[0]
    return Page(answer, heading)
