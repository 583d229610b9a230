"""The provider doubles of a world, with deterministic ids.

Ids are named by what they are about; each effect is reported to the world, which follows up.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import BinaryIO, Protocol

from domain.order.values import ObjectKey, Sha256, StoredObject, Variant
from domain.ports.email import OutgoingEmail
from domain.ports.payments import NewCheckout, NewRefund, OpenedCheckout, ProviderRefund
from domain.ports.restorer import StartedPrediction
from tests.doubles.email import InMemoryMailer
from tests.doubles.object_storage import InMemoryStorage
from tests.doubles.payments import InMemoryPayments
from tests.doubles.restorer import InMemoryRestorer
from tests.simulation.fault_hooks import FaultHooks
from tests.simulation.faults import Fault, Struck


class Following(Protocol):
    """Callbacks into the world for events at a provider."""

    def checkout_opened(self, checkout_session_id: str) -> None: ...

    def refund_made(self, payment_intent_id: str, refund: ProviderRefund) -> None: ...

    def prediction_begun(self, prediction_id: str, ends_within: timedelta) -> None: ...

    def mail_accepted(self, message_id: str, mail: OutgoingEmail) -> None: ...

    def object_stored(self, key: ObjectKey) -> None: ...


@dataclass
class SimulatedPayments(InMemoryPayments):
    """A payment provider that reports its effects to the world."""

    world: Following | None = None
    trouble: FaultHooks | None = None

    def _open(self, request: NewCheckout) -> OpenedCheckout:
        opened = super()._open(request)
        assert self.world is not None
        self.world.checkout_opened(opened.checkout_session_id)
        return opened

    def _refund(self, request: NewRefund) -> ProviderRefund:
        made = super()._refund(request)
        assert self.world is not None
        self.world.refund_made(request.payment_intent_id, made)
        return made

    def _begins_pending(self, provider_refund_id: str) -> bool:
        assert self.trouble is not None
        return self.trouble.faults.chance.at(f"pending {provider_refund_id}") < 0.2

    def _named(self, kind: str, about: str) -> str:
        assert self.trouble is not None
        return self._begun(self.trouble.faults.chance.numbered(f"{kind}_{about}"))


@dataclass
class SimulatedRestorer(InMemoryRestorer):
    """A restorer whose predictions end by themselves.

    It may handle one request twice.
    """

    world: Following | None = None
    trouble: FaultHooks | None = None

    def start(
        self,
        picture: BinaryIO,
        *,
        media_type: str,
        webhook_url: str,
        variant: Variant,
        ends_within: timedelta,
    ) -> StartedPrediction:
        assert self.world is not None
        assert self.trouble is not None
        started = super().start(
            picture, media_type=media_type, webhook_url=webhook_url, variant=variant, ends_within=ends_within
        )
        struck = self.trouble.struck[self.trouble.scheduler.current.name]
        if Fault.DUPLICATE in struck:
            self.trouble.faults.strike(struck.name, Fault.DUPLICATE)
            self.trouble.trace.note(f"FAULT {Fault.DUPLICATE}", f"prediction after {started.prediction_id}")
            sent = self.works[started.prediction_id].picture
            self._begin(sent, media_type, webhook_url, started.model, ends_within)
        return started

    def _begin(
        self, picture: bytes, media_type: str, webhook_url: str, model: str, ends_within: timedelta
    ) -> str:
        prediction_id = super()._begin(picture, media_type, webhook_url, model, ends_within)
        assert self.world is not None
        self.world.prediction_begun(prediction_id, ends_within)
        return prediction_id

    def _named(self, webhook_url: str) -> str:
        assert self.trouble is not None
        image, attempt = webhook_url.split("/")[-3:-1]
        return self.trouble.faults.chance.numbered(f"prediction-{image[:8]}-{attempt}")


@dataclass
class SimulatedMailer(InMemoryMailer):
    """A mail provider that delivers; ``accepted`` counts acceptances by mail."""

    world: Following | None = None
    trouble: FaultHooks | None = None

    def _keep(self, mail: OutgoingEmail) -> str:
        message_id = super()._keep(mail)
        assert self.world is not None
        self.world.mail_accepted(message_id, mail)
        return message_id

    def _named(self, mail: OutgoingEmail) -> str:
        assert self.trouble is not None
        return self.trouble.faults.chance.numbered(f"message-{mail.email_id}")


@dataclass
class SimulatedStore(InMemoryStorage):
    """A storage that remembers what it lost.

    ``on_delete`` receives each key before the object is deleted.
    """

    on_delete: Callable[[ObjectKey], None] = lambda _key: None
    deleted: set[ObjectKey] = field(default_factory=set)
    trouble: FaultHooks | None = None
    world: Following | None = None
    spoiled: set[ObjectKey] = field(default_factory=set)  # what it confirmed, and has lost or damaged since
    backup: dict[ObjectKey, bytes] = field(default_factory=dict)  # of what is spoiled

    def spoil(self, key: ObjectKey, *, is_damaged: bool) -> None:
        """Lose an object, or change its bytes."""
        if key in self.objects:
            content = self.objects.pop(key)
            self.spoiled.add(key)
            self.backup[key] = content
            if is_damaged:
                self.objects[key] = content.swapcase()

    def restore(self, keys: Iterable[ObjectKey]) -> None:
        """Restore spoiled objects from a backup, as an operator would."""
        self.objects |= {key: self.backup[key] for key in keys if key in self.backup}

    def _keep(
        self, key: ObjectKey, data: bytes, sha256: Sha256, media_type: str, labels: Mapping[str, str]
    ) -> StoredObject:
        kept = super()._keep(key, data, sha256, media_type, labels)
        assert self.world is not None
        self.world.object_stored(key)
        return kept

    @contextmanager
    def read(
        self, key: ObjectKey, *, offset: int = 0, size_bytes: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        """Read the object; the stream may break in the middle."""
        assert self.trouble is not None
        with super().read(key, offset=offset, size_bytes=size_bytes) as chunks:
            struck = self.trouble.struck[self.trouble.scheduler.current.name]
            yield self._broken_off(chunks, struck) if Fault.BROKEN in struck else chunks

    def _broken_off(self, chunks: Iterator[bytes], struck: Struck) -> Iterator[bytes]:
        assert self.trouble is not None
        first = next(chunks)
        yield first[: len(first) // 2]
        raise self.trouble.break_off(struck, "storage")

    def _forget(self, key: ObjectKey) -> None:
        if key in self.objects:
            self.on_delete(key)
            self.deleted.add(key)
        super()._forget(key)
