"""The certificate: what was removed, stays, or is held by others."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from domain.order.order import Order
from domain.order.values import OrderNumber, Sha256
from domain.ports.personal_data import Erasure
from domain.signed_tokens import sha256_of

#: What the shop keeps after an erasure.
STAYS: Mapping[str, str] = {
    "order numbers, amounts and dates": "accounts have to be kept and have to add up; they name nobody",
    "ids of payments, predictions and mails": "they tie the accounts to what the providers say; they name nobody",
    "the log of each order": "it holds ids, figures and SHA-256 only, and cannot be changed by anybody",
    "who erased this, when and why": "the shop has to be able to show that it did",
    "backups of the shop": "they are replaced as their own time runs out; the erasure is repeated if one is restored",
}

#: What processors of the shop keep, under which law, and how to have it deleted.
ELSEWHERE: Mapping[str, str] = {
    "Stripe": "name, address of payment and e-mail, as long as the laws on payments and taxes want it (GDPR Article "
    "17(3)(b)); ask Stripe to redact the payments below when that is over",
    "SendGrid": "the e-mail address in its activity for up to 30 days, and in its suppressions if a mail bounced: "
    "delete it there",
    "Replicate": "photos and results for an hour after they were restored, so nothing by now unless it was just now",
    "the customer's mailbox": "the mails that were sent, with their attachments",
}


@dataclass(frozen=True, kw_only=True)
class ErasedOrder:
    """An erased order, with the ids by which providers know it."""

    number: OrderNumber
    photos: int
    payment_intent_id: str | None
    message_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """The record of what was removed, without personal data."""

    erasure: Erasure
    orders: tuple[ErasedOrder, ...]
    removed: Mapping[str, int]  # rows by table
    objects: int | None  # versions of objects; None if the storage was unavailable, and reactions delete them

    def document(self) -> dict[str, object]:
        """Return the certificate as JSON, with its own checksum last."""
        whole = self._contents()
        return {**whole, "sha256": _fingerprint(whole)}

    def _contents(self) -> dict[str, object]:
        return {
            "erasure": {name: str(value) for name, value in asdict(self.erasure).items()},
            "orders": [{**asdict(order), "message_ids": list(order.message_ids)} for order in self.orders],
            "removed_rows": dict(self.removed),
            "removed_objects": self.objects,
            "stays": dict(STAYS),
            "held_elsewhere": dict(ELSEWHERE),
        }


def erased_order(order: Order) -> ErasedOrder:
    """Return what a certificate says about an order."""
    if order.payment is None:
        raise AssertionError("An order with a customer was paid.")
    return ErasedOrder(
        number=order.payment.order_number,
        photos=len(order.images),
        payment_intent_id=order.payment.payment_intent_id,
        message_ids=tuple(email.message_id for email in order.emails.values() if email.message_id),
    )


def _fingerprint(contents: dict[str, object]) -> Sha256:
    """Return the SHA-256 of the JSON: sorted keys, no blanks, UTF-8."""
    canonical = json.dumps(contents, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256_of(canonical)
