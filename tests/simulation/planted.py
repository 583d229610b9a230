"""Bugs that the simulation has to find: each a switch of the test tree, and for every law at least one.

A checker that never finds anything proves nothing. So what is planted here breaks production code, or a double where
the guard is the adapter's, in a way that only shows under the faults, the races or the time that a world brings.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from adapters.postgres import read_models
from domain.model import events as e
from domain.model.order import Order
from domain.model.reactions import SendEmail
from domain.model.seals import sha256_of
from domain.model.values import MovedImage, ObjectKey
from domain.ports.errors import ForgedMessageError, UnavailableError
from domain.services import refunding, writing
from domain.services.beginning import Beginning
from domain.services.delivering import Delivering, Delivery, UnknownLinkError
from domain.services.housekeeping import Housekeeping
from domain.services.moving import Moving
from domain.services.restoring import RestorationDesk
from domain.services.retaining import Retaining
from domain.services.working import Working
from domain.services.writing import Writing
from tests.domain import laws
from tests.doubles.books import InMemoryOrderLog
from tests.doubles.reaction_table import InMemoryReactionTable
from tests.doubles.upload_desk import InMemoryUploadDesk
from tests.simulation.post import SealedNotices

#: In how many worlds a planted bug has to be found.
FOUND_WITHIN = 200

Switch = Callable[[ExitStack], None]


@dataclass(frozen=True)
class Planted:
    """A bug, and the law that it breaks; ``found_by`` is a seed that found it when this was written."""

    law: int
    sentence: str
    switch: Switch
    found_by: int = 1

    @property
    def seeds(self) -> Iterator[int]:
        """The worlds in one of which it has to be found, the likeliest first."""
        yield self.found_by
        yield from (seed for seed in range(1, FOUND_WITHIN + 1) if seed != self.found_by)


def _patch(owner: object, name: str, broken: Any) -> Switch:
    return lambda stack: stack.enter_context(mock.patch.object(owner, name, broken))


def _both(*switches: Switch) -> Switch:
    def switch(stack: ExitStack) -> None:
        for each in switches:
            each(stack)

    return switch


def _no_lock(*_: object) -> None:
    """Nobody waits for anybody."""


def _forgets_links(before: Order, after: Order) -> Any:
    changed = read_models.changed_rows(before, after)
    return {table: rows for table, rows in changed.items() if table != "download_links"}


def _pays_under_a_new_key(payments: Any, wish: Any, *, waited: Any) -> Any:
    del waited
    _pays_under_a_new_key.count += 1  # type: ignore[attr-defined]
    return payments.issue_refund(
        replace(wish, idempotency_key=f"{wish.idempotency_key}:{_pays_under_a_new_key.count}")  # type: ignore[attr-defined]
    )


_pays_under_a_new_key.count = 0  # type: ignore[attr-defined]


def _held_by_anybody(self: InMemoryReactionTable, claim: Any) -> Any:
    return self._work[claim.reaction_id]


def _moves_without_copying(self: Moving, order: Order) -> Sequence[e.Event]:
    """What is remembered as moved, and is not there if the copy failed."""
    moved = []
    for image in order.images.values():
        target = ObjectKey(f"uploads/originals/{order.order_id}/{image.image_id}")
        with suppress(UnavailableError):  # "it will have worked"
            self._storage.copy(image.upload, target)
        moved.append(MovedImage(image_id=image.image_id, original=replace(image.upload, key=target)))
    return [e.ImagesMoved(images=tuple(moved))]


class _NeverRaisedError(Exception):
    """Stands where a lost reply was told from an outage."""


def _claims_and_forgets(self: Working, reaction_id: Any) -> Any:
    """A claim that is not committed before the work begins."""
    try:
        with self._books.transaction() as transaction:
            claim = transaction.reactions.claim(
                reaction_id, self._ids.new(), self._clock.now(), self._policy.lease
            )
            if claim is None:
                return None
            order = transaction.log.load(claim.order_id)
            raise _NeverRaisedError  # noqa: TRY301 -- to roll back is the point
    except _NeverRaisedError:
        return claim, order


def _opens_whatever_has_a_token(self: Delivering, token: str) -> Any:
    """A link that never runs out."""
    fingerprint = sha256_of(token)
    with self._books.transaction() as transaction:
        order = transaction.log.load_by_token(fingerprint)
    links = order.links.values() if order else ()
    link = next((link for link in links if link.token_sha256 == fingerprint), None)
    if order is None or link is None or order.photos_are_purged:
        raise UnknownLinkError
    return order, link


_find = Delivering.find


def _finds_any_image(self: Delivering, token: str, image_id: Any = None, *, earlier: int = 0) -> Delivery:
    """An image is looked for by its id alone."""
    try:
        return _find(self, token, image_id, earlier=earlier)
    except UnknownLinkError:
        order, link = self.open(token)
        with self._books.transaction() as transaction:
            for line in transaction.shelf.newest(1000):
                other = transaction.log.load(line.order_id)
                image = other.images.get(image_id)
                if image is not None and image.results:
                    return Delivery(
                        order_id=order.order_id,
                        link=link,
                        image_id=image_id,
                        content=image.results[0],
                        file_name="a.png",
                    )
        raise


def _sends_nothing(_self: Writing, _order: Order, work: SendEmail, **_: Any) -> Sequence[e.Event]:
    """A mail that is written down and never handed over."""
    return [e.EmailSent(email_id=work.email_id, kind=work.kind, message_id="message")]


def _believes(self: SealedNotices, body: bytes, _headers: object) -> Any:
    """Whatever can be read counts as its sender's."""
    notice = self.postman.notices.get(body.decode())
    if notice is None:
        raise ForgedMessageError("A provider", "it says nothing")
    return notice


def _opens_nothing(*_: object, **__: object) -> Any:
    """A link behind which there is nothing."""
    raise UnknownLinkError


PLANTED: dict[str, Planted] = {
    "two events with one version": Planted(
        1,
        "Steps of one order neither wait for one another nor notice a conflict.",
        _both(_patch(InMemoryOrderLog, "lock", _no_lock), _patch(InMemoryOrderLog, "_require_new", _no_lock)),
        found_by=24,
    ),
    "a read model forgets links": Planted(
        2,
        "The rows of download links are not written.",
        _patch(laws, "changed_rows", _forgets_links),
        found_by=2,
    ),
    "money without an order is forgotten": Planted(
        3,
        "What cannot become an order is not set aside.",
        _patch(Beginning, "_set_aside", _no_lock),
        found_by=16,
    ),
    "a refund under a new key each time": Planted(
        4,
        "A refund is asked for again without a look and under another key.",
        _patch(refunding, "pay_back", _pays_under_a_new_key),
        found_by=10,
    ),
    "an order ends that still owes money": Planted(
        5,
        "An order counts as complete while a failed photo is not paid back.",
        _both(
            _patch(Order, "money_is_owed", property(lambda _: False)),
            _patch(Order, "uncovered_images", property(lambda _: ())),
        ),
        found_by=4,
    ),
    "anybody may record an outcome": Planted(
        6,
        "A claim is closed without looking at its token.",
        _patch(InMemoryReactionTable, "_held", _held_by_anybody),
        found_by=2,
    ),
    "a call before the claim is committed": Planted(
        6,
        "Work begins on a claim that was rolled back.",
        _patch(Working, "claim", _claims_and_forgets),
        found_by=2,
    ),
    "photos go with the order's end": Planted(
        7,
        "The retention is not waited for.",
        _patch(Retaining, "_over_before", lambda self: self._clock.now()),
        found_by=2,
    ),
    "uploads are tidied before they are moved": Planted(
        7,
        "Housekeeping takes the uploads of a paid session that are not copied yet.",
        _patch(InMemoryUploadDesk, "_is_given_up", lambda *_: True),
        found_by=20,
    ),
    "a copy that failed counts": Planted(
        8,
        "An image counts as moved whose copy failed.",
        _patch(Moving, "move_images", _moves_without_copying),
        found_by=2,
    ),
    "uploads are never tidied": Planted(
        8, "Housekeeping finds nothing.", _patch(Housekeeping, "tidy", lambda _: 0)
    ),
    "a mail is sent again after a lost reply": Planted(
        9,
        "A lost reply counts as an outage.",
        _patch(writing, "LostReplyError", _NeverRaisedError),
        found_by=25,
    ),
    "a mail that is never handed over": Planted(
        9,
        "A mail counts as sent that nobody was given.",
        _patch(Writing, "send_email", _sends_nothing),
        found_by=2,
    ),
    "a link behind which there is nothing": Planted(
        10, "No link opens anything.", _patch(Delivering, "find", _opens_nothing), found_by=2
    ),
    "a link that never runs out": Planted(
        10, "A token is good for ever.", _patch(Delivering, "open", _opens_whatever_has_a_token), found_by=13
    ),
    "a token opens any image": Planted(
        10,
        "An image is looked for by its id alone.",
        _patch(Delivering, "find", _finds_any_image),
        found_by=2,
    ),
    "the sweeper sends nothing again": Planted(
        11, "What is lost or expired is never sent again.", _patch(Working, "sweep", lambda _: 0), found_by=6
    ),
    "an address that anybody can make": Planted(
        12,
        "A restorer's message is taken at an address that this shop never made.",
        _patch(RestorationDesk, "require_mark", _no_lock),
        found_by=2,
    ),
    "a seal that nobody checks": Planted(
        12,
        "What is posted is believed.",
        _patch(SealedNotices, "read", _believes),
    ),
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have a bug in the shop for as long as the block takes."""
    with ExitStack() as stack:
        PLANTED[name].switch(stack)
        yield
