"""Refused files of a form, carried to the session's page.

A form is answered with a redirect, so that reload and *back* send no photo twice. File names must not be in an address,
which servers log, so the browser carries them in a short-lived cookie; the page shows them once.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from litestar import Response

from domain.order.values import UploadSessionId
from domain.ports.errors import UnreadableImageError
from entrypoints.bootstrap.wording import Localization
from entrypoints.http.pages.photo_refusals import Refusal
from entrypoints.http.pages.site import Site
from entrypoints.http.request_bodies import AnyRequest

_COOKIE = "refused_files"
_MINUTE_SECONDS = 60
#: Browsers keep 4096 bytes of a cookie with its name and attributes.
_MOST_BYTES = 3_500
_LONGEST_NAME = 80


@dataclass(frozen=True, kw_only=True)
class SentForm:
    """The files of a form that were not added.

    ``unnamed`` is how many more did not fit into the cookie.
    """

    refusals: Sequence[Refusal] = ()
    unnamed: int = 0
    is_cut_off: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.refusals and not self.is_cut_off


class _Refusal(msgspec.Struct, array_like=True):
    name: str
    phrase: str | None
    limit: int | None = None
    values: dict[str, int | list[tuple[str, dict[str, int]]]] | None = (
        None  # of a picture that cannot be read
    )


@dataclass
class _Kept:
    refusals: list[_Refusal] = field(default_factory=list)
    unnamed: int = 0
    is_cut_off: bool = False


def keep(sent: SentForm, session_id: UploadSessionId, site: Site) -> str:
    """The header that has the browser carry this to the session's page."""
    kept = _Kept(is_cut_off=sent.is_cut_off)
    for refusal in sent.refusals:
        kept.refusals.append(_kept(refusal))
        if len(_encoded(kept)) > _MOST_BYTES:
            kept.refusals.pop()
            kept.unnamed += not refusal.is_duplicate
    return site.cookie(_COOKIE, _encoded(kept), _MINUTE_SECONDS, _path(session_id))


def kept_by(request: AnyRequest, localization: Localization) -> SentForm:
    """What the browser carries; nothing if that cannot be read."""
    try:
        kept = msgspec.json.decode(urlsafe_b64decode(request.cookies.get(_COOKIE, "")), type=_Kept)
        refusals = [_read(each) for each in kept.refusals]
        for refusal in refusals:
            refusal.sentence(localization)
    except (AssertionError, LookupError, TypeError, ValueError):  # made by someone else, or an older version
        return SentForm()
    return SentForm(refusals=refusals, unnamed=max(kept.unnamed, 0), is_cut_off=kept.is_cut_off)


def forget(answer: Response[object], session_id: UploadSessionId, site: Site) -> None:
    """Have the browser drop what its page now shows."""
    answer.delete_cookie(_COOKIE, site.address(_path(session_id)))


def _path(session_id: UploadSessionId) -> str:
    return f"/uploads/{session_id}"


def _encoded(kept: _Kept) -> str:
    return urlsafe_b64encode(msgspec.json.encode(kept)).decode()


def _kept(refusal: Refusal) -> _Refusal:
    name, error = refusal.file_name[:_LONGEST_NAME], refusal.error
    if error is None:
        return _Refusal(name, refusal.phrase, refusal.limit)
    values = {
        key: value if isinstance(value, int) else [(part, dict(numbers)) for part, numbers in value]
        for key, value in error.values.items()
    }
    return _Refusal(name, error.refusal, values=values)


def _read(kept: _Refusal) -> Refusal:
    if kept.values is None:
        return Refusal(file_name=kept.name, phrase=kept.phrase, limit=kept.limit)
    return Refusal(file_name=kept.name, error=UnreadableImageError(str(kept.phrase), kept.values))
