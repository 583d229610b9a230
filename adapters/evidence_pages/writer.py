"""Write the files of an evidence pack."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from adapters.localization.evidence_text import EvidenceText, caption, evidence_text_of
from adapters.localization.export_text import timeline_document
from adapters.localization.formats import counted, date_text, size_text
from adapters.localization.labels import EXHIBIT_STATES
from adapters.localization.status_text import image_status_of
from domain.order.events import PaymentReceived
from domain.order.values import Money
from domain.ports.archives import ArchiveEntry
from domain.ports.dispute_evidence import Evidence, Exhibit, ObjectState
from domain.use_cases.audit.archive_files import event_document, json_file, text_file

_HASHES = """SHA-256 of every object of order {number} as the log recorded it, and as the storage had it on {at} UTC.

verified   the bytes were read and are those that were recorded
DIFFERS    they are not
MISSING    there is no such object, though no deletion is on record
deleted    it was deleted when its time was over, so its bytes cannot be compared any more

"""
_CHAIN = """The log of order {number}, event by event, as it was read on {at} UTC.

recorded       the SHA-256 the event got when it was recorded; it covers the event and the one before it
computed       the same, computed again from what the log holds now
predecessor    the SHA-256 of the event before it, as this one remembers it

"""


class TemplateEvidenceWriter:
    """Writes evidence in English, in the shop's name."""

    def __init__(self, *, shop_name: str) -> None:
        environment = Environment(
            loader=PackageLoader("adapters.evidence_pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # a process keeps the version it began with
        )
        environment.filters |= {
            "moment": _moment,
            "day": date_text,
            "sized": size_text,
            "data_url": _data_url,
            "caption": caption,
        }
        environment.globals.update(counted=counted, says=_says, image_status_of=image_status_of)
        self._template = environment.get_template("evidence.jinja")
        self._shop_name = shop_name

    def files(self, evidence: Evidence) -> list[ArchiveEntry]:
        text, payment = evidence_text_of(evidence), _payment(evidence)
        page = self._template.render(
            evidence=evidence,
            text=text,
            payment=payment,
            balance=_balance(evidence),
            shop_name=self._shop_name,
        )
        heading = {"number": payment.order_number, "at": _moment(evidence.made_at)}
        return [
            text_file("evidence.html", page),
            text_file("timeline.txt", timeline_document(text.timeline)),
            json_file("timeline.json", _timeline(evidence, text)),
            text_file("hashes.txt", _HASHES.format(**heading) + "".join(_hashes(evidence, text))),
            text_file("chain.txt", _CHAIN.format(**heading) + "".join(_chain(evidence, text))),
        ]


def _payment(evidence: Evidence) -> PaymentReceived:
    if evidence.order.payment is None:
        raise AssertionError("An order without a payment has no evidence.")
    return evidence.order.payment


def _balance(evidence: Evidence) -> dict[str, Money]:
    ledger, currency = evidence.order.ledger, _payment(evidence).paid.currency
    amounts = {
        "paid": ledger.paid,
        "refunded": ledger.issued,
        "on_its_way_back": ledger.refunds_on_their_way,
        "owed": ledger.failed,
        "disputed": ledger.disputed,
        "lost": ledger.lost,
    }
    return {name: Money(amount=amount, currency=currency) for name, amount in amounts.items()}


def _timeline(evidence: Evidence, text: EvidenceText) -> dict[str, object]:
    links = {link.version: link for link in evidence.chain}
    lines = {line.version: line for line in text.lines}
    return {
        "order_id": evidence.order.order_id,
        "order_number": _payment(evidence).order_number,
        "made_at": evidence.made_at.isoformat(),
        "standing": text.status,
        "verifies": not text.problems,
        "problems": text.problems,
        "head": evidence.head,
        "events": [
            {
                **event_document(recorded),
                "recorded_at": recorded.recorded_at.isoformat(),
                "sentence": lines[recorded.version].text,
                "previous_sha256": links[recorded.version].previous_sha256,
                "reckoned_sha256": links[recorded.version].actual_sha256,
                "is_sound": lines[recorded.version].is_sound,
            }
            for recorded in evidence.history
        ],
    }


def _hashes(evidence: Evidence, text: EvidenceText) -> Iterator[str]:
    for exhibit in evidence.exhibits:
        state = exhibit.state if exhibit.is_sound else exhibit.state.upper()
        yield f"{state:9}  {caption(exhibit)}, {exhibit.stored.size_bytes} bytes, {exhibit.stored.key}\n"
        yield f"{'recorded':>9}  {exhibit.stored.sha256}\n"
        if exhibit.state is not ObjectState.DELETED:
            yield f"{'found':>9}  {exhibit.found_sha256 or 'nothing'}\n"
        yield "\n"
    if text.photos_gone:
        yield f"{text.photos_gone}\n"


def _chain(evidence: Evidence, text: EvidenceText) -> Iterator[str]:
    lines = {line.version: line for line in text.lines}
    for link in sorted(evidence.chain, key=lambda link: link.version):
        line = lines.get(link.version)
        yield f"event {link.version}{f', {_moment(line.at)}  {line.text}' if line else ', not shown'}\n"
        yield f"  recorded     {link.sha256}\n"
        yield f"  computed     {link.actual_sha256}{'' if link.actual_sha256 == link.sha256 else '  DIFFERS'}\n"
        yield f"  predecessor  {link.previous_sha256 or 'none, it is the first'}\n\n"
    for problem in text.problems:
        yield f"DOES NOT VERIFY: {problem}\n"
    if not text.problems:
        yield f"Every event says what was recorded. Head: {evidence.head}\n"


def _says(exhibit: Exhibit) -> str:
    return EXHIBIT_STATES[exhibit.state]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _data_url(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
