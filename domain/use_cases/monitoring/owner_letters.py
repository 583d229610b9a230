"""Letters to the owner: urgent ones, and one every morning.

Each letter is claimed before it is sent, so that of several workers one sends it. An urgent condition is written about
once until it has ended; only if its worker died over the letter may it be written about twice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from domain.order.values import EmailId
from domain.ports.clock import Clock
from domain.ports.email import Mailer, OutgoingEmail, RenderedEmail
from domain.ports.errors import LostReplyError, RefusedError, UnavailableError
from domain.ports.ids import Ids
from domain.ports.owner_letters import LetterStatus
from domain.ports.shop_facts import PeriodFacts, ShopFacts
from domain.ports.unit_of_work import HasOwnerLetters, UnitOfWork
from domain.use_cases.monitoring.conditions import (
    ActiveCondition,
    ConditionCode,
    active_conditions,
    condition_of,
)
from domain.use_cases.monitoring.figures import Figures
from domain.use_cases.monitoring.figures_reader import FiguresReader
from domain.use_cases.shop_policy import OwnerPolicy

#: How long a condition has to be absent until it counts as ended; one that comes and goes is written about once.
ENDED_AFTER = timedelta(hours=1)

#: An urgent letter that was claimed for so long without an outcome is sent again: its worker died.
CLAIM_LASTS = timedelta(minutes=10)

#: An urgent letter that the provider refused is tried again: the sender or the key may have been mended.
REFUSED_AGAIN = timedelta(hours=1)

_DAY = timedelta(days=1)

_CONDITION, _MORNING = "condition:", "morning:"


@dataclass(frozen=True, kw_only=True)
class MorningReport:
    """What the morning letter reports: a day's events, and what waits now."""

    since: datetime
    until: datetime
    period: PeriodFacts
    figures: Figures
    conditions: Sequence[ActiveCondition]


class OwnerLetterWriter(Protocol):
    """Renders letters to the owner in the owner's language."""

    def urgent(self, conditions: Sequence[ActiveCondition], owner: OwnerPolicy) -> RenderedEmail:
        """Render a letter about conditions that cannot wait."""

    def morning(self, report: MorningReport, owner: OwnerPolicy) -> RenderedEmail:
        """Render the morning letter."""


@dataclass(eq=False, kw_only=True)
class OwnerLetterService:
    """Sends the letters that are due."""

    unit_of_work: UnitOfWork[HasOwnerLetters]
    figures: FiguresReader
    facts: ShopFacts
    mailer: Mailer
    writer: OwnerLetterWriter
    clock: Clock
    ids: Ids
    owner: OwnerPolicy
    _since: dict[ConditionCode, datetime] = field(default_factory=dict, init=False)

    def send_due(self) -> int:
        """Send the letters that are due now; return their number.

        Raises UnavailableError; a letter that was certainly not sent is due again. One whose reply was lost is not
        sent again: what it is about is in the next morning's letter, too. Raises RefusedError; an urgent letter is
        then due again after an hour.
        """
        if self.owner.email is None:
            return 0
        figures = self.figures.read()
        conditions = active_conditions(figures)
        return self._send_urgent(self._lasting(conditions)) + self._send_morning(figures, conditions)

    def _lasting(self, conditions: Sequence[ActiveCondition]) -> Sequence[ActiveCondition]:
        """Those that have lasted long enough in this process."""
        now = self.clock.now()
        self._since = {each.code: self._since.get(each.code, now) for each in conditions}
        return [each for each in conditions if now - self._since[each.code] >= each.condition.lasts]

    def send_of_restored_database(self) -> int:
        """Send the letter on a restored database, once.

        Returns 1 if it was due. No other condition is looked at: the figures are those of the backup. The claim is in
        that database, too, and lost with it if another backup is restored, which is another reason to write. Raises
        as ``send_due`` does.
        """
        if self.owner.email is None:
            return 0
        condition = condition_of(ConditionCode.DATABASE_BEHIND_LOG)
        return self._send_urgent([ActiveCondition(condition=condition, value=1.0)], is_restored=True)

    def _send_urgent(self, conditions: Sequence[ActiveCondition], *, is_restored: bool = False) -> int:
        now = self.clock.now()
        urgent = {_CONDITION + each.code: each for each in conditions if each.is_urgent}
        with self.unit_of_work.transaction() as transaction:
            letters = transaction.owner_letters
            if is_restored:
                # First, because the backup may contain the claim of an earlier restore.
                letters.forget_unseen(now - ENDED_AFTER, urgent)
            letters.see(urgent, now)
            if not is_restored:
                letters.forget_unseen(now - ENDED_AFTER)
            letters.release(urgent, claimed_before=now - CLAIM_LASTS)
            letters.release(urgent, claimed_before=now - REFUSED_AGAIN, status=LetterStatus.REFUSED)
            # In one order, so that two workers cannot wait for each other.
            claimed = [subject for subject in sorted(urgent) if letters.claim(subject, now)]
            if not claimed:
                return 0
            # Before the claim is committed: a letter that cannot be written is due again.
            letter = self.writer.urgent([urgent[subject] for subject in claimed], self.owner)
        self._send(claimed, letter)
        return 1

    def _send_morning(self, figures: Figures, conditions: Sequence[ActiveCondition]) -> int:
        now = self.clock.now()
        due_at = self._last_morning(now)
        subject = self._morning(due_at)
        with self.unit_of_work.transaction() as transaction:
            letters = transaction.owner_letters
            if letters.is_claimed(subject):
                return 0
            if self._is_new(figures, due_at) and not letters.is_claimed(self._morning(due_at - _DAY)):
                # Nothing was there to report; the claim makes the next morning's letter the first.
                letters.claim(subject, due_at + _DAY)
                letters.settle([subject], LetterStatus.SENT)
                return 0
        # Before the claim: a letter that cannot be written is due again.
        report = MorningReport(
            since=due_at - _DAY,
            until=due_at,
            period=self.facts.period(due_at - _DAY, due_at),
            figures=figures,
            conditions=conditions,
        )
        letter = self.writer.morning(report, self.owner)
        with self.unit_of_work.transaction() as transaction:
            if not transaction.owner_letters.claim(subject, due_at + _DAY):
                return 0
        self._send([subject], letter)
        return 1

    @staticmethod
    def _morning(due_at: datetime) -> str:
        return f"{_MORNING}{due_at.date().isoformat()}"

    @staticmethod
    def _is_new(figures: Figures, due_at: datetime) -> bool:
        """Whether the shop had recorded nothing yet at a moment."""
        return figures.began_at is None or figures.began_at >= due_at

    def _last_morning(self, now: datetime) -> datetime:
        """When the last morning letter was due, in local time."""
        local = now.astimezone(self.owner.time_zone)
        today = local.replace(hour=self.owner.letter_hour, minute=0, second=0, microsecond=0)
        return today if today <= local else today - _DAY

    def _send(self, subjects: Collection[str], content: RenderedEmail) -> None:
        letter = OutgoingEmail(
            email_id=EmailId(self.ids.new()),
            order_id=None,
            to=self.owner.email or "",
            to_name=None,
            content=content,
        )
        try:
            self.mailer.send(letter)
        except LostReplyError:
            self._settle(subjects, LetterStatus.UNCONFIRMED)
        except RefusedError:
            self._settle(subjects, LetterStatus.REFUSED)
            raise
        except UnavailableError:
            with self.unit_of_work.transaction() as transaction:
                transaction.owner_letters.release(subjects)
            raise
        else:
            self._settle(subjects, LetterStatus.SENT)

    def _settle(self, subjects: Collection[str], status: LetterStatus) -> None:
        with self.unit_of_work.transaction() as transaction:
            transaction.owner_letters.settle(subjects, status)
