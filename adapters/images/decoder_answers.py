"""Map a decoder process's answer or end to its task's result."""

import errno
import signal
from typing import Any, cast

import msgspec

from adapters.images import refusals
from adapters.images.decoder_child import ChildEndedError
from adapters.images.decoder_messages import Answer, Failure, OutOfMemory, Ready, Refusal, Result
from domain.ports.errors import UnavailableError, UnreadableImageError


class DecoderDefectError(Exception):
    """A task failed not because of its picture: a defect."""


def unavailable(detail: str, *, retry_after_seconds: float | None = None) -> UnavailableError:
    """The error of a pool that cannot decode now."""
    return UnavailableError("The picture decoder", detail, retry_after_seconds=retry_after_seconds)


def value_of(answer: Answer, expected: Any) -> object:
    """Return the function's checked value, or raise what it raised."""
    match answer:
        case Result(value):
            try:
                return cast("object", msgspec.msgpack.decode(value, type=expected))
            except msgspec.MsgspecError as error:
                raise DecoderDefectError(str(error)) from error
        case Refusal(refusal, values):
            raise UnreadableImageError(refusal, values)
        case OutOfMemory():
            raise refusals.too_much_memory()
        case Failure(errno=errno.EFBIG | errno.ENOMEM):
            raise refusals.too_much_memory()
        case Failure(error, number) if number is not None:
            raise unavailable(error)
        case Failure(error):
            raise DecoderDefectError(error)
        case Ready():
            raise DecoderDefectError("The decoder process answered a task with Ready.")


def error_of(error: ChildEndedError) -> Exception:
    """Map the end of a process to the error of its task.

    SIGKILL comes from the machine, when it lacks memory, or from an operator: a retry may succeed.
    """
    if error.signal is signal.SIGXCPU:
        return refusals.too_slow()
    if error.signal is signal.SIGKILL:
        return unavailable("the system ended a decoder process")
    return refusals.not_opened()
