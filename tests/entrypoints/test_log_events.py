"""Every log event is documented, and every line has its trace."""

import ast
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import structlog

from entrypoints.logging_config import configure_logs

ROOT = Path(__file__).parents[2]
ORDER_ID = "01931000-0000-7000-8000-000000000000"
TRACE_ID = "01931000000070008000000000000000"
LOGGING = re.compile(r"(log|_log|log_finding|write|structlog\.get_logger\(__name__\))(\.\w+)?")


def logged() -> set[str]:
    """The events that servers log, by a look at the code."""
    return {event for folder in ("adapters", "entrypoints") for event in _events_in(ROOT / folder)}


def _events_in(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*.py"):
        source = file.read_text()
        if "structlog.get_logger" in source:
            yield from _events_of(ast.parse(source))


def _events_of(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or not node.args or not LOGGING.fullmatch(ast.unparse(node.func)):
            continue
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def test_every_log_event_is_documented_once() -> None:
    page = (ROOT / "docs/monitoring.md").read_text()
    table = page.partition("## Logs\n")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `([a-z_]+)` \| (?:debug|info|warning|error) \|", table, flags=re.MULTILINE)
    assert sorted(documented) == sorted(logged())


def test_an_event_that_is_not_documented_would_be_noticed() -> None:
    module = ast.parse('_log.info("dinner_served")\nwrite("dinner_over")\nother("dinner")')
    assert list(_events_of(module)) == ["dinner_served", "dinner_over"]


@pytest.fixture
def configured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    ("about", "trace_id"),
    [
        ({"order_id": ORDER_ID}, TRACE_ID),
        ({"request_id": ORDER_ID}, TRACE_ID),
        ({"request_id": str(UUID(int=1)), "order_id": ORDER_ID}, TRACE_ID),
        ({}, None),
        ({"order_id": None}, None),
    ],
)
def test_a_line_belongs_to_the_trace_of_its_order_or_request(
    capsys: pytest.CaptureFixture[str], about: dict[str, str], trace_id: str | None
) -> None:
    configure_logs("INFO")
    structlog.get_logger("shop").info("reaction_handled", **about)
    line = json.loads(capsys.readouterr().err)
    assert line.get("trace_id") == trace_id
    assert {"event", "level", "logger", "timestamp"} <= set(line)
