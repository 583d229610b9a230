"""An account at Replicate, for tests."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image
from replicate.client import Client
from replicate.webhook import Webhooks, WebhookSigningSecret

from tests.sandbox.pictures import png
from tests.sandbox.processes import TwinProcess
from tests.sandbox.receiver import Received, WebhookReceiver
from tests.waiting import eventually

API_TOKEN = "r8_sandbox0000000000000000000000000000000"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

RESTORE_IMAGE = "flux-kontext-apps/restore-image"
GFPGAN = "tencentarc/gfpgan"
OPEN = {"starting", "processing"}


def small_photo(shade: int = 120) -> bytes:
    """A picture that is restored in a millisecond or two."""
    return png(Image.new("RGB", (64, 48), (shade, shade, shade)))


def close(client: Client) -> None:
    """Close the official client, which has no method for it."""
    client._client.close()  # noqa: SLF001


@dataclass
class ReplicateClient:
    """The twin, the official client, an HTTP client, and the webhook receiver."""

    twin: TwinProcess
    receiver: WebhookReceiver
    photo_url: str
    client: Client = field(init=False)
    http: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(API_TOKEN, base_url=self.twin.url)
        self.http = httpx2.Client(
            base_url=self.twin.url,
            headers={"Authorization": f"Bearer {API_TOKEN}"},
            trust_env=False,
            timeout=10,
        )

    def close(self) -> None:
        self.http.close()
        close(self.client)

    def create(self, model: str = RESTORE_IMAGE, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        """Start a prediction on the small photo and return its JSON."""
        body = {"input": {"input_image": self.photo_url}} | fields
        answer = self.http.post(f"/v1/models/{model}/predictions", json=body, headers=headers)
        return answer.raise_for_status().json()

    def get(self, prediction_id: str) -> Any:
        return self.http.get(f"/v1/predictions/{prediction_id}").raise_for_status().json()

    def ended(self, prediction_id: str) -> Any:
        return eventually(lambda: None if (now := self.get(prediction_id))["status"] in OPEN else now)

    def run(self, model: str = RESTORE_IMAGE, **fields: Any) -> Any:
        return self.ended(self.create(model, **fields)["id"])

    def received(self, prediction_id: str) -> list[Received]:
        """The webhooks of a prediction, in the order of arrival."""
        return [one for one in list(self.receiver.received) if one.json["id"] == prediction_id]

    def end_webhook(self, prediction_id: str) -> Received:
        """Wait for the webhook of a prediction's end."""
        return eventually(
            lambda: next(
                (one for one in self.received(prediction_id) if one.json["status"] not in OPEN), None
            )
        )


def verify(received: Received, secret: str = WEBHOOK_SECRET) -> None:
    """Check a webhook with the official SDK's validator."""
    Webhooks.validate(
        headers=received.headers,
        body=received.body.decode(),
        secret=WebhookSigningSecret(key=secret),
        tolerance=300,
    )


@contextmanager
def served_folder(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP, like a storage with presigned URLs."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
