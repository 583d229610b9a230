"""Laws 6 and 11: who did the work, and that all of it came to an end."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from tests.chaos.collected_state import ExportArchive, Row
from tests.chaos.laws.checking import sentences
from tests.domain.support.laws import (
    check_attempts,
    check_it_cannot_be_stuck,
    check_the_end,
    check_what_was_stopped,
)

CLAIMED = (
    "No provider is called without a committed claim; "
    "a result is recorded only by the claim that holds the lease."
)
AT_REST = "Once faults stop, every order is terminal, or held with a reason, within a bounded time."

#: How the recorder names a cause: the reaction, the token of the claim, and a number.
_CAUSE = re.compile(r"reaction:(?P<reaction>[0-9a-f-]{36}):(?P<token>[0-9a-f-]{36})#")
#: What names the work at a provider, by the kind of work.
_NAMES = {"SendEmail": ("email_id",), "IssueRefund": ("refund_id",), "RestoreImage": ("image_id", "attempt")}

Call = tuple[tuple[str, ...], float, str]


def work_is_done_by_its_claim(export_archive: ExportArchive) -> Iterator[str]:
    """Every call has a claim before it, no claim took what another held, and every result came from its holder."""
    yield from _unclaimed_calls(export_archive)
    closed = {}
    for lease in export_archive.leases:
        was_leased = lease["status_before"] == "leased"
        if was_leased and lease["status"] == "leased" and lease["leased_until_before"] > lease["at"]:
            yield f"Reaction {lease['reaction_id']} was taken at {lease['at']} from a claim that held it still."
        if not was_leased and lease["status"] != "leased":
            yield f"Reaction {lease['reaction_id']} was closed at {lease['at']} by nobody who held it."
        if was_leased:
            closed[lease["txid"], lease["reaction_id"]] = lease["token_before"]
    for row in export_archive.recorded:
        if found := _CAUSE.match(row["cause_key"]):
            holder = closed.get((row["txid"], UUID(found["reaction"])))
            if holder != UUID(found["token"]):
                what = f"Version {row['version']} of order {row['order_id']}"
                yield f"{what} was recorded by claim {found['token']}, and {holder or 'nobody'} held the lease."


def everything_came_to_rest(export_archive: ExportArchive) -> Iterator[str]:
    """What had not ended when time was up, and what no work would ever move on."""
    yield from export_archive.restless
    orders = list(export_archive.orders.values())
    for check in (check_it_cannot_be_stuck, check_the_end, check_what_was_stopped, check_attempts):
        yield from sentences(check, orders)
    for prediction in export_archive.replicate.kind("prediction"):
        if prediction["status"] in {"starting", "processing"}:
            yield f"Prediction {prediction['id']} runs on, and nobody waits for it."


def _unclaimed_calls(export_archive: ExportArchive) -> Iterator[str]:
    names: dict[UUID, tuple[str, ...]] = {row["reaction_id"]: _name(row) for row in export_archive.reactions}
    claims: defaultdict[tuple[str, ...], list[datetime]] = defaultdict(list)
    for lease in export_archive.leases:
        if lease["status"] == "leased" and lease["reaction_id"] in names:
            claims[names[lease["reaction_id"]]].append(lease["at"])
    for name, at, what in _calls(export_archive):
        if not any(claim.timestamp() <= at for claim in claims[name]):
            yield f"{what} was made at {datetime.fromtimestamp(at, UTC)} without a claim of {' '.join(name)}."


def _name(row: Row) -> tuple[str, ...]:
    kind, told = row["kind"], row["arguments"]
    return kind, *(str(told[field]) for field in _NAMES.get(kind, ()))


def _calls(export_archive: ExportArchive) -> Iterator[Call]:
    """Everything of ours at a provider, when it came to be, and what it is."""
    for mail in export_archive.sendgrid.kind("mail"):
        yield ("SendEmail", mail["custom_args"]["email_id"]), mail["at"], f"Mail {mail['id']}"
    for refund in export_archive.stripe.kind("refund"):
        if refund_id := refund["metadata"].get("refund_id"):
            # Stripe writes whole seconds.
            yield ("IssueRefund", refund_id), refund["created"] + 1, f"Refund {refund['id']}"
    for prediction in export_archive.replicate.kind("prediction"):
        _, image_id, attempt, _ = prediction["_webhook"].split("/")[-4:]
        begun = datetime.fromisoformat(prediction["created_at"]).timestamp()
        # Replicate cuts off at milliseconds.
        yield ("RestoreImage", image_id, attempt), begun + 0.001, f"Prediction {prediction['id']}"
