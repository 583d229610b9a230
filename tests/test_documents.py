"""Documents are correct: commands exist, links resolve, generated parts are fresh."""

import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

import click
import pytest
import yaml

from adapters.localization.timeline_text import timeline_text_of
from domain.order.events import EVENT_TYPES, Event, RecordedEvent, RestorationCompleted
from domain.order.states import State
from domain.order.values import Client, Device, EmailKind, FailureReason, HoldReason, OrderId
from domain.use_cases.reconciliation.findings import FindingCode
from entrypoints.cli import cli
from sandbox.demo.provider_faults import PROVIDER_FAULTS, back
from tests.domain.support.event_builders import PAID_AT, Facts
from tests.vocabulary import FOLDERS

#: The demo's customer as an HTTP client.
DEMO = Client(network="127.0.0.0/24", device=Device.PROGRAM)
ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "sandbox/samples/SOURCES.md"])

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@every_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    local = [target for target in targets if not target.startswith(("http://", "https://"))]
    assert [target for target in local if not _is_there(page, target)] == []


@every_page
def test_every_command_in_a_document_exists(page: Path) -> None:
    unknown = [command for command in commands(page.read_text()) if not _exists(command)]
    assert unknown == []


def test_the_readme_shows_how_to_begin_and_how_to_run() -> None:
    shown = [" ".join(command[:2]) for command in commands((ROOT / "README.md").read_text())]
    required = {"make demo", "make test", "restoreclick serve", "restoreclick worker", "restoreclick db"}
    assert required <= set(shown)


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    text = "Try\n\n    make dinner\n\nor `restoreclick orders burn`.\n"
    assert [_exists(command) for command in commands(text)] == [False, False]


@every_page
def test_no_container_that_a_document_runs_starts_the_migration_before_it(page: Path) -> None:
    assert [run for run in container_runs(page.read_text()) if starts_others(run)] == []


@every_page
def test_each_backup_that_a_document_makes_with_compose_has_the_overlay(page: Path) -> None:
    backups = [run for run in container_runs(page.read_text()) if run.words[-1] == "backup"]
    assert [run for run in backups if run.service == "worker" and "backup.yaml" not in run.files] == []


def test_a_container_that_would_migrate_first_is_noticed() -> None:
    text = "    docker compose run --rm worker backup\n    docker compose run \\\n      --no-deps worker backup\n"
    first, second = container_runs(text)
    assert starts_others(first)
    assert not starts_others(second)
    assert first.service == second.service == "worker"
    assert first.files == ""


@every_page
def test_every_code_path_in_a_document_exists(page: Path) -> None:
    assert [path for path in code_paths(page.read_text()) if not _is_in_the_code(path)] == []


def test_a_code_path_that_does_not_exist_would_be_noticed() -> None:
    text = "See `domain/order/dinner.py`, `dinner.py`, `domain.order.dinner` or `tests/dinner/`."
    assert [_is_in_the_code(path) for path in code_paths(text)] == [False] * 4


@every_page
def test_every_test_named_in_a_document_exists(page: Path) -> None:
    assert sorted(named_tests(page.read_text()) - existing_tests()) == []


def test_a_test_that_does_not_exist_would_be_noticed() -> None:
    text = "See `test_dinner_is_served_at_eight`, tests/test_dinner.py and `test_documents.py`."
    assert named_tests(text) - existing_tests() == {"test_dinner_is_served_at_eight", "test_dinner"}


@every_page
def test_no_row_of_a_table_is_repeated(page: Path) -> None:
    bodies = re.findall(r"^\|[-:| ]+\|\n((?:\|.+\n)+)", page.read_text(), flags=re.MULTILINE)
    rows = Counter(row for body in bodies for row in body.splitlines())
    assert [row for row, count in rows.items() if count > 1] == []


def test_what_is_generated_is_fresh() -> None:
    checked = subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, str(ROOT / "docs/generate.py"), "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_the_glossary_has_every_event_and_every_state() -> None:
    text = (ROOT / "docs/glossary.md").read_text()
    assert [kind.__name__ for kind in EVENT_TYPES if f"`{kind.__name__}`" not in text] == []
    assert [state.value for state in State if f"*{state.value}*" not in text] == []


def test_docs_explain_every_reason_for_a_hold() -> None:
    text = (ROOT / "docs/support.md").read_text()
    assert [reason.value for reason in HoldReason if f"| `{reason.value}` |" not in text] == []


def test_docs_explain_every_finding_of_a_comparison() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    assert [what.value for what in FindingCode if f"`{what.value}`" not in text] == []


def test_docs_explain_every_state_of_an_order() -> None:
    rows = re.findall(r"^\| ([a-z, ]+) \|", (ROOT / "docs/support.md").read_text(), flags=re.MULTILINE)
    explained = {state for row in rows for state in row.split(", ")}
    assert {state.value for state in State} - explained == {State.NEW.value}  # there is no order yet


@pytest.mark.parametrize("page", ["README.md", "docs/support.md"])
def test_a_printed_history_matches_what_the_shop_prints_today(page: str) -> None:
    (printed,) = re.findall(r"```text\n(Order .+?)```", (ROOT / page).read_text(), flags=re.DOTALL)
    lines = re.sub(r"\n {24}", " ", printed).splitlines()
    sentences = [line[24:].partition(" (reported by")[0] for line in lines if re.match(r"\d\d:", line)]
    assert len(sentences) > 5
    assert {shape(sentence) for sentence in sentences} - sentence_shapes() == set()
    assert shape(lines[-1]) in sentence_shapes()


def test_the_printed_faults_match_what_the_demo_prints_today() -> None:
    page = (ROOT / "docs/sandbox.md").read_text()
    (printed,) = re.findall(r"```text\n(\d\d:.+?)```", page, flags=re.DOTALL)
    lines = re.sub(r"\n {24}", " ", printed).splitlines()
    timed = [line for line in lines if re.match(r"\d\d:", line)]
    # A fault has no figure beside its time; neither has the first line of a timeline.
    wrong = [line[24:] for line in timed[1:] if not line[8:24].strip()]
    sentences = [line[24:].partition(" (reported by")[0] for line in timed if line[24:] not in wrong]
    assert {shape(sentence) for sentence in sentences} - fault_sentence_shapes() == set()
    assert {shape(sentence) for sentence in wrong} - fault_shapes() == set()
    assert len(wrong) == len(PROVIDER_FAULTS) + sum(bool(fault.outage_of) for fault in PROVIDER_FAULTS)
    assert shape(lines[-1]) in fault_sentence_shapes()
    assert {"Log and providers agree.", "14.70 - 4.90 = 9.80 EUR stay for what was delivered."} <= set(lines)


def test_docs_explain_lines_that_a_timeline_has() -> None:
    quoted = re.findall(
        r'^- \*\*"(.+?)(?: \.\.\.)?"\*\*', (ROOT / "docs/support.md").read_text(), flags=re.MULTILINE
    )
    assert len(quoted) > 3
    assert [line for line in quoted if not any(shape(line) in known for known in sentence_shapes())] == []


def commands(text: str) -> Iterator[list[str]]:
    """Every ``make`` and ``restoreclick`` command in a page's code."""
    inline = re.findall(r"`([^`\n]+)`", text)
    fenced = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)).splitlines()
    blocks = [
        line.strip() for line in [*text.splitlines(), *fenced] if line.startswith("    ") or line in fenced
    ]
    for line in [*inline, *blocks]:
        called = re.match(r"(?:docker compose exec api |shop/bin/)?((?:make|restoreclick)(?: .*)?)$", line)
        if called:
            yield shlex.split(called[1], comments=True)


@dataclass(frozen=True)
class ContainerRun:
    """A ``docker compose run`` of a page, with the files it reads."""

    files: str
    words: tuple[str, ...]

    @property
    def service(self) -> str:
        """The service whose container it runs."""
        (first, *_) = (word for word in self.words if word in compose_services())
        return first


def container_runs(text: str) -> Iterator[ContainerRun]:
    """Every ``docker compose run`` in a page's code.

    COMPOSE_FILE holds for the lines after it.
    """
    chosen = ""
    for line in text.replace("\\\n", " ").splitlines():
        chosen = found[1] if (found := re.search(r"COMPOSE_FILE=(\S+)", line)) else chosen
        for options, arguments in re.findall(
            r"docker compose((?: -\S+(?: [^-\s]\S*)?)*) +run +([^`\n]+)", line
        ):
            yield ContainerRun(options or chosen, tuple(shlex.split(arguments, comments=True)))


def starts_others(run: ContainerRun) -> bool:
    """Whether Compose first starts, or replaces, what the service depends on."""
    return bool(compose_services()[run.service].get("depends_on")) and "--no-deps" not in run.words


@cache
def compose_services() -> dict[str, dict[str, object]]:
    """The services of ``compose.yaml``, and those that backups add."""
    files = ("deploy/compose/backup.yaml", "compose.yaml")
    composed = [yaml.safe_load((ROOT / file).read_text())["services"] for file in files]
    return {name: service for services in composed for name, service in services.items()}


def code_paths(text: str) -> list[str]:
    """Every path of ours between a page's backticks.

    These are files, folders and modules; ``LANGUAGE`` matches any word.
    """
    folders = "domain|adapters|entrypoints|sandbox|migrations|benchmarks|tests"
    return re.findall(rf"`((?:(?:{folders})(?:[./][\w./]*)?|[\w/]+\.py))`", text)


def _is_in_the_code(path: str) -> bool:
    """Whether a path, file name, module, or a module's name exists."""
    if "/" in path or path.isidentifier():
        return any(ROOT.glob(re.sub(r"\b[A-Z]+\b", "*", path).rstrip("/")))
    if path.endswith(".py"):
        return any(any((ROOT / folder).rglob(path)) for folder in FOLDERS)
    module = ROOT.joinpath(*path.split("."))
    if module.is_dir() or module.with_suffix(".py").exists():
        return True
    defined_in = module.parent / "__init__.py" if module.parent.is_dir() else module.parent.with_suffix(".py")
    return defined_in.exists() and re.search(rf"\b{module.name}\b", defined_in.read_text()) is not None


def named_tests(text: str) -> set[str]:
    """Every test function and test module that a page names."""
    return set(re.findall(r"\btest_\w+", text))


@cache
def existing_tests() -> set[str]:
    """The names of all test functions and modules."""
    modules = [*(ROOT / "tests").rglob("test_*.py")]
    functions = (
        name
        for module in modules
        for name in re.findall(r"^ *def (test_\w+)", module.read_text(), re.MULTILINE)
    )
    return {module.stem for module in modules} | set(functions)


def sentence_shapes() -> set[str]:
    """The shapes of all sentences of some histories.

    One without failures, one with a failed photo, one with faults.
    """
    three, two, reason = Facts(photos=3), Facts(photos=2), FailureReason.REFUSED_INPUT
    confirmation, result = EmailKind.CONFIRMATION, EmailKind.RESULT
    lives: list[list[Event]] = [
        [
            *(
                three.paid(client=DEMO),
                three.moved(),
                three.sent(confirmation),
                three.started(0),
                three.started(1),
            ),
            *(three.started(2), three.restored(0), three.restored(1), three.restored(2), three.prepared()),
            *(three.sent(result), three.downloaded(client=DEMO), three.served(client=DEMO)),
        ],
        [
            *(two.paid(), two.moved(), two.sent(confirmation), two.attempt_failed(0, reason=reason)),
            *(two.failed(0, reason=reason), two.started(1), two.restored(1), two.owed(490, 0)),
            *(two.refund_issued(490), two.prepared(1), two.sent(EmailKind.PARTIAL_RESULT)),
            two.served(client=None),
        ],
        [
            *(two.paid(), two.moved(), two.unconfirmed(confirmation), two.disputed()),
            *(two.started(0), two.started(0, prediction="another")),
        ],
    ]
    stories = [
        timeline_text_of(_recorded(facts.order_id, each, tries))
        for facts, life, tries in zip((three, two, two), lives, (1, 1, 3), strict=True)
        for each in (life, _with_originals(life))
    ]
    passages = [entry.text for timeline in stories for entry in timeline.entries]
    return {shape(text) for text in [*passages, *(timeline.ending for timeline in stories)]}


def _with_originals(life: Sequence[Event]) -> list[Event]:
    """The same events, as recorded today: with each original's size."""
    return [
        replace(event, original_width=1024, original_height=768)
        if isinstance(event, RestorationCompleted)
        else event
        for event in life
    ]


def fault_sentence_shapes() -> set[str]:
    """The shapes of the sentences of the demo with faults."""
    three, refused = Facts(photos=3), FailureReason.CONTENT_FILTER
    life: list[Event] = [
        *(three.paid(client=DEMO), three.moved(), three.sent(EmailKind.CONFIRMATION)),
        *(three.started(0), three.started(1), three.started(2)),
        *(three.attempt_failed(1, reason=refused), three.started(1, attempt=2)),
        *(three.attempt_failed(1, attempt=2, reason=refused), three.failed(1, attempts=2)),
        *(three.restored(0), three.restored(2), three.owed(490, 1), three.prepared(0, 2)),
        *(three.sent(EmailKind.PARTIAL_RESULT), three.refund_issued(490)),
        *(three.downloaded(client=DEMO), three.served(client=DEMO)),
    ]
    stories = [timeline_text_of(_recorded(three.order_id, life, tries)) for tries in (1, 2)]
    passages = [entry.text for timeline in stories for entry in timeline.entries]
    return {shape(text) for text in [*passages, *(timeline.ending for timeline in stories)]}


def fault_shapes() -> set[str]:
    """The shapes of all faults that the demo may report."""
    struck = [f"{fault.sentence} {fault.answer}" for fault in PROVIDER_FAULTS]
    over = [back(fault, strikes, timedelta(seconds=2)) for fault in PROVIDER_FAULTS for strikes in (1, 2)]
    return {shape(text) for text in [*struck, *over]}


def shape(sentence: str) -> str:
    """A sentence without figures and dates, but with its number of photos."""
    dateless = re.sub(r"\d+ [A-Z][a-z]+ \d{4}", "DAY", sentence)
    sizeless = re.sub(r"\d[\d.]* (bytes?|[kM]B)", "SIZE", dateless)
    return re.sub(r"(\d[\d.-]*\d|\d)(?! photos)", "#", sizeless).replace("flux-kontext-apps/", "")


def _recorded(order_id: OrderId, life: list[Event], tries: int) -> Iterator[RecordedEvent]:
    for version, event in enumerate(life, start=1):
        yield RecordedEvent(
            event_id=UUID(int=version),
            order_id=order_id,
            version=version,
            recorded_at=PAID_AT + timedelta(seconds=version),
            cause=f"reaction:1 (MoveImages, attempt {tries})",
            cause_key=str(version),
            correlation_id=order_id,
            actor="worker",
            event=event,
        )


def _exists(command: list[str]) -> bool:
    program, *words = command
    if program == "make":
        targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        return all(word in targets or "=" in word for word in words)
    found: click.Command = cli
    for word in words:
        if not isinstance(found, click.Group):
            break  # the rest are the command's own arguments
        if word not in found.commands:
            # A group that is a command as well has options.
            return found.invoke_without_command and word.startswith(("-", "["))
        found = found.commands[word]
    return True


def _is_there(page: Path, target: str) -> bool:
    path, _, heading = target.partition("#")
    linked = (page.parent / path) if path else page
    if not linked.exists():
        return False
    return not heading or heading in _anchors(linked)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
