"""A local shop whose metrics have something to count."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from domain.order.states import State
from domain.order.values import HoldReason, OrderId
from sandbox.demo.http_customer import RefusedPhotoError
from sandbox.demo.local_shop import LocalShop
from tests.entrypoints.support.archiving_cluster import programs
from tests.journeys.model_refusals import FIRST, REFUSAL, SECOND
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

#: What a shop that is watched in earnest has switched on.
SETTINGS = {
    "METRICS_PORT": "0",
    "STORAGE_LIMIT_GIBIBYTES": "1",
    "BACKUP_KIND": "logical",
    "BACKUP_KEY": "the key of a shop that is watched in a test",
    "BACKUP_INTERVAL_HOURS": "24",
    "REPLICATE_COST_PER_PREDICTION": '{"flux-kontext-apps/restore-image": 0.04, "tencentarc/gfpgan": 0.005}',
}

PHOTO = Path(__file__).parents[1] / "journeys" / "harvest-1926.jpg"


@contextmanager
def watched_shop(folder: Path) -> Iterator["WatchedShop"]:
    """Run a shop that counts its work."""
    # Of the server's version, which Debian's is not.
    path = os.pathsep.join([str(programs()), os.environ["PATH"]])
    with LocalShop(folder, {**SETTINGS, "PATH": path}) as shop, RunningShop(shop) as running_shop:
        yield WatchedShop(running_shop)


class WatchedShop:
    """Customers of the shop, and what goes wrong for them."""

    def __init__(self, running_shop: RunningShop) -> None:
        self.running_shop = running_shop
        self.local_shop = running_shop.shop

    def deliver(self, photos: int = 1) -> None:
        """An order is delivered."""
        self._buy(photos, State.COMPLETED)

    def refuse_photo(self, folder: Path) -> None:
        """A file that is no picture is refused."""
        letter = folder / "letter.jpg"
        letter.write_bytes(b"Dear great-aunt")
        customer = self.running_shop.customer()
        customer.open_session()
        try:
            customer.send(letter, letter.name)
        except RefusedPhotoError:
            return
        raise AssertionError("A letter was accepted as a photo.")

    def fail_first_model(self) -> None:
        """The first model refuses a photo, and the second restores it."""
        self.running_shop.misbehave("replicate", {"on": FIRST, **REFUSAL})
        self._buy(1, State.COMPLETED)

    def fail_restoration(self) -> None:
        """Both models refuse a photo, which is paid back."""
        for model in (FIRST, SECOND):
            self.running_shop.misbehave("replicate", {"on": model, **REFUSAL})
        self._buy(1, State.REFUNDED)

    def fail_mail(self) -> None:
        """SendGrid is off for a moment; the mail is sent after all."""
        self.running_shop.misbehave("sendgrid", {"on": "POST /v3/mail/send", "do": "status", "status": 500})
        self._buy(1, State.COMPLETED)

    def bounce_mail(self) -> None:
        """An address does not exist: its restored order waits for staff."""
        email = "grete@customer.example"
        self.running_shop.misbehave("sendgrid", {"on": f"mail:{email}", "do": "bounce", "times": 2})
        _, order_id = self.running_shop.buy(PHOTO, email=email)
        eventually(lambda: self.running_shop.order(order_id).hold is HoldReason.EMAIL_BOUNCED, "the hold")

    def dispute(self) -> None:
        """A customer disputes the payment of a delivered order at the bank."""
        order_id = self._buy(1, State.COMPLETED)
        intent = self.running_shop.payment_intent(order_id)
        self.running_shop.act_at_provider("stripe", "disputes", {"payment_intent": intent})
        eventually(lambda: self.running_shop.order(order_id).is_disputed, "the dispute")

    def forge_webhook(self) -> None:
        """A stranger posts a webhook with a wrong signature."""
        answer = httpx2.post(
            f"{self.local_shop.url}/api/webhooks/stripe",
            content=io.BytesIO(b'{"id": "evt_1"}'),
            headers={"Stripe-Signature": "t=1,v1=forged"},
            trust_env=False,
        )
        assert answer.is_client_error, answer

    def _buy(self, photos: int, state: State) -> OrderId:
        _, order_id = self.running_shop.buy(*[PHOTO] * photos)
        eventually(lambda: self.running_shop.order(order_id).state is state, f"an order that is {state}")
        return order_id
