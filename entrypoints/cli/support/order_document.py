"""An order as one JSON document, for support staff's programs."""

from typing import Any

from domain.order.image import Image
from domain.order.ledger import Refund
from domain.order.order import Order
from domain.order.reactions import required_reactions
from domain.order.values import PhotoId
from domain.ports.customers import Customer
from domain.use_cases.queries import OrderDetails
from entrypoints.bootstrap.wording import action_texts, image_status_of, number_of, reaction_text, status_of


def document_of(found: OrderDetails) -> dict[str, Any]:
    """The document; amounts are in minor units of ``currency``."""
    order, payment = found.order, found.order.payment
    return {
        "order_id": order.order_id,
        "number": payment.order_number if payment else None,
        "version": order.version,
        "state": order.state,
        "hold": order.hold,
        "is_disputed": order.is_disputed,
        "has_open_inquiry": order.has_open_inquiry,
        "summary": status_of(order),
        "customer": _customer(found.customer),
        "money": _money(order),
        "refunds": [_refund(refund) for refund in order.refunds.values()],
        "disputes": [
            {"dispute_id": name, "is_inquiry": dispute.is_inquiry, "outcome": dispute.outcome}
            for name, dispute in order.disputes.items()
        ],
        "photos": [_photo(found, image) for image in order.images.values()],
        "emails": [
            {"email_id": email_id, "kind": email.kind, "status": email.status, "message_id": email.message_id}
            for email_id, email in order.emails.items()
        ],
        "links": [
            {
                "link_id": link_id,
                "size_bytes": link.archive.size_bytes,
                "expires_at": link.expires_at,
                "is_revoked": link.is_revoked,
                "is_shared": link.is_shared,
            }
            for link_id, link in order.all_links.items()
        ],
        "notes": [
            {"written_at": note.written_at, "actor": note.actor, "text": note.text} for note in found.notes
        ],
        "still_to_do": [reaction_text(work, order) for work in required_reactions(order)],
        "possible": action_texts(order),
    }


def _customer(customer: Customer | None) -> dict[str, Any] | None:
    if customer is None:
        return None
    return {
        "customer_id": customer.customer_id,
        "email": customer.email,
        "name": customer.name,
        "phone": customer.phone,
        "locale": customer.locale,
    }


def _money(order: Order) -> dict[str, Any] | None:
    payment, ledger = order.payment, order.ledger
    if payment is None:
        return None
    return {
        "currency": payment.paid.currency,
        "quoted": payment.quoted.amount,
        "tax": payment.tax.amount if payment.tax is not None else 0,
        "discount": payment.discount.amount,
        "paid": payment.paid.amount,
        "refund_requested": ledger.requested,
        "refunded": ledger.issued,
        "refund_failed": ledger.failed,
        "disputed": ledger.disputed,
        "lost": ledger.lost,
        "refundable": ledger.refundable,
        "checkout_session_id": payment.checkout_session_id,
        "payment_intent_id": payment.payment_intent_id,
    }


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id,
        "amount": refund.amount.amount,
        "reason": refund.reason,
        "status": refund.status,
        "provider_refund_id": refund.provider_refund_id,
    }


def _photo(found: OrderDetails, image: Image) -> dict[str, Any]:
    return {
        "number": number_of(found.order, image.image_id),
        "image_id": image.image_id,
        "file_name": found.file_names.get(PhotoId(image.image_id)),
        "share": image.share.amount,
        "failure": image.failure,
        "attempts": len(image.attempts),
        "summary": image_status_of(image, found.order),
    }
