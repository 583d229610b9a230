"""SendGrid: the key, the sender and the event webhook."""

from collections.abc import Iterator

from entrypoints.bootstrap.diagnosis import Diagnosis, EventWebhook, is_same_address
from entrypoints.doctor.findings import Check, Finding, error, warning

SUBJECT = "sendgrid"

SEND_SCOPE = "mail.send"


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of SendGrid's account."""
    return [
        Check(subject=SUBJECT, look=lambda: _scopes(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _sender(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _webhook(diagnosis)),
    ]


def _scopes(diagnosis: Diagnosis) -> Iterator[Finding]:
    if SEND_SCOPE not in diagnosis.sendgrid.scopes():
        yield error(
            "sendgrid_cannot_send",
            "SENDGRID_API_KEY may not send mail: create a key with the permission Mail Send.",
        )


def _sender(diagnosis: Diagnosis) -> Iterator[Finding]:
    address = diagnosis.settings.sender_address
    domain = address.rpartition("@")[2].casefold()
    authenticated = [each for each in diagnosis.sendgrid.domains() if each.domain.casefold() == domain]
    if any(each.is_valid for each in authenticated):
        return
    singles = {each.casefold() for each in diagnosis.sendgrid.verified_senders()}
    if address.casefold() in singles:
        yield warning(
            "sender_domain_unauthenticated",
            f"SendGrid has verified {address} but not its domain, so many mails end as spam: authenticate {domain}.",
        )
    else:
        yield error(
            "sender_unverified",
            f"SendGrid has verified neither {address} nor its domain, and refuses to send from it: authenticate"
            f" {domain} in SendGrid's sender settings.",
        )


def _webhook(diagnosis: Diagnosis) -> Iterator[Finding]:
    url = diagnosis.sendgrid_webhook_url
    ours = [each for each in diagnosis.sendgrid.event_webhooks() if is_same_address(each.url, url)]
    if not ours:
        yield error(
            "sendgrid_webhook_missing",
            f"SendGrid sends no events to {url}: add an event webhook for it in SendGrid's mail settings.",
        )
    elif not any(each.is_enabled for each in ours):
        yield error(
            "sendgrid_webhook_disabled",
            f"The event webhook for {url} is disabled: enable it in SendGrid's mail settings.",
        )
    else:
        for webhook in ours:
            if webhook.is_enabled:
                yield from _about(webhook, diagnosis.settings.sendgrid_webhook_public_key)


def _about(webhook: EventWebhook, public_key: str) -> Iterator[Finding]:
    if not webhook.public_key:
        yield error(
            "sendgrid_webhook_unsigned",
            f"The event webhook for {webhook.url} is not signed, so its events are refused: enable the signature, and"
            " set SENDGRID_WEBHOOK_PUBLIC_KEY.",
        )
    elif webhook.public_key != public_key:
        yield error(
            "sendgrid_key_differs",
            "SENDGRID_WEBHOOK_PUBLIC_KEY is not the key of the event webhook, so its events are refused: copy the"
            " verification key from SendGrid's mail settings.",
        )
    if webhook.missing_events:
        yield error(
            "sendgrid_events_missing",
            f"The event webhook for {webhook.url} does not send {', '.join(webhook.missing_events)}: select them in"
            " SendGrid's mail settings.",
        )
