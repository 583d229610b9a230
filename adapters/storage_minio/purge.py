"""The deletion of everything under a prefix: versions, delete markers, unfinished uploads."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from minio import Minio
from minio.deleteobjects import DeleteObject

from adapters.storage_minio.errors import PROVIDER
from domain.ports.errors import UnavailableError

#: How often a purge lists again for objects stored meanwhile, before it fails.
PURGE_ROUNDS = 5


class Purger:
    """Purge prefixes of a bucket; ``calling`` translates the errors of a call."""

    def __init__(
        self, client: Minio, *, bucket: str, calling: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._calling = calling

    def purge(self, prefix: str) -> int:
        """Delete everything under a prefix; see the port."""
        removed = 0
        for _ in range(PURGE_ROUNDS):
            found = self._remove_versions(prefix) + self._abort_uploads(prefix)
            if not found:
                return removed
            removed += found
        raise UnavailableError(PROVIDER, f"objects under {prefix} reappear while they are deleted")

    def _remove_versions(self, prefix: str) -> int:
        """Delete all versions, delete markers included.

        Without versioning each object has one, called null.
        """
        with self._calling(prefix):
            versions = [
                DeleteObject(str(found.object_name), found.version_id)
                for found in self._client.list_objects(
                    self._bucket, prefix=prefix, recursive=True, include_version=True
                )
            ]
            refused = list(self._client.remove_objects(self._bucket, versions))
        if refused:
            raise UnavailableError(PROVIDER, f"{len(refused)} versions were not deleted: {refused[0].code}")
        return len(versions)

    def _abort_uploads(self, prefix: str) -> int:
        """Abort unfinished multipart uploads.

        The SDK's public methods cover its own uploads only.
        """
        with self._calling(prefix):
            listed = self._client._list_multipart_uploads(self._bucket, prefix=prefix)  # noqa: SLF001
            for upload in listed.uploads:
                self._client._abort_multipart_upload(  # noqa: SLF001
                    self._bucket, upload.object_name, str(upload.upload_id)
                )
        return len(listed.uploads)
