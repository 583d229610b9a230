"""`restoreclick demo` delivers or says why not, and leaves only the photos."""

import re
from pathlib import Path
from zipfile import ZipFile

import httpx2
import pytest
from PIL import Image

from sandbox import samples
from tests.journeys.terminal_users import Start, left_nothing

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="what is left is looked for in /proc")


@pytest.mark.slow
def test_a_letter_posing_as_a_photo_is_refused_and_the_samples_go_on(start: Start, tmp_path: Path) -> None:
    email_content = tmp_path / "letter.jpg"
    email_content.write_text("Dear great-aunt, I could not find the photo.")
    visitor = start("demo", email_content, *samples.photos())
    assert visitor.wait() == 1
    screen = visitor.screen
    assert "letter.jpg: refused" in screen
    assert screen.splitlines()[-1] == "3 of 4 photos delivered, 1 refused: the reasons stand above."
    (saved,) = (visitor.home / "restored").iterdir()
    pictures = sorted(saved.glob("*-restored.*"))
    assert len(pictures) == len(samples.photos())
    for picture in pictures:
        Image.open(picture).verify()
    (archive,) = saved.glob("*.zip")
    assert sorted(ZipFile(archive).namelist()) == [picture.name for picture in pictures]
    left_nothing(visitor)


def test_a_demo_that_delivers_everything_ends_well(start: Start, photo: Path) -> None:
    visitor = start("demo", photo)
    assert visitor.wait() == 0, visitor.screen
    screen = " ".join(visitor.screen.split())
    for text in (
        f"{photo.name}: restored",
        "Payment received",
        f"Restoration started: {photo.name}",
        "Email sent: confirmation",
        "To ada@example.com: We have your photo",
        "To ada@example.com: Your restored photo is ready",
        "The customer pressed the button behind the link and fetched the whole archive",
        "The order is complete: the link to the photo was sent to the customer, who fetched 1 file through it.",
    ):
        assert text in screen
    left_nothing(visitor)


@pytest.mark.slow
def test_a_demo_on_a_terminal_stays_open_for_a_browser_until_enter(start: Start, photo: Path) -> None:
    visitor = start("demo", photo, at_terminal=True)
    visitor.reads("Press Enter to close the shop.")
    page = re.search(r"This order +(\S+)", visitor.screen)
    assert page is not None
    answer = httpx2.get(page[1], headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert "<h1>" in answer.text
    visitor.type("\n")
    assert visitor.wait() == 0, visitor.screen
    left_nothing(visitor)


@pytest.mark.slow
def test_a_demo_full_of_trouble_delivers_what_can_be_restored_and_pays_back_the_rest(start: Start) -> None:
    visitor = start("demo", "--misbehave")
    assert visitor.wait() == 0, visitor.screen
    screen = " ".join(visitor.screen.split())
    for text in (
        "Replicate is away",
        "was given up: the model's safety filter stopped it",
        "is lost on the way",
        "Stripe is away",
        "4.90 EUR was refunded, once (re_",
        "14.70 - 4.90 = 9.80 EUR stay for what was delivered.",
        "To ada@example.com: 2 of your 3 photos are restored",
        "each says what was recorded. Head: transaction",
        "Log and providers agree.",
        "The order is complete: the link to 2 of 3 photos was sent to the customer, who fetched 1 file through it",
    ):
        assert text in screen
    (saved,) = (visitor.home / "restored").iterdir()
    before, after = sorted(saved.glob("*.jpg")), sorted(saved.glob("*-restored.*"))
    assert len(before) == len(after) == len(samples.photos()) - 1
    for picture in [*before, *after]:
        Image.open(picture).verify()
    left_nothing(visitor)
