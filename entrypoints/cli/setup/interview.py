"""The interview: each missing setting is asked for, checked and kept."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm, Prompt
from rich.text import Text

from domain.ports.errors import OutsideError
from entrypoints.bootstrap.wording import counted, error_text
from entrypoints.cli.setup.looking_up import LOOK_UPS
from entrypoints.cli.setup.questions import GENERATED, QUESTIONS, Question, problem_with, webhook_base
from entrypoints.cli.support import env_file
from entrypoints.command_errors import MisuseError
from entrypoints.settings import Settings

_KEY_BYTES = 32


class NotInteractiveError(MisuseError):
    """Settings are missing, and there is no terminal to ask at."""

    def __init__(self, missing: list[str]) -> None:
        self.missing = missing
        listed = f" Missing: {', '.join(missing)}." if missing else ""
        super().__init__(
            f"There is no terminal to ask at: run this at one, or write the settings into the environment.{listed}"
        )


class Interview:
    """Asks for what is missing, and writes each answer at once.

    An interruption thus loses nothing.
    """

    def __init__(self, console: Console, env_path: Path) -> None:
        self._console = console
        self._env_path = env_path
        self.known = known_settings(env_path)

    def hold(self) -> None:
        """Ask until no setting is missing.

        Raises NotInteractiveError without a terminal.
        """
        questions = [each for each in QUESTIONS if each.name not in self.known]
        if not sys.stdin.isatty():
            raise NotInteractiveError([each.name for each in questions])
        self._generate()
        if questions:
            self._console.print(
                f"{counted(len(questions), 'setting')} to ask for; Ctrl-C ends this, and answers are kept in"
                f" {self._env_path}.",
                soft_wrap=True,
            )
        for number, question in enumerate(questions, start=1):
            self._console.print(f"\n[bold]{question.name}[/bold] ({number} of {len(questions)})")
            self._keep(question.name, self._looked_up(question) or self._asked(question))
        self._offer_backups()

    def _generate(self) -> None:
        """Make the keys that only have to be random.

        A shop that signs with WORKER_SECRET_KEY goes on with it.
        """
        if any(name in self.known for name in GENERATED):
            return
        for name in GENERATED:
            self._keep(name, secrets.token_urlsafe(_KEY_BYTES))
        self._console.print(f"{' and '.join(GENERATED)} are made up and kept.", soft_wrap=True)

    def _offer_backups(self) -> None:
        """Make the key of backups; a sandbox needs none."""
        if "BACKUP_KEY" in self.known or "SANDBOX_MAILBOX_URL" in self.known:
            return
        question = (
            "\nMake encrypted backups of the database every day? Workers then need PostgreSQL's programs."
        )
        if not Confirm.ask(question, console=self._console, default=True):
            return
        self._keep("BACKUP_KEY", secrets.token_hex(_KEY_BYTES))
        self._console.print(
            f"BACKUP_KEY is made up and kept in {self._env_path}. Keep a copy of it elsewhere: no backup can be read"
            " without it. docs/backup.md says how the rest is set up.",
            soft_wrap=True,
        )

    def _looked_up(self, question: Question) -> str | None:
        """What the provider itself answers."""
        look_up = LOOK_UPS.get(question.name)
        if look_up is None:
            return None
        try:
            found = look_up(
                self.known, lambda sentence: Confirm.ask(sentence, console=self._console, default=True)
            )
        except OutsideError as error:
            self._console.print(Text(error_text(error), style="yellow"), soft_wrap=True)
            return None
        if found is not None:
            self._console.print("The provider gave it.")
        return found

    def _asked(self, question: Question) -> str:
        where = question.where.replace("{webhooks}", webhook_base(self.known))
        self._console.print(Text(f"{where}."), soft_wrap=True)
        while True:
            answer = Prompt.ask(
                question.name,
                console=self._console,
                password=question.is_secret,
                default=question.suggestion or "",
                show_default=question.suggestion is not None,
            ).strip()
            problem = problem_with(question.name, answer) if answer else "Nothing was typed."
            if problem is None:
                return answer
            self._console.print(Text(problem, style="red"), soft_wrap=True)

    def _keep(self, name: str, value: str) -> None:
        env_file.update(self._env_path, {name: value})
        self.known[name] = value
        os.environ[name] = value


def known_settings(env_path: Path) -> dict[str, str]:
    """The settings of the environment, and what only the file has."""
    names = {name.upper() for name in Settings.model_fields}
    given: Mapping[str, str] = {**env_file.read(env_path), **{k: v for k, v in os.environ.items() if v}}
    return {name: value for name, value in given.items() if name in names}
