"""The laws of the house, as the house plan numbers them, each a function that tells every breach in a sentence."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos.collected_state import ExportArchive
from tests.chaos.laws import delivery, earned, forgery, log, mail, money, storage, work

__all__ = ["LAWS", "Law"]


@dataclass(frozen=True, kw_only=True)
class Law:
    """A law by its number and its sentence, and what tells its breaches."""

    number: int
    sentence: str
    breaches: Callable[[ExportArchive], Iterator[str]]


LAWS = (
    Law(number=1, sentence=log.WHOLE, breaches=log.streams_are_whole),
    Law(number=2, sentence=log.FOLDED, breaches=log.read_models_are_folds),
    Law(number=3, sentence=money.OWNED, breaches=money.payments_belong_somewhere),
    Law(number=4, sentence=money.NO_MORE_THAN_PAID, breaches=money.no_more_goes_back_than_was_paid),
    Law(number=5, sentence=delivery.COMPLETE, breaches=delivery.completed_orders_are_complete),
    Law(number=6, sentence=work.CLAIMED, breaches=work.work_is_done_by_its_claim),
    Law(number=7, sentence=storage.ORIGINALS_STAY, breaches=storage.originals_are_there),
    Law(number=8, sentence=storage.NAMED, breaches=storage.objects_have_names),
    Law(number=9, sentence=mail.ONCE, breaches=mail.mails_are_accepted_once),
    Law(number=10, sentence=delivery.OWN_ORDER_ONLY, breaches=delivery.tokens_open_their_own_order),
    Law(number=11, sentence=work.AT_REST, breaches=work.everything_came_to_rest),
    Law(number=12, sentence=forgery.UNTOUCHED, breaches=forgery.forgeries_change_nothing),
    Law(number=13, sentence=earned.EARNED, breaches=earned.sentences_are_earned),
)
