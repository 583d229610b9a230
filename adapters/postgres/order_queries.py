"""Conditions on the orders read model that an order filter sets."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Uuid, func, or_, select, text

from adapters.postgres.tables import customers, email_queue, orders, restoration_jobs
from adapters.postgres.tables.read_models import images
from domain.ports.order_queries import OrderFilter

#: Refunds and disputes have no read model of their own: their ids are looked up in the log. This scans it once,
#: which is acceptable for a command that a person types.
_IN_THE_LOG = text(
    """SELECT order_id FROM events
    WHERE (name LIKE 'order.refund%' OR name LIKE 'order.dispute%')
      AND :provider_id IN (data ->> 'provider_refund_id', data ->> 'dispute_id')"""
).columns(order_id=Uuid)


def conditions_of(wanted: OrderFilter) -> Iterator[ColumnElement[bool]]:
    """The conditions of a filter, to be joined by AND."""
    if wanted.state is not None:
        yield orders.c.state == wanted.state.value
    if wanted.is_held:
        yield orders.c.hold_reason.is_not(None)
    if wanted.paid_from is not None:
        yield orders.c.paid_at >= wanted.paid_from
    if wanted.paid_before is not None:
        yield orders.c.paid_at < wanted.paid_before
    if wanted.email is not None:
        owner = select(customers.c.customer_id).where(
            func.lower(customers.c.email) == func.lower(wanted.email)
        )
        yield orders.c.customer_id.in_(owner)
    if wanted.provider_id is not None:
        yield _has_provider_id(wanted.provider_id)


def _has_provider_id(provider_id: str) -> ColumnElement[bool]:
    predictions = (
        select(images.c.order_id)
        .join(restoration_jobs, restoration_jobs.c.image_id == images.c.image_id)
        .where(restoration_jobs.c.prediction_id == provider_id)
    )
    # SendGrid's events carry the message id that sending returned with a suffix behind a point.
    messages = select(email_queue.c.order_id).where(
        email_queue.c.message_id.in_({provider_id, provider_id.partition(".")[0]})
    )
    return or_(
        orders.c.checkout_session_id == provider_id,
        orders.c.payment_intent_id == provider_id,
        orders.c.order_id.in_(predictions),
        orders.c.order_id.in_(messages),
        orders.c.order_id.in_(_IN_THE_LOG.bindparams(provider_id=provider_id)),
    )
