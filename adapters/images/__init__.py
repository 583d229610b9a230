"""Picture files that strangers send: inspected, normalised and shrunk within limits."""

from adapters.images.inspector import FORMATS, PillowInspector

__all__ = ["FORMATS", "PillowInspector"]
