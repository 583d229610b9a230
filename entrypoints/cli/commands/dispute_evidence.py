"""The evidence pack of a disputed payment, written to a file.

A summary of its content, and whether it verifies, is printed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from domain.order.events import PaymentReceived
from domain.ports.dispute_evidence import Evidence, ObjectState
from domain.use_cases.audit.dispute_evidence import DisputeEvidence
from domain.use_cases.audit.dispute_evidence_objects import Watch
from domain.use_cases.queries import Queries
from entrypoints.bootstrap.wording import EvidenceText, counted, evidence_text_of, size_text
from entrypoints.cli.support.order_lookup import find_order
from entrypoints.cli.support.private_file import private_file
from entrypoints.command_errors import CommandFailedError


class DoubtfulPackError(CommandFailedError):
    """The pack is written, and a part of it does not verify."""

    def __init__(self, target: Path, problems: int) -> None:
        self.target = target
        self.problems = problems
        super().__init__(
            f"{target} DOES NOT VERIFY ({counted(problems, 'problem')} above), and says so on its first page: "
            "do not send it before you know why; begin with `restoreclick events verify` and `restoreclick reconcile`."
        )


def prove(
    queries: Queries,
    dispute_evidence: DisputeEvidence,
    wanted: str,
    *,
    target: Path | None = None,
    dispute_id: str | None = None,
    has_notes: bool = False,
    replaces: bool = False,
    as_json: bool = False,
) -> None:
    """Write the evidence pack and print its content.

    Raises DoubtfulPackError after writing a pack that does not verify. Raises the errors of ``find_order``,
    ``DisputeEvidence.pack`` and ``private_file`` without leaving a new file.
    """
    order_id = find_order(queries, wanted)
    beginning = queries.history(order_id)[0].event
    name = beginning.order_number if isinstance(beginning, PaymentReceived) else order_id
    target = target or Path(f"evidence-{name}.zip")
    otherwise = "or replace it with --force"
    with private_file(target, replaces=replaces, otherwise=otherwise) as file, _watched() as watch:
        pack = dispute_evidence.pack(order_id, dispute_id=dispute_id, has_notes=has_notes, watch=watch)
        for chunk in pack.content:
            file.write(chunk)
    text = evidence_text_of(pack.evidence)
    if as_json:
        document = {"file": str(target), "size_bytes": pack.size_bytes, "problems": list(text.problems)}
        click.echo(msgspec.json.encode(document))
    else:
        click.echo(f"{target}, {size_text(pack.size_bytes)}, is for the bank alone. It holds:")
        for line in _contents(pack.evidence, text):
            click.echo(f"  {line}")
    if text.problems:
        for problem in text.problems:
            click.echo(f"WARNING: {problem}", err=True)
        raise DoubtfulPackError(target, len(text.problems))


def _contents(evidence: Evidence, text: EvidenceText) -> Iterator[str]:
    customer, exhibits = evidence.customer, evidence.exhibits
    if customer is None:
        yield "no name and no address: the customer's data were erased"
    else:
        yield f"the customer's name and e-mail address: {customer.name or 'no name'}, {customer.email}"
    photos = counted(len(evidence.photos), "photo")
    if text.photos_gone:
        yield f"the SHA-256 of {photos} and of what became of them. {text.photos_gone}"
    else:
        verified = sum(exhibit.state is ObjectState.VERIFIED for exhibit in exhibits)
        pictures = sum(exhibit.thumbnail is not None for exhibit in exhibits)
        yield f"{photos} before and after, with {counted(pictures, 'small picture')} and their file names"
        yield f"the SHA-256 of {counted(len(exhibits), 'object')}, {verified} of them verified"
    yield f"{counted(len(text.lines), 'event')}, with who did what, and the chain of their SHA-256"
    deliveries, money = len(text.deliveries), len(text.money)
    yield f"{counted(deliveries, 'line')} about deliveries and downloads, {counted(money, 'line')} about money"
    if evidence.notes is None:
        yield "none of the shop's notes; --with-notes adds them"
    else:
        yield f"{counted(len(evidence.notes), 'note')} of the shop, word for word"


@contextmanager
def _watched() -> Iterator[Watch]:
    """A progress bar on standard error; standard output may be a file."""
    console = Console(stderr=True)
    columns = (TextColumn("Reading photos"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("objects", total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)
