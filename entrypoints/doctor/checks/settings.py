"""Settings that fit each other and the providers."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from entrypoints.bootstrap.diagnosis import Diagnosis
from entrypoints.bootstrap.wording import has_language, languages
from entrypoints.doctor.findings import Check, Finding, error, warning
from entrypoints.settings import Settings

SUBJECT = "settings"

#: How each provider's secrets begin.
_PREFIXES = {
    "stripe_secret_key": ("sk_", "rk_"),
    "stripe_webhook_secret": ("whsec_",),
    "replicate_api_token": ("r8_",),
    "sendgrid_api_key": ("SG.",),
}
_API_BASES = ("stripe_api_base", "replicate_api_base", "sendgrid_api_base")


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of the settings among themselves."""
    settings = diagnosis.settings
    return [
        Check(subject=SUBJECT, look=lambda: _signing_keys(settings)),
        Check(subject=SUBJECT, look=lambda: _forms(settings)),
        Check(subject=SUBJECT, look=lambda: _addresses(settings)),
        Check(subject=SUBJECT, look=lambda: _brand(settings)),
        Check(subject=SUBJECT, look=lambda: _language(settings)),
    ]


def is_loopback(url: str) -> bool:
    """Whether an address leads to this machine only."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_live(settings: Settings) -> bool:
    """Whether Stripe's key takes real money."""
    return settings.stripe_secret_key.get_secret_value().startswith(("sk_live_", "rk_live_"))


def _signing_keys(settings: Settings) -> Iterator[Finding]:
    if settings.link_signing_key is None:
        yield warning(
            "link_signing_key_missing",
            "WORKER_SECRET_KEY signs links, so the worker endpoints are off: set LINK_SIGNING_KEY to its present value,"
            " then give WORKER_SECRET_KEY a new one.",
        )
    elif settings.worker_secret_key in settings.link_signing_key:
        yield warning(
            "keys_shared",
            "WORKER_SECRET_KEY, which schedulers send, is also in LINK_SIGNING_KEY: give WORKER_SECRET_KEY a new one.",
        )


def _forms(settings: Settings) -> Iterator[Finding]:
    for name, prefixes in _PREFIXES.items():
        value = getattr(settings, name)
        for secret in value if isinstance(value, tuple) else (value,):
            if not secret.get_secret_value().startswith(prefixes):
                yield error(
                    f"{name}_form",
                    f"{name.upper()} does not begin with {' or '.join(prefixes)}: it is another kind of key; copy the"
                    " right one from the provider's pages.",
                )


def _brand(settings: Settings) -> Iterator[Finding]:
    from entrypoints.http.pages.brand import BrandError, read_brand  # noqa: PLC0415 -- only here

    try:
        read_brand(settings.brand_directory)
    except BrandError as problem:
        yield error("brand_unusable", f"`restoreclick serve` would not start: {problem}")


def _language(settings: Settings) -> Iterator[Finding]:
    if settings.owner_email is not None and not has_language(settings.owner_language):
        yield warning(
            "owner_language_unknown",
            f"OWNER_LANGUAGE is {settings.owner_language}, and letters to the owner are English because there are no"
            f" words for it: set one of {', '.join(languages())}, with a region such as en-GB.",
        )


def _addresses(settings: Settings) -> Iterator[Finding]:
    for name, url in (("PUBLIC_URL", settings.public_url), ("WEBHOOK_URL", settings.webhook_url)):
        if url is not None and not url.startswith("https://") and not is_loopback(url):
            yield error(
                f"{name.lower()}_without_tls",
                f"{name} is not https, so passwords of links and payments travel in the clear: put a TLS proxy in front"
                " and change the address.",
            )
    if not is_live(settings):
        return
    if is_loopback(settings.public_url):
        yield error(
            "stripe_live_on_loopback",
            "STRIPE_SECRET_KEY takes real money, and PUBLIC_URL leads to this machine only: use a test key, or the"
            " public address.",
        )
    if settings.sandbox_mailbox_url is not None:
        yield error(
            "sandbox_with_live_key",
            "SANDBOX_MAILBOX_URL says that nothing is real, and STRIPE_SECRET_KEY takes real money: remove either.",
        )
    for name in _API_BASES:
        if getattr(settings, name) != type(settings).model_fields[name].default:
            yield error(
                f"{name}_changed",
                f"{name.upper()} is not the provider's address although Stripe's key is live: remove the setting.",
            )
