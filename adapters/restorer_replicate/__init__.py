"""Restoration through Replicate: predictions over its API, and what its webhooks tell."""

from adapters.restorer_replicate.api import ReplicateRestorer
from adapters.restorer_replicate.ledger import ReplicateLedger
from adapters.restorer_replicate.notices import ReplicateNotices
from adapters.restorer_replicate.recipes import Recipe

__all__ = ["Recipe", "ReplicateLedger", "ReplicateNotices", "ReplicateRestorer"]
