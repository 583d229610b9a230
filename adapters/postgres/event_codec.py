"""Stored names and versions of events, and upcasters for old versions.

A stored name never changes its meaning. When an event's shape changes, increase its version here and add an upcaster
that turns the stored fields of the previous version into those of the next.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

import msgspec

from domain.order import events as e
from domain.ports.errors import UnreadableEventError

#: The name and the current version of each event.
NAMES: Mapping[type[e.Event], tuple[str, int]] = {
    e.PaymentReceived: ("order.payment_received", 2),
    e.ImagesMoved: ("order.images_moved", 1),
    e.RestorationStarted: ("order.restoration_started", 1),
    e.RestorationAttemptFailed: ("order.restoration_attempt_failed", 1),
    e.SmallResultStored: ("order.small_result_stored", 1),
    e.RestorationCompleted: ("order.restoration_completed", 2),
    e.RestorationFailed: ("order.restoration_failed", 1),
    e.RedoRequested: ("order.redo_requested", 1),
    e.RedoFailed: ("order.redo_failed", 1),
    e.DownloadPrepared: ("order.download_prepared", 2),
    e.DownloadLinkIssued: ("order.download_link_issued", 1),
    e.DownloadLinkRevoked: ("order.download_link_revoked", 1),
    e.EmailRequested: ("order.email_requested", 1),
    e.EmailSent: ("order.email_sent", 1),
    e.EmailUnconfirmed: ("order.email_unconfirmed", 1),
    e.EmailFailed: ("order.email_failed", 1),
    e.EmailBounced: ("order.email_bounced", 1),
    e.EmailDeferred: ("order.email_deferred", 1),
    e.EmailBlocked: ("order.email_blocked", 1),
    e.EmailOptedOut: ("order.email_opted_out", 1),
    e.ResultServed: ("order.result_served", 1),
    e.ResultDownloaded: ("order.result_downloaded", 2),
    e.RefundRequested: ("order.refund_requested", 2),
    e.RefundAccepted: ("order.refund_accepted", 1),
    e.RefundIssued: ("order.refund_issued", 2),
    e.RefundFailed: ("order.refund_failed", 1),
    e.RefundDropped: ("order.refund_dropped", 1),
    e.DisputeOpened: ("order.dispute_opened", 2),
    e.DisputeClosed: ("order.dispute_closed", 2),
    e.PointsCredited: ("order.points_credited", 1),
    e.PointsDebited: ("order.points_debited", 1),
    e.OrderHeld: ("order.held", 1),
    e.OrderReleased: ("order.released", 1),
    e.NoteAdded: ("order.note_added", 1),
    e.PhotosPurged: ("order.photos_purged", 1),
    e.OrderErased: ("order.erased", 1),
}

#: Turns the fields stored under a name and version into those of the next version.
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: Mapping[tuple[str, int], Upcaster] = {
    ("order.payment_received", 1): lambda fields: {**fields, "tax": None},
    ("order.dispute_opened", 1): lambda fields: {**fields, "is_inquiry": False},
    ("order.download_prepared", 1): lambda fields: {**fields, "edition": 1},
    ("order.restoration_completed", 1): lambda fields: {
        **fields,
        "original_width": None,
        "original_height": None,
    },
    ("order.refund_requested", 1): lambda fields: {**fields, "note_id": None},
    ("order.refund_issued", 1): lambda fields: {**fields, "is_told": False},
    ("order.dispute_closed", 1): lambda fields: {**fields, "amount": None},
}


#: Stored names that claimed more than was known: the name to read them as, and the upcaster to it.
REPLACED: Mapping[str, tuple[str, Upcaster]] = {
    # Any GET of a file was stored as a download by the customer, even a mail scanner's.
    "order.result_downloaded.v1": ("order.result_served.v1", lambda fields: {**fields, "client": None}),
}


class UnknownEventError(UnreadableEventError):
    """The log holds an event of an unknown, perhaps newer, version."""

    def __init__(self, stored_name: str) -> None:
        self.stored_name = stored_name
        super().__init__(f"its log holds {stored_name}; run the version that wrote it")


class DamagedEventError(UnreadableEventError):
    """An event's stored fields do not match its name and version."""

    def __init__(self, stored_name: str, reason: str) -> None:
        self.stored_name = stored_name
        super().__init__(
            f"its log holds a damaged {stored_name}, {reason}; run `restoreclick events verify` and compare it with "
            "a backup"
        )


class Codec:
    """Encode events to their stored form and decode them."""

    def __init__(
        self,
        names: Mapping[type[e.Event], tuple[str, int]] = NAMES,
        upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
        replaced: Mapping[str, tuple[str, Upcaster]] = REPLACED,
    ) -> None:
        self._stored_names = {event: f"{name}.v{version}" for event, (name, version) in names.items()}
        self._decoders = {
            self._stored_names[event]: msgspec.json.Decoder(event, strict=True) for event in names
        }
        self._current = {name: (event, version) for event, (name, version) in names.items()}
        self._upcasters = upcasters
        self._replaced = replaced

    def stored_name(self, event: e.Event) -> str:
        """Return the stored name and version, e.g. ``order.payment_received.v1``."""
        return self._stored_names[type(event)]

    def encode(self, event: e.Event) -> str:
        """Return the event's fields as JSON."""
        return msgspec.json.encode(event).decode()

    @property
    def required_fields(self) -> Mapping[str, list[str]]:
        """Return the fields of every stored name that can be decoded.

        Those of old versions are not known any more: none is required.
        """
        old = (
            f"{name}.v{version}"
            for name, (_, current) in self._current.items()
            for version in range(1, current)
        )
        current = {
            stored_name: [field.name for field in fields(event) if field.default is MISSING]
            for event, stored_name in self._stored_names.items()
        }
        return {**current, **{stored_name: [] for stored_name in (*old, *self._replaced)}}

    def decode(self, stored_name: str, data: str) -> e.Event:
        """Decode any stored version, or raise UnknownEventError or DamagedEventError."""
        try:
            return self._decode(stored_name, data)
        except msgspec.MsgspecError as error:
            raise DamagedEventError(stored_name, str(error)) from error
        except (LookupError, TypeError, AttributeError) as error:  # an upcaster met fields of another shape
            raise DamagedEventError(stored_name, f"{type(error).__name__}: {error}") from error

    def _decode(self, stored_name: str, data: str) -> e.Event:
        decoder = self._decoders.get(stored_name)
        if decoder is not None:
            return decoder.decode(data)
        if stored_name in self._replaced:
            replacement, upcast = self._replaced[stored_name]
            return self._decode(replacement, msgspec.json.encode(upcast(msgspec.json.decode(data))).decode())
        return self._decode_old(stored_name, msgspec.json.decode(data))

    def _decode_old(self, stored_name: str, fields: dict[str, Any]) -> e.Event:
        name, _, digits = stored_name.rpartition(".v")
        event, current = self._current.get(name, (None, 0))
        if event is None or not digits.isdecimal() or not 0 < int(digits) < current:
            raise UnknownEventError(stored_name)
        for version in range(int(digits), current):
            fields = self._upcasters[name, version](fields)
        return msgspec.convert(fields, event)
