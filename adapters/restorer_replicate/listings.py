"""Replicate's list of predictions, and the uploads they were made from."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from adapters.restorer_replicate.api import POSTS_TO, ReplicateRestorer
from adapters.restorer_replicate.transport import PROVIDER
from adapters.restorer_replicate.webhooks import ENDED
from adapters.webhooks.entries import entries_read
from adapters.webhooks.fields import ProviderId
from domain.ports.errors import RefusedError
from domain.ports.provider_listings import ListedPrediction, TakeUnreadable, refuse_unreadable
from domain.ports.restorer import PredictionStatus

_UPLOAD = re.compile(r"https?://[^/]+/v1/files/([\w-]+)")


class _Listed(msgspec.Struct):
    id: ProviderId
    status: str
    created_at: datetime
    completed_at: datetime | None = None
    input: Any = None


_LISTED = msgspec.json.Decoder(_Listed)


class _Page(msgspec.Struct):
    results: list[msgspec.Raw]
    next: str | None = None


class _Upload(msgspec.Struct):
    metadata: dict[str, Any] | None = None


class ReplicateListing:
    """Read the list of predictions of a restorer's account."""

    def __init__(self, restorer: ReplicateRestorer) -> None:
        self._restorer = restorer

    def predictions(
        self, since: datetime, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedPrediction]:
        """Yield predictions newest first, until one is older than ``since``."""
        query: str | None = ""
        while query is not None:
            page = self._restorer.ask(
                _Page, "GET", f"/v1/predictions?{query}" if query else "/v1/predictions"
            )
            for listed in entries_read(
                page.results, _LISTED.decode, provider=PROVIDER, kind="prediction", unreadable=unreadable
            ):
                if listed.created_at < since:
                    return
                yield _as_listed(listed)
            # The next page's address is external data: only its cursor is used.
            query = urlsplit(page.next).query if page.next else None

    def address_of(self, listed: ListedPrediction) -> str | None:
        """Return the webhook address in the upload's metadata.

        None once Replicate has deleted the prediction's input or the upload.
        """
        if listed.name_tag is None:
            return None
        try:
            upload = self._restorer.ask(_Upload, "GET", f"/v1/files/{quote(listed.name_tag, safe='')}")
        except RefusedError as error:
            if error.code == str(httpx.codes.NOT_FOUND.value):
                return None
            raise
        address = (upload.metadata or {}).get(POSTS_TO)
        return address if isinstance(address, str) else None


def _as_listed(listed: _Listed) -> ListedPrediction:
    status = PredictionStatus.FAILED if listed.status in ENDED else PredictionStatus.RUNNING
    return ListedPrediction(
        prediction_id=listed.id,
        status=PredictionStatus.SUCCEEDED if listed.status == "succeeded" else status,
        created_at=listed.created_at,
        ended_at=listed.completed_at,
        name_tag=_upload_in(listed.input),
    )


def _upload_in(given: Any) -> str | None:
    values = given.values() if isinstance(given, dict) else ()
    found = (_UPLOAD.fullmatch(value) for value in values if isinstance(value, str))
    return next((upload[1] for upload in found if upload), None)
