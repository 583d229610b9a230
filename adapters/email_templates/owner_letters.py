"""Render letters to the shop's owner from phrases of the owner's language."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from adapters.localization.catalog import own_catalogs
from adapters.localization.condition_text import advice_on, condition_text
from adapters.localization.locales import Localization, localization_for
from domain.order.states import TERMINAL, State
from domain.order.values import Money
from domain.ports.email import RenderedEmail
from domain.use_cases.monitoring.conditions import ActiveCondition
from domain.use_cases.monitoring.figures import due_at
from domain.use_cases.monitoring.owner_letters import MorningReport, OwnerLetterWriter
from domain.use_cases.shop_policy import OwnerPolicy

#: What went wrong, by stored name of the event, with the phrase that counts it.
_FAULTS = {
    "order.restoration_failed": "photos_failed",
    "order.redo_failed": "photos_failed",
    "order.email_failed": "emails_failed",
    "order.email_bounced": "emails_failed",
    "order.refund_failed": "refunds_failed",
    "order.held": "orders_held",
    "order.dispute_opened": "disputes_opened",
}


@dataclass(frozen=True)
class Section:
    """A heading with lines; without a heading it is the beginning."""

    title: str
    lines: Sequence[str]


class TemplateOwnerLetterWriter(OwnerLetterWriter):
    """Letters from one template for plain text and one for HTML."""

    def __init__(self, *, shop_name: str) -> None:
        self._shop_name = shop_name
        self._plain = _environment(is_html=False).get_template("owner/letter.txt.jinja")
        self._html = _environment(is_html=True).get_template("owner/letter.html.jinja")

    def urgent(self, conditions: Sequence[ActiveCondition], owner: OwnerPolicy) -> RenderedEmail:
        words = _words(owner)
        sections = [
            Section("", [words.say("owner_letter.urgent", len(conditions))]),
            *(Section("", [condition_text(each, words), advice_on(each.code, words)]) for each in conditions),
            Section("", [words.say("owner_letter.urgent_once")]),
        ]
        first = condition_text(conditions[0], words)
        subject = words.say("owner_letter.urgent_subject", len(conditions), condition=first.rstrip("."))
        return self._rendered(subject, sections, words)

    def morning(self, report: MorningReport, owner: OwnerPolicy) -> RenderedEmail:
        words = _words(owner)
        orders = report.period.events.get("order.payment_received", 0)
        subject = words.say(
            "owner_letter.morning_subject",
            orders,
            date=words.local_day(report.until),
            number=words.number(orders),
        )
        sections = [
            Section("", [words.say("owner_letter.good_morning"), _period(report, words)]),
            Section(words.say("owner_letter.orders"), list(_orders(report, words))),
            Section(words.say("owner_letter.needed"), list(_conditions(report, words))),
            Section(words.say("owner_letter.disputes"), list(_disputes(report, words))),
            Section(words.say("owner_letter.faults"), list(_faults(report, words))),
        ]
        return self._rendered(subject, [each for each in sections if each.lines], words)

    def _rendered(self, subject: str, sections: Sequence[Section], words: Localization) -> RenderedEmail:
        known = {
            "shop_name": self._shop_name,
            "subject": subject,
            "sections": sections,
            "words": words,
        }
        return RenderedEmail(subject=subject, text=self._plain.render(known), html=self._html.render(known))


def _words(owner: OwnerPolicy) -> Localization:
    return localization_for(owner.locale, own_catalogs())


def _period(report: MorningReport, words: Localization) -> str:
    return words.say(
        "owner_letter.period", since=words.local_time(report.since), until=words.local_time(report.until)
    )


def _orders(report: MorningReport, words: Localization) -> Iterator[str]:
    period, figures = report.period, report.figures
    paid = period.events.get("order.payment_received", 0)
    yield words.say("owner_letter.orders_paid", paid, number=words.number(paid))
    if period.received:
        yield words.say("owner_letter.received", amount=_money(period.received, words))
    if period.refunded:
        yield words.say("owner_letter.refunded", amount=_money(period.refunded, words))
    in_work = sum(each.orders for each in figures.totals.orders if State(each.state) not in TERMINAL)
    yield words.say("owner_letter.orders_in_work", in_work, number=words.number(in_work))
    if figures.current.owed_refunds:
        owed = _summed([each.amount for each in figures.current.owed_refunds])
        yield words.say("owner_letter.owed", amount=_money(owed, words))


def _conditions(report: MorningReport, words: Localization) -> Iterator[str]:
    for each in report.conditions:
        yield f"{condition_text(each, words)} {advice_on(each.code, words)}"
    if not report.conditions:
        yield words.say("owner_letter.nothing_needed")


def _disputes(report: MorningReport, words: Localization) -> Iterator[str]:
    for dispute in sorted(report.figures.totals.disputes, key=due_at):
        yield words.say(
            "owner_letter.dispute",
            number=dispute.number,
            amount=words.money(dispute.amount),
            date=words.local_weekday(due_at(dispute).astimezone(report.until.tzinfo)),
        )


def _faults(report: MorningReport, words: Localization) -> Iterator[str]:
    counts: dict[str, int] = {}
    for event, phrase in _FAULTS.items():
        counts[phrase] = counts.get(phrase, 0) + report.period.events.get(event, 0)
    counts["findings"] = report.period.findings
    for phrase, count in counts.items():
        if count:
            yield words.say(f"owner_letter.{phrase}", count, number=words.number(count))


def _summed(amounts: Sequence[Money]) -> Sequence[Money]:
    sums: dict[str, int] = {}
    for each in amounts:
        sums[each.currency] = sums.get(each.currency, 0) + each.amount
    return [Money(amount=amount, currency=currency) for currency, amount in sums.items()]


def _money(amounts: Sequence[Money], words: Localization) -> str:
    return ", ".join(words.money(each) for each in amounts)


def _environment(*, is_html: bool) -> Environment:
    return Environment(
        loader=PackageLoader("adapters.email_templates"),
        autoescape=is_html,  # noqa: S701 - plain text has nothing to escape
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # a process keeps the version it began with
    )
