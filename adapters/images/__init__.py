"""Untrusted picture files: inspected, normalized and thumbnailed within limits."""

from adapters.images.inspector import PillowInspector
from adapters.images.opening import FORMATS

__all__ = ["FORMATS", "PillowInspector"]
