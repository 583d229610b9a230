"""Errors that a user or operator can cause.

The command line prints their message, never a traceback.

CommandFailedError   a command failed
└── MisuseError      it was started in a way that cannot work
"""


class CommandFailedError(Exception):
    """A command failed.

    The message is one sentence that says what to do.
    """


class MisuseError(CommandFailedError):
    """A command cannot work with its arguments or in its environment."""
