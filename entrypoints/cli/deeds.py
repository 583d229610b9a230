"""What a person does with an order at the command line: found, asked about, done and told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
import msgspec

from domain.model.order import Order
from domain.model.values import Money, OrderId
from domain.services.desk import Done, Signature, due_back, failed_refund, images_of
from domain.services.standing import possible, standing
from domain.services.story import tell
from domain.services.wording import counted
from entrypoints.bootstrap.shop import Shop
from entrypoints.cli.agreeing import ask
from entrypoints.cli.amounts import amount_of
from entrypoints.cli.finding import find_order
from entrypoints.cli.whole import open_shop
from entrypoints.failures import MisuseError

_DONE_BEFORE = "This was done before under the same key: nothing was done again."


class NoPhotoError(MisuseError):
    """Which photos are meant was not said."""

    def __init__(self) -> None:
        super().__init__("Say which photos with --photo N: `restoreclick orders show` numbers them.")


class AmountOrPhotosError(MisuseError):
    """An amount and photos are two refunds."""

    def __init__(self) -> None:
        super().__init__("Give --amount or --photo, not both: each is a refund of its own.")


class RevokeHowError(MisuseError):
    """A new link is wanted and is not."""

    def __init__(self) -> None:
        super().__init__("Give --revoke to send a new link too, or --only-revoke to send none, not both.")


class DeskVisit:
    """One command about one order."""

    def __init__(self, shop: Shop, order: Order, by: Signature) -> None:
        self.shop = shop
        self.order_id: OrderId = order.order_id
        self.by = by
        self._order = order

    def refund(self, words: str | None, photos: Sequence[int], *, is_agreed: bool, as_json: bool) -> None:
        """Pay back; raises NoAmountError, AmountOrPhotosError or what ``ask`` and the desk raise."""
        if words is not None and photos:
            raise AmountOrPhotosError
        due = due_back(self._order, images_of(self._order, photos))
        amount = amount_of(words, due) if words is not None else None
        if not is_agreed:
            self._ask(f"{amount or due} goes back to the customer of order {self._number}.", "Pay it back?")
        self.tell(
            self.shop.desk.refund(self.order_id, self.by, amount=amount, photos=photos), as_json=as_json
        )

    def settle(self, number: int | None, *, is_agreed: bool, as_json: bool) -> None:
        """Settle a failed refund; raises what ``ask`` and the desk raise."""
        if not is_agreed:
            amount = self._failed_amount(number)
            self._ask(
                f"{amount} of order {self._number} counts as paid back from now on, and Stripe pays nothing.",
                "Did the customer get it another way?",
            )
        self.tell(self.shop.desk.settle(self.order_id, self.by, refund=number), as_json=as_json)

    def link(self, *, revokes: bool, only_revoke: bool, is_agreed: bool, as_json: bool) -> None:
        """Send a new link, or revoke old ones, or both; raises what ``ask`` and the desk raise."""
        if revokes and only_revoke:
            raise RevokeHowError
        if (revokes or only_revoke) and not is_agreed:
            good = sum(not link.is_revoked for link in self._order.links.values())
            self._ask(f"Order {self._number} has {counted(good, 'good link')}.", "Revoke the old ones?")
        desk = self.shop.desk
        if only_revoke:
            self.tell(desk.revoke_links(self.order_id, self.by), as_json=as_json)
        else:
            done = desk.renew_link(self.order_id, self.by, revokes_others=revokes)
            self.tell(done, as_json=as_json)

    def address(self, email: str, *, as_json: bool) -> None:
        """Correct the customer's address; raises what ``Addressing`` raises."""
        done, noted = self.shop.addressing.correct(self.order_id, self.by, email)
        corrected = f"The address is corrected, and that is noted on {counted(noted, 'order')}."
        self.tell(done, corrected, as_json=as_json)

    def tell(self, done: Done, *instead: str, as_json: bool) -> None:
        """Print what went on record, or ``instead`` of that, and what follows."""
        with self.shop.books.transaction() as transaction:
            history = transaction.log.history(self.order_id)[: done.order.version]
        mine = {recorded.event_id for recorded in done.events}
        told = [passage.text for passage in tell(history).passages if passage.recorded.event_id in mine]
        sentences = [*(instead or told)] if mine else [_DONE_BEFORE]
        if as_json:
            click.echo(msgspec.json.encode(_document(done, sentences)))
        else:
            click.echo(" ".join([*sentences, standing(done.order)]))

    def _ask(self, told: str, question: str) -> None:
        ask(told, question=question, deed="to do this", undone="Nothing was done.")

    def _failed_amount(self, number: int | None) -> Money:
        return failed_refund(self._order, number).amount

    @property
    def _number(self) -> str:
        return self._order.payment.order_number if self._order.payment else str(self.order_id)


@contextmanager
def at_desk(wanted: str, actor: str, reason: str, key: str | None) -> Iterator[DeskVisit]:
    """The desk, with one order on it; raises UnknownOrderError or AmbiguousOrderError."""
    with open_shop() as shop:
        with shop.books.transaction() as transaction:
            order = transaction.log.load(find_order(transaction, wanted))
        yield DeskVisit(shop, order, Signature(actor=actor, reason=reason, key=key))


def _document(done: Done, sentences: Sequence[str]) -> dict[str, object]:
    order = done.order
    return {
        "order_id": order.order_id,
        "number": order.payment.order_number if order.payment else None,
        "state": order.state,
        "is_held": order.is_held,
        "is_disputed": order.is_disputed,
        "recorded": [type(recorded.event).__name__ for recorded in done.events],
        "done": sentences,
        "standing": standing(order),
        "possible": possible(order),
    }
