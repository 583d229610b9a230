"""A batch whose rows are locked is chosen once."""

from pathlib import Path

import pytest

import adapters.postgres

SKIP_LOCKED = "FOR UPDATE SKIP LOCKED"
MODULES = [
    path for path in Path(adapters.postgres.__file__).parent.glob("*.py") if SKIP_LOCKED in path.read_text()
]


def word_before_the_parenthesis_around(text: str, position: int) -> str:
    depth = 1
    while depth:
        position -= 1
        depth += {")": 1, "(": -1}.get(text[position], 0)
    return text[:position].rsplit(maxsplit=1)[-1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_batch_that_skips_locked_rows_is_a_cte(path: Path) -> None:
    """A join may execute a subquery again, and exceed its limit."""
    text, position = path.read_text(), 0
    while (position := text.find(SKIP_LOCKED, position + 1)) >= 0:
        assert word_before_the_parenthesis_around(text, position) == "AS"
