"""Deliver webhooks: retry each until it is accepted, unless it is lost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.ports.email import EmailWebhookEvent
from domain.ports.errors import ForgedMessageError
from domain.ports.payments import PaymentWebhookEvent
from domain.ports.restorer import PredictionWebhookEvent
from domain.signed_tokens import sha256_of
from tests.simulation.faults import Fault, Faults
from tests.simulation.laws.errors import LawBrokenError
from tests.simulation.requests import Answer
from tests.simulation.scheduler import DAY, HOUR, MINUTE, SECOND, Process, Scheduler
from tests.simulation.trace import Trace

WebhookEvent = PaymentWebhookEvent | PredictionWebhookEvent | EmailWebhookEvent

#: The waits before each attempt, as the providers document them: three days, a minute, a day in total.
ATTEMPTS = {
    "stripe": (
        SECOND,
        MINUTE,
        5 * MINUTE,
        30 * MINUTE,
        2 * HOUR,
        5 * HOUR,
        10 * HOUR,
        12 * HOUR,
        12 * HOUR,
        DAY,
    ),
    "replicate": (SECOND, 5 * SECOND, 10 * SECOND, 20 * SECOND, 25 * SECOND),
    "sendgrid": (2 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR),
}
SIGNATURE = "x-signature"


def signature_of(body: bytes) -> str:
    """The signature of a body, which only providers can make."""
    return sha256_of(b"only providers know this" + body)


@dataclass
class WebhookDelivery:
    """Delivers the providers' webhooks.

    ``ask`` sends a request to the shop and returns the answer, if any.
    """

    scheduler: Scheduler
    faults: Faults
    trace: Trace
    outside: Process
    ask: Callable[..., Answer | None]
    webhook_events: dict[str, WebhookEvent] = field(default_factory=dict)  # by the id in the body
    undelivered: int = 0

    def post(self, source: str, name: str, webhook_event: WebhookEvent, path: str, *, after: int = 0) -> None:
        """Schedule the delivery of a webhook event."""
        self.webhook_events[name] = webhook_event
        struck = self.faults.at("webhook", f"{source} {name}")
        if Fault.LOST in struck:
            self.faults.strike(struck.name, Fault.LOST)
            self.trace.note(f"FAULT {Fault.LOST}", struck.name, who=source)
            return
        delays = [after]
        if Fault.DUPLICATE in struck:
            delays.append(after + 3 * SECOND)
        late = 0
        if Fault.DELAY in struck:
            late += int(self.faults.chance.between(f"late {struck.name}", 1, 90) * MINUTE)
        if Fault.REORDER in struck:
            late += int(self.faults.chance.between(f"reorder {struck.name}", 1, 30) * SECOND)
        for fault in struck.faults:
            self.faults.strike(struck.name, fault)
            self.trace.note(f"FAULT {fault}", struck.name, who=source)
        for copy, delay in enumerate(delays, start=1):
            self.undelivered += 1
            self.scheduler.spawn(
                f"{source} {name} ({copy})",
                lambda: self._deliver(source, name, path),
                self.outside,
                after=delay + late,
            )

    def _deliver(self, source: str, name: str, path: str) -> None:
        body = name.encode()
        for wait in ATTEMPTS[source]:
            self.scheduler.sleep(wait)
            answer = self.ask(source, "POST", path, body=body, headers={SIGNATURE: signature_of(body)})
            if answer is not None and answer.status == 200:
                break
            if answer is not None and answer.status < 500:
                raise LawBrokenError(0, f"A genuine message was refused with {answer.status}.", name)
        else:
            self.trace.note("gives up a message", name)
        self.undelivered -= 1


@dataclass
class SignedPaymentWebhooks:
    """Checks a webhook's signature on the raw bytes, then looks it up."""

    postman: WebhookDelivery

    def read(self, body: bytes, headers: Mapping[str, str]) -> Any:
        """Return the webhook event; raise ForgedMessageError if its signature is wrong."""
        if headers.get(SIGNATURE) != signature_of(body):
            raise ForgedMessageError("A provider", "the signature is not theirs")
        return self.postman.webhook_events[body.decode()]

    def contents(self, body: bytes) -> bytes:
        """The whole body."""
        return body


class SignedEmailWebhooks(SignedPaymentWebhooks):
    """The same for a provider that posts several events at once."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[EmailWebhookEvent]:
        """The one webhook event, as a list."""
        return [super().read(body, headers)]
