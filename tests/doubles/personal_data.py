"""Personal data of one customer in the in-memory tables."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from domain.order.values import CustomerId, OrderId, UploadSessionId
from domain.ports.customers import Customer
from domain.ports.notes import Note
from domain.ports.personal_data import Erasure, Holdings, PersonalData
from domain.ports.resumable_uploads import ResumableUploadId
from tests.doubles.tables import Tables, hold
from tests.doubles.upload_sessions import UploadRow


class InMemoryPersonalData(PersonalData):
    """Everything that belongs to a customer, in the in-memory tables."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def find(self, email: str, *, lock: bool = False) -> Customer | None:
        customers = self._pages.customers.values()
        found = next((each for each in customers if each.email.lower() == email.lower()), None)
        if found is not None and lock:
            hold(self._pages.customers, found.customer_id)
        return found

    def orders(self, customer_id: CustomerId) -> list[OrderId]:
        return sorted(
            order.order_id
            for order in self._pages.orders.values()
            if order.payment is not None and order.payment.customer_id == customer_id
        )

    def sessions(self, customer_id: CustomerId) -> list[UploadSessionId]:
        payments = (self._pages.orders[order_id].payment for order_id in self.orders(customer_id))
        return sorted(payment.upload_session_id for payment in payments if payment is not None)

    def holdings(self, customer_id: CustomerId) -> Holdings:
        orders = [self._pages.orders[order_id] for order_id in self.orders(customer_id)]
        uploads = self._uploads(customer_id)
        found: dict[str, list[Any]] = {
            "customers": [self._pages.customers[customer_id]],
            "upload_sessions": [replace(page.session, photos=()) for page in uploads],
            "file_uploads": [photo for page in uploads for photo in page.session.photos],
            "resumable_uploads": [self._pages.resumable[key] for key in self._resumable(customer_id)],
            "orders": orders,
            "images": [image for order in orders for image in order.images.values()],
            "restoration_jobs": [
                attempt
                for order in orders
                for image in order.images.values()
                for attempt in image.attempts.values()
            ],
            "email_queue": [email for order in orders for email in order.emails.values()],
            "download_links": [link for order in orders for link in order.all_links.values()],
            "reactions": [
                work for work in self._pages.work.values() if work.order_id in self.orders(customer_id)
            ],
            "points": [
                entry
                for order in self._pages.orders.values()
                for entry in order.points
                if entry.customer_id == customer_id
            ],
            "notes": self._notes(customer_id),
            "unmatched_payments": [self._pages.unmatched[key] for key in self._unmatched(customer_id)],
        }
        return {table: [_row(each) for each in rows] for table, rows in found.items() if rows}

    def forget(self, erasure: Erasure) -> Mapping[str, int]:
        pages, customer_id = self._pages, erasure.customer_id
        unmatched, uploads = self._unmatched(customer_id), self._uploads(customer_id)
        work = [
            key
            for key, each in pages.work.items()
            if each.order_id in self.orders(customer_id) and each.problem is not None
        ]
        for key in unmatched:
            erased = replace(
                pages.unmatched[key], reason="Its customer is forgotten.", note=None, problem=None
            )
            pages.unmatched[key] = erased
        for page in uploads:
            checkout = replace(page.session.checkout, url=None) if page.session.checkout else None
            pages.uploads[page.session.session_id] = UploadRow(
                session=replace(page.session, photos=(), checkout=checkout),
                temp_objects_deleted_at=page.temp_objects_deleted_at or erasure.erased_at,
            )
        resumable = self._resumable(customer_id)
        for upload_id in resumable:
            del pages.resumable[upload_id]
        for reaction_id in work:
            pages.work[reaction_id] = replace(pages.work[reaction_id], problem=None)
        notes = self._notes(customer_id)
        for note in notes:
            del pages.notes[note.note_id]
        del pages.customers[customer_id]
        pages.erasures[erasure.erasure_id] = erasure
        return {
            "unmatched_payments": len(unmatched),
            "notes": len(notes),
            "file_uploads": sum(len(page.session.photos) for page in uploads),
            "resumable_uploads": len(resumable),
            "upload_sessions": len(uploads),
            "reactions": len(work),
            "customers": 1,
        }

    def _uploads(self, customer_id: CustomerId) -> list[UploadRow]:
        return [self._pages.uploads[key] for key in self.sessions(customer_id) if key in self._pages.uploads]

    def _resumable(self, customer_id: CustomerId) -> list[ResumableUploadId]:
        sessions = self.sessions(customer_id)
        return [key for key, upload in self._pages.resumable.items() if upload.session_id in sessions]

    def _notes(self, customer_id: CustomerId) -> list[Note]:
        orders = self.orders(customer_id)
        return [note for note in self._pages.notes.values() if note.order_id in orders]

    def _unmatched(self, customer_id: CustomerId) -> list[str]:
        sessions = set(self.sessions(customer_id))
        return [
            key
            for key, payment in self._pages.unmatched.items()
            if sessions & {payment.upload_session_id, payment.matched_session_id}
        ]


def _row(value: Any) -> dict[str, object]:
    return {name: str(each) for name, each in asdict(value).items()}
