"""How a model is asked: each has its own word for the picture it takes, and its own further inputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ModelInputs:
    """One way to have a picture restored."""

    model: str  # OWNER/NAME or OWNER/NAME:VERSION
    input_name: str
    extra_input: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Where predictions of this model are created."""
        return "/v1/predictions" if self._version else f"/v1/models/{self.model}/predictions"

    def body(self, picture_url: str) -> dict[str, Any]:
        """What a prediction on the picture is created with."""
        body: dict[str, Any] = {"input": {**self.extra_input, self.input_name: picture_url}}
        return body | {"version": self._version} if self._version else body

    @property
    def _version(self) -> str:
        return self.model.partition(":")[2]
