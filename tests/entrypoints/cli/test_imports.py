"""Help is shown without importing the shop."""

import subprocess
import sys

import pytest

#: Everything that the shop is made of, and what it uses only when a command runs.
UNUSED_BY_HELP = {
    *("adapters", "domain", "sandbox", "tests"),
    *(
        "alembic",
        "dramatiq",
        "jinja2",
        "litestar",
        "minio",
        "msgspec",
        "psycopg",
        "pydantic",
        "redis",
        "replicate",
    ),
    *("sendgrid", "sqlalchemy", "ssl", "stripe", "transitions", "urllib3", "uvicorn"),
}
_PROGRAM = """
import sys
from entrypoints.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [("--help",), ("orders", "list", "--help"), ("--version",)], ids=" ".join
)
def test_help_imports_nothing_of_the_shop(arguments: tuple[str, ...]) -> None:
    shown = subprocess.run(  # noqa: S603 -- the arguments are above
        [sys.executable, "-c", _PROGRAM, *arguments], capture_output=True, text=True, check=True
    )
    imported = set(shown.stderr.split())
    assert "click" in imported
    assert imported & UNUSED_BY_HELP == set()
