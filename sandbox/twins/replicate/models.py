"""The available models with their input names, behind one local engine."""

from dataclasses import dataclass

from sandbox.restoration import DESCRIPTION
from sandbox.twins.common import Json
from sandbox.twins.replicate.errors import InvalidInputError, InvalidVersionError, MissingError
from sandbox.twins.replicate.inputs import complaint, complaints_about

#: In place of a version that the provider hides.
HIDDEN = "hidden"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model, its current version, and the JSON schema of its inputs."""

    owner: str
    name: str
    version: str
    #: The input for the picture, which each model names differently.
    picture: str
    inputs: dict[str, Json]
    #: Run by the provider itself: called by name, its version hidden.
    official: bool = False

    @property
    def full_name(self) -> str:
        """Return OWNER/NAME."""
        return f"{self.owner}/{self.name}"

    @property
    def shown_version(self) -> str:
        """Return the version in predictions."""
        return HIDDEN if self.official else self.version

    def check(self, given: object) -> Json:
        """Return the input; raise InvalidInputError if it is invalid."""
        if not isinstance(given, dict):
            raise InvalidInputError([complaint("required", "(root)", "input is required")])
        complaints = []
        if self.picture not in given:
            complaints.append(complaint("required", "input", f"{self.picture} is required"))
        for name, schema in self.inputs.items():
            if name in given:
                complaints += complaints_about(f"input.{name}", given[name], schema)
        if complaints:
            raise InvalidInputError(complaints)
        return given

    def openapi_schema(self) -> Json:
        """Return `latest_version.openapi_schema`."""
        properties = {
            name: {"title": name.replace("_", " ").title(), "x-order": order, **schema}
            for order, (name, schema) in enumerate(self.inputs.items())
        }
        schemas = {
            "Input": {
                "type": "object",
                "title": "Input",
                "required": [self.picture],
                "properties": properties,
            },
            "Output": {"type": "string", "title": "Output", "format": "uri"},
        }
        return {
            "openapi": "3.0.2",
            "info": {"title": "Cog", "version": "0.1.0"},
            "paths": {},
            "components": {"schemas": schemas},
        }

    def version_body(self) -> Json:
        """Return the API's version object."""
        return {
            "id": self.version,
            "created_at": "2025-06-01T00:00:00.000000Z",
            "cog_version": "0.15.8",
            "openapi_schema": self.openapi_schema(),
        }

    def body(self, url: str) -> Json:
        """Return the API's model object."""
        return {
            "url": f"{url}/{self.full_name}",
            "owner": self.owner,
            "name": self.name,
            "description": DESCRIPTION,
            "visibility": "public",
            "is_official": self.official,
            "github_url": None,
            "paper_url": None,
            "license_url": None,
            "run_count": 0,
            "cover_image_url": None,
            "default_example": None,
            "latest_version": self.version_body(),
        }


_URI: Json = {"type": "string", "format": "uri"}

MODELS = (
    Model(
        owner="flux-kontext-apps",
        name="restore-image",
        version="85ae46551612b8f778348846b6ce1ce1b340e384fe2062399c0c412be29e107d",
        picture="input_image",
        official=True,
        inputs={
            "input_image": _URI,
            "seed": {"type": "integer", "nullable": True},
            "output_format": {"type": "string", "enum": ["jpg", "png"], "default": "png"},
            "safety_tolerance": {"type": "integer", "minimum": 0, "maximum": 2, "default": 2},
        },
    ),
    Model(
        owner="tencentarc",
        name="gfpgan",
        version="0fbacf7afc6c144e5be9767cff80f25aff23e52b0708f17e20f9879b2f21516c",
        picture="img",
        inputs={
            "img": _URI,
            "scale": {"type": "number", "default": 2},
            "version": {
                "type": "string",
                "enum": ["v1.2", "v1.3", "v1.4", "RestoreFormer"],
                "default": "v1.4",
            },
        },
    ),
    Model(
        owner="sczhou",
        name="codeformer",
        version="cc4956dd26fa5a7185d5660cc9100fab1b8070a1d1654a8bb5eb6d443b020bb2",
        picture="image",
        inputs={
            "image": _URI,
            "upscale": {"type": "integer", "default": 2},
            "face_upsample": {"type": "boolean", "default": True},
            "background_enhance": {"type": "boolean", "default": True},
            "codeformer_fidelity": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
        },
    ),
    Model(
        owner="nightmareai",
        name="real-esrgan",
        version="f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa",
        picture="image",
        inputs={
            "image": _URI,
            "scale": {"type": "number", "minimum": 0, "maximum": 10, "default": 4},
            "face_enhance": {"type": "boolean", "default": False},
        },
    ),
    Model(
        owner="microsoft",
        name="bringing-old-photos-back-to-life",
        version="c75db81db6cbd809d93cc3b7e7a088a351a3349c9fa02b6d393e35e0d51ba799",
        picture="image",
        inputs={
            "image": _URI,
            "HR": {"type": "boolean", "default": False},
            "with_scratch": {"type": "boolean", "default": False},
        },
    ),
)


def named(full_name: str) -> Model:
    """Return the model "owner/name"; raise MissingError if unknown."""
    for model in MODELS:
        if model.full_name == full_name:
            return model
    raise MissingError


def with_version(wanted: object) -> Model:
    """Return the model by version id, "owner/name:id" or "owner/name".

    Raises InvalidInputError without a version, InvalidVersionError for an unknown one.
    """
    if not isinstance(wanted, str):
        raise InvalidInputError([complaint("required", "(root)", "version is required")])
    for model in MODELS:
        if wanted in {model.version, model.full_name, f"{model.full_name}:{model.version}"}:
            return model
    raise InvalidVersionError
