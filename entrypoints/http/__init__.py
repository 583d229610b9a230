"""The HTTP API and its pages: uploads, checkout, webhooks, orders and downloads."""

from entrypoints.http.application import create_app
from entrypoints.http.pages.brand import BrandError
from entrypoints.http.server import CannotListenError, announce, run, serve

__all__ = ["BrandError", "CannotListenError", "announce", "create_app", "run", "serve"]
