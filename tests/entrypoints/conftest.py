"""Fixtures for the tests of several entrypoints."""

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from sandbox.services.seaweedfs_server import REGION, S3
from tests.adapters.support.provider_accounts import (
    BUCKET,
    REPLICATE_API_TOKEN,
    REPLICATE_WEBHOOK_SECRET,
    SENDGRID_API_KEY,
    STRIPE_SECRET_KEY,
    STRIPE_WEBHOOK_SECRET,
)
from tests.entrypoints.support.http_fixtures import ApiClient, HttpShop, application
from tests.entrypoints.support.shell import Shell
from tests.entrypoints.support.stripe_account import StripeAccount, open_stripe_account
from tests.sandbox.processes import TwinProcess
from tests.sandbox.receiver import WebhookReceiver


@pytest.fixture
def api() -> Iterator[ApiClient]:
    """The HTTP API of a new shop without orders."""
    shop = HttpShop()
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        yield ApiClient(shop, http)


@pytest.fixture
def account(stripe: TwinProcess, receiver: WebhookReceiver) -> Iterator[StripeAccount]:
    """The HTTP API of a shop that sells at Stripe's twin."""
    with open_stripe_account(stripe, receiver) as account:
        yield account


@pytest.fixture
def restoreclick(
    request: pytest.FixtureRequest,
    own_database_url: str,
    s3: S3,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    """The command line with a shop's complete environment.

    The database is empty; the twins are as other tests left them.
    """
    twins: dict[str, TwinProcess] = {
        name: request.getfixturevalue(name) for name in ("stripe", "replicate", "sendgrid")
    }
    environment = {
        "DATABASE_URL": own_database_url,
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "S3_ENDPOINT": s3.endpoint,
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": s3.secret_key,
        "S3_BUCKET": BUCKET,
        "S3_REGION": REGION,
        "STRIPE_SECRET_KEY": STRIPE_SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": STRIPE_WEBHOOK_SECRET,
        "REPLICATE_API_TOKEN": REPLICATE_API_TOKEN,
        "REPLICATE_WEBHOOK_SECRET": REPLICATE_WEBHOOK_SECRET,
        "SENDGRID_API_KEY": SENDGRID_API_KEY,
        "SENDGRID_WEBHOOK_PUBLIC_KEY": twins["sendgrid"].announcement["public_key"],
        "SENDER_ADDRESS": "photos@shop.example",
        "WORKER_SECRET_KEY": "canary" * 8,
        "PUBLIC_URL": "https://shop.example",
        **{f"{name.upper()}_API_BASE": twin.url for name, twin in twins.items()},
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Shell(capsys)
