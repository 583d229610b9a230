"""The cause of events that are recorded after a restore."""

from domain.order.values import OrderId
from domain.use_cases.order_transaction import Cause

#: The actor of events recorded after a restore.
ACTOR = "restore"


def restore_cause(order_id: OrderId, key: str) -> Cause:
    """Return the cause; repeating its key is idempotent."""
    return Cause(name="restored", key=key, actor=ACTOR, correlation_id=order_id)
