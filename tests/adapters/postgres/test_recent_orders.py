"""Recently read orders are remembered within a bound."""

from uuid import uuid4

from adapters.postgres.recent_orders import RecentOrders
from domain.order.order import Order
from domain.order.values import OrderId


def order(events: int, order_id: OrderId | None = None) -> Order:
    return Order(order_id=order_id or OrderId(uuid4()), version=events)


def test_an_order_is_remembered_as_it_was_read_last() -> None:
    recent = RecentOrders(most_events=10)
    first = order(3)
    recent.remember(first)
    assert recent.get(first.order_id) is first
    recent.remember(later := order(5, first.order_id))
    assert recent.get(first.order_id) is later
    assert recent.get(OrderId(uuid4())) is None


def test_the_orders_read_longest_ago_are_forgotten_first() -> None:
    recent = RecentOrders(most_events=10)
    first, second, third = order(4), order(4), order(2)
    for each in (first, second, third, order(4, first.order_id)):
        recent.remember(each)
    recent.remember(order(1))
    assert recent.get(second.order_id) is None
    assert recent.get(first.order_id) is not None
    assert recent.get(third.order_id) is third


def test_an_order_larger_than_the_bound_is_not_remembered() -> None:
    recent = RecentOrders(most_events=10)
    recent.remember(small := order(4))
    recent.remember(large := order(11))
    assert recent.get(small.order_id) is None
    assert recent.get(large.order_id) is None
