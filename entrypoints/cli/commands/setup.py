"""The command that leads from an empty `.env` to a first order."""

from pathlib import Path

from rich.prompt import Confirm

from entrypoints.cli.commands.doctor import Verdict, examine_shop
from entrypoints.cli.setup.interview import Interview
from entrypoints.cli.setup.trial_order import run_trial_order
from entrypoints.cli.support.console import screen
from entrypoints.settings import read_settings


def set_up(env_path: Path) -> Verdict:
    """Ask for missing settings, examine the shop, and offer one real order.

    Raises NotInteractiveError, SettingsError or TrialUnfinishedError.
    """
    console = screen()
    interview = Interview(console, env_path)
    interview.hold()
    console.print(
        f"\nEvery setting that is required is known; {env_path} has those that you gave.\n", soft_wrap=True
    )
    verdict = examine_shop(env_path, fixes=False, is_agreed=False, as_json=False)
    if verdict is Verdict.ERRORS:
        console.print(
            "\nMend the errors, start the API and a worker, then run `restoreclick setup` again for a first order.",
            soft_wrap=True,
        )
        return verdict

    def agrees(question: str) -> bool:
        return Confirm.ask(question, console=console, default=False)

    if agrees("\nRun one real order for the smallest amount now? You pay it, and it can be refunded."):
        run_trial_order(console, read_settings(), agrees)
    return verdict
