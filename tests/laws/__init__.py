"""The laws of docs/proof.md, each a function of a snapshot."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.laws import links, log, mail, money, photos, sentences, work
from tests.laws.snapshot import Snapshot, Violation

__all__ = ["LAWS", "Law", "violations"]


@dataclass(frozen=True, kw_only=True)
class Law:
    """A law by its number, its sentence, and what finds its violations."""

    number: int
    sentence: str
    check: Callable[[Snapshot], Iterator[Violation]]


LAWS = tuple(
    Law(number=number, sentence=sentence, check=check)
    for number, (sentence, check) in enumerate(
        (
            (
                "Versions in a stream are 1..n without a gap; every stream folds without an illegal move.",
                log.streams_are_whole,
            ),
            ("The read models equal a fold of the log.", log.read_models_are_folds),
            (
                "Each payment that succeeded belongs to exactly one order, or to one open `unmatched_payment`.",
                money.payments_have_one_owner,
            ),
            (
                "Refunds never exceed what was paid; no photo is both delivered and refunded.",
                money.refunds_never_exceed_payments,
            ),
            (
                "A completed order has, for every paid photo, a delivered image or an issued refund.",
                photos.completed_orders_are_complete,
            ),
            (
                "No provider is called without a committed claim; a result is recorded only by who holds the lease.",
                work.work_is_done_by_its_claim,
            ),
            (
                "An original is never deleted before its retention is over or its customer asks.",
                photos.originals_are_kept,
            ),
            (
                "Every object that the log names exists with its SHA-256; no object without a name outlives its time.",
                photos.objects_are_those_named,
            ),
            (
                "One e-mail id is accepted at most once, or is marked ambiguous with the resend on record.",
                mail.mails_are_accepted_once,
            ),
            (
                "A token opens its own order only, while it is valid, and then it does; only its hash is stored.",
                links.links_open_their_own_order,
            ),
            ("Once faults stop, every order is terminal, or held with a reason.", work.orders_come_to_rest),
            ("Forged or malformed input changes nothing.", links.forgeries_change_nothing),
            ("No sentence is stronger than the events behind it.", sentences.sentences_are_earned),
            (
                "Work that an order needs has an open row, or one under lease.",
                work.required_reactions_are_open,
            ),
        ),
        start=1,
    )
)


def violations(snapshot: Snapshot, laws: Iterable[Law] = LAWS) -> Iterator[Violation]:
    """Every violation of some laws, in their order."""
    for law in laws:
        yield from law.check(snapshot)
