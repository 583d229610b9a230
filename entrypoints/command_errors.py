"""What whoever starts the shop can cause: it is told in a sentence, never in a traceback.

CommandFailedError   a command could not do what it was asked
└── MisuseError      it was started in a way that cannot work
"""


class CommandFailedError(Exception):
    """A command could not do what it was asked; the message is one sentence that says what to do."""


class MisuseError(CommandFailedError):
    """A command was started in a way, or in an environment, in which it cannot work."""
