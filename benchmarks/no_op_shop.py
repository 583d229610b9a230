"""A shop whose reactions do nothing but return their result.

Claims, leases, the queue, decisions, transactions and read models are the production worker's; only the handlers
differ. They call no provider, read nothing from the database, and render, compare and pack nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from adapters.queue_dramatiq import DramatiqQueue
from benchmarks.instant_shop import open_instant_container
from domain import object_keys
from domain.order import events as e
from domain.order.deterministic_ids import download_link_id_of
from domain.order.order import Order
from domain.order.reactions import RestoreImage, SendEmail
from domain.order.values import MovedImage, ObjectKey, Sha256, StoredObject
from domain.signed_tokens import sha256_of
from domain.use_cases.reaction_handlers import ReactionHandlers
from entrypoints.bootstrap.container import Container
from entrypoints.bootstrap.monitoring import Monitoring
from entrypoints.settings import Settings, read_settings
from entrypoints.worker import worker_process

#: The reactions of an order of one photo: originals moved, photo restored, archive prepared, two mails.
REACTIONS_AN_ORDER = 5

_LIFETIME = timedelta(days=30)


class NoOpHandlers:
    """Returns what each reaction of an order without trouble records."""

    def move_images(self, order: Order) -> Sequence[e.Event]:
        """Move nothing."""
        moved = (
            MovedImage(
                image_id=image_id,
                original=_stored(object_keys.original_key(order.order_id, image_id), image.upload.sha256),
            )
            for image_id, image in order.images.items()
        )
        return [e.ImagesMoved(images=tuple(moved))]

    def restore_image(self, order: Order, work: RestoreImage) -> Sequence[e.Event]:
        """Start and end an attempt at once, without a prediction."""
        prediction_id = uuid4().hex
        attempt: dict[str, Any] = {
            "image_id": work.image_id,
            "attempt": work.attempt,
            "prediction_id": prediction_id,
        }
        restored = _stored(object_keys.result_key(order.order_id, prediction_id), sha256_of(prediction_id))
        return [
            e.RestorationStarted(**attempt, model="no-op"),
            e.RestorationCompleted(
                **attempt, restored=restored, width=1200, height=900, original_width=1200, original_height=900
            ),
        ]

    def prepare_download(self, order: Order) -> Sequence[e.Event]:
        """Pack nothing."""
        link_id = download_link_id_of(order.order_id, len(order.links) + 1)
        sha256 = sha256_of(str(link_id))
        return [
            e.DownloadPrepared(
                link_id=link_id,
                archive=_stored(object_keys.archive_key(order.order_id, sha256), sha256),
                image_ids=tuple(image.image_id for image in order.restored_images),
                token_sha256=sha256,
                expires_at=datetime.now(UTC) + _LIFETIME,
                edition=order.archive_revision,
            )
        ]

    def send_email(self, order: Order, work: SendEmail) -> Sequence[e.Event]:  # noqa: ARG002 -- of the sender
        """Send nothing."""
        return [e.EmailSent(email_id=work.email_id, kind=work.kind, message_id=uuid4().hex)]


def no_op_handlers() -> ReactionHandlers:
    """Return the handlers of an order without trouble; others are missing."""
    nothing: Any = NoOpHandlers()
    return ReactionHandlers(
        originals_copier=nothing,
        prediction_service=nothing,
        archives=nothing,
        email_sender=nothing,
        refund_service=nothing,
        photo_deletion=nothing,
    )


def _stored(key: ObjectKey, sha256: Sha256) -> StoredObject:
    return StoredObject(key=key, sha256=sha256, size_bytes=1000, media_type="image/png")


@contextmanager
def open_no_op_container(
    settings: Settings, queue: DramatiqQueue | None = None, *, monitoring: Monitoring | None = None
) -> Iterator[Container]:
    """Open the production container with handlers that do nothing."""
    with open_instant_container(settings, queue, monitoring=monitoring) as container:
        container.reaction_runner.handlers = no_op_handlers()
        yield container


def main() -> None:
    """Run a worker of the no-op shop until SIGTERM."""
    with patch.object(worker_process, "open_container", open_no_op_container):
        worker_process.run(read_settings())


if __name__ == "__main__":
    main()
