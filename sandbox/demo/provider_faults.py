"""Planned faults of the twins, and sentences about when they strike."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

import httpx2

from sandbox.demo.errors import DemoError
from sandbox.demo.http_customer import SHORT_IDLE, Json
from sandbox.demo.wording import counted, duration_text

#: How long a provider stays away: longer than one request takes, short enough to watch.
OUTAGE_SECONDS = 2.0

_TIMEOUT_SECONDS = 10.0

_REFUSAL = {"error": "NSFW content detected. (E005)"}


class SilentTwinError(DemoError):
    """A twin's control interface does not answer as it should."""

    def __init__(self, asked: str, problem: str) -> None:
        self.asked = asked
        super().__init__(f"The sandbox cannot be set to misbehave: {asked} brought {problem}.")


@dataclass(frozen=True, kw_only=True)
class ProviderFault:
    """A rule for a twin, and the sentences for when it strikes."""

    twin: str
    rule: Mapping[str, Any]
    sentence: str  # what happens
    answer: str  # what the shop does about it
    outage_of: str = ""  # whose it is; empty if the rule ends by itself


#: In the order in which they should strike; a rule for the first model is none for the second.
PROVIDER_FAULTS = (
    ProviderFault(
        twin="replicate",
        rule={"on": "* /v1/*", "do": "refuse", "times": None},
        sentence="Replicate is away: it closes every connection.",
        answer="Pending work is in the database, and is retried after growing waits.",
        outage_of="Replicate",
    ),
    ProviderFault(
        twin="replicate",
        rule={"on": "prediction:flux-kontext-apps/restore-image", "do": "fail", "options": _REFUSAL},
        sentence=f'The model refuses a photo ("{_REFUSAL["error"]}").',
        answer="It would do so again: the shop offers the photo to its second model.",
    ),
    ProviderFault(
        twin="replicate",
        rule={"on": "webhook:completed", "do": "never"},
        sentence="Replicate's webhook about the end of a prediction is lost on the way.",
        answer="The shop looks by itself when it has not heard for a while.",
    ),
    ProviderFault(
        twin="replicate",
        rule={"on": "prediction:tencentarc/gfpgan", "do": "fail", "options": _REFUSAL},
        sentence=f'The second model refuses it, too ("{_REFUSAL["error"]}").',
        answer="There is no third: the photo's share of the price has to be refunded.",
    ),
    ProviderFault(
        twin="stripe",
        rule={"on": "POST /v1/refunds", "do": "status", "status": 503, "times": None},
        sentence="Stripe is away: it answers 503 to the request for the refund.",
        answer="The delivery does not wait for it; the refund is asked for again, under the same key.",
        outage_of="Stripe",
    ),
)


class TwinControl:
    """The control interfaces of the twins."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses
        self._http = httpx2.Client(trust_env=False, timeout=_TIMEOUT_SECONDS, limits=SHORT_IDLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ledger(self, twin: str) -> dict[str, list[Json]]:
        """What a provider knows: its objects by kind."""
        objects: dict[str, list[Json]] = self._ask("GET", twin, "ledger").json()["objects"]
        return objects

    def arm(self, twin: str, rule: Mapping[str, Any]) -> str:
        """Have a twin misbehave; gives the rule's id."""
        rule_id: str = self._ask("POST", twin, "faults", rule).json()["id"]
        return rule_id

    def fired(self, twin: str) -> dict[str, int]:
        """How often each rule has struck, by its id."""
        return {rule["id"]: rule["fired"] for rule in self._ask("GET", twin, "faults").json()}

    def lift(self, twin: str, rule_id: str) -> None:
        """Take a rule back."""
        self._ask("DELETE", twin, f"faults/{rule_id}")

    def _ask(
        self, method: str, twin: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx2.Response:
        asked = f"{method} /_twin/{path} at the {twin} twin"
        try:
            answer = self._http.request(method, f"{self._addresses[twin]}/_twin/{path}", json=body)
        except httpx2.HTTPError as error:
            raise SilentTwinError(asked, repr(error)) from error
        if not answer.is_success:
            raise SilentTwinError(asked, f"{answer.status_code} {answer.text}")
        return answer


@dataclass
class _Armed:
    fault: ProviderFault
    rule_id: str
    struck_at: float | None = None
    is_over: bool = False


@dataclass
class FaultPlan:
    """The faults of one order, from their arming until all are over."""

    twin_control: TwinControl
    faults: Sequence[ProviderFault] = PROVIDER_FAULTS
    outage_seconds: float = OUTAGE_SECONDS
    armed: list[_Armed] = field(default_factory=list)

    def begin(self) -> None:
        """Tell the twins."""
        for fault in self.faults:
            rule_id = self.twin_control.arm(fault.twin, fault.rule)
            self.armed.append(_Armed(fault, rule_id))

    def news(self) -> Iterator[str]:
        """Sentences about new strikes, and about outages that end now."""
        open_ones = [each for each in self.armed if not each.is_over]
        fired = {twin: self.twin_control.fired(twin) for twin in {each.fault.twin for each in open_ones}}
        for each in open_ones:
            strikes = fired[each.fault.twin][each.rule_id]
            if each.struck_at is None and strikes:
                each.struck_at = time.monotonic()
                each.is_over = not each.fault.outage_of
                yield f"{each.fault.sentence} {each.fault.answer}"
            elif each.struck_at is not None and time.monotonic() - each.struck_at > self.outage_seconds:
                yield self._end(each, strikes, time.monotonic() - each.struck_at)

    @property
    def missed(self) -> list[str]:
        """What was to go wrong and did not, or is not over."""
        return [each.fault.sentence for each in self.armed if not each.is_over]

    def _end(self, outage: _Armed, strikes: int, seconds: float) -> str:
        self.twin_control.lift(outage.fault.twin, outage.rule_id)
        outage.is_over = True
        return back(outage.fault, strikes, timedelta(seconds=seconds))


def back(outage: ProviderFault, strikes: int, lasted: timedelta) -> str:
    """What is said when an outage is over."""
    refused = counted(strikes, "request")
    return f"{outage.outage_of} is back after {duration_text(lasted)}; it had turned away {refused}."
