"""A client of resumable uploads, and one whose line breaks."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import httpx

from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient, application, post_scope

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


def encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


NAMED = {"Upload-Metadata": f"filename {encoded('great-aunt-1931.jpg')},filetype {encoded('image/jpeg')}"}


def begin(api: ApiClient, size_bytes: int = len(PORTRAIT), session_id: Any = None, **headers: str) -> str:
    """Begin an upload; return its address."""
    answer = api.http.post(
        f"/api/uploads/{session_id or api.open_session()}/tus",
        headers={**TUS, **NAMED, "Upload-Length": str(size_bytes), **headers},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def send(
    api: ApiClient, path: str, piece: bytes, offset: int = 0, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    given = {**PIECE, "Upload-Offset": str(offset), **(headers or {})}
    return api.http.patch(path, content=piece, headers=given)


def offset(api: ApiClient, path: str) -> int:
    answer = api.http.head(path, headers=TUS)
    assert answer.status_code == 200
    return int(answer.headers["upload-offset"])


def photos(api: ApiClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.http.get(path.partition("/tus")[0]).json()["photos"]
    return found


class BrokenLine:
    """A client that sends chunks, and then hangs up or stalls."""

    def __init__(self, *chunks: bytes, then: str = "hang up") -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self._chunks = list(chunks)
        self._then = then

    async def receive(self) -> dict[str, Any]:
        if self._chunks:
            return {"type": "http.request", "body": self._chunks.pop(0), "more_body": True}
        if self._then == "silence":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])

    def patch(
        self, api: ApiClient, path: str, offset: int = 0, headers: Mapping[str, str] | None = None
    ) -> None:
        self.request(api, "PATCH", path, {"upload-offset": str(offset), **(headers or {})})

    def request(self, api: ApiClient, method: str, path: str, headers: Mapping[str, str]) -> None:
        scope = post_scope(path, PIECE["Content-Type"]) | {"method": method}
        given = {**TUS, **headers}
        scope["headers"] += [(name.lower().encode(), value.encode()) for name, value in given.items()]
        asyncio.run(application(api.shop)(scope, self.receive, self.send))  # type: ignore[arg-type]
