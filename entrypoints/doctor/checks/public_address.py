"""PUBLIC_URL as customers and providers reach it, with what is in front."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from entrypoints.bootstrap.diagnosis import (
    CertificateError,
    Diagnosis,
    PublicAddress,
    PublicAnswer,
    UnansweredAddressError,
)
from entrypoints.doctor.checks.settings import is_loopback
from entrypoints.doctor.findings import Check, Finding, error, warning

SUBJECT = "public_url"

#: A certificate that expires sooner was not renewed in time.
RENEWED_BEFORE = timedelta(days=14)

#: An address of the documentation's network, which no client has.
PRETENDED = "203.0.113.9"

#: A session that does not exist: nothing can be uploaded to it.
_NO_SESSION = UUID(int=0)
#: The same each time, so that it is recorded once. No kind of event that the shop acts upon.
TEST_EVENT = json.dumps(
    {
        "id": "evt_restoreclick_doctor",
        "object": "event",
        "type": "restoreclick.doctor",
        "data": {"object": {}},
    }
).encode()


class _Seen(msgspec.Struct):
    client: str | None
    shop: str | None = None  # an older API does not say it


class _Problem(msgspec.Struct):
    request_id: str  # with it, it is this shop's
    detail: str


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks from outside."""
    return [
        Check(subject=SUBJECT, look=lambda: _certificate(diagnosis)),
        *(
            Check(subject=SUBJECT, look=partial(_answer, name, address))
            for name, address in _addresses(diagnosis).items()
        ),
        Check(subject=SUBJECT, look=lambda: _body_limit(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _client(diagnosis)),
        Check(subject="stripe", look=lambda: _test_event(diagnosis)),
    ]


def _certificate(diagnosis: Diagnosis) -> Iterator[Finding]:
    try:
        expires_at = diagnosis.public.certificate_expires_at()
    except CertificateError as problem:
        yield error(
            "certificate_invalid",
            f"Clients refuse the certificate of {problem.host} ({problem.detail}): renew it.",
        )
        return
    if expires_at is not None and expires_at - datetime.now(UTC) < RENEWED_BEFORE:
        yield warning(
            "certificate_expires",
            f"The certificate of PUBLIC_URL expires on {expires_at:%Y-%m-%d}: renew it, and see why that is not"
            " automatic.",
        )


def _addresses(diagnosis: Diagnosis) -> dict[str, PublicAddress]:
    if diagnosis.settings.webhook_url is None:
        return {"PUBLIC_URL": diagnosis.public}
    return {"PUBLIC_URL": diagnosis.public, "WEBHOOK_URL": diagnosis.webhooks}


def _answer(name: str, address: PublicAddress) -> Iterator[Finding]:
    answer = address.request("GET", "/health/live")
    if answer.location is not None:
        yield error(
            f"{name.lower()}_redirects",
            f"{name} redirects to {answer.location}, and providers do not follow: set the address that answers itself.",
        )
    elif answer.status != HTTPStatus.OK:
        yield error(
            f"{name.lower()}_wrong",
            f"{name} answers {answer.status} instead of this shop: start the API, or correct the proxy.",
        )


def _body_limit(diagnosis: Diagnosis) -> Iterator[Finding]:
    megabytes = diagnosis.settings.max_photo_mebibytes
    path = f"/api/uploads/{_NO_SESSION}/photos?filename=doctor.jpg"
    if diagnosis.public.refusal_of_body(path, megabytes * 1024 * 1024) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        yield error(
            "proxy_refuses_photos",
            f"What is in front of PUBLIC_URL refuses bodies of {megabytes} MiB: raise its limit, or lower"
            " MAX_PHOTO_MEBIBYTES.",
        )


def _client(diagnosis: Diagnosis) -> Iterator[Finding]:
    if diagnosis.settings.link_signing_key is None:
        return  # the endpoint is off; the check of the settings reports it
    key = diagnosis.settings.worker_secret_key.get_secret_value()
    answer = diagnosis.public.request(
        "GET", "/api/workers", headers={"Authorization": f"Bearer {key}", "X-Forwarded-For": PRETENDED}
    )
    if answer.status == HTTPStatus.UNAUTHORIZED:
        yield error(
            "worker_key_differs",
            "The API at PUBLIC_URL has another WORKER_SECRET_KEY than these settings: restart it with them.",
        )
    if answer.status != HTTPStatus.OK:
        return
    caller = msgspec.json.decode(answer.content, type=_Seen)
    if caller.shop not in {None, diagnosis.shop}:
        yield error(
            "link_key_differs",
            "The API at PUBLIC_URL has another newest LINK_SIGNING_KEY than these settings, so it does not open links"
            " that workers with these settings send: restart it with them.",
        )
    seen = caller.client or ""
    if is_loopback(diagnosis.settings.public_url):
        return  # no proxy in between
    if seen == PRETENDED:
        yield error(
            "client_address_forged",
            "The proxy passes on an X-Forwarded-For that clients made up, so they escape the rate limits: have it set"
            " the header itself.",
        )
    elif _is_private(seen) and not _is_private(urlsplit(diagnosis.settings.public_url).hostname or ""):
        yield error(
            "proxy_untrusted",
            f"All customers count as one client, {seen}: have the proxy set X-Forwarded-For, and name its address in"
            " TRUSTED_PROXIES.",
        )


def _is_private(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return False


def _test_event(diagnosis: Diagnosis) -> Iterator[Finding]:
    """Send an event as Stripe would, signed with the newest secret."""
    secret, *_ = diagnosis.settings.stripe_webhook_secret
    timestamp = int(time.time())
    signed = b"%d.%b" % (timestamp, TEST_EVENT)
    digest = hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
    try:
        answer = diagnosis.webhooks.request(
            "POST",
            "/api/webhooks/stripe",
            content=TEST_EVENT,
            headers={"Stripe-Signature": f"t={timestamp},v1={digest}", "Content-Type": "application/json"},
        )
    except UnansweredAddressError:
        return  # the check of the address reports it
    if answer.status == HTTPStatus.BAD_REQUEST:
        yield error(
            "stripe_test_event_refused",
            "The API refuses an event that is signed with STRIPE_WEBHOOK_SECRET: restart it with the present settings,"
            " and see that no proxy changes bodies.",
        )
    elif answer.status != HTTPStatus.OK:
        what = f"A test event to {diagnosis.stripe_webhook_url} is answered with {answer.status}"
        problem = _problem_of(answer)
        if problem is not None:
            yield error("stripe_test_event_lost", f"{what} by the API itself: {problem}")
        else:
            yield error("stripe_test_event_lost", f"{what}: correct the proxy, and look at the API's log.")


def _problem_of(answer: PublicAnswer) -> str | None:
    """What the API's own problem document says; None if something else answered."""
    try:
        return msgspec.json.decode(answer.content, type=_Problem).detail
    except msgspec.MsgspecError:
        return None
