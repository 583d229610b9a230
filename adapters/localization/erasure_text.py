"""The certificate of an erasure, in English."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from domain.signed_tokens import sha256_of
from domain.use_cases.privacy.erasure_certificate import Certificate

#: What the shop keeps after an erasure.
STAYS: Mapping[str, str] = {
    "order numbers, amounts and dates": "accounts have to be kept and have to add up; they name no person",
    "ids of payments, predictions and mails": "they tie the accounts to what the providers say; they name no person",
    "the log of each order": "it holds ids, figures and SHA-256 only, and cannot be changed by anyone",
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


def certificate_document(certificate: Certificate) -> dict[str, object]:
    """The certificate as JSON, with its own checksum last.

    That is the SHA-256 of the rest with sorted keys, no blanks, in UTF-8.
    """
    whole: dict[str, object] = {
        "erasure": {name: str(value) for name, value in asdict(certificate.erasure).items()},
        "orders": [{**asdict(order), "message_ids": list(order.message_ids)} for order in certificate.orders],
        "removed_rows": dict(certificate.removed),
        "removed_objects": certificate.objects,
        "stays": dict(STAYS),
        "held_elsewhere": dict(ELSEWHERE),
    }
    canonical = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {**whole, "sha256": sha256_of(canonical)}
