"""Uploaded inputs: kept for a day, referenced by URL."""

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime, timedelta

from sandbox.twins.common import Json, TwinState
from sandbox.twins.replicate.errors import MissingError
from sandbox.twins.replicate.predictions import timestamp

LIFETIME = timedelta(hours=24)


class Files:
    """The uploads of the only account."""

    def __init__(self, ledger: TwinState, url: str) -> None:
        self._ledger = ledger
        self._prefix = f"{url}/v1/files/"

    def create(self, name: str, content_type: str, content: bytes, metadata: str | None) -> Json:
        """Store an upload."""
        file_id = base64.b32encode(secrets.token_bytes(35)).decode()
        digest = hashlib.sha256(content).hexdigest()
        expires_at = (datetime.now(UTC) + LIFETIME).isoformat(timespec="milliseconds")
        file = {
            "id": file_id,
            "name": name,
            "content_type": content_type,
            "size": len(content),
            "etag": hashlib.sha256(digest.encode()).hexdigest()[:32],
            "checksums": {"sha256": digest},
            "metadata": json.loads(metadata) if metadata else {},
            "created_at": timestamp(),
            "expires_at": expires_at.replace("+00:00", "Z"),
            "urls": {"get": f"{self._prefix}{file_id}"},
        }
        with self._ledger.transaction():
            self._ledger.put("file", file_id, file)
            self._ledger.put_blob(f"file/{file_id}", content)
        return file

    def get(self, file_id: str) -> Json:
        """Return an upload's metadata; raise MissingError if unknown or expired."""
        file = self._ledger.get("file", file_id)
        if file is None or datetime.fromisoformat(file["expires_at"]) < datetime.now(UTC):
            raise MissingError
        return file

    def newest_first(self) -> list[Json]:
        """Return all uploads."""
        return self._ledger.find("file")

    def delete(self, file_id: str) -> None:
        """Delete an upload; raise MissingError if unknown."""
        with self._ledger.transaction():
            self.get(file_id)
            self._ledger.remove("file", file_id)
            self._ledger.remove_blob(f"file/{file_id}")

    def content_at(self, url: str) -> bytes | None:
        """Return the content of an upload's URL; None for any other URL."""
        if not url.startswith(self._prefix):
            return None
        return self._ledger.get_blob(f"file/{url.removeprefix(self._prefix)}")
