"""What commands print on: a terminal, or a file and a log where nothing moves and lines are not cut."""

import sys

from rich.console import Console

#: Wide enough for a table in a log; a terminal has a width of its own.
PLAIN_WIDTH = 120


def screen() -> Console:
    """The console on stdout."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, emoji=False)
