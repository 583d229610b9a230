"""A command group that reports known errors without a traceback.

They end in a sentence on standard error and an exit status; only our own defects end in a traceback.
"""
# ruff: noqa: PLC0415 -- see _sentence_of

from typing import IO, Any

import rich_click as click
from click.exceptions import Exit

from entrypoints.command_errors import CommandFailedError, MisuseError
from entrypoints.exit_codes import ExitCode


class Sentence(click.ClickException):
    """A failure, shown as its sentence alone."""

    exit_code = ExitCode.FAILED

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence, by default on standard error."""
        click.echo(self.message, file=file, err=file is None)


class MisuseSentence(Sentence):
    """A usage error, which ends with click's exit status for those."""

    exit_code = ExitCode.MISUSE


class Commands(click.RichGroup):
    """A group that turns known errors into sentences."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises Sentence for known errors of the user, the shop and outside systems.
        """
        try:
            return super().invoke(ctx)
        except (click.ClickException, Exit, click.Abort):
            raise
        except Exception as failure:
            sentence = _sentence_of(failure)
            if sentence is None:
                raise
            raise sentence from failure


def _sentence_of(failure: Exception) -> Sentence | None:
    """Return how a known error is shown; imports are for failures only."""
    from domain.order.errors import ShopError
    from domain.ports.errors import OutsideError
    from domain.ports.unit_of_work import UnitOfWorkError
    from entrypoints.bootstrap.wording import error_text

    if isinstance(failure, MisuseError):
        return MisuseSentence(str(failure))
    if isinstance(failure, CommandFailedError | ShopError | UnitOfWorkError | OutsideError):
        return Sentence(error_text(failure))
    return None
