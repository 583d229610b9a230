"""Orders in each state."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx2

from domain.order.values import OrderId
from sandbox.demo.http_customer import Customer
from sandbox.demo.shop_command import output_of
from tests.journeys.model_refusals import FIRST, REFUSAL, SECOND
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually


@dataclass(frozen=True, kw_only=True)
class OrderStates:
    """Brings orders into states and yields their addresses."""

    shop: RunningShop
    photo: Path

    @contextmanager
    def upload_expired(self) -> Iterator[str]:
        customer = self.shop.customer()
        customer.open_session()
        customer.send(self.photo, self.photo.name)
        self.shop.expire_session(customer.session_id)
        yield f"{self.shop.shop.url}/uploads/{customer.session_id}"

    @contextmanager
    def waiting(self) -> Iterator[str]:
        with self.shop.worker_asleep():
            yield self._status(self.shop.buy(self.photo, self.photo)[1])

    @contextmanager
    def held(self) -> Iterator[str]:
        with self.shop.worker_asleep():
            order_id = self.shop.buy(self.photo)[1]
        output_of(self.shop.shop.environment, "orders", "hold", str(order_id), "--reason", "A question.")
        yield self._status(order_id)

    @contextmanager
    def correcting(self) -> Iterator[str]:
        with self.shop.worker_asleep():
            customer, _ = self.shop.buy(self.photo)
            yield f"{self.shop.shop.url}/uploads/{customer.session_id}/address"

    @contextmanager
    def disputed(self) -> Iterator[str]:
        with self.shop.worker_asleep():
            order_id = self.shop.buy(self.photo)[1]
            intent = self.shop.payment_intent(order_id)
            self.shop.act_at_provider("stripe", "disputes", {"payment_intent": intent})
            self.shop.waits_for("DisputeOpened", order_id)
        self.shop.waits_for("ImagesMoved", order_id)  # the restoration waits for the bank
        yield self._status(order_id)

    @contextmanager
    def redo_of_an_order(self) -> Iterator[str]:
        customer, order_id = self.shop.buy(self.photo)
        link = self.link(customer)
        with self.shop.worker_asleep():
            self._redo(link)
            yield self._status(order_id)
        self._redone(order_id)

    @contextmanager
    def partly_refunded(self) -> Iterator[str]:
        yield self._status(self._with_a_lost_photo(2)[1])

    @contextmanager
    def refunded(self) -> Iterator[str]:
        yield self._status(self._with_a_lost_photo(1)[1])

    @contextmanager
    def done(self) -> Iterator[str]:
        customer, order_id = self.shop.buy(self.photo)
        self.link(customer)
        yield self._status(order_id)

    @contextmanager
    def erased(self) -> Iterator[str]:
        yield self._status(self._erased()[1])

    @contextmanager
    def gallery(self) -> Iterator[str]:
        yield self.link(self.shop.buy(self.photo, self.photo)[0])

    @contextmanager
    def being_redone(self) -> Iterator[str]:
        customer, order_id = self.shop.buy(self.photo)
        link = self.link(customer)
        with self.shop.worker_asleep():
            self._redo(link)
            yield link
        self._redone(order_id)  # or its model would meet the faults of another state

    @contextmanager
    def redone(self) -> Iterator[str]:
        customer, order_id = self.shop.buy(self.photo)
        link = self.link(customer)
        self._redo(link)
        self._redone(order_id)
        yield link

    @contextmanager
    def gallery_with_a_lost_photo(self) -> Iterator[str]:
        yield self.link(self._with_a_lost_photo(2)[0])

    @contextmanager
    def gallery_with_a_link_to_pass_on(self) -> Iterator[str]:
        link, _ = self._shared()
        yield link

    @contextmanager
    def passed_on(self) -> Iterator[str]:
        _, shared = self._shared()
        yield shared

    @contextmanager
    def taken_back(self) -> Iterator[str]:
        link, shared = self._shared()
        httpx2.delete(f"{link.removesuffix('/photos')}/share").raise_for_status()
        yield shared

    @contextmanager
    def expired(self) -> Iterator[str]:
        yield self._expired(is_shared=False)

    @contextmanager
    def passed_on_and_expired(self) -> Iterator[str]:
        yield self._expired(is_shared=True)

    @contextmanager
    def photos_gone(self) -> Iterator[str]:
        yield self._erased()[0]

    def link(self, customer: Customer) -> str:
        """The address in the customer's newest mail with a link."""
        return eventually(
            lambda: next(filter(None, map(customer.link_in, reversed(customer.mails()))), None),
            "a mail with a link",
        )

    def _status(self, order_id: OrderId) -> str:
        return f"{self.shop.shop.url}/api/restoration/status/{order_id}"

    def _with_a_lost_photo(self, photos: int) -> tuple[Customer, OrderId]:
        for model in (FIRST, SECOND):
            self.shop.misbehave("replicate", {"on": model, "times": 1, **REFUSAL})
        customer, order_id = self.shop.buy(*[self.photo] * photos)
        self.shop.waits_for("RefundIssued", order_id)
        return customer, order_id

    def _shared(self) -> tuple[str, str]:
        """The customer's link, and one to pass on."""
        link = self.link(self.shop.buy(self.photo)[0])
        answer = httpx2.post(f"{link.removesuffix('/photos')}/share").raise_for_status()
        return link, answer.json()["url"]

    def _expired(self, *, is_shared: bool) -> str:
        customer, order_id = self.shop.buy(self.photo)
        self.link(customer)
        expires_at = datetime.now(UTC) - timedelta(days=1)
        return self.shop.issue_link(order_id, expires_at=expires_at, is_shared=is_shared)

    def _erased(self) -> tuple[str, OrderId]:
        email = f"{uuid4().hex}@customer.example"
        customer, order_id = self.shop.buy(self.photo, email=email)
        link = self.link(customer)
        environment = self.shop.shop.environment
        output_of(environment, "customers", "erase", email, "--reason", "They asked.", "--yes")
        return link, order_id

    def _redone(self, order_id: OrderId) -> None:
        def is_redone() -> bool:
            return all(len(image.results) > 1 for image in self.shop.order(order_id).images.values())

        eventually(is_redone, "the redo")

    def _redo(self, link: str) -> None:
        photos = httpx2.get(link).raise_for_status().json()["photos"]
        redo = f"{link.partition('/photos')[0]}/{photos[0]['image_id']}/redo"
        httpx2.post(redo).raise_for_status()


#: Each state by the name of its page and what is on it.
STATES: Mapping[str, Callable[[OrderStates], AbstractContextManager[str]]] = {
    "upload-expired": OrderStates.upload_expired,
    "order-waiting": OrderStates.waiting,
    "order-held": OrderStates.held,
    "order-correcting": OrderStates.correcting,
    "order-disputed": OrderStates.disputed,
    "order-redo-running": OrderStates.redo_of_an_order,
    "order-partly-refunded": OrderStates.partly_refunded,
    "order-refunded": OrderStates.refunded,
    "order-done": OrderStates.done,
    "order-erased": OrderStates.erased,
    "gallery": OrderStates.gallery,
    "gallery-redo-running": OrderStates.being_redone,
    "gallery-redone": OrderStates.redone,
    "gallery-partly-refunded": OrderStates.gallery_with_a_lost_photo,
    "gallery-with-a-link-to-pass-on": OrderStates.gallery_with_a_link_to_pass_on,
    "gallery-passed-on": OrderStates.passed_on,
    "gallery-taken-back": OrderStates.taken_back,
    "gallery-expired": OrderStates.expired,
    "gallery-passed-on-and-expired": OrderStates.passed_on_and_expired,
    "gallery-photos-gone": OrderStates.photos_gone,
}
