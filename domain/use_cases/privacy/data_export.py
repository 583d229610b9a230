"""Export of all data about a customer, as a streamed archive."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.object_keys import archives_of, name_of, originals_of, results_of, uploads_of
from domain.order import events as e
from domain.order.file_names import safe_stem
from domain.order.values import (
    CustomerId,
    ImageId,
    ObjectKey,
    OrderId,
    PhotoId,
    StoredObject,
    UploadSessionId,
)
from domain.ports.archives import ArchiveEntry, Archiver
from domain.ports.data_export import ExportText
from domain.ports.errors import UnreadableEventError
from domain.ports.object_storage import ObjectStorage
from domain.ports.unit_of_work import HasEventStore, HasPersonalData, HasUploadSessions, UnitOfWork
from domain.use_cases.audit.archive_files import event_document, json_file, text_file
from domain.use_cases.privacy.photo_deletion import prefixes_of
from domain.use_cases.privacy.unknown_customer import UnknownCustomerError


class DataExportRepositories(HasEventStore, HasPersonalData, HasUploadSessions, Protocol):
    """The repositories that the export reads."""


@dataclass(frozen=True, kw_only=True)
class ExportArchive:
    """An archive of known length, produced while its content is read."""

    orders: int
    photos: int
    size_bytes: int
    content: Iterator[bytes]
    incomplete: Mapping[OrderId, str]  # orders without their history, and why it cannot be read


@dataclass(frozen=True, kw_only=True)
class _OrderFile:
    number: str
    history: list[e.RecordedEvent]
    names: Mapping[PhotoId, str]
    prefixes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _UnreadableOrder:
    """An order whose events cannot be read; its stored objects can."""

    order_id: OrderId
    sessions: Sequence[UploadSessionId]
    detail: str


@dataclass(eq=False, kw_only=True)
class DataExport:
    """Exports what the shop stores about a customer."""

    unit_of_work: UnitOfWork[DataExportRepositories]
    storage: ObjectStorage
    archiver: Archiver
    text: ExportText

    def export(self, email: str) -> ExportArchive:
        """Export the data and photos of the customer with this address.

        Raises UnknownCustomerError. Photos are read one after the other while the content is read; if one is deleted
        meanwhile, the content ends with ObjectMissingError.
        """
        with self.unit_of_work.transaction() as transaction:
            customer = transaction.personal_data.find(email)
            if customer is None:
                raise UnknownCustomerError(email)
            holdings = transaction.personal_data.holdings(customer.customer_id)
            files = [
                _order_file(transaction, customer.customer_id, order_id)
                for order_id in transaction.personal_data.orders(customer.customer_id)
            ]
        documents: list[ArchiveEntry] = []
        photos: list[ArchiveEntry] = []
        for file in files:
            if isinstance(file, _UnreadableOrder):
                documents.append(
                    text_file(f"{file.order_id}/incomplete.txt", self.text.incomplete(file.detail))
                )
                photos += self._objects(file)
            else:
                documents += self._documents(file)
                photos += self._photos(file)
        entries = [
            text_file("README.txt", self.text.readme()),
            json_file("person.json", holdings),
            *documents,
            *photos,
        ]
        size_bytes, content = self.archiver.archive(entries)
        return ExportArchive(
            orders=len(files),
            photos=len(photos),
            size_bytes=size_bytes,
            content=content,
            incomplete={file.order_id: file.detail for file in files if isinstance(file, _UnreadableOrder)},
        )

    def _documents(self, file: _OrderFile) -> Iterator[ArchiveEntry]:
        yield json_file(f"{file.number}/history.json", [event_document(line) for line in file.history])
        yield text_file(f"{file.number}/story.txt", self.text.timeline(file.history))

    def _photos(self, file: _OrderFile) -> Iterator[ArchiveEntry]:
        """Yield the stored objects that the order's events name.

        After the photo retention there are none.
        """
        there = {key for prefix in file.prefixes for key in self.storage.keys(prefix)}
        for name, stored in _named(file).items():
            if stored.key in there:
                yield ArchiveEntry(
                    name=f"{file.number}/{name}", size_bytes=stored.size_bytes, content=self._read(stored.key)
                )

    def _objects(self, file: _UnreadableOrder) -> Iterator[ArchiveEntry]:
        """Yield everything stored for an order, named as it is stored."""
        folders = [
            *(("uploads", uploads_of(session_id)) for session_id in file.sessions),
            ("originals", originals_of(file.order_id)),
            ("results", results_of(file.order_id)),
            ("archives", archives_of(file.order_id)),
        ]
        for folder, prefix in folders:
            for key in self.storage.keys(prefix):
                described = self.storage.describe(key)
                ending = "" if folder == "archives" else _ending(described.media_type)
                name = f"{file.order_id}/{folder}/{name_of(key)}{ending}"
                yield ArchiveEntry(name=name, size_bytes=described.size_bytes, content=self._read(key))

    def _read(self, key: ObjectKey) -> Iterator[bytes]:
        with self.storage.read(key) as chunks:
            yield from chunks


def _order_file(
    transaction: DataExportRepositories, customer_id: CustomerId, order_id: OrderId
) -> _OrderFile | _UnreadableOrder:
    try:
        order = transaction.event_store.load(order_id)
    except UnreadableEventError as error:
        sessions = map(transaction.upload_sessions.find, transaction.personal_data.sessions(customer_id))
        mine = [session.session_id for session in sessions if session and session.order_id == order_id]
        return _UnreadableOrder(order_id=order_id, sessions=mine, detail=error.detail)
    return _OrderFile(
        number=order.payment.order_number if order.payment else str(order_id),
        history=transaction.event_store.history(order_id),
        names=transaction.upload_sessions.file_names(order_id),
        prefixes=prefixes_of(order),
    )


def _named(file: _OrderFile) -> dict[str, StoredObject]:
    """Return the objects that an order's events name, by descriptive file name."""
    numbers: dict[ImageId, int] = {}
    found: dict[str, StoredObject] = {}
    for line in file.history:
        match line.event:
            case e.PaymentReceived() as paid:
                numbers = {photo.image_id: number for number, photo in enumerate(paid.photos, start=1)}
                for photo in paid.photos:
                    name = _name(file, photo.image_id, numbers[photo.image_id])
                    found[f"originals/{name}{_ending(photo.upload.media_type)}"] = photo.upload
            case e.ImagesMoved() as moved:
                # Each replaces its upload, which has the same bytes.
                for image in moved.images:
                    name = _name(file, image.image_id, numbers[image.image_id])
                    found[f"originals/{name}{_ending(image.original.media_type)}"] = image.original
            case e.SmallResultStored() | e.RestorationCompleted() as done:
                name = _name(file, done.image_id, numbers[done.image_id])
                found[f"results/{name}-attempt-{done.attempt}{_ending(done.restored.media_type)}"] = (
                    done.restored
                )
            case e.DownloadPrepared() as prepared:
                found[f"archives/{prepared.link_id}.zip"] = prepared.archive
            case _:
                pass  # names no object
    return found


def _name(file: _OrderFile, image_id: ImageId, number: int) -> str:
    """Combine the photo's number, which is unique, and the customer's file name."""
    given = safe_stem(file.names.get(PhotoId(image_id), ""))
    return f"{number}-{given}" if given else str(number)


def _ending(media_type: str) -> str:
    return f".{media_type.partition('/')[2]}".replace(".jpeg", ".jpg")
