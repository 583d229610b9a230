"""What needs a person, in English: why each item does."""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.localization.finding_text import UNREADABLE_AND_NOT_REQUIRED
from adapters.localization.formats import listed
from adapters.localization.labels import HOLDS, MAILS, OPT_OUTS
from adapters.localization.log_defect_text import stream_break_text
from domain.use_cases.support.attention_items import AttentionItem, AttentionKind


def attention_text_of(item: AttentionItem) -> str:
    """Why an item needs a person, without capital and full stop."""
    return _TEXTS[item.kind](item, item.facts)


def _emails(facts: Mapping[str, Any]) -> str:
    return listed([MAILS[kind] for kind in facts["emails"]])


def _reason(facts: Mapping[str, Any]) -> str:
    return str(facts["reason"]).replace("_", " ")


def _unreadable(item: AttentionItem, _: Mapping[str, Any]) -> str:
    if item.work is None:
        raise AssertionError("An item about unreadable work has that work.")
    remedy = (
        "rewrite it with `restoreclick reconcile --fix`"
        if item.is_repairable
        else UNREADABLE_AND_NOT_REQUIRED
    )
    return (
        f"work {item.work.reaction_id} ({item.work.kind}, arguments of version {item.work.version}) cannot be read by"
        f" this version of the shop: {remedy}"
    )


_TEXTS: Mapping[AttentionKind, Callable[[AttentionItem, Mapping[str, Any]], str]] = {
    AttentionKind.ON_HOLD: lambda item, _: HOLDS[item.hold] if item.hold else "",
    AttentionKind.REFUND_FAILED: lambda item, facts: (
        f"refund {item.subject}, {facts['amount']}, failed ({_reason(facts)})"
    ),
    AttentionKind.MAIL_FAILED: lambda _, facts: f"{_emails(facts)} could not be sent",
    AttentionKind.MAIL_BOUNCED: lambda _, facts: f"{_emails(facts)} did not reach the customer's address",
    AttentionKind.MAIL_OPTED_OUT: lambda _, facts: f"{MAILS[facts['email']]} was {OPT_OUTS[facts['how']]}",
    AttentionKind.OVERPAID: lambda _, facts: f"{facts['amount']} more was paid back than was paid",
    AttentionKind.DISPUTED: lambda _, facts: (
        f"the customer's bank disputes {facts['amount']} ({_reason(facts)})"
    ),
    AttentionKind.INQUIRY: lambda _, facts: (
        f"the customer's bank asks about {facts['amount']} ({_reason(facts)})"
    ),
    AttentionKind.STREAM_BROKEN: lambda _, facts: stream_break_text(facts["problem"]),
    AttentionKind.WORK_GIVEN_UP: lambda _, facts: (
        "a prediction that no order waits for could not be cancelled"
        if facts["is_about_a_prediction"]
        else "its photos could not be deleted"
    ),
    AttentionKind.WORK_UNREADABLE: _unreadable,
    AttentionKind.PAYMENT_UNMATCHED: lambda _, facts: (
        f"{facts['amount']} belong to no order. {facts['reason']}"
    ),
    AttentionKind.WEBHOOK_CONFLICT: lambda _, facts: (
        f"{facts['source']} posted {facts['event_type']} with other contents under a known id"
    ),
}
