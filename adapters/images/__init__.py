"""Picture files that strangers send: inspected, normalised and shrunk within limits."""

from adapters.images.inspector import PillowInspector
from adapters.images.opening import FORMATS

__all__ = ["FORMATS", "PillowInspector"]
