"""What a newcomer sees: `restoreclick demo` delivers or says why not, and leaves nothing behind but the photos."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image

from sandbox import samples
from tests.journeys.visitors import Start, Visitor
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="what is left is looked for in /proc")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts commands that are ended with the test."""
    with ExitStack() as stack:
        yield lambda *words: stack.enter_context(Visitor(tmp_path, *words))


def left_nothing(visitor: Visitor) -> None:
    assert visitor.processes() == {}
    assert list(visitor.temporary.iterdir()) == []


def test_a_letter_posing_as_a_photo_is_refused_and_the_samples_go_on(start: Start, tmp_path: Path) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear great-aunt, I could not find the photo.")
    visitor = start("demo", letter, *samples.photos())
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
    for told in (
        f"{photo.name}: restored",
        "Payment received",
        f"Restoration started: {photo.name}",
        "Email sent: confirmation",
        "To ada@example.com: We have your photo",
        "To ada@example.com: Your restored photo is ready",
        "The customer followed the link and fetched the whole archive.",
        "The order is complete: the photo is with the customer. Nothing is awaited.",
    ):
        assert told in visitor.screen
    left_nothing(visitor)


def test_a_demo_full_of_trouble_delivers_what_can_be_restored_and_pays_back_the_rest(start: Start) -> None:
    visitor = start("demo", "--misbehave")
    assert visitor.wait() == 0, visitor.screen
    screen = " ".join(visitor.screen.split())
    for told in (
        "Replicate is away",
        "was given up: the model's safety filter stopped it",
        "is lost on the way",
        "Stripe is away",
        "4.90 EUR went back, once (re_",
        "14.70 - 4.90 = 9.80 EUR stay for what was delivered.",
        "To ada@example.com: 2 of your 3 photos are restored",
        "each says what was recorded. Head: transaction",
        "The books agree.",
        "The order is complete: 2 of 3 photos are with the customer and 4.90 EUR went back. Nothing is awaited.",
    ):
        assert told in screen
    (saved,) = (visitor.home / "restored").iterdir()
    before, after = sorted(saved.glob("*.jpg")), sorted(saved.glob("*-restored.*"))
    assert len(before) == len(after) == len(samples.photos()) - 1
    for picture in [*before, *after]:
        Image.open(picture).verify()
    left_nothing(visitor)


@pytest.mark.parametrize(
    ("words", "key", "status"),
    [
        ("Opening a shop", signal.SIGTERM, 143),
        ("Restoration started", signal.SIGINT, 130),
    ],
)
def test_a_demo_that_is_interrupted_leaves_nothing(
    start: Start, words: str, key: signal.Signals, status: int
) -> None:
    visitor = start("demo")
    visitor.reads(words)
    eventually(visitor.processes, "a process of the demo")
    assert visitor.press(key) == status
    assert "Traceback" not in visitor.screen
    left_nothing(visitor)


def test_dev_brings_back_what_dies_keeps_others_out_and_closes_on_a_signal(start: Start) -> None:
    visitor = start("dev")
    visitor.reads("Ctrl-C closes the shop")
    second = start("dev")
    assert second.wait() == 1
    assert "is using the data folder" in second.screen
    (worker,) = (
        pid for pid, words in visitor.processes().items() if words.endswith("entrypoints.cli worker ")
    )
    os.kill(worker, signal.SIGKILL)
    visitor.reads("The worker has ended unexpectedly (killed by SIGKILL)")
    visitor.reads("The worker is back")
    assert visitor.press(signal.SIGTERM) == 0
    assert visitor.screen.endswith("The shop is closed; nothing of it is running any more.\n")
    assert (visitor.home / ".restoreclick" / "logs" / "worker.log").is_file()
    left_nothing(visitor)
