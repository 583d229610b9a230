"""The error that lists missing and malformed settings in plain words."""

from pathlib import Path

from entrypoints.command_errors import MisuseError


class SettingsError(MisuseError):
    """Settings are missing or malformed; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"These settings are missing or malformed; put them into the environment:\n{listed}{_loading()}"
        )


def _loading() -> str:
    """How a shell loads a file in the working directory."""
    if not Path(".env").is_file():
        return ""
    return "\nThere is a file .env here, which is not read by itself; to load it: set -a; . ./.env; set +a"


def problem(name: str, wrong: str, description: str | None) -> str:
    """A sentence: what is wrong with a setting, and what it is."""
    return f"{name.upper()} {wrong}: {description}."
