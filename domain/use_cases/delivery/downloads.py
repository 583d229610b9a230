"""Archives of restored photos, and the download links that open them."""

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast
from uuid import UUID

from domain import object_keys
from domain.order import events as e
from domain.order.actors import CUSTOMER, VISITOR
from domain.order.commands import IssueLink
from domain.order.deterministic_ids import download_link_id_of
from domain.order.errors import ShopError
from domain.order.file_names import distinct, safe_stem
from domain.order.order import DownloadLink, Order
from domain.order.states import State
from domain.order.values import (
    Client,
    FailureReason,
    ImageId,
    ObjectKey,
    OrderId,
    PhotoId,
    Sha256,
    StoredObject,
)
from domain.ports.archives import ArchiveEntry, Archiver
from domain.ports.clock import Clock
from domain.ports.errors import ObjectDiffersError, ObjectMissingError
from domain.ports.object_storage import ObjectStorage
from domain.ports.unit_of_work import HasEventStore, HasUploadSessions, UnitOfWork
from domain.signed_tokens import TokenSigner, sha256_of
from domain.use_cases.delivery.verified_reading import read_verified
from domain.use_cases.order_command_handler import Cause, OrderCommandHandler
from domain.use_cases.recovery.object_labels import archive_labels
from domain.use_cases.shop_policy import ShopPolicy


class DownloadRepositories(HasEventStore, HasUploadSessions, Protocol):
    """The repositories that downloads read."""


_ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/avif": ".avif"}


class UnknownLinkError(ShopError):
    """No link has this token, or its order has no such image."""

    def __init__(self) -> None:
        super().__init__("This link is not known: open the newest link from our e-mail, whole and unchanged.")


class LinkExpiredError(ShopError):
    """The link has expired, or its photos were deleted."""

    def __init__(self, order_id: OrderId) -> None:
        self.order_id = order_id
        super().__init__(
            "This link has expired: have a new one sent to the address on file, or answer the e-mail it came with, and "
            "a person will help you."
        )


class LinkRevokedError(ShopError):
    """The link was revoked by a staff member."""

    def __init__(self, order_id: OrderId) -> None:
        self.order_id = order_id
        super().__init__(
            "This link was withdrawn: open the newest link from our e-mail, or answer it, and a person will help you."
        )


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A file that a customer may download now.

    ``image_id`` is None for the archive.
    """

    order_id: OrderId
    link: DownloadLink
    image_id: ImageId | None
    content: StoredObject
    file_name: str


@dataclass(eq=False, kw_only=True)
class DownloadService:
    """Build archives and open download links."""

    unit_of_work: UnitOfWork[DownloadRepositories]
    storage: ObjectStorage
    archiver: Archiver
    command_handler: OrderCommandHandler[HasEventStore]
    token_signer: TokenSigner
    clock: Clock
    policy: ShopPolicy

    def prepare_download(self, order: Order) -> Sequence[e.Event]:
        """Stream the restored images into one archive and create its link.

        If the newest result of an image is missing or damaged, its attempt fails, so that the photo is restored again.
        An earlier result, which the customer has received, is left out. Raises UnavailableError while the storage
        cannot be reached, and ObjectMissingError or ObjectDiffersError if a lost result could not be restored again.
        """
        link_id = download_link_id_of(order.order_id, len(order.links) + 1)
        expires_at = self.clock.now() + self.policy.delivery.link_lifetime
        files = self._files(order)
        while True:
            try:
                archive = self._pack(order, files, archive_labels(link_id, expires_at))
                break
            except (ObjectMissingError, ObjectDiffersError) as error:
                lost = {error.key, *self._missing(files)}
                if failed := _lost_results(order, lost):
                    return failed
                earlier = {result.key for image in order.restored_images for result in image.earlier}
                if not lost <= earlier:
                    raise
                files = [(name, result) for name, result in files if result.key not in lost]
        return [
            e.DownloadPrepared(
                link_id=link_id,
                archive=archive,
                image_ids=tuple(image.image_id for image in order.restored_images),
                token_sha256=sha256_of(self.token_signer.download_token(link_id)),
                expires_at=expires_at,
                edition=order.archive_revision,
            )
        ]

    def archive_key(self, order: Order) -> ObjectKey:
        """The object key of an order's archive.

        It is derived from the names and checksums of the files.
        """
        return _archive_key(order, self._files(order))

    def _pack(
        self, order: Order, files: Sequence[tuple[str, StoredObject]], labels: Mapping[str, str]
    ) -> StoredObject:
        """Store the archive of these files.

        Raises ObjectMissingError or ObjectDiffersError, and stores nothing then.
        """
        entries = [
            ArchiveEntry(name=name, size_bytes=result.size_bytes, content=read_verified(self.storage, result))
            for name, result in files
        ]
        size_bytes, chunks = self.archiver.archive(entries)
        return self.storage.put(
            # The key depends on the content: a crash may have left an archive of other files that no link refers to.
            _archive_key(order, files),
            cast("io.BufferedReader", io.BufferedReader(_Reader(chunks))),
            size_bytes=size_bytes,
            media_type="application/zip",
            labels=labels,
        )

    def _missing(self, files: Sequence[tuple[str, StoredObject]]) -> Iterator[ObjectKey]:
        """Keys of all missing files, so that they are restored together."""
        for _, result in files:
            try:
                self.storage.describe(result.key)
            except ObjectMissingError:
                yield result.key

    def _files(self, order: Order) -> list[tuple[str, StoredObject]]:
        stems = self._file_stems(order)
        return [
            (
                f"{'earlier results/' if earlier else ''}{_name_of(earlier, result, stems[image.image_id])}",
                result,
            )
            for image in order.restored_images
            for earlier, result in enumerate(image.results)
        ]

    def new_link(self, order: Order) -> IssueLink:
        """The command to issue another link to the newest archive."""
        link_id = download_link_id_of(order.order_id, len(order.links) + 1)
        return IssueLink(
            link_id=link_id,
            token_sha256=sha256_of(self.token_signer.download_token(link_id)),
            expires_at=self.clock.now() + self.policy.delivery.link_lifetime,
        )

    def open(self, token: str) -> tuple[Order, DownloadLink]:
        """The order and link of a token.

        Raises UnknownLinkError, LinkRevokedError or LinkExpiredError.
        """
        fingerprint = sha256_of(token)
        with self.unit_of_work.transaction() as transaction:
            order = transaction.event_store.load_by_token(fingerprint)
        links = order.links.values() if order else ()
        link = next((link for link in links if link.token_sha256 == fingerprint), None)
        if order is None or link is None:
            raise UnknownLinkError
        if link.is_revoked:
            raise LinkRevokedError(order.order_id)
        if link.expires_at <= self.clock.now() or order.photos_are_purged or order.state is State.ERASED:
            raise LinkExpiredError(order.order_id)
        return order, link

    def find(self, token: str, image_id: ImageId | None = None, *, earlier: int = 0) -> Delivery:
        """The archive or one image that a token gives access to.

        ``earlier`` selects an image's result by the number of later results, 0 for the newest. Raises what ``open``
        raises, and UnknownLinkError for an image or result that does not exist.
        """
        order, link = self.open(token)
        if order.payment is None:
            raise UnknownLinkError
        if image_id is None:
            name = f"restored-photos-{order.payment.order_number}.zip"
            content = link.archive
        else:
            image = order.images.get(image_id)
            if image is None or not 0 <= earlier < len(image.results):
                raise UnknownLinkError
            content = image.results[earlier]
            name = _name_of(earlier, content, self._file_stems(order)[image_id])
        return Delivery(
            order_id=order.order_id, link=link, image_id=image_id, content=content, file_name=name
        )

    def record_served(self, delivery: Delivery, client: Client, request_id: UUID) -> None:
        """Record that a file was sent, once per file and link."""
        if delivery.image_id in delivery.link.served:
            return
        served = e.ResultServed(link_id=delivery.link.link_id, image_id=delivery.image_id, client=client)
        self.command_handler.handle(
            delivery.order_id, [served], _cause("served", delivery, actor=VISITOR, request_id=request_id)
        )

    def record_download(self, delivery: Delivery, client: Client, request_id: UUID) -> None:
        """Record a click on a download button, once per file and link."""
        if delivery.image_id in delivery.link.fetched:
            return
        fetched = e.ResultDownloaded(link_id=delivery.link.link_id, image_id=delivery.image_id, client=client)
        self.command_handler.handle(
            delivery.order_id, [fetched], _cause("fetched", delivery, actor=CUSTOMER, request_id=request_id)
        )

    def _file_stems(self, order: Order) -> dict[ImageId, str]:
        """A distinct file name per image, without extension.

        It is derived from the customer's file name, so that each result can be matched with its photo.
        """
        with self.unit_of_work.transaction() as transaction:
            given = transaction.upload_sessions.file_names(order.order_id)
        stems = [
            f"{safe_stem(given.get(PhotoId(image_id), '')) or f'photo-{number}'}-restored"
            for number, image_id in enumerate(order.images, start=1)
        ]
        return dict(zip(order.images, distinct(stems), strict=True))


def _lost_results(order: Order, lost: Collection[str]) -> list[e.Event]:
    """Failure events of the attempts whose lost results can be made again."""
    return [
        e.RestorationAttemptFailed(
            image_id=image.image_id,
            attempt=made.number,
            prediction_id=made.prediction_id,
            reason=FailureReason.RESULT_LOST,
        )
        for image in order.restored_images
        if image.restored is not None and image.restored.key in lost
        if (made := image.attempt_of_result) is not None
    ]


def _cause(name: str, delivery: Delivery, *, actor: str, request_id: UUID) -> Cause:
    key = f"{name}:{delivery.link.link_id}:{delivery.image_id or 'archive'}"
    return Cause(name=name, key=key, actor=actor, correlation_id=request_id)


def _archive_key(order: Order, files: Sequence[tuple[str, StoredObject]]) -> ObjectKey:
    return object_keys.archive_key(order.order_id, _fingerprint(files))


def _fingerprint(files: Sequence[tuple[str, StoredObject]]) -> Sha256:
    return sha256_of("\n".join(f"{name} {result.sha256}" for name, result in files))


def _name_of(earlier: int, result: StoredObject, stem: str) -> str:
    """A result's file name; an earlier result's starts with its number."""
    return f"{f'{earlier}-' if earlier else ''}{stem}{_ENDINGS.get(result.media_type, '')}"


class _Reader(io.RawIOBase):
    """A readable file over an iterator of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)
