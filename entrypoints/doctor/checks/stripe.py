"""Stripe: the account, the webhook endpoint, and events that arrive."""

from collections.abc import Iterator
from datetime import timedelta

from entrypoints.bootstrap.diagnosis import (
    FINGERPRINT_LABEL,
    Diagnosis,
    WebhookEndpoint,
    fingerprint_of,
    is_same_address,
)
from entrypoints.doctor.checks.settings import is_live, is_loopback
from entrypoints.doctor.findings import Check, Finding, Fix, error, warning

SUBJECT = "stripe"

#: Events that were not delivered by then are lost for the webhook.
LOOK_BACK = timedelta(days=3)


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of Stripe's account."""
    return [
        Check(subject=SUBJECT, look=lambda: _account(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _endpoint(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _deliveries(diagnosis)),
    ]


def _account(diagnosis: Diagnosis) -> Iterator[Finding]:
    facts = diagnosis.stripe.describe()
    if not facts.can_charge:
        yield error(
            "stripe_cannot_charge",
            "Stripe does not let this account charge customers: complete its details in Stripe's dashboard.",
        )
    if not facts.can_pay_out:
        yield warning(
            "stripe_no_payouts",
            "Stripe pays nothing out to this account: add a bank account in Stripe's dashboard.",
        )
    if not is_live(diagnosis.settings) and not is_loopback(diagnosis.settings.public_url):
        yield warning(
            "stripe_test_mode",
            "STRIPE_SECRET_KEY is a test key, so no customer pays real money: set the live key when the shop opens.",
        )


def _endpoint(diagnosis: Diagnosis) -> Iterator[Finding]:
    url = diagnosis.stripe_webhook_url
    ours = [each for each in diagnosis.stripe.webhook_endpoints() if is_same_address(each.url, url)]
    enabled = [each for each in ours if each.is_enabled]
    if not ours:
        yield error(
            "stripe_endpoint_missing",
            f"Stripe sends no events to {url}: create a webhook endpoint for it in the dashboard, or run `restoreclick"
            " doctor --fix`.",
            Fix(
                plan=f"create a webhook endpoint for {url} at Stripe",
                done=f"Created a webhook endpoint for {url} at Stripe.",
                do=lambda: _create(diagnosis),
            ),
        )
    elif not enabled:
        yield error(
            "stripe_endpoint_disabled",
            f"The webhook endpoint for {url} is disabled: enable it in Stripe's dashboard.",
        )
    elif len(enabled) > 1:
        yield warning(
            "stripe_endpoint_twice",
            f"Stripe has {len(enabled)} enabled webhook endpoints for {url}: delete all but one, and set its secret.",
        )
    for endpoint in enabled:
        yield from _about(endpoint)
        yield from _secret(endpoint, diagnosis)


def _about(endpoint: WebhookEndpoint) -> Iterator[Finding]:
    if endpoint.missing_events:
        yield error(
            "stripe_events_missing",
            f"The webhook endpoint {endpoint.endpoint_id} does not send {', '.join(endpoint.missing_events)}: add them"
            " in Stripe's dashboard.",
        )
    if endpoint.is_of_old_version:
        yield warning(
            "stripe_version_old",
            f"The webhook endpoint {endpoint.endpoint_id} has the API version {endpoint.api_version}, which sends no"
            " refund events for cards: raise it in Stripe's dashboard.",
        )


def _secret(endpoint: WebhookEndpoint, diagnosis: Diagnosis) -> Iterator[Finding]:
    """Compare the secret with that of an endpoint made by `--fix`."""
    if endpoint.secret_fingerprint is None:
        return  # Stripe does not tell the secret of another's endpoint
    secrets = diagnosis.settings.stripe_webhook_secret
    if endpoint.secret_fingerprint not in {fingerprint_of(each.get_secret_value()) for each in secrets}:
        yield error(
            "stripe_secret_differs",
            f"STRIPE_WEBHOOK_SECRET is not the secret that the webhook endpoint {endpoint.endpoint_id} was made with,"
            " so the API refuses Stripe's events: replace it by the endpoint's own from Stripe's dashboard, and restart"
            " the API and the workers. If the secret was rolled at Stripe since and is the present one, remove"
            f" {FINGERPRINT_LABEL} from the endpoint's metadata.",
        )


def _create(diagnosis: Diagnosis) -> dict[str, str]:
    return {"STRIPE_WEBHOOK_SECRET": diagnosis.stripe.create_webhook_endpoint(diagnosis.stripe_webhook_url)}


def _deliveries(diagnosis: Diagnosis) -> Iterator[Finding]:
    undelivered = diagnosis.stripe.undelivered_events(LOOK_BACK)
    if undelivered:
        yield warning(
            "stripe_events_undelivered",
            f"Stripe could not deliver {undelivered} events of the last {LOOK_BACK.days} days: look at the endpoint's"
            " attempts in its dashboard, then run `restoreclick reconcile --fix`.",
        )
