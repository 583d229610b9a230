"""Sentences about downloads, links and e-mails."""

from adapters.localization.formats import counted, date_text, in_plain_words, size_text
from adapters.localization.labels import MAILS, OPT_OUTS, client_text
from adapters.localization.sentences import Sentences
from adapters.localization.status_text import photo_text
from domain.order import events as e
from domain.order.email import EmailStatus
from domain.order.states import State
from domain.use_cases.audit.timeline import TimelineEntry


def _download_prepared(event: e.DownloadPrepared, _: TimelineEntry) -> str:
    """How many photos were packed, and until when their link works."""
    packed = counted(len(event.image_ids), "restored photo")
    were = "was" if len(event.image_ids) == 1 else "were"
    size = size_text(event.archive.size_bytes)
    return (
        f"{packed} {were} packed into one archive ({size}); "
        f"its download link is good until {date_text(event.expires_at)}."
    )


def _email_sent(event: e.EmailSent, entry: TimelineEntry) -> str:
    """An e-mail was sent, or confirmed as sent."""
    mail, after = MAILS[event.kind], entry.after.state
    known = entry.before.emails.get(event.email_id)
    sent = f"{mail} went out to the customer"
    if known is not None and known.status is EmailStatus.UNCONFIRMED:
        was_resent = entry.recorded.actor == "worker"
        sent = f"{mail} was sent once more" if was_resent else f"{mail} had gone out after all"
    if entry.before.state is after:
        return f"{sent}."
    if after is State.COMPLETED:
        return f"{sent}; with it, the order was complete."
    return f"{sent}; what remains is the money for what could not be restored."


def _email_unconfirmed(event: e.EmailUnconfirmed, _: TimelineEntry) -> str:
    """Whether an e-mail was accepted is not known."""
    return (
        f"{MAILS[event.kind]} was handed over, but the answer was lost; "
        "it is sent once more unless the mail provider confirms it in time."
    )


def _email_bounced(event: e.EmailBounced, _: TimelineEntry) -> str:
    """An e-mail did not reach its address."""
    reason = in_plain_words(event.reason)
    return f"{MAILS[event.kind]} came back: it did not reach the customer ({reason})."


def _email_deferred(event: e.EmailDeferred, _: TimelineEntry) -> str:
    """The receiving server put an e-mail off."""
    reason = in_plain_words(event.reason)
    return (
        f"{MAILS[event.kind]} is still on its way: the receiving server put it off ({reason}), "
        "and the mail provider keeps trying."
    )


def _email_blocked(event: e.EmailBlocked, _: TimelineEntry) -> str:
    """The receiving server refused an e-mail for now."""
    reason = in_plain_words(event.reason)
    return (
        f"{MAILS[event.kind]} was refused by the receiving server for now ({reason}); "
        "the address may be good, so another one is sent later."
    )


def _email_opted_out(event: e.EmailOptedOut, _: TimelineEntry) -> str:
    """A customer does not want e-mails."""
    return f"{MAILS[event.kind]} was delivered and {OPT_OUTS[event.how]}: no reminders follow."


def _result_served(event: e.ResultServed, entry: TimelineEntry) -> str:
    """A file was sent through the link, to an unknown client."""
    link = entry.before.all_links[event.link_id]
    if link.is_shared:
        return f"{_file(event, entry)} was sent through the link for others{_client(event, entry)}."
    fetched = link.fetched
    whom = "" if event.image_id in fetched else ", to the customer or to a mail scanner"
    return f"{_file(event, entry)} was sent through the link{_client(event, entry)}{whom}."


def _result_downloaded(event: e.ResultDownloaded, entry: TimelineEntry) -> str:
    """The customer pressed the button for a file."""
    fetched = f"{_file(event, entry)}{_client(event, entry)}"
    return f"The customer pressed the button behind the link and fetched {fetched}."


def _file(event: e.FileEvent, entry: TimelineEntry) -> str:
    return "the whole archive" if event.image_id is None else photo_text(entry.before, event.image_id)


def _client(event: e.FileEvent, entry: TimelineEntry) -> str:
    client = event.client if entry.is_for_staff else None
    return f" ({client_text(client)})" if client is not None else ""


SENTENCES: Sentences = {
    e.DownloadPrepared: _download_prepared,
    e.DownloadLinkIssued: lambda event, _: (
        f"A {'link for others' if event.is_shared else 'new download link'} was made; it is good until "
        f"{date_text(event.expires_at)}."
    ),
    e.DownloadLinkRevoked: lambda *_: "A download link was revoked: it opens nothing any more.",
    e.EmailRequested: lambda event, _: f"{MAILS[event.kind]} is to be sent beside those before.",
    e.EmailSent: _email_sent,
    e.EmailUnconfirmed: _email_unconfirmed,
    e.EmailFailed: lambda event, _: f"{MAILS[event.kind]} could not be sent: {event.reason.rstrip('.')}.",
    e.EmailBounced: _email_bounced,
    e.EmailDeferred: _email_deferred,
    e.EmailBlocked: _email_blocked,
    e.EmailOptedOut: _email_opted_out,
    e.ResultServed: _result_served,
    e.ResultDownloaded: _result_downloaded,
}
