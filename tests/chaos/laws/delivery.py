"""Laws 5 and 10: what customers got for their money, and that nobody else got it."""

from collections.abc import Iterator

from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import ImageId
from domain.signed_tokens import sha256_of
from tests.chaos.collected_state import ExportArchive
from tests.chaos.laws.checking import sentences
from tests.chaos.mailbox import token_in
from tests.chaos.visits import Experience
from tests.domain.support.laws import check_completion, check_links

COMPLETE = (
    "A completed order has, for every paid photo, a restored image that was delivered, or an issued refund."
)
OWN_ORDER_ONLY = (
    "A token opens its own order only, before it expires, unless revoked; only its hash is stored."
)


def completed_orders_are_complete(export_archive: ExportArchive) -> Iterator[str]:
    """Each photo is restored and SendGrid took a mail with the link, or a customer used it; or it is paid back."""
    orders = list(export_archive.orders.values())
    yield from sentences(check_completion, orders)
    accepted = {mail["custom_args"]["email_id"] for mail in export_archive.sendgrid.kind("mail")}
    paid_back = {
        refund["id"] for refund in export_archive.stripe.kind("refund") if refund["status"] == "succeeded"
    }
    for order in orders:
        if order.state is not State.COMPLETED:
            continue
        link = order.newest_link
        is_told = any(
            mail.kind.brings_a_link and str(mail.email_id) in accepted for mail in order.emails.values()
        )
        reached = link is not None and (is_told or order.is_fetched)
        for image_id, image in order.images.items():
            is_free = image.share.amount == 0 or order.ledger.returned_amount == order.paid_amount
            is_delivered = image.restored is not None and reached
            if not (is_delivered or is_free or _is_paid_back(order, image_id, paid_back)):
                yield f"Photo {image_id} of the completed order {order.order_id} is with nobody, and not paid back."


def tokens_open_their_own_order(export_archive: ExportArchive) -> Iterator[str]:
    """Links in mails lead to the order of the mail, archives hold its photos alone, and no table holds a token."""
    yield from sentences(check_links, list(export_archive.orders.values()))
    owners = {
        row["token_sha256"]: str(row["order_id"])
        for row in export_archive.read_models.get("download_links", {}).values()
    }
    tokens = set()
    for mail in export_archive.sendgrid.kind("mail"):
        if token := token_in(mail["text"]):
            tokens.add(token)
            if owners.get(sha256_of(token)) != mail["custom_args"]["order_id"]:
                yield f"The link in mail {mail['id']} is not of its order {mail['custom_args']['order_id']}."
    for token in tokens & export_archive.words:
        yield f"A token whose hash is {sha256_of(token)} lies in the database as it is."
    for lived in export_archive.town.experiences:
        if lived.link:
            yield from _wrong_delivery(export_archive, lived, owners)
    for trespass in export_archive.town.trespasses:
        if trespass.status not in {404, 410}:
            yield f"{trespass.what} was answered with {trespass.status}: {trespass.mark}."


def _wrong_delivery(
    export_archive: ExportArchive, lived: Experience, owners: dict[str, str]
) -> Iterator[str]:
    who = f"Visitor {lived.visit.number}"
    if owners.get(sha256_of(lived.link)) != lived.order_id:
        yield f"{who} was sent a link that is not of their order {lived.order_id}."
        return
    order = next((one for key, one in export_archive.orders.items() if str(key) == lived.order_id), None)
    if order is not None:
        restored = sorted(str(image.restored.sha256) for image in order.restored_images if image.restored)
        if sorted(lived.delivered) != restored:
            yield f"{who} was delivered other pictures than were restored for order {lived.order_id}."


def _is_paid_back(order: Order, image_id: ImageId, paid_back: set[str]) -> bool:
    return any(
        image_id in refund.image_ids and refund.provider_refund_id in paid_back
        for refund in order.ledger.having(RefundStatus.ISSUED)
    )
