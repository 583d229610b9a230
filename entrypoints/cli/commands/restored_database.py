"""The report on the recovery of a restored database."""

import click
import msgspec

from domain.object_keys import ARCHIVES
from domain.order.values import OrderId
from domain.use_cases.recovery.restored_database import Recovery, RestoredDatabase
from entrypoints.bootstrap.wording import SIDES, counted, finding_text_of


def recover(restored_database: RestoredDatabase, *, even_if_current: bool = False, as_json: bool) -> bool:
    """Recover a restored database and print the report.

    True if nothing remains for staff to do.
    """
    recovery = restored_database.recover(even_if_current=even_if_current)
    if as_json:
        click.echo(msgspec.json.encode(_as_json(recovery)))
    elif recovery is None:
        click.echo("The database is as new as the log's head in the storage: there is nothing to do.")
    else:
        _print(recovery)
    return recovery is None or not (
        recovery.held
        or recovery.unplaced
        or recovery.mailed_links.needs_staff
        or recovery.remaining
        or recovery.report.cut_off
    )


def _print(recovery: Recovery) -> None:
    head, report = recovery.head, recovery.report
    lacked = "lacked" if recovery.was_behind else "has"
    click.echo(
        f"The database {lacked} what the log's head of {head.written_at:%Y-%m-%d %H:%M} (UTC) names. "
        f"Looked at everything since {recovery.since:%Y-%m-%d %H:%M}."
    )
    for day, number in recovery.numbers_skipped_to.items():
        click.echo(f"Order numbers of {day} go on after {number:06}.")
    click.echo(f"{counted(len(recovery.rebuilt), 'order')} rebuilt from payments and stored photos.")
    for order_id in recovery.rebuilt:
        click.echo(f"  order {order_id}")
    if recovery.advanced:
        click.echo(
            f"{counted(len(recovery.advanced), 'order')} brought up to what the storage and SendGrid know."
        )
    if recovery.held:
        click.echo(f"{counted(len(recovery.held), 'payment')} held for you: match or refund each by hand.")
    for payment in recovery.held:
        click.echo(f"  {payment.checkout_session_id}: {payment.left}. {payment.reason}")
    _print_not_rebuilt(recovery)
    repaired = len(report.findings) - len(report.remaining)
    click.echo(
        f"Compared with the providers and the storage: {repaired} repaired, {len(recovery.remaining)} left."
    )
    for finding in recovery.remaining:
        click.echo(f"  {finding.what} {finding.subject}: {finding_text_of(finding).wrong}")
    for side, problem in (*report.cut_off.items(), *report.closed.items()):
        click.echo(f"  {SIDES[side]}: {problem}")
    click.echo("The shop takes payments again; workers that wait go on by themselves.")


def _print_not_rebuilt(recovery: Recovery) -> None:
    if recovery.unplaced:
        things = counted(len(recovery.unplaced), "stored object")
        click.echo(
            f"{things} in no event. Each may have been delivered since the backup: look at it, and keep it."
        )
    for finding in recovery.unplaced:
        kind = "archive" if finding.subject.startswith(ARCHIVES) else "photo"
        click.echo(f"  {_named(recovery, finding.order_id)}: {kind} {finding.subject}")
    _print_links(recovery)
    for order_id in recovery.unknown_referrals:
        click.echo(
            f"{_named(recovery, order_id).capitalize()}: whether a friend's code was used is not known. If it was, the "
            "points of both are missing: settle that with them, and write it down with `restoreclick orders note`."
        )
    click.echo(
        f"Notes, holds, releases, withdrawn links and new addresses since {recovery.since:%Y-%m-%d %H:%M} (UTC) "
        "were in the lost database alone: ask who made them, and enter them again. A link that was withdrawn since "
        "opens again until then."
    )


def _print_links(recovery: Recovery) -> None:
    links = recovery.mailed_links
    for order_id in links.relinked:
        click.echo(f"{_named(recovery, order_id).capitalize()}: a link that was mailed since opens again.")
    for order_id in links.reopened:
        click.echo(
            f"{_named(recovery, order_id).capitalize()}: its earlier links open, too. If they were withdrawn when the "
            "new one was sent, withdraw them again with `restoreclick orders link --only-revoke`."
        )
    for email in links.unknown_emails:
        orders = ", ".join(_named(recovery, order_id) for order_id in email.order_ids)
        click.echo(
            f"SendGrid has an e-mail of {email.last_event_at:%Y-%m-%d %H:%M} (UTC) or before, {email.message_id}, that "
            f"the log lacks, to the customer of {orders}. If it brought a link, that may be dead: look at it there, "
            "and mail a new link with `restoreclick orders link`."
        )
    if links.problem is not None:
        click.echo(
            f"Not all e-mails since {recovery.since:%Y-%m-%d %H:%M} (UTC) could be looked up: {links.problem} Links "
            "in them may be dead: mail customers who write about one a new link with `restoreclick orders link`."
        )


def _named(recovery: Recovery, order_id: OrderId | None) -> str:
    number = recovery.numbers.get(order_id) if order_id is not None else None
    return f"order {order_id} ({number})" if number else f"order {order_id}"


def _as_json(recovery: Recovery | None) -> dict[str, object]:
    if recovery is None:
        return {"was_behind": False}
    report = recovery.report
    return {
        "was_behind": recovery.was_behind,
        "since": recovery.since,
        "head": recovery.head.labels(),
        "numbers_skipped_to": recovery.numbers_skipped_to,
        "rebuilt": recovery.rebuilt,
        "advanced": recovery.advanced,
        "held": recovery.held,
        "unplaced": recovery.unplaced,
        "relinked": recovery.mailed_links.relinked,
        "reopened": recovery.mailed_links.reopened,
        "unknown_emails": recovery.mailed_links.unknown_emails,
        "links_problem": recovery.mailed_links.problem,
        "unknown_referrals": recovery.unknown_referrals,
        "numbers": {str(order_id): number for order_id, number in recovery.numbers.items()},
        "healed": len(report.findings) - len(report.remaining),
        "remaining": recovery.remaining,
        "cut_off": report.cut_off,
        "closed": report.closed,
    }
