"""The read models' rows, a pure function of an order."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from adapters.postgres import tables
from domain.order.image import Image
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import OrderId

K = TypeVar("K")
V = TypeVar("V")
Row = dict[str, Any]
Rows = dict[str, dict[tuple[Any, ...], Row]]  # by table name, then by primary key


def rows_of(order: Order, *, unlike: Order | None = None) -> Rows:
    """Return all rows of an order by table, without ``updated_at``.

    With ``unlike``, rows of values that are the same object in both orders are left out.
    """
    other = unlike or Order(order_id=order.order_id)
    images = list(_others(order.images, other.images))
    return {
        "orders": _keyed(tables.orders.name, _order_rows(order)),
        "images": _keyed(tables.images.name, _image_rows(order.order_id, images)),
        "restoration_jobs": _keyed(tables.restoration_jobs.name, _job_rows(images)),
        "email_queue": _keyed(tables.email_queue.name, _email_rows(order, other)),
        "download_links": _keyed(tables.download_links.name, _link_rows(order, other)),
        "points": _keyed(tables.points.name, _points_rows(order)),
    }


def changed_rows(before: Order, after: Order) -> dict[str, list[Row]]:
    """Return the rows that differ between two orders, by table name.

    Tables without any are left out.
    """
    old, new = rows_of(before, unlike=after), rows_of(after, unlike=before)
    changed = {
        name: [row for key, row in rows.items() if old[name].get(key) != row] for name, rows in new.items()
    }
    return {name: rows for name, rows in changed.items() if rows}


def _others(values: Mapping[K, V], known: Mapping[K, V]) -> Iterator[tuple[int, V]]:
    """Yield other objects than the known ones, with 1-based positions."""
    for position, (key, value) in enumerate(values.items(), start=1):
        if known.get(key) is not value:
            yield position, value


def _keyed(table_name: str, rows: Iterable[Row]) -> dict[tuple[Any, ...], Row]:
    key = _primary_key(table_name)
    return {tuple(row[name] for name in key): row for row in rows}


@cache
def _primary_key(table_name: str) -> tuple[str, ...]:
    return tuple(column.name for column in tables.metadata.tables[table_name].primary_key)


def _order_rows(order: Order) -> Iterator[Row]:
    payment = order.payment
    if payment is None:
        return
    yield {
        "order_id": order.order_id,
        "number": payment.order_number,
        "version": order.version,
        "state": order.state,
        "hold_reason": order.hold,
        "is_disputed": order.is_disputed,
        "has_open_inquiry": order.has_open_inquiry,
        "photos_are_purged": order.photos_are_purged,
        "customer_id": payment.customer_id,
        "upload_session_id": payment.upload_session_id,
        "checkout_session_id": payment.checkout_session_id,
        "payment_intent_id": payment.payment_intent_id,
        "currency": payment.paid.currency,
        "quoted_amount": payment.quoted.amount,
        "discount_amount": payment.discount.amount,
        "paid_amount": payment.paid.amount,
        "refunded_amount": order.refunded_amount,
        "images": len(order.images),
        "restored_images": len(order.restored_images),
        "failed_images": len(order.failed_images),
        "paid_at": order.entered_at[State.PAID],
        "completed_at": order.entered_at.get(State.COMPLETED),
        "refunded_at": order.entered_at.get(State.REFUNDED),
    }


def _image_rows(order_id: OrderId, images: Iterable[tuple[int, Image]]) -> Iterator[Row]:
    for sequence, image in images:
        restored = image.restored
        yield {
            "image_id": image.image_id,
            "order_id": order_id,
            "sequence": sequence,
            "upload_key": image.upload.key,
            "original_key": image.original.key if image.original else None,
            "original_sha256": image.upload.sha256,
            "size_bytes": image.upload.size_bytes,
            "media_type": image.upload.media_type,
            "share_amount": image.share.amount,
            "restored_key": restored.key if restored else None,
            "restored_sha256": restored.sha256 if restored else None,
            "restored_size_bytes": restored.size_bytes if restored else None,
            "restored_media_type": restored.media_type if restored else None,
            "width": image.width,
            "height": image.height,
            "failure_reason": image.failure,
        }


def _job_rows(images: Iterable[tuple[int, Image]]) -> Iterator[Row]:
    for _, image in images:
        yield from _attempt_rows(image)


def _attempt_rows(image: Image) -> Iterator[Row]:
    for attempt in image.attempts.values():
        yield {
            "image_id": image.image_id,
            "attempt": attempt.number,
            "status": attempt.status,
            "prediction_id": attempt.prediction_id,
            "model": attempt.model,
            "failure_reason": attempt.reason,
        }


def _email_rows(order: Order, other: Order) -> Iterator[Row]:
    for _, email in _others(order.emails, other.emails):
        yield {
            "email_id": email.email_id,
            "order_id": order.order_id,
            "kind": email.kind,
            "status": email.status,
            "attempt": email.attempt,
            "message_id": email.message_id,
            "opt_out": email.opt_out,
        }


def _link_rows(order: Order, other: Order) -> Iterator[Row]:
    for _, link in _others(order.all_links, other.all_links):
        yield {
            "link_id": link.link_id,
            "order_id": order.order_id,
            "token_sha256": link.token_sha256,
            "archive_key": link.archive.key,
            "archive_sha256": link.archive.sha256,
            "archive_size_bytes": link.archive.size_bytes,
            "expires_at": link.expires_at,
            "edition": link.edition,
            "is_revoked": link.is_revoked,
            "openings": len(link.fetched),
            "is_shared": link.is_shared,
        }


def _points_rows(order: Order) -> Iterator[Row]:
    for sequence, entry in enumerate(order.points, start=1):
        yield {
            "order_id": order.order_id,
            "sequence": sequence,
            "customer_id": entry.customer_id,
            "points": entry.points,
            "reason": entry.reason,
        }
