"""What every twin's tests share: a place where its webhooks arrive."""

from collections.abc import Iterator

import pytest

from tests.sandbox.receiver import WebhookReceiver, listening


@pytest.fixture(scope="session")
def session_receiver() -> Iterator[WebhookReceiver]:
    with listening() as receiver:
        yield receiver


@pytest.fixture
def receiver(session_receiver: WebhookReceiver) -> WebhookReceiver:
    session_receiver.forget()
    return session_receiver
