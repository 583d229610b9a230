"""Restoration through Replicate: predictions over its API, and what its webhooks tell."""

from adapters.restorer_replicate.api import ReplicateRestorer
from adapters.restorer_replicate.listings import ReplicateLedger
from adapters.restorer_replicate.model_inputs import Recipe
from adapters.restorer_replicate.webhooks import ReplicateNotices

__all__ = ["Recipe", "ReplicateLedger", "ReplicateNotices", "ReplicateRestorer"]
