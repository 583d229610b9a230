"""Make text that strangers typed safe for e-mails."""

import re

from domain.order.file_names import graphemes, without_controls

#: No links, no addresses, no novels: a dot may end a word, as in "Dr. Brandt", but not join two.
_NAME = re.compile(r"(?!.*\.\w{2})[^\d<>/@:]{1,60}")

#: So much of a file's name tells which photo it is.
_LONGEST_FILE_NAME = 60


def person(name: str | None) -> str | None:
    """The name on one line where it looks like one."""
    one_line = _one_line(name or "")
    return one_line if _NAME.fullmatch(one_line) else None


def file_name(given: str) -> str:
    """A file's name on one line, without folders, shortened."""
    signs = list(graphemes(_one_line(re.split(r"[/\\]", given)[-1])))
    if len(signs) <= _LONGEST_FILE_NAME:
        return "".join(signs)
    return f"{''.join(signs[: _LONGEST_FILE_NAME - 1])}…"


def _one_line(text: str) -> str:
    return " ".join(without_controls(text, " ").split())
