"""Bugs that the simulation has to find, at least one per law.

A checker that never finds anything proves nothing. Each bug patches production code, or a double where the
adapter has the guard, in a way that shows only under the faults, races or elapsed time of a world.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from adapters.localization import state_text, timeline_text
from domain.order.order import Order
from domain.order.states import State
from domain.ports.reaction_queue import Outcome
from domain.use_cases import order_transaction
from domain.use_cases.checkout import uploads
from domain.use_cases.checkout.referrals_and_points import ReferralProgram
from domain.use_cases.delivery import archives, emails
from domain.use_cases.delivery.downloads import DownloadService
from domain.use_cases.delivery.emails import EmailSender
from domain.use_cases.payments import refunds
from domain.use_cases.payments.order_placement import OrderPlacement
from domain.use_cases.privacy.photo_deletion import PhotoDeletion
from domain.use_cases.privacy.photo_retention import PhotoRetention
from domain.use_cases.privacy.upload_cleanup import UploadCleanup
from domain.use_cases.reaction_runner import ReactionRunner
from domain.use_cases.restoration.originals import OriginalsCopier
from domain.use_cases.restoration.prediction_webhook import PredictionWebhook
from tests.doubles import reaction_table, read_models
from tests.doubles.customers import InMemoryCustomers
from tests.doubles.event_store import InMemoryEventStore
from tests.doubles.points_balances import InMemoryPointsBalances
from tests.doubles.reaction_table import InMemoryReactionTable, Work
from tests.doubles.upload_sessions import InMemoryUploadSessions
from tests.simulation import planted_code
from tests.simulation.webhook_delivery import SignedPaymentWebhooks

if TYPE_CHECKING:
    from tests.simulation.world_run import Outcome as WorldOutcome

#: The number of worlds within which a planted bug has to be found.
FOUND_WITHIN = 200

Switch = Callable[[ExitStack], None]


@dataclass(frozen=True)
class Planted:
    """A bug, the law it breaks, and a seed that finds it.

    ``sentence_part`` is a part of the sentence that reports it; ``found_by`` is the seed that found it when this was
    written.
    """

    law: int
    sentence: str
    switch: Switch
    sentence_part: str
    found_by: int = 1

    def is_found_in(self, outcome: "WorldOutcome") -> bool:
        """Whether a world broke this bug's law, by the intended clause."""
        return outcome.law == self.law and self.sentence_part in outcome.sentence

    @property
    def seeds(self) -> Iterator[int]:
        """The seeds, one of which has to find it, likeliest first."""
        yield self.found_by
        yield from (seed for seed in range(1, FOUND_WITHIN + 1) if seed != self.found_by)


def _patch(owner: object, name: str, broken: Any) -> Switch:
    return lambda stack: stack.enter_context(mock.patch.object(owner, name, broken))


def _lacks(names: Mapping[Any, Any], name: Any) -> Switch:
    less = {known: meaning for known, meaning in names.items() if known is not name}
    return lambda stack: stack.enter_context(mock.patch.dict(names, less, clear=True))


def _both(*switches: Switch) -> Switch:
    def switch(stack: ExitStack) -> None:
        for each in switches:
            each(stack)

    return switch


PLANTED: dict[str, Planted] = {
    # The first three were bugs of this shop, or nearly so, and were found by the simulation.
    "a stopped order has no sentence": Planted(
        0,
        "The status of an order whose money is on its way back is answered with 500.",
        _lacks(state_text.STATES, State.REFUNDING),
        sentence_part="KeyError",
    ),
    "a photo goes whose commit got no answer": Planted(
        7,
        "After an outage a photo is deleted, although it may be on record.",
        _patch(uploads, "ShopError", Exception),
        sentence_part="was deleted while its session is",
    ),
    "archives of one name": Planted(
        11,
        "Each further archive of an order would have to be stored where the first one is.",
        _patch(archives, "_fingerprint", lambda _: "archive"),
        sentence_part="download_not_prepared",
        found_by=2,
    ),
    "two events with one version": Planted(
        1,
        "Steps of one order neither wait for one another nor detect a conflict.",
        _both(
            _patch(InMemoryEventStore, "lock", planted_code.no_lock),
            _patch(InMemoryEventStore, "_require_new", planted_code.no_lock),
        ),
        sentence_part="follows",
        found_by=2,
    ),
    "a read model forgets links": Planted(
        2,
        "The rows of download links are not written.",
        _patch(read_models, "changed_rows", planted_code.forgets_links),
        sentence_part="and the log says",
        found_by=2,
    ),
    "money without an order is forgotten": Planted(
        3,
        "What cannot become an order is not recorded as unmatched.",
        _patch(OrderPlacement, "_record_unmatched", planted_code.no_lock),
        sentence_part="has 0 orders",
        found_by=7,
    ),
    "an order of another amount": Planted(
        3,
        "What was quoted counts as paid, whatever was.",
        _patch(OrderPlacement, "_payment", planted_code.receives_what_was_quoted),
        sentence_part="The log says",
        found_by=8,
    ),
    "a refund under a new key each time": Planted(
        4,
        "A refund is asked for again without a look and under another key.",
        _patch(refunds, "issue_once", planted_code.pays_under_a_new_key),
        sentence_part="was paid 2 times",
        found_by=3,
    ),
    "points that are spent twice": Planted(
        4,
        "Neither what an open checkout is about to spend is counted, nor what is there when it is paid.",
        _both(
            _patch(InMemoryPointsBalances, "reserved", lambda *_, **__: 0),
            _patch(ReferralProgram, "_spent", planted_code.spends_what_is_gone),
        ),
        sentence_part="points more were spent",
        found_by=514,
    ),
    "an order ends that still owes money": Planted(
        5,
        "An order counts as complete while a failed photo is not paid back.",
        _both(
            _patch(Order, "money_is_owed", property(lambda _: False)),
            _patch(Order, "uncovered_images", property(lambda _: ())),
        ),
        sentence_part="neither delivered nor refunded",
        found_by=16,
    ),
    "any worker may record an outcome": Planted(
        6,
        "A claim is closed without looking at its token.",
        _patch(InMemoryReactionTable, "_held", planted_code.held_by_any_worker),
        sentence_part="did not hold its lease",
        found_by=7,
    ),
    "a call before the claim is committed": Planted(
        6,
        "Work begins on a claim that was rolled back.",
        _patch(ReactionRunner, "claim", planted_code.claims_and_forgets),
        sentence_part="without a committed claim",
        found_by=2,
    ),
    "a thread goes on with what its commit did not claim": Planted(
        6,
        "A reaction is performed whose row another worker may claim.",
        _both(
            _patch(order_transaction, "_as_leased", planted_code.goes_on_unclaimed),
            _patch(reaction_table, "_written", planted_code.writes_no_claim),
        ),
        sentence_part="without a committed claim",
    ),
    "photos go with the order's end": Planted(
        7,
        "The retention is not waited for.",
        _patch(PhotoRetention, "_over_before", lambda self: self.clock.now()),
        sentence_part="after the order was over",
        found_by=2,
    ),
    "uploads are tidied before they are moved": Planted(
        7,
        "Housekeeping takes the uploads of a paid session that are not copied yet.",
        _patch(InMemoryUploadSessions, "_is_given_up", lambda *_: True),
        sentence_part="was deleted while its session is",
        found_by=385,
    ),
    "photos stay of who is forgotten": Planted(
        8,
        "Erasing a customer leaves their photos.",
        _patch(PhotoDeletion, "empty", planted_code.empties_by_the_clock),
        sentence_part="outlive",
        found_by=11,
    ),
    "a copy that failed counts": Planted(
        7,
        "An image counts as moved whose copy failed.",
        _patch(OriginalsCopier, "move_images", planted_code.moves_without_copying),
        sentence_part="is not there as it was sent",
        found_by=3,
    ),
    "uploads are never tidied": Planted(
        8,
        "Housekeeping finds nothing.",
        _patch(UploadCleanup, "tidy", lambda _: 0),
        sentence_part="outlives its time",
    ),
    "a mail is sent again after a lost reply": Planted(
        9,
        "A lost reply counts as an outage.",
        _patch(emails, "LostReplyError", planted_code.NeverRaisedError),
        sentence_part="A mail was accepted 2 times",
        found_by=172,
    ),
    "a mail to another customer": Planted(
        9,
        "The first customer gets all mails.",
        _patch(InMemoryCustomers, "find", planted_code.finds_the_first),
        sentence_part="went to another address",
        found_by=2,
    ),
    "a mail that is never handed over": Planted(
        9,
        "A mail counts as sent that was not handed over.",
        _patch(EmailSender, "send_email", planted_code.sends_nothing),
        sentence_part="was never accepted",
        found_by=5,
    ),
    "a link behind which there is nothing": Planted(
        10,
        "No link opens anything.",
        _patch(DownloadService, "find", planted_code.opens_nothing),
        sentence_part="A good link",
        found_by=3,
    ),
    "a link that never runs out": Planted(
        10,
        "A token is good for ever.",
        _patch(DownloadService, "open", planted_code.opens_whatever_has_a_token),
        sentence_part="had run out",
        found_by=12,
    ),
    "a token opens any image": Planted(
        10,
        "An image is looked for by its id alone.",
        _patch(DownloadService, "find", planted_code.finds_any_image),
        sentence_part="what is not its order's",
        found_by=2,
    ),
    "the sweeper sends nothing again": Planted(
        11,
        "What is lost or expired is never sent again.",
        _patch(ReactionRunner, "resend_due", lambda _: 0),
        sentence_part="still waits",
        found_by=3,
    ),
    "an address that any client can make": Planted(
        12,
        "A restorer's message is taken at an address that this shop never made.",
        _patch(PredictionWebhook, "verify_token", planted_code.no_lock),
        sentence_part="was answered with",
        found_by=2,
    ),
    "a signature that is not checked": Planted(
        12,
        "What is posted is believed.",
        _patch(SignedPaymentWebhooks, "read", planted_code.believes),
        sentence_part="led to a commit",
        found_by=4,
    ),
    "work that came too late is done for ever": Planted(
        14,
        "A row that is done stays done, although the order needs its work anew.",
        _patch(Work, "is_done_once", property(lambda self: self.outcome is Outcome.DONE)),
        sentence_part="is needed and is done",
        found_by=25,
    ),
    "a scanner is a customer": Planted(
        13,
        "Whatever client is sent a file counts as the customer who fetched it.",
        _patch(DownloadService, "record_served", DownloadService.record_download),
        sentence_part="its button was not pressed",
        found_by=3,
    ),
    "what is sent is reported as fetched": Planted(
        13,
        "An order whose link was sent is said to be fetched.",
        _patch(state_text, "_delivery", planted_code.says_it_was_fetched),
        sentence_part="is stronger than its events",
        found_by=1,
    ),
    "a refund that is pending is reported as paid": Planted(
        13,
        "Money that the payment provider has only accepted is said to be refunded.",
        _patch(timeline_text, "_SENTENCES", planted_code.PREMATURE_SENTENCES),
        sentence_part="is stronger than its events",
        found_by=3,
    ),
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Plant a bug for the duration of the block."""
    with ExitStack() as stack:
        PLANTED[name].switch(stack)
        yield
