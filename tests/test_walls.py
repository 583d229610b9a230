"""The domain has no I/O, clock, randomness, prose or outside words.

It depends on the standard library and one state machine. The import contracts (`make check`) say which package may
import which; this test covers what they cannot see: I/O in the standard library, and single functions of
otherwise harmless modules.
"""

import ast
import re
import sys
import tokenize
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from io import StringIO
from pathlib import Path

import pytest

from entrypoints.settings import Settings

ROOT = Path(__file__).parents[1]
DOMAIN = ROOT / "domain"
MODULES = sorted(DOMAIN.rglob("*.py"))
LIFECYCLE = DOMAIN / "order" / "lifecycle.py"
#: Everything that receives use cases; only bootstrap builds them on a unit of work.
ENTRYPOINTS = sorted(
    module for module in (ROOT / "entrypoints").rglob("*.py") if "bootstrap" not in module.parts
)

#: Modules that can read or change something outside the process.
DOORS = {
    *("time", "random", "secrets"),
    *("os", "sys", "pathlib", "shutil", "tempfile", "glob", "fileinput", "logging", "sqlite3"),
    *("socket", "ssl", "select", "selectors", "http", "urllib.request", "smtplib", "ftplib", "socketserver"),
    *("subprocess", "signal", "threading", "multiprocessing", "concurrent", "asyncio", "importlib"),
}
#: Names in these modules that only calculate.
HARMLESS = {"pathlib.PurePosixPath"}
#: Names that must not be used from otherwise permitted modules.
GUILTY = {
    *("open", "print", "input", "eval", "exec", "__import__", "io.open", "io.open_code", "io.FileIO"),
    *("uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7", "uuid.uuid8", "uuid.getnode"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
}

#: What the domain does not name, wherever it would: in names, texts, error messages, docstrings and comments.
OUTSIDE_WORDS = re.compile(
    r"(?i:stripe|replicate|sendgrid|minio|postgres|valkey|redis|dramatiq)"
    r"|restoreclick |(?:^|[\s`])--[a-z]|^/[a-z]+(?:[/_-]|$)"
    rf"|\b(?:{'|'.join(name.upper() for name in Settings.model_fields)})\b"
)
#: A text of three words or more is one for people, which localization words, or a message of an error.
SENTENCE = re.compile(r"[A-Za-z']+[,;:]? [A-Za-z']+[,;:]? [A-Za-z']+")
#: Stored codes and keys, which never change.
STORED_CODES = {"stripe", "replicate", "sendgrid", "payment_not_at_stripe", "refund_not_at_stripe"}
STORED_KEYS = {":links of redos ", ":mails of redos "}
STORED_REASONS = DOMAIN / "order" / "stored_reasons.py"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(DOMAIN)))
def test_the_domain_holds_no_prose_and_no_outside_words(module: Path) -> None:
    found = list(foreign_words(module.read_text()))
    assert [each for each in found if module != STORED_REASONS or "sentence" not in each] == []


@pytest.mark.parametrize(
    "source",
    [
        'status = "The photos are being restored."',
        'def sentence(paid):\n    return f"{paid} of it is left"',
        'url = f"{public}/api/orders/{order_id}"',
        'page = f"{link}/photos"',
        'class LostError(Exception):\n    advice = "run `restoreclick db restored`"',
        'raise LostError("give --fix")',
        '"""Signed under WORKER_SECRET_KEY."""',
        '"""The comparison with Stripe."""',
        "#: Stripe keeps a key for 24 hours.\nLIFETIME = 24",
        "repairs: bool  # as `--fix` requests",
        'source = "stripe_events"',
        "def unknown_to_sendgrid(): ...",
        "class Side:\n    REPLICATE = 1",
    ],
)
def test_prose_and_outside_words_would_be_noticed(source: str) -> None:
    assert list(foreign_words(source))


@pytest.mark.parametrize(
    "source",
    [
        '"""The photos are being restored."""',
        'class LostError(ShopError):\n    def __init__(self):\n        super().__init__("Look for it in a backup.")',
        'raise AssertionError("An order that is paid has a payment.")',
        'key = f"{number}/history.json"',
        'source = "stripe"',
        'kind = "webhook endpoint"',
        "#: The provider keeps a key for 24 hours.\nLIFETIME = 24",
    ],
)
def test_codes_docstrings_comments_and_messages_of_errors_are_welcome(source: str) -> None:
    assert list(foreign_words(source)) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(DOMAIN)))
def test_the_domain_only_computes(module: Path) -> None:
    extra = {"transitions"} if module == LIFECYCLE else set()
    assert list(trespasses(module.read_text(), extra)) == []


@pytest.mark.parametrize(
    "trespass",
    [
        "import stripe",
        "from sqlalchemy import select",
        "import adapters.system",
        "from transitions import Machine",
        "import time",
        "import os.path",
        "from random import choice",
        "from concurrent.futures import Future",
        "from urllib import request",
        "import urllib.request",
        "from pathlib import Path",
        "from pathlib import PurePosixPath, Path",
        "import pathlib",
        "from uuid import uuid4",
        "import uuid\nfresh = uuid.uuid7()",
        "import uuid as u\nfrom dataclasses import field\nfresh = field(default_factory=u.uuid4)",
        "from datetime import UTC, datetime\nnow = datetime.now(UTC)",
        "from datetime import datetime as moment\nnow = moment.utcnow()",
        "import datetime\nnow = datetime.datetime.today()",
        "from datetime import date\nclass Diary:\n    def page(self):\n        return date.today()",
        "def read(path):\n    return open(path)",
        "import io\ncontent = io.open('/etc/hostname')",
        "print('a word')",
        "name = input()",
        "def late():\n    import socket",
    ],
)
def test_a_trespass_would_be_noticed(trespass: str) -> None:
    assert list(trespasses(trespass))


@pytest.mark.parametrize(
    "harmless",
    [
        "from domain.order.values import Money",
        "from pathlib import PurePosixPath",
        "from uuid import UUID, uuid5",
        "from urllib.parse import quote",
        "import io\nbuffer = io.BytesIO()",
        "from datetime import datetime, timedelta\nclass Clock:\n    def now(self) -> datetime: ...",
        "def due(clock):\n    return clock.now()",
        "class Books:\n    def open(self): ...\n\ndef begin(books):\n    return books.open()",
    ],
)
def test_what_only_computes_is_welcome(harmless: str) -> None:
    assert list(trespasses(harmless)) == []


@pytest.mark.parametrize("module", ENTRYPOINTS, ids=lambda module: str(module.relative_to(ROOT)))
def test_entrypoints_open_no_transaction(module: Path) -> None:
    assert list(opened_transactions(module.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "with unit_of_work.transaction() as transaction:\n    transaction.notes.of(order_id)",
        "def load(self):\n    return self.shop.unit_of_work.transaction().__enter__()",
        "opened = unit_of_work.transaction",
    ],
)
def test_an_opened_transaction_would_be_noticed(source: str) -> None:
    assert list(opened_transactions(source))


def opened_transactions(source: str) -> Iterator[str]:
    """Each place where a transaction is opened, by its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "transaction":
            yield f"line {node.lineno} opens a transaction: put the question into domain/use_cases/queries.py"


def foreign_words(source: str) -> Iterator[str]:
    """Each outside word, and each sentence that localization should word."""
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type == tokenize.COMMENT and (found := OUTSIDE_WORDS.search(token.string)):
            yield f"line {token.start[0]} names {found[0]!r}"
    tree = ast.parse(source)
    messages = {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise | ast.Expr) or (isinstance(node, ast.ClassDef) and _is_an_error(node))
        for part in (ast.walk(node) if not isinstance(node, ast.Expr) else [node.value])
    }
    for node in ast.walk(tree):
        texts = node.values if isinstance(node, ast.JoinedStr) else [node]
        literals = [str(each.value) if isinstance(each, ast.Constant) else "{}" for each in texts]
        whole = "".join(literals) if isinstance(node, ast.Constant | ast.JoinedStr) else ""
        names = [
            value
            for name in ("id", "attr", "arg", "name")
            if isinstance(value := getattr(node, name, None), str)
        ]
        for word in (*names, *literals):
            if word not in STORED_CODES and (found := OUTSIDE_WORDS.search(word)):
                yield f"line {getattr(node, 'lineno', 0)} names {found[0]!r}"
        if node not in messages and not STORED_KEYS & {*literals} and SENTENCE.search(whole):
            yield f"line {getattr(node, 'lineno', 0)} holds a sentence: word it in adapters/localization"


def _is_an_error(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id.endswith(("Error", "Exception")) for base in node.bases)


def trespasses(source: str, extra: AbstractSet[str] = frozenset()) -> Iterator[str]:
    """Each forbidden import or name use; ``extra`` packages are permitted."""
    tree = ast.parse(source)
    welcome = sys.stdlib_module_names | {"domain"} | extra
    known: dict[str, str] = {}
    for local, bound, target in (each for node in ast.walk(tree) for each in _imported(node)):
        known[local] = bound
        if target.partition(".")[0] not in welcome or target in GUILTY or _is_a_door(target):
            yield f"imports {target}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and (name := _dotted(node, known)) in GUILTY:
            yield f"line {node.lineno}: uses {name}"


def _imported(node: ast.AST) -> Iterator[tuple[str, str, str]]:
    """What an import binds: local name, full name and imported name."""
    match node:
        case ast.Import(names=names):
            for name in names:
                # `import a.b` binds `a`: what is reached through it spells out the rest itself.
                bound = name.name if name.asname else name.name.partition(".")[0]
                yield name.asname or bound, bound, name.name
        case ast.ImportFrom(module=module, names=names, level=0):
            for name in names:
                yield name.asname or name.name, f"{module}.{name.name}", f"{module}.{name.name}"
        case _:
            pass


def _is_a_door(target: str) -> bool:
    parts = target.split(".")
    return target not in HARMLESS and any(".".join(parts[:end]) in DOORS for end in range(1, len(parts) + 1))


def _dotted(node: ast.expr, known: dict[str, str]) -> str | None:
    """The full name of an expression that is a chain of names."""
    match node:
        case ast.Name(id=name):
            return known.get(name, name)
        case ast.Attribute(value=value, attr=attribute):
            owner = _dotted(value, known)
            return None if owner is None else f"{owner}.{attribute}"
        case _:
            return None
