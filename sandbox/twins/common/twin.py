"""The parts of a twin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from litestar.types import ControllerRouterHandler, ExceptionHandlersMap

from sandbox.twins.common.fault_middleware import Layer
from sandbox.twins.common.faults import FaultRules
from sandbox.twins.common.recorded_state import TwinState
from sandbox.twins.common.runtime_options import RuntimeOptions
from sandbox.twins.common.webhooks import WebhookSender


@dataclass(frozen=True, kw_only=True)
class Twin:
    """Everything in which one twin differs from the others."""

    name: str
    ledger: TwinState
    faults: FaultRules
    settings: RuntimeOptions[Any]
    webhooks: WebhookSender
    handlers: Sequence[ControllerRouterHandler]
    #: Dependencies of the handlers by parameter name, besides `twin` itself.
    dependencies: Mapping[str, object] = field(default_factory=dict)
    #: The provider's error format, for a fault with a status and no body.
    error_body: Callable[[int], object]
    #: The provider's own ASGI layers between recorder and faults, outermost first.
    layers: Sequence[Layer] = ()
    exception_handlers: ExceptionHandlersMap = field(default_factory=dict)
    #: Further fields of the announcement.
    announcement: Mapping[str, str] = field(default_factory=dict)
