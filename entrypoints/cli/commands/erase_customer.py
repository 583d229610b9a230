"""Erasure of a customer: preview, confirmation and certificate."""

import json
from collections.abc import Iterator, Mapping

import click

from domain.use_cases.privacy.erasure import CustomerErasure, ErasurePreview
from domain.use_cases.privacy.erasure_certificate import Certificate
from entrypoints.bootstrap.wording import ELSEWHERE, STAYS, certificate_document, counted, date_text, listed
from entrypoints.cli.support.confirmation import ask
from entrypoints.cli.support.console import screen

#: What the erased columns of each table held, and what a row of it is.
HELD: Mapping[str, tuple[str, str]] = {
    "customers": (
        "name, e-mail address, phone number, language, referral code and metadata of {}",
        "customer",
    ),
    "file_uploads": ("the names of {}", "photo"),
    "resumable_uploads": ("the file name and metadata of {}", "resumable upload"),
    "upload_sessions": ("the payment page's address of {}", "upload session"),
    "unmatched_payments": ("what was written about {}", "unmatched payment"),
    "reactions": ("what went wrong in {}", "reaction"),
    "notes": ("the words of {}", "note"),
}


def erase(
    customer_erasure: CustomerErasure, email: str, *, reason: str, actor: str, is_agreed: bool, as_json: bool
) -> None:
    """Ask, erase, and print the certificate.

    Raises NoTerminalError, NotConfirmedError and the errors of ``CustomerErasure``.
    """
    erasure_preview = customer_erasure.look(email, reason)
    if not is_agreed:
        _ask(email, erasure_preview)
    certificate = customer_erasure.erase(email, actor=actor, reason=reason)
    if as_json:
        click.echo(json.dumps(certificate_document(certificate), ensure_ascii=False))
        return
    console = screen()
    for line in _lines(certificate):
        console.print(line, markup=False, soft_wrap=True)


def _ask(email: str, erasure_preview: ErasurePreview) -> None:
    orders, photos = counted(erasure_preview.orders, "order"), counted(erasure_preview.photos, "photo")
    consequences = [f"{email} has {orders} with {photos}. All of it goes for good; the figures stay."]
    if erasure_preview.good_links:
        links = counted(erasure_preview.good_links, "download link")
        consequences.append(f"{links} can still be used, and leads nowhere then.")
    ask(*consequences, question="Erase?", undone="Nothing was erased.")


def _lines(certificate: Certificate) -> Iterator[str]:
    erasure, orders = certificate.erasure, certificate.orders
    yield f"Certificate of erasure {erasure.erasure_id}"
    yield (
        f"Customer {erasure.customer_id} was erased on "
        f"{date_text(erasure.erased_at)} at {erasure.erased_at:%H:%M:%S} "
        f"(UTC) by {erasure.actor.removeprefix('person:')}: {erasure.reason}"
    )
    yield "\nRemoved"
    yield f"  the person behind {counted(len(orders), 'order')}: {listed([order.number for order in orders])}"
    for table, rows in certificate.removed.items():
        if rows:
            held, row = HELD[table]
            yield f"  {held.format(counted(rows, row))}"
    yield f"  {_objects(certificate.objects)}"
    yield "\nWhat stays, and why"
    yield from (f"  {what}: {why}" for what, why in STAYS.items())
    yield "\nWhat others hold"
    yield from (f"  {who}: {what}" for who, what in ELSEWHERE.items())
    payments = [order.payment_intent_id for order in orders if order.payment_intent_id]
    mails = [message_id for order in orders for message_id in order.message_ids]
    yield f"  Stripe's payments: {', '.join(payments) or 'none'}"
    yield f"  SendGrid's messages: {', '.join(mails) or 'none'}"
    yield f"\nSHA-256 of this certificate as JSON: {certificate_document(certificate)['sha256']}"


def _objects(objects: int | None) -> str:
    if objects is None:
        return "the storage was away: the worker deletes the photos as soon as it is back"
    return f"{counted(objects, 'object')} of the storage, each version counted"
