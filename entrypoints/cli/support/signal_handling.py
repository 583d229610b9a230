"""An orderly end: the first signal unwinds everything, and no further one disturbs that."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndedBySignalError(SystemExit):
    """Somebody wants the command to end; as an exit it carries the status that shells expect of it."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Raise EndedBySignalError in the block on Ctrl-C, SIGTERM or a closed terminal, once."""

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
