"""Small things a data folder remembers between starts: credentials, port numbers."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")


def private_folder(path: Path) -> Path:
    """Make the folder, for its owner only, unless it exists; return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def kept(file: Path, make: Callable[[], T]) -> T:
    """Return what `file` holds; the first time, what `make` returns (anything JSON can hold), and keep it."""
    if not file.exists():
        keep(file, make())
    return cast("T", json.loads(file.read_text()))


def keep(file: Path, value: object) -> None:
    """Write the value so that only its owner can read it, and nobody ever sees half of it."""
    private_folder(file.parent)
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(value, out, indent=2)
    draft.replace(file)
