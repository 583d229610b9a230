"""The error that lists missing and malformed settings in plain words."""

from entrypoints.command_errors import MisuseError


class SettingsError(MisuseError):
    """Settings are missing or malformed; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"These settings are missing or malformed; put them into the environment:\n{listed}")


def problem(name: str, wrong: str, description: str | None) -> str:
    """A sentence: what is wrong with a setting, and what it is."""
    return f"{name.upper()} {wrong}: {description}."
