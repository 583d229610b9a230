"""What every twin is made of: a ledger, faults on order, signed webhooks, and a process to live in.

A twin's `__main__` reads top to bottom: parse the command line (`parser`), bind the socket (`listen`), open
the `Ledger`, put a `Twin` together, `serve` it. docs/sandbox.md tells how to use the result.
"""

from sandbox.twins.kit.control import GIVEN
from sandbox.twins.kit.exchange import Exchange, Layer, exchange_of
from sandbox.twins.kit.faults import ArmedFault, Fault, FaultBook
from sandbox.twins.kit.ledger import Json, Ledger
from sandbox.twins.kit.process import application, listen, parser, serve
from sandbox.twins.kit.settings import SettingsBook, TwinSettings
from sandbox.twins.kit.twin import Twin
from sandbox.twins.kit.webhooks import Delivery, WebhookSender

__all__ = [
    "GIVEN",
    "ArmedFault",
    "Delivery",
    "Exchange",
    "Fault",
    "FaultBook",
    "Json",
    "Layer",
    "Ledger",
    "SettingsBook",
    "Twin",
    "TwinSettings",
    "WebhookSender",
    "application",
    "exchange_of",
    "listen",
    "parser",
    "serve",
]
