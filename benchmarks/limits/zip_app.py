"""The limit of a download: `zipfile` over HTTP."""

import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

from litestar import Litestar, get
from litestar.response import Stream

from benchmarks.limits.serving import serve

CHUNK_BYTES = 256 * 1024


class _Sink:
    """A file that is only written, and emptied after each write."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        """Keep a part."""
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Keep everything until it is taken."""

    def close(self) -> None:
        """Keep what was not taken yet."""

    def taken(self) -> bytes:
        """Return and forget what was written."""
        parts, self.parts = self.parts, []
        return b"".join(parts)


async def zipped(files: list[Path]) -> AsyncIterator[bytes]:
    """Yield a stored archive of the files."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        for path in files:
            with path.open("rb") as content, archive.open(path.name, "w") as entry:
                while chunk := content.read(CHUNK_BYTES):
                    entry.write(chunk)
                    yield sink.taken()
    yield sink.taken()


def create_app(folder: Path) -> Litestar:
    """Build an application that sends the folder's files as one archive."""
    files = sorted(folder.iterdir())

    @get("/archive")
    async def archive() -> Stream:
        return Stream(zipped(files), media_type="application/zip")

    return Litestar([archive], logging_config=None)


if __name__ == "__main__":
    serve(create_app(Path(sys.argv[2])), int(sys.argv[1]))
