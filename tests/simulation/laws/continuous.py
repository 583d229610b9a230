"""What must hold after every step."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from uuid import UUID

from adapters.email_templates import TemplateEmailRenderer
from adapters.postgres.read_models import rows_of
from domain.order import events as e
from domain.order.closure import OVER
from domain.order.errors import ShopError
from domain.order.evolve import apply
from domain.order.lifecycle import require
from domain.order.order import Order
from domain.order.reactions import (
    IssueRefund,
    Reaction,
    RestoreImage,
    SendEmail,
    reaction_id_of,
    required_reactions,
)
from domain.order.states import State
from domain.order.values import ObjectKey, OrderId, UploadSessionId
from domain.ports.email import EmailFacts
from domain.ports.reaction_queue import Claim
from domain.ports.upload_sessions import UploadStatus
from domain.unmatched_payment import UnmatchedStatus
from tests.domain.support.laws import check_laws
from tests.doubles.reaction_table import Work
from tests.doubles.unit_of_work import InMemoryTransaction
from tests.laws.sentences import LANGUAGES, Known, check_mail, check_what_is_said_now
from tests.simulation.laws.errors import LawBrokenError
from tests.simulation.laws.rest import check_after_retention, check_at_rest, unsettled_checkouts
from tests.simulation.recoveries import recoveries_in

if TYPE_CHECKING:
    from tests.simulation.world import World

_LETTERS = TemplateEmailRenderer()
#: As far as two clocks of the shop may be apart.
DISAGREEMENT = timedelta(minutes=20)
#: The calls that change something at a provider, for each of which there is work to be claimed.
CLAIMED = {"start", "send", "issue_refund"}


class Continuous:
    """Watches every commit, every call and every answer of a world."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._orders: dict[OrderId, Order] = {}  # what the log tells, folded here
        self._known: dict[OrderId, Known] = {}  # what the log proves, worked out apart from the model
        self._claims: set[UUID] = set()  # tokens of claims that were ever committed

    # Before and after a commit.

    def before_commit(self, transaction: InMemoryTransaction) -> None:
        """Law 12, and law 6: whoever records has the lease."""
        if self._world.scheduler.current.facts.get("is_forging"):
            raise LawBrokenError(12, "A forged message led to a commit.")
        kept = self._world.own_unit_of_work.pages.work
        for reaction_id, work in transaction.pages.written("work").items():
            if reaction_id in kept:
                self._check_lease(kept[reaction_id], work)
        for recorded in transaction.pages.written("log").values():
            if recorded.cause_key.startswith("reaction:"):
                _, reaction_id, token, *spent = recorded.cause_key.partition("#")[0].split(":")
                if spent:
                    raise LawBrokenError(
                        14,
                        f"{recorded.cause} used up its attempts, all of them without an error, and is needed still.",
                        recorded.order_id,
                        reaction_id,
                    )
                holder = kept[UUID(reaction_id)].token
                if str(holder) != token:
                    raise LawBrokenError(
                        6,
                        f"{type(recorded.event).__name__} is recorded by a claim that {holder or 'nobody'} has now.",
                        recorded.order_id,
                        reaction_id,
                    )

    def _check_lease(self, before: Work, after: Work) -> None:
        if before.token is None or after.token == before.token:
            return
        if after.attempts > before.attempts:
            # It was claimed in this transaction, and perhaps dropped in the same.
            assert before.leased_until is not None
            if after.due_at < before.leased_until:
                raise LawBrokenError(
                    6, "A lease was taken that had not run out.", after.order_id, after.reaction_id
                )
            return
        facts = self._world.scheduler.current.facts
        claim = cast("Claim | None", facts.get("claim"))
        # The lease keeper of a process gives up the calls of this process that do not return.
        held = cast("set[UUID]", facts.get("held", set())) | ({claim.token} if claim else set())
        if before.token not in held:
            raise LawBrokenError(
                6,
                "Work was closed by somebody who did not hold its lease.",
                after.order_id,
                after.reaction_id,
            )

    def after_commit(self, transaction: InMemoryTransaction) -> None:
        """Laws 1, 2, 4, 5, 11 and 14, of the orders that this transaction touched."""
        worked_at = list(transaction.pages.written("work").values())
        for work in worked_at:
            if work.token is not None:
                self._claims.add(work.token)
        touched = dict.fromkeys(recorded.order_id for recorded in transaction.pages.written("log").values())
        for order_id in touched:
            self._follow(order_id)
        for order_id in touched | dict.fromkeys(work.order_id for work in worked_at):
            self._check_needed_work(order_id)

    def _follow(self, order_id: OrderId) -> None:
        pages = self._world.own_unit_of_work.pages
        stream = pages.streams[order_id]
        order = self._orders.get(order_id, Order(order_id=order_id))
        for recorded in stream[order.version :]:
            self._world.trace.note(type(recorded.event).__name__, f"{order_id} v{recorded.version}")
            if recorded.version != order.version + 1:
                raise LawBrokenError(1, f"Version {recorded.version} follows {order.version}.", order_id)
            order = self._moved(order, recorded)
            self._known.setdefault(order_id, Known()).learn(recorded.event)
        self._orders[order_id] = order
        if len(stream) != order.version:
            raise LawBrokenError(1, f"{len(stream)} events make version {order.version}.", order_id)
        if pages.orders[order_id] != order:
            raise LawBrokenError(2, "The order on the shelf is not what its stream tells.", order_id)
        if pages.rows[order_id] != rows_of(order):
            raise LawBrokenError(2, "The rows of the read models are not what the stream tells.", order_id)
        try:
            check_what_is_said_now(order, self._known[order_id])
        except AssertionError as broken:
            raise LawBrokenError(13, str(broken), order_id) from broken
        try:
            check_laws(order)
        except AssertionError as broken:
            law, check = _law_of(broken)
            told = str(broken).partition("\n")[0] or f"{check} does not hold."
            raise LawBrokenError(law, told, order_id) from broken

    def _check_needed_work(self, order_id: OrderId) -> None:
        """Law 14: work that the order needs has a row that is not closed."""
        kept = self._world.own_unit_of_work.pages.work
        for reaction in required_reactions(self._world.order(order_id)):
            row = kept.get(reaction_id_of(order_id, reaction))
            if row is None or row.outcome is not None:
                ended = "has no row" if row is None or row.outcome is None else f"is {row.outcome.value}"
                raise LawBrokenError(14, f"{reaction} is needed and {ended}.", order_id)

    def _moved(self, order: Order, recorded: e.RecordedEvent) -> Order:
        try:
            require(order.state, type(recorded.event))
        except ShopError as illegal:
            raise LawBrokenError(1, str(illegal), order.order_id) from illegal
        self._check_purge(order, recorded)
        self._check_file(order, recorded)
        for how in recoveries_in(recorded.event, self._world.scheduler.current.facts):
            self._world.trace.recover(how)
        return apply(order, recorded)

    def _check_purge(self, order: Order, recorded: e.RecordedEvent) -> None:
        """Law 7: the retention is over, or the customer asked."""
        if not isinstance(recorded.event, e.PhotosPurged):
            return
        since = max(at for state, at in order.entered_at.items() if state in OVER)
        if recorded.recorded_at - since < self._world.policy.retention.photos - DISAGREEMENT:
            raise LawBrokenError(
                7, f"Photos went {recorded.recorded_at - since} after the order was over.", order.order_id
            )

    def _check_file(self, order: Order, recorded: e.RecordedEvent) -> None:
        """Law 13: what is on record as fetched was asked for by its button, what as served by a request."""
        match recorded.event:
            case e.ResultDownloaded(link_id=link_id, image_id=image_id):
                method, lacking = "POST", "is on record as fetched, and nobody pressed its button"
            case e.ResultServed(link_id=link_id, image_id=image_id):
                method, lacking = "GET", "is on record as served, and nobody asked for it"
            case _:
                return
        what = str(image_id or "archive")
        if (method, order.links[link_id].token_sha256, what) not in self._world.answers.requested:
            raise LawBrokenError(13, f"{what} {lacking}.", order.order_id)

    def on_letter(self, order_id: OrderId, facts: EmailFacts) -> None:
        """Law 13, of a letter that is sent now."""
        try:
            for language in LANGUAGES:
                written = _LETTERS.render(replace(facts, locale=language))
                check_mail(written.subject, written.text, self._known[order_id], language)
        except AssertionError as broken:
            raise LawBrokenError(13, str(broken), order_id) from broken

    # Around a call.

    def on_call(self, kind: str, method: str, subject: str) -> None:
        """Law 6: no provider is called without a committed claim."""
        self._world.scheduler.current.facts.setdefault("calls", set()).add(method)  # type: ignore[attr-defined]
        if method == "cancel":
            self._world.trace.recover("a prediction was cancelled")
        if kind == "storage" or method not in CLAIMED:
            return
        claim = cast("Claim | None", self._world.scheduler.current.facts.get("claim"))
        if claim is not None and claim.token in self._claims and _is_for(claim.reaction, method, subject):
            return
        if method == "issue_refund" and self._is_resolved(subject):
            return
        raise LawBrokenError(6, f"{kind} was called ({method}) without a committed claim.", subject)

    def _is_resolved(self, refund_id: str) -> bool:
        """Money without an order is claimed by its own row, which says that it is on its way back."""
        aside = self._world.own_unit_of_work.pages.unmatched.values()
        return any(
            str(one.refund_id) == refund_id and one.status is UnmatchedStatus.REFUNDING for one in aside
        )

    def on_delete(self, key: ObjectKey) -> None:
        """Law 7: nothing that an order needs goes."""
        area, _, rest = key.partition("/")
        if key.startswith("uploads/temp/"):
            self._check_temp(key)
            return
        owner = OrderId(UUID(rest.split("/")[0 if area == "downloads" else 1]))
        order = self._world.order(owner)
        if not (order.photos_are_purged or order.state is State.ERASED):
            raise LawBrokenError(7, f"{key} was deleted while the order is {order.state}.", owner)

    def _check_temp(self, key: ObjectKey) -> None:
        session_id = UploadSessionId(UUID(key.split("/")[2]))
        page = self._world.own_unit_of_work.pages.uploads.get(session_id)
        if page is None or all(photo.upload.key != key for photo in page.session.photos):
            return
        session = page.session
        order = self._world.order(session.order_id)
        is_moved = bool(order.images) and all(
            image.original is not None or image.failure is not None for image in order.images.values()
        )
        is_over = order.state in {State.REFUNDED, State.ERASED}
        if session.status is UploadStatus.EXPIRED or (
            session.status is UploadStatus.PAID and (is_moved or is_over)
        ):
            return
        raise LawBrokenError(
            7, f"{key} was deleted while its session is {session.status}.", session.order_id, session_id
        )

    # When the bad days are over.

    def at_rest(self) -> None:
        """Every other law, of a world in which nobody has anything left to do."""
        check_at_rest(self._world)

    def at_the_end(self) -> None:
        """Laws 7 and 8, once the retention is over."""
        check_after_retention(self._world)

    def not_at_rest(self) -> None:
        """Law 11, broken."""
        waiting = [
            one for one in self._world.own_unit_of_work.pages.orders.values() if not self._world.is_over(one)
        ]
        aside = [one for one in self._world.own_unit_of_work.pages.unmatched.values() if not one.is_settled]
        lost = unsettled_checkouts(self._world)
        sentence = (
            f"{len(waiting)} orders, {len(aside)} payments set aside and {len(lost)} that nobody knows wait: "
            f"{[(one.state.value, one.hold) for one in waiting]}, {[one.reason for one in aside]}, {lost}"
        )
        law = 3 if lost and not waiting else 11
        raise LawBrokenError(
            law,
            sentence,
            *(one.order_id for one in waiting),
            *(one.checkout_session_id for one in aside),
            *lost,
        )


def _is_for(work: Reaction, method: str, subject: str) -> bool:
    """Whether a call is the one that this work is about."""
    match method, work:
        case "start", RestoreImage(image_id=image_id, attempt=attempt):
            return f"/{image_id}/{attempt}/" in subject
        case "send", SendEmail(email_id=email_id):
            return subject == str(email_id)
        case "issue_refund", IssueRefund(refund_id=refund_id):
            return subject == str(refund_id)
        case _:
            return False


def _law_of(broken: AssertionError) -> tuple[int, str]:
    """The law that a check of the pure model is about, and the check's name."""
    frame, check = broken.__traceback__, ""
    while frame is not None:
        name = frame.tb_frame.f_code.co_name
        check = name if name.startswith("check_") else check
        frame = frame.tb_next
    by_check = {
        "check_money": 4,
        "check_shares": 4,
        "check_points": 4,
        "check_completion": 5,
        "check_links": 10,
    }
    return by_check.get(check, 11), check
