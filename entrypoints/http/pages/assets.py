"""Static files of the pages: style sheet, icons, pictures and scripts.

They are read once at start. The address contains a hash over all of them, so browsers may keep each file for good, and
relative addresses between them remain valid.
"""

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Self

#: The folder of the committed files; the build of the scripts writes to ``built`` in it.
FOLDER = files("entrypoints.http.pages") / "assets"

#: Written by the build of the scripts; maps the name of a script to its file in ``built``.
_MANIFEST = "built/manifest.json"

#: Characters of the hash in addresses.
_HASH_LENGTH = 16

_COMPRESSIBLE = ("text/", "image/svg", "application/json")


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A static file; ``compressed`` is its gzip form where that is smaller."""

    content: bytes
    media_type: str
    compressed: bytes | None

    @classmethod
    def of(cls, name: str, content: bytes) -> Self:
        """The asset of a file, whose type is known by its name."""
        media_type = media_type_of(name)
        compressed = gzip.compress(content, mtime=0) if media_type.startswith(_COMPRESSIBLE) else None
        return cls(content=content, media_type=media_type, compressed=compressed)


class Assets:
    """The static files by name, such as ``style.css``."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._assets = {name: Asset.of(name, content) for name, content in contents.items()}
        digest = hashlib.sha256()
        for name in sorted(contents):
            digest.update(name.encode() + b"\0" + hashlib.sha256(contents[name]).digest())
        #: The hash in the addresses of all files.
        self.revision = digest.hexdigest()[:_HASH_LENGTH]
        self._scripts: Mapping[str, str] = json.loads(contents.get(_MANIFEST, b"{}"))

    def __contains__(self, name: str) -> bool:
        return name in self._assets

    def find(self, name: str) -> Asset | None:
        """The file with this name; None if there is none."""
        return self._assets.get(name)

    def path(self, name: str) -> str:
        """The address of a file below the shop's root.

        Raises KeyError for an unknown name: a template names no missing file.
        """
        if name not in self._assets:
            raise KeyError(name)
        return f"/assets/{self.revision}/{name}"

    def script(self, name: str) -> str | None:
        """The name of a built script's file; None without the build."""
        file_name = self._scripts.get(name)
        return f"built/{file_name}" if file_name is not None else None


def media_type_of(name: str) -> str:
    """The content type of a file by its name.

    Modules are JavaScript whatever the machine's own table of types has.
    """
    if name.endswith((".js", ".mjs")):
        return "text/javascript"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def contents_of(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """Each file below a folder, by its name relative to the folder."""
    for each in folder.iterdir():
        if each.is_dir():
            yield from contents_of(each, f"{prefix}{each.name}/")
        else:
            yield f"{prefix}{each.name}", each.read_bytes()
