"""An orderly end: the first signal unwinds everything, further ones are ignored."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndedBySignalError(SystemExit):
    """A signal ended the command; the exit status is what shells expect."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Raise EndedBySignalError once, on Ctrl-C, SIGTERM or a closed terminal."""

    def end(number: int, _: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise EndedBySignalError(number)

    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
