"""Migrations only add, so that the previous version can go on.

Checked are the statements of every migration since 0016, when two versions began to share a schema.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

VERSIONS = Path(__file__).parents[3] / "migrations" / "versions"
FIRST_SHARED = "0016"

#: What the previous version may miss, or may not fill in.
_FORBIDDEN = {
    "drops": r"\bDROP\s+(?:TABLE|COLUMN|CONSTRAINT|FUNCTION|TRIGGER|VIEW|SCHEMA|DEFAULT|INDEX(?!\s+CONCURRENTLY))",
    "renames": r"\bRENAME\b",
    "changes a type": r"\bALTER\s+COLUMN\s+\w+\s+(?:SET\s+DATA\s+)?TYPE\b",
    "requires a value": r"\bSET\s+NOT\s+NULL\b",
    "adds a required column": r"\bADD\s+COLUMN\s+(?:IF\s+NOT\s+EXISTS\s+)?\w+(?:(?!DEFAULT|ADD\s+COLUMN|[;\"']).)*?"
    r"\bNOT\s+NULL\b(?!(?:(?!ADD\s+COLUMN|;).)*?\bDEFAULT\b)",
    "deletes rows": r"\b(?:DELETE\s+FROM|TRUNCATE)\b",
}

#: Exceptions, each with why the previous version goes on.
ALLOWED = {
    (
        "0029",
        "drops",
    ): "A check is replaced by one that the rows of the previous version pass, too.",
    (
        "0033",
        "deletes rows",
    ): "A function moves rows back into the table that the previous version writes; it reads all of them.",
}


def statements(file: Path) -> Iterator[str]:
    """The SQL of a migration's upgrade, and of functions that it calls."""
    yield from sql_of(file.read_text())


def sql_of(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
    pending, seen = ["upgrade"], set()
    while pending:
        name = pending.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        for node in ast.walk(functions[name]):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                pending.append(node.func.id)
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "name" for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    for node in tree.body:  # statements that are named at the top
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value.value


def offences(sqls: Iterator[str]) -> set[str]:
    return {
        what
        for sql in sqls
        for what, pattern in _FORBIDDEN.items()
        if re.search(pattern, sql, re.IGNORECASE | re.DOTALL)
    }


def test_every_migration_only_adds_or_says_why_it_may_not() -> None:
    files = [file for file in sorted(VERSIONS.glob("[0-9]*.py")) if file.name[:4] >= FIRST_SHARED]
    assert len(files) >= 15
    found = {(file.name[:4], what) for file in files for what in offences(statements(file))}
    assert found == set(ALLOWED)
    assert all(len(reason) > 20 for reason in ALLOWED.values())


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("ALTER TABLE orders DROP COLUMN number", "drops"),
        ("DROP TABLE orders", "drops"),
        ("ALTER TABLE orders RENAME COLUMN number TO name", "renames"),
        ("ALTER TABLE orders ALTER COLUMN number TYPE bigint", "changes a type"),
        ("ALTER TABLE orders ALTER COLUMN number SET NOT NULL", "requires a value"),
        ("ALTER TABLE orders ADD COLUMN colour text NOT NULL", "adds a required column"),
        (
            "ALTER TABLE orders ADD COLUMN a text DEFAULT '', ADD COLUMN b text NOT NULL",
            "adds a required column",
        ),
        ("DELETE FROM orders", "deletes rows"),
    ],
)
def test_what_removes_something_would_be_noticed(sql: str, what: str) -> None:
    source = f'def upgrade() -> None:\n    helper("""{sql}""")\n'
    assert what in offences(sql_of(source))
    nested = (
        f'def upgrade() -> None:\n    _change()\n\n\ndef _change() -> None:\n    op.execute(f"""{sql}""")\n'
    )
    assert what in offences(sql_of(nested))


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE orders ADD COLUMN colour text",
        "ALTER TABLE orders ADD COLUMN colour text NOT NULL DEFAULT 'sepia'",
        "ALTER TABLE orders ADD COLUMN colour text DEFAULT 'sepia' NOT NULL",
        "CREATE TABLE colours (name text NOT NULL)",
        "DROP INDEX CONCURRENTLY IF EXISTS orders_colour",
    ],
)
def test_additions_are_welcome(sql: str) -> None:
    assert offences(sql_of(f'def upgrade() -> None:\n    op.execute("""{sql}""")\n')) == set()
