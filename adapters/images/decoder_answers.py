"""Map a decoder process's answer or end to its task's result."""

import errno
import signal
from typing import Any, cast

import msgspec

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
        case Refusal(fields):
            raise UnreadableImageError(**fields)
        case OutOfMemory():
            raise _too_much_memory()
        case Failure(errno=errno.EFBIG | errno.ENOMEM):
            raise _too_much_memory()
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
        return UnreadableImageError(
            "This picture takes too long to open.",
            _SAVE_AGAIN,
            f"Dieses Bild zu öffnen dauert zu lange. {_SAVE_AGAIN_GERMAN}",
        )
    if error.signal is signal.SIGKILL:
        return unavailable("the system ended a decoder process")
    return UnreadableImageError(
        "This picture cannot be opened: its file is damaged or unusual.",
        _SAVE_AGAIN,
        f"Dieses Bild lässt sich nicht öffnen: Seine Datei ist beschädigt oder ungewöhnlich. {_SAVE_AGAIN_GERMAN}",
    )


def _too_much_memory() -> UnreadableImageError:
    return UnreadableImageError(
        "This picture takes too much memory to open.",
        _SAVE_SMALLER,
        f"Dieses Bild zu öffnen braucht zu viel Speicher. {_SAVE_SMALLER_GERMAN}",
    )


_SAVE_AGAIN = "Please open it on your computer, save it again as a JPEG or PNG file and send that."
_SAVE_AGAIN_GERMAN = (
    "Bitte öffnen Sie es auf Ihrem Computer, speichern Sie es neu als JPEG oder PNG "
    "und schicken Sie diese Datei."
)
_SAVE_SMALLER_GERMAN = (
    "Bitte speichern Sie es auf Ihrem Computer kleiner als JPEG und schicken Sie diese Datei."
)
_SAVE_SMALLER = "Please save it smaller on your computer, as a JPEG file, and send that."
