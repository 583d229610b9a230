"""Stored names and versions of events, and upcasters for old versions.

A stored name follows from the event's class and never changes its meaning. When an event's shape changes, add an
upcaster that turns the stored fields of the current version into those of the next: it increases the version.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

import msgspec

from domain.order import events as e
from domain.ports.errors import UnreadableEventError

#: Turns the fields stored under a name and version into those of the next version.
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: Mapping[tuple[str, int], Upcaster] = {
    ("order.payment_received", 1): lambda fields: {**fields, "tax": None},
    ("order.payment_received", 2): lambda fields: {**fields, "client": None},
    ("order.dispute_opened", 1): lambda fields: {**fields, "is_inquiry": False},
    ("order.dispute_opened", 2): lambda fields: {**fields, "respond_by": None},
    ("order.download_prepared", 1): lambda fields: {**fields, "edition": 1},
    ("order.restoration_completed", 1): lambda fields: {
        **fields,
        "original_width": None,
        "original_height": None,
    },
    ("order.download_link_issued", 1): lambda fields: {**fields, "is_shared": False},
    ("order.refund_requested", 1): lambda fields: {**fields, "note_id": None},
    ("order.refund_issued", 1): lambda fields: {**fields, "is_told": False},
    ("order.dispute_closed", 1): lambda fields: {**fields, "amount": None},
}


#: Stored names that claimed more than was known: the name to read them as, and the upcaster to it.
REPLACED: Mapping[str, tuple[str, Upcaster]] = {
    # Any GET of a file was stored as a download by the customer, even a mail scanner's.
    "order.result_downloaded.v1": ("order.result_served.v1", lambda fields: {**fields, "client": None}),
}


def _name(event: type[e.Event]) -> str:
    """``order.email_sent`` of EmailSent, ``order.held`` of OrderHeld."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()
    return f"order.{words.removeprefix('order_')}"


def _version(name: str) -> int:
    """One more than the older versions that are still read."""
    older = (*(f"{stored}.v{version}" for stored, version in UPCASTERS), *REPLACED)
    return 1 + sum(stored.rpartition(".v")[0] == name for stored in older)


#: The name and the current version of each event.
NAMES: Mapping[type[e.Event], tuple[str, int]] = {
    event: (name, _version(name)) for event in e.EVENT_TYPES if (name := _name(event))
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
        decoder = self._decoders.get(stored_name)
        try:
            if decoder is not None:
                return decoder.decode(data)
            return self._decode_old(stored_name, msgspec.json.decode(data))
        except msgspec.MsgspecError as error:
            raise DamagedEventError(stored_name, str(error)) from error
        except (LookupError, TypeError, AttributeError) as error:  # an upcaster met fields of another shape
            raise DamagedEventError(stored_name, f"{type(error).__name__}: {error}") from error

    def _decode_old(self, stored_name: str, fields: dict[str, Any]) -> e.Event:
        if stored_name in self._replaced:
            replacement, upcast = self._replaced[stored_name]
            return self._decode_old(replacement, upcast(fields))
        name, _, digits = stored_name.rpartition(".v")
        event, current = self._current.get(name, (None, 0))
        if event is None or not digits.isdecimal() or not 0 < int(digits) <= current:
            raise UnknownEventError(stored_name)
        for version in range(int(digits), current):
            fields = self._upcasters[name, version](fields)
        return msgspec.convert(fields, event)


#: The codec of this program's events.
OWN_CODEC = Codec()
