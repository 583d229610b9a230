"""What the twins' tests share: a place where webhooks arrive, and a shop with a Stripe account."""

from collections.abc import Iterator

import pytest

from tests.sandbox.processes import TwinProcess, running_twin
from tests.sandbox.receiver import WebhookReceiver, listening
from tests.sandbox.shop import SECRET_KEY, WEBHOOK_SECRET, Shop, client_of


@pytest.fixture(scope="session")
def session_receiver() -> Iterator[WebhookReceiver]:
    with listening() as receiver:
        yield receiver


@pytest.fixture
def receiver(session_receiver: WebhookReceiver) -> WebhookReceiver:
    session_receiver.forget()
    return session_receiver


@pytest.fixture(scope="session")
def stripe_twin(session_receiver: WebhookReceiver) -> Iterator[TwinProcess]:
    keys = ["--secret-key", SECRET_KEY, "--webhook-secret", WEBHOOK_SECRET]
    with running_twin("stripe", *keys, "--webhook-url", session_receiver.url) as twin:
        yield twin


@pytest.fixture
def shop(stripe_twin: TwinProcess) -> Iterator[Shop]:
    yield Shop(stripe_twin, client_of(stripe_twin))
    stripe_twin.behave()
    stripe_twin.turn(
        clock_ahead_seconds=0,
        refunds_pending=False,
        debit_settles_after_seconds=None,
        webhook_timeout_seconds=10,
    )
