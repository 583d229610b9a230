"""What a Replicate account and its models are, read by their operator."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from adapters.restorer_replicate.api import ReplicateRestorer
from domain.ports.errors import RefusedError


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """A model in one version.

    ``inputs`` are the JSON schemas of its inputs by name, None if Replicate shows none.
    """

    is_official: bool
    inputs: Mapping[str, Mapping[str, Any]] | None
    required: Collection[str]


class _Schema(msgspec.Struct):
    components: dict[str, dict[str, Any]] = {}


class _Version(msgspec.Struct):
    id: str
    openapi_schema: _Schema | None = None


class _Model(msgspec.Struct):
    owner: str
    name: str
    is_official: bool = False
    latest_version: _Version | None = None


class _Account(msgspec.Struct):
    username: str


class _Secret(msgspec.Struct):
    key: str


class ReplicateAccount:
    """Reads the account of a restorer's token."""

    def __init__(self, restorer: ReplicateRestorer) -> None:
        self._restorer = restorer

    def username(self) -> str:
        """The account's name; raises AccountRefusedError for a wrong token."""
        return self._restorer.ask(_Account, "GET", "/v1/account").username

    def webhook_secret(self) -> str:
        """The key that signs the account's webhooks."""
        return self._restorer.ask(_Secret, "GET", "/v1/webhooks/default/secret").key

    def model(self, full_name: str) -> ModelFacts | None:
        """A model, as OWNER/NAME or OWNER/NAME:VERSION; None if there is none."""
        name, _, wanted = full_name.partition(":")
        try:
            model = self._restorer.ask(_Model, "GET", f"/v1/models/{name}")
            version = model.latest_version
            if wanted:
                version = self._restorer.ask(_Version, "GET", f"/v1/models/{name}/versions/{wanted}")
        except RefusedError as error:
            if error.code == str(httpx.codes.NOT_FOUND.value):
                return None
            raise
        schemas = (
            version.openapi_schema.components.get("schemas", {}) if version and version.openapi_schema else {}
        )
        inputs = schemas.get("Input", {})
        return ModelFacts(
            is_official=model.is_official,
            inputs=inputs.get("properties"),
            required=inputs.get("required", ()),
        )
