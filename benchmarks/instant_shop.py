"""A shop whose providers, in its process, answer at once.

Stripe, Replicate, SendGrid and S3 cost nothing, and pictures are not decoded: what is left is the shop's own work, the
database and the queue.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO
from unittest.mock import patch
from uuid import UUID, uuid4

from adapters.observed_calls import observed
from adapters.queue_dramatiq import DramatiqQueue
from domain.order.values import ImageId, ObjectKey, OrderId, Sha256, StoredObject, Variant
from domain.ports.email import OutgoingEmail
from domain.ports.errors import ObjectMissingError
from domain.ports.object_storage import ObjectDescription
from domain.ports.restorer import Prediction, PredictionStatus, PredictionWebhookEvent, StartedPrediction
from entrypoints.bootstrap.adapters import open_container
from entrypoints.bootstrap.container import Container
from entrypoints.bootstrap.monitoring import Monitoring
from entrypoints.settings import Settings, read_settings
from entrypoints.worker import worker_process
from tests.doubles.images import PlainInspector

#: The environment variable that names the folder of the storage.
FOLDER = "INSTANT_STORAGE"

#: The bytes of every photo and every result.
PICTURE = b"portrait of Ada"


class InstantStorage:
    """Objects in a folder; every photo has the same bytes.

    Another process can read what is put.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(
        self,
        key: ObjectKey,
        content: BinaryIO,
        *,
        size_bytes: int,
        media_type: str,
        labels: Mapping[str, str] | None = None,  # noqa: ARG002 -- of the port
    ) -> StoredObject:
        """Store the bytes."""
        data = content.read(size_bytes)
        self._file(key).write_bytes(data)
        sha256 = Sha256(hashlib.sha256(data).hexdigest())
        return StoredObject(key=key, sha256=sha256, size_bytes=len(data), media_type=media_type)

    def copy(self, source: StoredObject, target: ObjectKey) -> StoredObject:
        """Return what a copy would be."""
        return replace(source, key=target)

    @contextmanager
    def read(
        self, key: ObjectKey, *, offset: int = 0, size_bytes: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        """Yield the bytes."""
        file = self._file(key)
        data = file.read_bytes() if file.exists() else PICTURE
        yield iter([data[offset : None if size_bytes is None else offset + size_bytes]])

    def describe(self, key: ObjectKey) -> ObjectDescription:
        """Know no object: the log's head is not asked for."""
        raise ObjectMissingError(key)

    def delete(self, keys: Iterable[ObjectKey]) -> None:
        """Keep everything."""

    def purge(self, prefix: str) -> int:  # noqa: ARG002 -- of the port
        """Keep everything."""
        return 0

    def keys(self, prefix: str) -> Iterator[ObjectKey]:  # noqa: ARG002 -- of the port
        """List nothing."""
        return iter([])

    def check(self) -> None:
        """Be there."""

    def _file(self, key: ObjectKey) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()


class InstantRestorer:
    """Predictions succeed at once; the webhook follows from another thread."""

    def __init__(self) -> None:
        self.on_end: Callable[[str, str], object] = lambda _prediction_id, _webhook_url: None
        self._webhooks = ThreadPoolExecutor(2)

    def start(
        self,
        picture: BinaryIO,  # noqa: ARG002 -- of the port, as the next ones
        *,
        media_type: str,  # noqa: ARG002
        webhook_url: str,
        variant: Variant,  # noqa: ARG002
        ends_within: timedelta,  # noqa: ARG002
    ) -> StartedPrediction:
        """Start and end a prediction."""
        prediction_id = uuid4().hex
        self._webhooks.submit(self.on_end, prediction_id, webhook_url)
        return StartedPrediction(prediction_id=prediction_id, model="instant/restorer")

    def look(self, prediction_id: str) -> Prediction:
        """Return a success."""
        return Prediction(
            prediction_id=prediction_id,
            status=PredictionStatus.SUCCEEDED,
            model="instant/restorer",
            output_url="https://instant.example/output",
        )

    def fetch(self, output_url: str, target: BinaryIO) -> int:  # noqa: ARG002 -- of the port
        """Write the picture."""
        return target.write(PICTURE)

    def cancel(self, prediction_id: str) -> None:
        """Cancel nothing: everything has ended."""


class InstantMailer:
    """Accepts every mail."""

    def send(self, mail: OutgoingEmail) -> str:  # noqa: ARG002 -- of the port
        """Return a message id."""
        return uuid4().hex


@contextmanager
def open_instant_container(
    settings: Settings, queue: DramatiqQueue | None = None, *, monitoring: Monitoring | None = None
) -> Iterator[Container]:
    """Open the production container with instant providers."""
    folder = Path(os.environ[FOLDER])
    restorer, inspector = InstantRestorer(), PlainInspector()
    with open_container(settings, queue, monitoring=monitoring) as production:
        storage: Any = InstantStorage(folder)
        observers = monitoring.call_observers if monitoring is not None else ()
        ports = replace(
            production.ports,
            storage=observed(storage, "s3", observers),
            restorer=observed(restorer, "replicate", observers),
            mailer=observed(InstantMailer(), "sendgrid", observers),
            inspector=inspector,
            output_inspector=inspector,
        )
        container = Container(ports)

        def post_webhook(prediction_id: str, webhook_url: str) -> None:
            order, image, attempt, token = webhook_url.split("/")[-4:]
            address = OrderId(UUID(order)), ImageId(UUID(image)), int(attempt)
            container.prediction_webhook.verify_token(token, *address)
            event = PredictionWebhookEvent(
                event_id=prediction_id, prediction_id=prediction_id, has_ended=True
            )
            container.prediction_webhook.handle(event, *address, Sha256("0" * 64))

        restorer.on_end = post_webhook
        yield container


def main() -> None:
    """Run a worker of the instant shop until SIGTERM."""
    with patch.object(worker_process, "open_container", open_instant_container):
        worker_process.run(read_settings())


if __name__ == "__main__":
    main()
