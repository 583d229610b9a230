"""`restoreclick setup` at a terminal: from missing settings to a refunded order."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Self

import pytest

from entrypoints.cli.setup.questions import GENERATED, QUESTIONS
from sandbox.demo.local_shop import LocalShop
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

ASKED = [question.name for question in QUESTIONS]
SECRETS = {question.name for question in QUESTIONS if question.is_secret}


class Operator:
    """A person at a terminal, who answers when asked."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *words: str) -> None:
        self._terminal, theirs = pty.openpty()
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "entrypoints.cli", *words],
            cwd=folder,
            env={**environment, "COLUMNS": "400", "TERM": "dumb"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.screen = ""
        self._seen = 0
        self._reader = Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._terminal)

    def _read(self) -> None:
        # A terminal that its last process has left is an input/output error to Linux.
        with suppress(OSError):
            while content := os.read(self._terminal, 65536):
                self.screen += content.decode(errors="replace")

    def reads(self, words: str) -> None:
        """Wait until this is printed, after what was read before."""

        def found() -> bool:
            assert self.process.poll() is None or words in self.screen[self._seen :], self.screen
            return words in self.screen[self._seen :]

        eventually(found, f"{words!r} on the screen")
        self._seen = self.screen.index(words, self._seen) + len(words)

    def answers(self, prompt: str, answer: str, *, is_hidden: bool = False) -> None:
        """Type an answer once the prompt is there."""
        self.reads(prompt)
        if is_hidden:
            eventually(lambda: not termios.tcgetattr(self._terminal)[3] & termios.ECHO, "the hidden input")
        os.write(self._terminal, f"{answer}\n".encode())

    def wait(self) -> int:
        status = self.process.wait(timeout=100)
        self._reader.join()
        return status


@pytest.fixture(scope="module")
def running_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """A shop of its own, in which nothing is wrong."""
    with LocalShop(tmp_path_factory.mktemp("setup") / "shop") as shop, RunningShop(shop) as running_shop:
        yield running_shop


def test_an_operator_comes_from_missing_settings_to_a_refunded_order(
    running_shop: RunningShop, tmp_path: Path
) -> None:
    whole = running_shop.shop.environment
    environment = {name: value for name, value in whole.items() if name not in {*ASKED, *GENERATED}}
    env_path = tmp_path / ".env"
    env_path.write_text("# my shop\n" + "".join(f"{name}={whole[name]}\n" for name in GENERATED))
    answers = {**whole, "PUBLIC_URL": running_shop.shop.url}
    looked_up = {"REPLICATE_WEBHOOK_SECRET", "SENDGRID_WEBHOOK_PUBLIC_KEY"}
    with Operator(tmp_path, environment, "setup") as operator:
        for number, name in enumerate(ASKED, start=1):
            operator.reads(f"{name} ({number} of {len(ASKED)})")
            if name in looked_up:
                operator.reads("The provider gave it.")
                continue
            if name == "STRIPE_SECRET_KEY":
                operator.answers(f"{name}: ", "short", is_hidden=True)
                operator.reads("it has fewer than 8 characters")
            operator.answers(f"{name}", answers[name], is_hidden=name in SECRETS)
        operator.reads("Nothing is wrong.")
        operator.answers("Run one real order for the smallest amount now?", "y")
        operator.reads("0.50 EUR on this page:")
        page = eventually(
            lambda: re.search(r"(http\S+/c/pay/\S+)", operator.screen), "the address of the payment page"
        )[1]
        running_shop.customer().pay(page)
        operator.reads("The order is delivered")
        operator.answers("Refund it now?", "y")
        operator.reads("It is refunded")
        assert operator.wait() == 0
    screen = operator.screen
    assert [name for name in SECRETS if answers[name] in screen] == []
    lines = env_path.read_text().splitlines()
    assert lines[0] == "# my shop"
    kept = dict(line.split("=", 1) for line in lines[1:])
    assert {name: value.strip("'") for name, value in kept.items()} == {
        name: answers[name] for name in (*ASKED, *GENERATED)
    }
    assert env_path.stat().st_mode & 0o777 == 0o600


def test_without_a_terminal_it_names_what_is_missing(running_shop: RunningShop, tmp_path: Path) -> None:
    environment = {**running_shop.shop.environment}
    del environment["STRIPE_SECRET_KEY"]
    refused = subprocess.run(
        [sys.executable, "-m", "entrypoints.cli", "setup"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "There is no terminal to ask at" in refused.stderr
    assert "Missing: STRIPE_SECRET_KEY." in refused.stderr
    assert not (tmp_path / ".env").exists()


def test_answers_before_an_interruption_are_kept_and_keys_are_made_up(
    running_shop: RunningShop, tmp_path: Path
) -> None:
    environment = {
        name: value
        for name, value in running_shop.shop.environment.items()
        if name not in {"PUBLIC_URL", "SENDER_ADDRESS", *GENERATED}
    }
    with Operator(tmp_path, environment, "setup") as operator:
        operator.answers("PUBLIC_URL: ", "https://photos.example")
        operator.reads("SENDER_ADDRESS (2 of 2)")
        operator.reads("SENDER_ADDRESS: ")
        operator.process.send_signal(signal.SIGINT)
        assert operator.wait() == 130
    kept = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    assert kept["PUBLIC_URL"] == "https://photos.example"
    assert set(kept) == {"PUBLIC_URL", *GENERATED}
    assert len({kept[name] for name in GENERATED}) == 2
    assert all(len(kept[name]) >= 32 for name in GENERATED)
