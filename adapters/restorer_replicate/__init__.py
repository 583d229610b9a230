"""Restoration through Replicate: predictions, webhooks and listings."""

from adapters.restorer_replicate.api import ReplicateRestorer
from adapters.restorer_replicate.listings import ReplicateListing
from adapters.restorer_replicate.model_inputs import ModelInputs
from adapters.restorer_replicate.webhooks import ReplicateWebhookParser

__all__ = ["ModelInputs", "ReplicateListing", "ReplicateRestorer", "ReplicateWebhookParser"]
