"""The console that commands print on.

Output to a file or log has a fixed width, so that lines are not cut.
"""

import sys

from rich.console import Console

#: Wide enough for a table in a log; a terminal has its own width.
PLAIN_WIDTH = 120


def screen() -> Console:
    """The console on stdout."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, emoji=False)
