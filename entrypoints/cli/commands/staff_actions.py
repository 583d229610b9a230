"""Staff actions on an order: lookup, confirmation, action and report."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click
import msgspec

from domain.order import events as e
from domain.order.order import Order
from domain.order.reactions import required_reactions
from domain.order.states import State
from domain.order.values import Money, OrderId
from domain.use_cases.queries import Queries
from domain.use_cases.support.email_correction import EmailCorrection
from domain.use_cases.support.staff_actions import StaffActions
from domain.use_cases.support.staff_requests import ActionResult, StaffRequest
from entrypoints.bootstrap.wording import action_texts, counted, status_of, timeline_text_of
from entrypoints.cli.support.confirmation import ask
from entrypoints.cli.support.money_parsing import amount_of
from entrypoints.cli.support.open_shop import open_shop
from entrypoints.cli.support.order_lookup import find_order
from entrypoints.command_errors import MisuseError

#: How often an order is polled while a command watches it.
_LOOK_SECONDS = 0.1

_DONE_BEFORE = "This was done before under the same key: nothing was done again."


class AmountOrPhotosError(MisuseError):
    """An amount and photos are given, which are two refunds."""

    def __init__(self) -> None:
        super().__init__("Give --amount or --photo, not both: each is a refund of its own.")


class RevokeHowError(MisuseError):
    """Options that contradict each other about a new link."""

    def __init__(self) -> None:
        super().__init__("Give --revoke to send a new link too, or --only-revoke to send none, not both.")


@dataclass(eq=False)
class StaffSession:
    """One staff command on one order."""

    queries: Queries
    staff_actions: StaffActions
    email_correction: EmailCorrection
    order: Order
    by: StaffRequest

    @property
    def order_id(self) -> OrderId:
        """The order's id."""
        return self.order.order_id

    def refund(self, words: str | None, photos: Sequence[int], *, is_agreed: bool, as_json: bool) -> None:
        """Refund an amount, some photos or the rest of the payment.

        Raises the errors of ``amount_of``, AmountOrPhotosError, and the errors of ``ask`` and ``StaffActions``.
        """
        if words is not None and photos:
            raise AmountOrPhotosError
        amount = amount_of(words, self._paid) if words is not None else None

        def consequence(would: ActionResult) -> str:
            asked = [each.event.amount for each in would.events if isinstance(each.event, e.RefundRequested)]
            whole = sum(asked[1:], start=asked[0])
            stops = " and the order is stopped" if would.order.state is State.REFUNDING else ""
            return f"{whole} is refunded to the customer of order {self._number}{stops}."

        self._do_if_agreed(
            lambda staff_actions: staff_actions.refund(self.order_id, self.by, amount=amount, photos=photos),
            consequence,
            question=None if is_agreed else "Pay it back?",
            as_json=as_json,
        )

    def release(self, *, wait_seconds: float, as_json: bool) -> bool:
        """Release the order; return whether it stayed released for ``wait_seconds``.

        Watching ends early once one of the reactions pending at the release is done.
        """
        done = self.staff_actions.release(self.order_id, self.by)
        after = self._watched(done.order, wait_seconds)
        self.show(done, after=after, as_json=as_json)
        return not after.is_held

    def _watched(self, released: Order, wait_seconds: float) -> Order:
        pending = set(required_reactions(released))
        deadline = time.monotonic() + wait_seconds
        order = released
        while not order.is_held and pending <= set(required_reactions(order)) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            order = self.queries.order(self.order_id)
        return order

    def settle(self, number: int | None, *, is_agreed: bool, as_json: bool) -> None:
        """Settle a failed refund; raises the errors of ``ask`` and ``StaffActions``."""

        def consequence(would: ActionResult) -> str:
            [amount] = [each.event.amount for each in would.events if isinstance(each.event, e.RefundIssued)]
            return (
                f"{amount} of order {self._number} counts as paid back from now on, and Stripe pays nothing."
            )

        self._do_if_agreed(
            lambda staff_actions: staff_actions.record_manual_refund(self.order_id, self.by, refund=number),
            consequence,
            question=None if is_agreed else "Did the customer get it another way?",
            as_json=as_json,
        )

    def link(self, *, revokes: bool, only_revoke: bool, is_agreed: bool, as_json: bool) -> None:
        """Send a new link, or revoke old ones, or both.

        Raises RevokeHowError, and the errors of ``ask`` and ``StaffActions``.
        """
        if revokes and only_revoke:
            raise RevokeHowError

        def consequence(would: ActionResult) -> str:
            revoked = sum(isinstance(each.event, e.DownloadLinkRevoked) for each in would.events)
            return f"{counted(revoked, 'link')} of order {self._number} will open nothing any more."

        def act(staff_actions: StaffActions) -> ActionResult:
            if only_revoke:
                return staff_actions.revoke_links(self.order_id, self.by)
            return staff_actions.renew_link(self.order_id, self.by, revokes_others=revokes)

        is_harmless = not (revokes or only_revoke)
        self._do_if_agreed(
            act, consequence, question=None if is_agreed or is_harmless else "Revoke?", as_json=as_json
        )

    def address(self, email: str, *, as_json: bool) -> None:
        """Correct the customer's address; raises the errors of ``EmailCorrection``."""
        done, noted = self.email_correction.correct(self.order_id, self.by, email)
        corrected = f"The address is corrected, and that is noted on {counted(noted, 'order')}."
        self.show(done, corrected, as_json=as_json)

    def show(self, done: ActionResult, *instead: str, after: Order | None = None, as_json: bool) -> None:
        """Print what was recorded, or ``instead``, and the order's status.

        The status is that of ``after``, by default of the order right after the action.
        """
        history = self.queries.history(self.order_id)[: done.order.version]
        mine = {recorded.event_id for recorded in done.events}
        recorded = [
            entry.text for entry in timeline_text_of(history).entries if entry.recorded.event_id in mine
        ]
        sentences = [*(instead or recorded)] if mine else [_DONE_BEFORE]
        if as_json:
            click.echo(msgspec.json.encode(_document(done, sentences, after or done.order)))
        else:
            click.echo(" ".join([*sentences, status_of(after or done.order)]))

    def _do_if_agreed(
        self,
        act: Callable[[StaffActions], ActionResult],
        consequence: Callable[[ActionResult], str],
        *,
        question: str | None,
        as_json: bool,
    ) -> None:
        """Act, after the user has confirmed the result of a dry run.

        Without a ``question``, act at once. An action that is refused fails in the dry run, before the question.
        """
        if question is not None:
            would = act(self.staff_actions.dry_run())
            if would.events:
                ask(consequence(would), question=question, undone="Nothing was done.")
        self.show(act(self.staff_actions), as_json=as_json)

    @property
    def _paid(self) -> Money:
        if self.order.payment is None:
            raise AssertionError("An order that is found was paid.")
        return self.order.payment.paid

    @property
    def _number(self) -> str:
        return self.order.payment.order_number if self.order.payment else str(self.order_id)


@contextmanager
def staff_session(wanted: str, actor: str, reason: str, key: str | None) -> Iterator[StaffSession]:
    """A session on one order; raises the errors of ``find_order``."""
    with open_shop() as shop:
        order = shop.queries.order(find_order(shop.queries, wanted))
        by = StaffRequest(actor=actor, reason=reason, key=key)
        yield StaffSession(shop.queries, shop.staff_actions, shop.email_correction, order, by)


def _document(done: ActionResult, sentences: Sequence[str], order: Order) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "number": order.payment.order_number if order.payment else None,
        "state": order.state,
        "is_held": order.is_held,
        "is_disputed": order.is_disputed,
        "recorded": [type(recorded.event).__name__ for recorded in done.events],
        "done": sentences,
        "standing": status_of(order),
        "possible": action_texts(order),
    }
