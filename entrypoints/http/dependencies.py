"""What handlers are given, and how what strangers send is brought into shape."""

import re

from anyio import CapacityLimiter
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from entrypoints.bootstrap.container import Container

#: The shop behind the doorway. It is handed over as it is, never checked field by field.
TheShop = NamedDependency[SkipValidation[Container]]

#: The threads that receive photos and wait until they are decoded, apart from those that answer: neither a slow
#: storage nor a slow decoder keeps a webhook waiting. More than may wait for a decoder, so that one is free to refuse.
UploadThreads = NamedDependency[SkipValidation[CapacityLimiter]]
UPLOAD_THREADS = 32

#: The threads that send files, apart from those that receive them: a download never waits for a decoder.
DownloadThreads = NamedDependency[SkipValidation[CapacityLimiter]]
DOWNLOAD_THREADS = 16

#: The threads that wait for the payment provider while it opens a checkout, for half a minute when it hangs: they too
#: are apart from those that take its webhooks.
CheckoutThreads = NamedDependency[SkipValidation[CapacityLimiter]]
CHECKOUT_THREADS = 16

#: A language, and whatever names the region: de, de-AT, zh-Hant-TW.
LOCALE = r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}"


def first_language(accept_language: str) -> str | None:
    """What a browser names first in its Accept-Language header: its user's own language."""
    first = re.match(rf"\s*({LOCALE})\s*(?:[,;]|$)", accept_language)
    return first[1] if first else None


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether the client has this version already, by its If-None-Match header."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return etag in known or "*" in known
