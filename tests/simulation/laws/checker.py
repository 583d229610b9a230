"""Snapshots of what each commit, call, mail and deletion changes."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, cast
from uuid import UUID

from adapters.email_templates import TemplateEmailRenderer
from adapters.postgres.read_models import Rows
from domain.order.order import Order
from domain.order.values import ObjectKey, OrderId, UploadSessionId
from domain.ports.email import EmailFacts
from domain.ports.reaction_queue import Claim as HeldClaim
from tests.doubles.reaction_table import Work
from tests.doubles.unit_of_work import InMemoryTransaction
from tests.laws.sentences import LANGUAGES
from tests.laws.snapshot import (
    AcceptedMail,
    Claim,
    Deletion,
    Forgery,
    LeaseChange,
    OrderStream,
    ProviderCall,
    Snapshot,
    StoredEvent,
    WorkName,
    work_name,
)
from tests.simulation.laws.errors import check, law
from tests.simulation.laws.world_snapshot import (
    CLOCK_TOLERANCE,
    outcome_of,
    unmatched_rows,
    unsettled_checkouts,
    world_snapshot,
)
from tests.simulation.recoveries import recoveries_in

if TYPE_CHECKING:
    from tests.simulation.world import World

_EMAILS = TemplateEmailRenderer()
#: The calls that change something at a provider, by the kind of their reaction.
CLAIMED = {"start": "RestoreImage", "send": "SendEmail", "issue_refund": "IssueRefund"}


class LawChecker:
    """Checks the laws as a world goes on."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._orders: dict[OrderId, Order] = {}  # folded from all events judged so far
        self._claims: dict[WorkName, list[Claim]] = {}  # all that were ever committed
        self._outcomes: dict[UUID, str | None] = {}  # of the rows of reactions

    def before_commit(self, transaction: InMemoryTransaction) -> None:
        """Check that the writer holds the lease and is no forger."""
        is_forging = bool(self._world.scheduler.current.facts.get("is_forging"))
        changes = tuple(self._lease_changes(transaction.pages.written("work").values()))
        events = tuple(
            StoredEvent(
                order_id=recorded.order_id,
                version=recorded.version,
                cause_key=recorded.cause_key,
                transaction="",
            )
            for recorded in transaction.pages.written("log").values()
        )
        if is_forging or changes or events:
            forgeries = [Forgery(what="A forged message", led_to_commit=True)] if is_forging else []
            snapshot = Snapshot(lease_changes=changes, stored_events=events, forgeries=forgeries)
            check(snapshot, law(6, 12, 14))

    def _lease_changes(self, written: Iterable[Work]) -> Iterator[LeaseChange]:
        facts = self._world.scheduler.current.facts
        claim = cast("HeldClaim | None", facts.get("claim"))
        # The lease keeper of a process gives up the calls of this process that do not return.
        held = cast("set[UUID]", facts.get("held", set())) | ({claim.token} if claim else set())
        kept = self._world.own_unit_of_work.pages.work
        for after in written:
            before = kept.get(after.reaction_id)
            if before is None or before.token is None or before.token == after.token:
                continue
            yield LeaseChange(
                reaction_id=after.reaction_id,
                transaction="",
                at=after.due_at,
                is_claim=after.attempts > before.attempts,  # and perhaps closed in the same transaction
                token_before=before.token,
                leased_until_before=before.leased_until,
                writer_holds=frozenset(held),
            )

    def after_commit(self, transaction: InMemoryTransaction) -> None:
        """Check orders with new events, and reactions of other changed orders."""
        now = self._world.scheduler.moment()
        worked_at = list(transaction.pages.written("work").values())
        for work in worked_at:
            self._outcomes[work.reaction_id] = outcome_of(work)
            name = work_name(work.reaction) if work.token is not None else None
            if work.token is not None and name is not None:
                self._claims.setdefault(name, []).append(Claim(work.token, now))
        changed = dict.fromkeys(recorded.order_id for recorded in transaction.pages.written("log").values())
        if changed:
            self._check_orders(list(changed))
        waiting = dict.fromkeys(work.order_id for work in worked_at if work.order_id not in changed)
        if waiting:
            streams = {order_id: self._stream(order_id) for order_id in waiting}
            check(Snapshot(streams=streams, reaction_outcomes=self._outcomes), law(14))

    def _check_orders(self, order_ids: list[OrderId]) -> None:
        pages = self._world.own_unit_of_work.pages
        streams = {order_id: self._stream(order_id) for order_id in order_ids}
        facts = self._world.scheduler.current.facts
        for order_id, stream in streams.items():
            for recorded in stream.events[stream.earlier.version :]:
                self._world.trace.note(type(recorded.event).__name__, f"{order_id} v{recorded.version}")
                for how in recoveries_in(recorded.event, facts):
                    self._world.trace.recover(how)
        read_models: Rows = {}
        for order_id in order_ids:
            for table, rows in pages.rows[order_id].items():
                read_models.setdefault(table, {}).update(rows)
        snapshot = Snapshot(
            streams=streams,
            loaded={order_id: pages.orders[order_id] for order_id in order_ids},
            read_models=read_models,
            reaction_outcomes=self._outcomes,
            requested=self._world.link_requests.requested,
            photo_retention=self._world.policy.retention.photos,
            clock_tolerance=CLOCK_TOLERANCE,
        )
        check(snapshot)
        self._orders |= {order_id: stream.order for order_id, stream in streams.items()}

    def _stream(self, order_id: OrderId) -> OrderStream:
        events = self._world.own_unit_of_work.pages.streams.get(order_id, ())
        return OrderStream(events=events, earlier=self._orders.get(order_id, Order(order_id=order_id)))

    def on_mail(self, order_id: OrderId, facts: EmailFacts) -> None:
        """Law 13, of a mail that is sent now, in every language."""
        stream = self._stream(order_id)
        rendered = {each: _EMAILS.render(replace(facts, locale=each)) for each in LANGUAGES}
        mail = AcceptedMail(
            message_id="",
            email_id="",
            order_id=str(order_id),
            texts={each: (one.subject, one.text) for each, one in rendered.items()},
            version=len(stream.events),
        )
        check(Snapshot(streams={order_id: stream}, mails=[mail]), law(13))

    def on_call(self, kind: str, method: str, subject: str) -> None:
        """Law 6, of a call that begins now."""
        self._world.scheduler.current.facts.setdefault("calls", set()).add(method)  # type: ignore[attr-defined]
        if method == "cancel":
            self._world.trace.recover("a prediction was cancelled")
        if kind == "storage" or method not in CLAIMED:
            return
        ids = subject.split("/")[-3:-1] if method == "start" else [subject]
        claim = cast("HeldClaim | None", self._world.scheduler.current.facts.get("claim"))
        call = ProviderCall(
            work=(CLAIMED[method], *ids),
            at=self._world.scheduler.moment(),
            sentence=f"The call {method} of {kind}",
            token=claim.token if claim else UUID(int=0),
        )
        unmatched = unmatched_rows(self._world) if method == "issue_refund" else ()
        check(Snapshot(calls=[call], claims=self._claims, unmatched=unmatched), law(6))

    def on_delete(self, key: ObjectKey) -> None:
        """Law 7, of an object that is deleted now."""
        area, _, rest = key.partition("/")
        session = None
        if key.startswith("uploads/temp/"):
            session_id = UploadSessionId(UUID(key.split("/")[2]))
            page = self._world.own_unit_of_work.pages.uploads.get(session_id)
            if page is None:
                return
            session, owner = page.session, page.session.order_id
        else:
            owner = OrderId(UUID(rest.split("/")[0 if area == "downloads" else 1]))
        deletion = Deletion(key=key, order=self._world.order(owner), session=session)
        check(Snapshot(deletions=[deletion]), law(7))

    def at_rest(self) -> None:
        """All laws, of a world in which nothing is left to do."""
        check(replace(world_snapshot(self._world), is_at_rest=True, time_is_up=True))

    def at_the_end(self) -> None:
        """Laws 7 and 8, once the retention is over."""
        check(replace(world_snapshot(self._world), retention_is_over=True), law(7, 8))

    def not_at_rest(self) -> None:
        """Raise law 11, or law 3 if only an unknown payment waits."""
        aside = self._world.own_unit_of_work.pages.unmatched.values()
        waiting = [f"A payment without an order waits: {one.reason}" for one in aside if not one.is_settled]
        if not unsettled_checkouts(self._world):
            waiting.append("A dispute or a refund waits at the provider.")
        else:
            waiting = []
        snapshot = replace(world_snapshot(self._world), time_is_up=True, unfinished=waiting)
        check(snapshot, law(11, 3))
