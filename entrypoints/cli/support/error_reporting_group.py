"""What a user can cause ends in a sentence on stderr and an exit status; only our own defects end in a traceback."""

from typing import IO, Any

import rich_click as click

from domain.order.errors import ShopError
from domain.ports.errors import OutsideError
from domain.ports.unit_of_work import UnitOfWorkError
from entrypoints.command_errors import CommandFailedError, MisuseError


class Sentence(click.ClickException):
    """A failure, shown as its sentence and nothing around it."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence, on stderr unless told otherwise."""
        click.echo(self.message, file=file, err=file is None)


class MisuseSentence(Sentence):
    """A failure of whoever started the command; it ends with the status click has for that."""

    exit_code = click.UsageError.exit_code


class Commands(click.RichGroup):
    """Commands whose known errors are told, not thrown."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; raises Sentence for what the user, the shop or the world is to blame for."""
        try:
            return super().invoke(ctx)
        except MisuseError as failure:
            raise MisuseSentence(str(failure)) from failure
        except (CommandFailedError, ShopError, UnitOfWorkError, OutsideError) as failure:
            raise Sentence(str(failure)) from failure
