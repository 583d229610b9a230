"""An order's calls of its metrics, noted to be repeated alone."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from adapters.metrics_prometheus.recorder import MetricsRecorder
from adapters.observed_calls import observed
from domain.order.order import Order
from domain.ports.reaction_queue import Claim
from entrypoints.bootstrap.monitoring import Monitoring
from entrypoints.build_info import version
from entrypoints.http.request_metrics import report_request


class _Adapter:
    """An adapter whose methods do nothing."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        return lambda: None


@dataclass
class Metrics:
    """A process's recorder, with what production has before it."""

    recorder: MetricsRecorder = field(default_factory=lambda: MetricsRecorder(version()))
    adapters: dict[str, Any] = field(default_factory=dict)

    def call(self, provider: str, method: str) -> None:
        """Call an adapter that does nothing, observed as production's are."""
        if provider not in self.adapters:
            self.adapters[provider] = observed(_Adapter(), provider, Monitoring(self.recorder).call_observers)
        getattr(self.adapters[provider], method)()

    def attempt(self, claim: Claim, order: Order) -> None:
        """Surround an attempt that does nothing."""
        with self.recorder.attempting(claim, order):
            pass


def _noted(name: str) -> Any:
    def note(recorder: "NotingRecorder", *given: Any, **named: Any) -> None:
        recorder.calls.append(lambda metrics: getattr(metrics.recorder, name)(*given, **named))

    return note


class NotingRecorder(MetricsRecorder):
    """A recorder that notes its calls; ``calls`` repeat them on other metrics."""

    def __init__(self) -> None:
        super().__init__(version())
        self.calls: list[Callable[[Metrics], object]] = []

    def repeat_on(self, metrics: Metrics) -> None:
        """Make every noted call once more."""
        for call in self.calls:
            call(metrics)

    committed = _noted("committed")
    conflicted = _noted("conflicted")
    attempt_ended = _noted("attempt_ended")
    call_overran = _noted("call_overran")
    prediction_started = _noted("prediction_started")
    prediction_ended = _noted("prediction_ended")

    def attempting(self, claim: Claim, order: Order) -> AbstractContextManager[None]:
        """Note an attempt."""
        self.calls.append(lambda metrics: metrics.attempt(claim, order))
        return super().attempting(claim, order)

    def call_ended(self, provider: str, call: str, seconds: float, error: BaseException | None) -> None:  # noqa: ARG002 -- the port's
        """Note a call to a provider."""
        self.calls.append(lambda metrics: metrics.call(provider, call))

    def request_ended(
        self, method: str, path: str, status: int, seconds: float, problem: str | None = None
    ) -> None:
        """Note a request; whether it was a webhook follows from its path."""
        scope: Any = {"method": method, "path_template": path, "state": {"problem": problem}}
        self.calls.append(lambda metrics: report_request(metrics.recorder, scope, status, seconds))

    def webhook_ended(self, provider: str, verdict: str, seconds: float) -> None:
        """Note nothing: the request's report repeats it."""
