"""Fixtures of the twins' tests: a webhook receiver, and twins without faults."""

from collections.abc import Iterator

import pytest

from tests.sandbox.processes import TwinProcess, running_twin
from tests.sandbox.receiver import WebhookReceiver
from tests.sandbox.sendgrid_client import API_KEY, Mailer
from tests.sandbox.stripe_client import SECRET_KEY, WEBHOOK_SECRET, Shop, client_of


@pytest.fixture(scope="session")
def stripe_twin() -> Iterator[TwinProcess]:
    with running_twin("stripe", "--secret-key", SECRET_KEY, "--webhook-secret", WEBHOOK_SECRET) as twin:
        yield twin


@pytest.fixture
def shop(stripe_twin: TwinProcess, receiver: WebhookReceiver) -> Iterator[Shop]:
    with stripe_twin.on_loan(receiver.url):
        yield Shop(stripe_twin, client_of(stripe_twin))


@pytest.fixture(scope="session")
def sendgrid_twin() -> Iterator[TwinProcess]:
    with running_twin("sendgrid", "--api-key", API_KEY) as twin:
        yield twin


@pytest.fixture
def mailer(sendgrid_twin: TwinProcess, receiver: WebhookReceiver) -> Iterator[Mailer]:
    with sendgrid_twin.on_loan(receiver.url):
        yield Mailer(sendgrid_twin)
