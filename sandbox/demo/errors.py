"""The error of the demo and the local shop."""


class DemoError(Exception):
    """The demo cannot go on; the message says what to do."""
