"""Files of a form: each becomes a photo or a refusal."""

from collections.abc import Sequence
from dataclasses import dataclass

from anyio import CapacityLimiter, to_thread

from domain.order.file_names import as_written
from domain.order.values import UploadSessionId
from domain.ports.errors import UnavailableError, UnreadableImageError
from domain.use_cases.checkout.uploads import TooManyPhotosError, UploadService
from entrypoints.bootstrap.wording import Localization, unreadable_text
from entrypoints.http.photo_forms import SentFile

_DUPLICATE = "refusal.duplicate"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A file that was not added, and why."""

    file_name: str
    phrase: str | None = None
    error: UnreadableImageError | None = None
    limit: int | None = None  # of the phrase

    @property
    def is_duplicate(self) -> bool:
        """Whether the photo is in the session already, which is no problem."""
        return self.phrase == _DUPLICATE

    def sentence(self, localization: Localization) -> str:
        """Why the file was not added, and what to do."""
        if self.error is not None:
            return unreadable_text(self.error, localization)
        return localization.say(str(self.phrase), limit=str(self.limit))


async def add_file(
    upload_service: UploadService, session_id: UploadSessionId, file: SentFile, limiter: CapacityLimiter
) -> Sequence[Refusal]:
    """Add a file to a session, or say why not.

    Raises UnknownUploadSessionError and UploadSessionClosedError.
    """
    name = as_written(file.name)
    if file.content is None:
        return [Refusal(file_name=name, phrase="refusal.too_large")]
    if not file.size_bytes:
        return [Refusal(file_name=name, phrase="refusal.empty")]
    try:
        added = await to_thread.run_sync(
            upload_service.add, session_id, name, file.content, file.size_bytes, limiter=limiter
        )
    except UnreadableImageError as error:
        return [Refusal(file_name=name, error=error)]
    except TooManyPhotosError as error:
        return [Refusal(file_name=name, phrase="refusal.too_many", limit=error.limit)]
    except UnavailableError:
        return [Refusal(file_name=name, phrase="refusal.unavailable")]
    return [Refusal(file_name=name, phrase=_DUPLICATE)] if added.is_duplicate else []
