"""The limit of a one-photo order: the calls to providers, and INSERTs.

The shop's own adapters make the calls, one after the other. There is no log, no queue and no retry, and no picture is
decoded.
"""

from io import BytesIO
from typing import Any
from uuid import uuid4

from benchmarks.limits.inserts import BODY, Inserts
from domain.order.values import EmailId, ObjectKey, OrderId, Variant
from domain.ports.email import OutgoingEmail, RenderedEmail
from domain.ports.restorer import PredictionStatus
from entrypoints.bootstrap.ports import Ports

#: No server listens there: the bare order polls instead of waiting for a webhook.
NOWHERE = "http://127.0.0.1:9/nowhere"


class BareOrder:
    """Performs orders without a shop, on a shop's adapters."""

    def __init__(self, ports: Ports, inserts: Inserts, photo: bytes, number_of_inserts: int) -> None:
        self._ports = ports
        self._inserts = inserts
        self._photo = photo
        self._number_of_inserts = number_of_inserts

    def store_upload(self) -> None:
        """Store a photo, as an upload does."""
        self._name = uuid4().hex
        self._original = self._put(f"uploads/temp/{self._name}", self._photo, "image/jpeg")

    def confirm(self) -> None:
        """Send the confirmation, for which no other call waits."""
        self._mail()

    def fulfil(self) -> None:
        """Do what lies between a payment and the result mail."""
        storage, restorer = self._ports.storage, self._ports.restorer
        copied = storage.copy(self._original, ObjectKey(f"uploads/originals/{self._name}"))
        with storage.read(copied.key) as chunks:
            picture = BytesIO(b"".join(chunks))
        started = restorer.start(
            picture,
            media_type="image/jpeg",
            webhook_url=NOWHERE,
            variant=Variant.FIRST,
            ends_within=self._ports.policy.predictions.deadline,
        )
        while (prediction := restorer.look(started.prediction_id)).status is PredictionStatus.RUNNING:
            pass
        output = BytesIO()
        restorer.fetch(prediction.output_url or "", output)
        self._put(f"uploads/restored/{self._name}", output.getvalue(), "image/png")
        self._put(f"downloads/{self._name}.zip", output.getvalue(), "application/zip")
        self._mail()
        for _ in range(self._number_of_inserts):
            self._inserts.insert()

    def _put(self, key: str, content: bytes, media_type: str) -> Any:
        return self._ports.storage.put(
            ObjectKey(key), BytesIO(content), size_bytes=len(content), media_type=media_type
        )

    def _mail(self) -> None:
        text = RenderedEmail(subject="Your photos", text=BODY, html=f"<p>{BODY}</p>")
        mail = OutgoingEmail(
            email_id=EmailId(uuid4()),
            order_id=OrderId(uuid4()),
            to=f"{self._name}@customer.example",
            to_name="Ada",
            content=text,
        )
        self._ports.mailer.send(mail)
