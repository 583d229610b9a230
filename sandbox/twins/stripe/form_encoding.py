"""Stripe's form encoding with nested names, `line_items[0][price_data][currency]=eur`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from sandbox.twins.common import Json

_PART = re.compile(r"\[([^\]]*)\]")


def decode(form: str) -> Json:
    """Parse a query or form body into nested dicts and lists."""
    tree: Json = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        root, _, _ = name.partition("[")
        _insert(tree, [root, *_PART.findall(name)], value)
    return {name: _with_lists(branch) for name, branch in tree.items()}


def _insert(tree: Json, path: list[str], value: str) -> None:
    *branches, leaf = path
    for branch in branches:
        grown = tree.setdefault(branch, {})
        # A name used both as a value and as a branch: the later use wins.
        tree[branch] = tree = grown if isinstance(grown, dict) else {}
    tree[leaf or str(len(tree))] = value


def _with_lists(branch: Any) -> Any:
    """Convert dicts with keys 0, 1, 2... to lists."""
    if not isinstance(branch, dict):
        return branch
    grown = {name: _with_lists(value) for name, value in branch.items()}
    if grown and all(name.isdigit() for name in grown):
        return [grown[name] for name in sorted(grown, key=int)]
    return grown
