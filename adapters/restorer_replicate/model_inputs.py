"""Model inputs: each model names its picture and options differently."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ModelInputs:
    """A model, its input names, and its fixed options."""

    model: str  # OWNER/NAME or OWNER/NAME:VERSION
    input_name: str
    extra_input: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Return the path that creates predictions of this model."""
        return "/v1/predictions" if self._version else f"/v1/models/{self.model}/predictions"

    def body(self, picture_url: str) -> dict[str, Any]:
        """Return the request body for a prediction on this picture."""
        body: dict[str, Any] = {"input": {**self.extra_input, self.input_name: picture_url}}
        return body | {"version": self._version} if self._version else body

    @property
    def _version(self) -> str:
        return self.model.partition(":")[2]
