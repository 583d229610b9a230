"""Fault rules that make the shop's models refuse a photo."""

from typing import Any

#: The fault rule's target for each of the shop's two models.
FIRST, SECOND = "prediction:flux-kontext-apps/restore-image", "prediction:tencentarc/gfpgan"

#: Fails a model's next prediction with an error that no further attempt would avoid.
REFUSAL: dict[str, Any] = {"do": "fail", "options": {"error": "NSFW content detected. (E005)"}}
