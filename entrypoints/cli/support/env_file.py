"""The file with the shop's settings, as Compose and shells read it."""

import re
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from entrypoints.cli.support.private_file import private_file

_PLAIN = re.compile(r"[\w@%+=:,./-]*", re.ASCII)


def read(path: Path) -> dict[str, str]:
    """The settings in a file; empty if there is none."""
    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}


def update(path: Path, changes: Mapping[str, str]) -> None:
    """Set settings in a file, atomically; everything else stays as it is.

    A new file is readable by its owner only, and so is a changed one.
    """
    lines = path.read_text().splitlines() if path.exists() else []
    left = dict(changes)
    for number, line in enumerate(lines):
        # Also the line of an example, which is empty or commented out.
        name = line.removeprefix("# ").removeprefix("export ").partition("=")[0].strip()
        is_example = line.startswith("#") and any(_sets(other, name) for other in lines)
        if name in left and not is_example:
            lines[number] = f"{name}={_quoted(left.pop(name))}"
    lines += [f"{name}={_quoted(value)}" for name, value in left.items()]
    with private_file(path, replaces=True) as file:
        file.write(("\n".join(lines) + "\n").encode())


def _sets(line: str, name: str) -> bool:
    return not line.startswith("#") and line.removeprefix("export ").startswith(f"{name}=")


def _quoted(value: str) -> str:
    """Quote a value literally, as Compose and dotenv read it."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
