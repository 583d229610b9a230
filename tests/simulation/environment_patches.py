"""Patches for the shop's environment in a world: logging and face comparison."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol
from unittest import mock

import structlog

from adapters.postgres.event_codec import UnknownEventError
from domain.ports.errors import OutsideError
from domain.ports.unit_of_work import UnitOfWorkError
from domain.similarity import likeness
from domain.use_cases.restoration import output_validation


class Caught(Protocol):
    """Callback for each error that the shop caught and logged."""

    def __call__(self, error: str, *, is_expected: bool) -> None: ...


@contextmanager
def logs_go_to(caught: Caught) -> Iterator[None]:
    """Drop the shop's log lines; report only the errors that it caught.

    The trace holds more than the log does.
    """

    def keep(_logger: object, _method: str, line: Any) -> Any:
        if line.get("exc_info"):
            error = sys.exception()
            caught("".join(traceback.format_exception(error)), is_expected=_is_expected(error))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


@contextmanager
def faces_are_compared_once() -> Iterator[None]:
    """Cache the similarity of two sketches.

    A comparison takes a millisecond, and visitors of all worlds send the same photos.
    """
    with mock.patch.object(output_validation, "likeness", _likeness):
        yield


_likeness = cache(likeness)


def _is_expected(error: BaseException | None) -> bool:
    """Whether the error is, or is caused by, an injected fault's kind."""
    while error is not None and not isinstance(error, (OutsideError, UnitOfWorkError, UnknownEventError)):
        error = error.__cause__
    return error is not None
