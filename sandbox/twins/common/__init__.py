"""The framework of the twins: recorded state, faults, webhooks, process.

A twin's `__main__` parses the command line (`parser`), binds the socket (`listen`), opens the `TwinState`, builds a
`Twin` and calls `serve`. See docs/sandbox.md for its use.
"""

from sandbox.twins.common.control import GIVEN
from sandbox.twins.common.fault_middleware import Exchange, Layer, exchange_of
from sandbox.twins.common.faults import ArmedFault, Fault, FaultRules
from sandbox.twins.common.process import application, listen, parser, serve
from sandbox.twins.common.recorded_state import Json, TwinState
from sandbox.twins.common.runtime_options import RuntimeOptions, TwinSettings
from sandbox.twins.common.twin import Twin
from sandbox.twins.common.webhooks import Delivery, WebhookSender

__all__ = [
    "GIVEN",
    "ArmedFault",
    "Delivery",
    "Exchange",
    "Fault",
    "FaultRules",
    "Json",
    "Layer",
    "RuntimeOptions",
    "Twin",
    "TwinSettings",
    "TwinState",
    "WebhookSender",
    "application",
    "exchange_of",
    "listen",
    "parser",
    "serve",
]
