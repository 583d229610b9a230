"""What every twin is made of: a ledger, faults on order, signed webhooks, and a process to live in.

A twin's `__main__` reads top to bottom: parse the command line (`parser`), bind the socket (`listen`), open
the `Ledger`, put a `Twin` together, `serve` it. docs/sandbox.md tells how to use the result.
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
