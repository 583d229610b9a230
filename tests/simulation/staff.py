"""Staff members who send requests about orders, and a forger."""

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from adapters.postgres.event_codec import UnknownEventError
from domain.order.errors import ShopError
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.reactions import Reaction
from domain.order.values import HoldReason, Money, OrderId
from domain.ports.errors import OutsideError
from domain.ports.reaction_queue import Claim
from domain.ports.unit_of_work import UnitOfWorkError
from domain.use_cases.support.staff_requests import StaffRequest
from tests.simulation import privacy_and_payment_requests
from tests.simulation.scheduler import HOUR, MINUTE
from tests.simulation.webhook_delivery import SIGNATURE, signature_of

if TYPE_CHECKING:
    from tests.simulation.world import World

BY = StaffRequest(actor="person:grace", reason="They asked for it on the phone.")
#: After this many releases without effect, staff look for the cause.
VAIN_RELEASES = 2
STAFF_REQUESTS = (
    *("hold", "release", "release", "refund", "refund a photo", "refund a part", "refund in the dashboard"),
    *("redo", "renew", "revoke", "resend"),
    *privacy_and_payment_requests.HANDLERS,
)
#: What may be requested of an order while a worker processes its reaction.
REQUESTS = ("hold", "redo", "redo", "dispute", "release", "renew", "revoke", "refund a photo")
#: How many requests arrive during an order's calls for one kind of reaction: each leads to more calls.
MOST_REQUESTS = 3
#: The errors that a request may meet; staff try again later.
EXPECTED = (ShopError, OutsideError, UnitOfWorkError, UnknownEventError)


class Staff:
    """Grace, who looks after orders now and then."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self._turns = 0
        self._releases: Counter[OrderId] = Counter()
        self._asked: Counter[tuple[OrderId, type[Reaction]]] = Counter()

    def work(self) -> None:
        """Send a request about some order every few hours, until faults end."""
        while self.world.is_bustling:
            self._turns += 1
            self.world.scheduler.sleep(
                int(self.world.chance.between(f"staff pause {self._turns}", 0.05, 2) * HOUR)
            )
            self.world.scheduler.current.facts["about"] = f"wish {self._turns}"
            orders = {
                str(order_id): one for order_id, one in self.world.own_unit_of_work.pages.orders.items()
            }
            if orders:
                requests = self._choices()
                request = self.world.chance.one_of(f"staff wish {self._turns}", requests)
                self.request(self.world.chance.favourite(f"staff order {self._turns}", orders), request)

    def _choices(self) -> tuple[str, ...]:
        """The requests to choose from; unmatched payments and failed refunds come first."""
        if self._sees_money_without_an_order():
            return privacy_and_payment_requests.ABOUT_MONEY
        if privacy_and_payment_requests.failed_refund(self.world) is not None:
            return (
                ("pay back twice", *STAFF_REQUESTS[:3])
                if self._draw("looks at refunds") < 0.5
                else STAFF_REQUESTS
            )
        return STAFF_REQUESTS

    def _draw(self, what: str) -> float:
        return self.world.chance.at(f"staff {what} {self._turns}")

    def _sees_money_without_an_order(self) -> bool:
        return (
            privacy_and_payment_requests.open_unmatched_payment(self.world) is not None
            and self._draw("looks") < 0.8
        )

    def release_all(self) -> None:
        """Release every held order.

        After some releases without effect, a refund that the provider will never make is paid manually, and results
        that the storage lost for good are restored from a backup, as docs/support.md says.
        """
        for order in list(self.world.own_unit_of_work.pages.orders.values()):
            if order.is_held:
                self.world.trace.note("releases an order", str(order.order_id))
                self._releases[order.order_id] += 1
                with suppress(*EXPECTED):
                    if self._releases[order.order_id] > VAIN_RELEASES:
                        self._remove_the_cause(order)
                    self.world.staff_actions.release(order.order_id, BY)

    def _remove_the_cause(self, order: Order) -> None:
        if order.hold is HoldReason.REFUND_NOT_ISSUED:
            self._settle(order)
        elif order.hold is HoldReason.DOWNLOAD_NOT_PREPARED:
            self.world.trace.note("restores its results from a backup", str(order.order_id))
            self.world.storage.restore(
                result.key for image in order.images.values() for result in image.results
            )

    def _settle(self, order: Order) -> None:
        """Record a manual refund for each failed one."""
        for number, refund in enumerate(order.refunds.values(), start=1):
            if refund.status is RefundStatus.FAILED:
                self.world.trace.note("pays by hand", str(refund.refund_id))
                self.world.staff_actions.record_manual_refund(order.order_id, BY, refund=number)
                self.world.trace.recover("a refund was paid by hand")

    def request(self, order: Order, request: str) -> None:
        """Send a request about an order; a refused one has no effect."""
        self.world.trace.note(f"requests: {request}", str(order.order_id))
        with suppress(*EXPECTED):
            if self._do(order, request):
                self.world.trace.recover(fulfilled(request))
                self.world.ask("staff", "GET", f"/api/restoration/status/{order.order_id}")

    def request_during_a_call(self, claim: Claim, place: str) -> None:
        """Send a request about an order that a worker is processing.

        An order that is put on hold is released later.
        """
        world = self.world
        order_id, about = claim.order_id, (claim.order_id, type(claim.reaction))
        self._asked[about] += 1
        if self._asked[about] > MOST_REQUESTS:
            return
        request = world.chance.one_of(f"request {place}", REQUESTS)
        if request == "dispute":
            world.dispute(order_id)
            return
        world.request(order_id, request)
        if request == "hold":
            minutes = world.chance.between(f"release {place}", 0.1, 60)
            name = f"release {place}"
            world.scheduler.spawn(
                name, lambda: world.request(order_id, "release"), world.outside, after=int(minutes * MINUTE)
            )

    def _photo_of(self, order: Order) -> int:
        """Draw one of the order's photos, by its number."""
        turn = self.world.chance.numbered(f"photo of {order.order_id}")
        return 1 + int(self.world.chance.at(turn) * max(len(order.images), 1))

    def _do(self, order: Order, request: str) -> bool:
        """Execute the request; return whether there was anything to do."""
        staff_actions, order_id = self.world.staff_actions, order.order_id
        match request:
            case "refund":
                staff_actions.refund(order_id, BY, amount=None, photos=[])
            case "refund a photo":
                staff_actions.refund(order_id, BY, amount=None, photos=[1])
            case "refund a part":
                staff_actions.refund(order_id, BY, amount=_part_of(order), photos=[])
            case "refund in the dashboard":
                return self.world.refund_by_hand(order_id, 100 if self._turns % 2 else 40)
            case "redo":
                staff_actions.redo(order_id, BY, photos=[self._photo_of(order)])
            case "renew":
                staff_actions.renew_link(order_id, BY, revokes_others=self._turns % 2 == 0)
            case "revoke":
                staff_actions.revoke_links(order_id, BY)
            case "hold" | "release" | "resend":
                getattr(staff_actions, request)(order_id, BY)
            case _:
                return privacy_and_payment_requests.HANDLERS[request](self.world, order, BY)
        return True


def fulfilled(request: str) -> str:
    """The name of the recovery that counts a fulfilled request."""
    return f"a request was fulfilled: {request}"


def _part_of(order: Order) -> Money:
    assert order.payment is not None
    return Money(amount=max(order.paid_amount // 3, 1), currency=order.payment.paid.currency)


class Forger:
    """Posts messages that look like a provider's; none may have an effect."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def work(self) -> None:
        """Post forgeries of pending messages, and rubbish, during the faulty period."""
        turn = 0
        while self.world.is_bustling:
            turn += 1
            self.world.scheduler.sleep(int(self.world.chance.between(f"forger pause {turn}", 1, 90) * MINUTE))
            self.world.scheduler.current.facts["is_forging"] = True
            # At the shop's real addresses the forger lacks a provider's signature; at other addresses even a
            # valid one does not help.
            for path, order_placement, has_signature in (
                ("stripe", "evt_", False),
                ("sendgrid", "message-", False),
                *((path, "msg_", True) for path in self._marks(turn)),
            ):
                body = self._body(turn, order_placement)
                payment_token = signature_of(body) if has_signature else "mine"
                answer = self.world.ask(
                    "forger", "POST", f"/api/webhooks/{path}", body=body, headers={SIGNATURE: payment_token}
                )
                self.world.check_refused(path, answer)

    def _body(self, turn: int, order_placement: str) -> bytes:
        """A message that a provider sent before, or rubbish."""
        known = {
            name: name.encode()
            for name in self.world.postman.webhook_events
            if name.startswith(order_placement)
        }
        return self.world.chance.favourite(f"forger {turn} {order_placement}", known) if known else b"{]"

    def _marks(self, turn: int) -> list[str]:
        """Webhook addresses of the restorer that this shop never signed."""
        works = self.world.restorer.works
        if not works:
            return []
        address = self.world.chance.favourite(f"forger address {turn}", works).webhook_url.split("/")
        return [f"replicate/{'/'.join(address[-4:-1])}/{'0' * len(address[-1])}"]
