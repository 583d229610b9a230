"""How the models of the shop under test are told to refuse a photo."""

from typing import Any

#: Where each of the shop's two models can be told to misbehave.
FIRST, SECOND = "prediction:flux-kontext-apps/restore-image", "prediction:tencentarc/gfpgan"

#: What the next prediction of a model fails with: no further attempt would go better there.
REFUSAL: dict[str, Any] = {"do": "fail", "options": {"error": "NSFW content detected. (E005)"}}
