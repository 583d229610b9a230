"""HTML is in templates only."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_TAG = re.compile(
    r"</?(a|b|body|br|button|dd|div|dl|dt|form|h[1-6]|html|img|input|li|meta|p|small|span|table|td|tr|ul)\b[^<]*>"
)


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Each string of a module with its line, without docstrings.

    The values in an f-string are left out.
    """
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def tags(source: str) -> list[tuple[int, str]]:
    return [(line, text) for line, text in texts(source) if _TAG.search(text)]


@pytest.mark.parametrize("package", ["domain", "adapters", "entrypoints"])
def test_html_comes_out_of_templates(package: str) -> None:
    found = {str(module): found for module in modules(package) if (found := tags(module.read_text()))}
    assert found == {}


def test_html_in_a_string_would_be_noticed() -> None:
    assert tags('page = f"<h1>{title}</h1>"') == [(1, "<h1>"), (1, "</h1>")]
    assert tags('"""An <h1> in prose."""\nname = "<script"') == []
