"""Restoration through Replicate: predictions over its API, and what its webhooks tell."""

from adapters.restorer_replicate.api import ReplicateRestorer
from adapters.restorer_replicate.notices import ReplicateNotices

__all__ = ["ReplicateNotices", "ReplicateRestorer"]
