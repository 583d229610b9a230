"""Answers that the providers give themselves, once a key is known."""

from collections.abc import Callable, Mapping

from entrypoints.bootstrap.diagnosis import (
    is_same_address,
    replicate_account_of,
    sendgrid_account_of,
    stripe_account_of,
)
from entrypoints.cli.setup.questions import webhook_base
from entrypoints.settings import Settings

#: Whether the person agrees to what a sentence says.
Agree = Callable[[str], bool]


def stripe_webhook_secret(known: Mapping[str, str], agrees: Agree) -> str | None:
    """Create the webhook endpoint if there is none, and return its secret.

    Stripe shows the secret of an existing one in its dashboard only. Raises UnavailableError.
    """
    url = f"{webhook_base(known)}/stripe"
    account = stripe_account_of(known["STRIPE_SECRET_KEY"], _base("STRIPE_API_BASE", known))
    if any(is_same_address(endpoint.url, url) for endpoint in account.webhook_endpoints()):
        return None
    if not agrees(f"Stripe has no webhook endpoint for {url}. Create it now?"):
        return None
    return account.create_webhook_endpoint(url)


def replicate_webhook_secret(known: Mapping[str, str], _: Agree) -> str | None:
    """Read the signing key of the token's account; raises UnavailableError."""
    base = _base("REPLICATE_API_BASE", known)
    return replicate_account_of(known["REPLICATE_API_TOKEN"], base).webhook_secret()


def sendgrid_public_key(known: Mapping[str, str], _: Agree) -> str | None:
    """Read the key of the signed event webhook; raises UnavailableError."""
    url = f"{webhook_base(known)}/sendgrid"
    account = sendgrid_account_of(known["SENDGRID_API_KEY"], _base("SENDGRID_API_BASE", known))
    keys = [each.public_key for each in account.event_webhooks() if is_same_address(each.url, url)]
    return next(filter(None, keys), None)


#: By the setting that each looks up.
LOOK_UPS: Mapping[str, Callable[[Mapping[str, str], Agree], str | None]] = {
    "STRIPE_WEBHOOK_SECRET": stripe_webhook_secret,
    "REPLICATE_WEBHOOK_SECRET": replicate_webhook_secret,
    "SENDGRID_WEBHOOK_PUBLIC_KEY": sendgrid_public_key,
}


def _base(name: str, known: Mapping[str, str]) -> str:
    return known.get(name) or str(Settings.model_fields[name.lower()].default)
