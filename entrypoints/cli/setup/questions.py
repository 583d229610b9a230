"""What `setup` asks for, and where each is found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from entrypoints.settings import Settings
from entrypoints.settings_problems import problems


@dataclass(frozen=True, kw_only=True)
class Question:
    """A setting that a person has to give.

    ``where`` may contain ``{webhooks}``, the base of the webhook addresses.
    """

    name: str
    where: str
    is_secret: bool = False
    suggestion: str | None = None


QUESTIONS = (
    Question(
        name="PUBLIC_URL",
        where="The address where customers reach the shop, with your TLS proxy in front: https://photos.example",
    ),
    Question(
        name="DATABASE_URL",
        where="PostgreSQL 15 or later, as postgresql://USER:PASSWORD@HOST/DATABASE",
        is_secret=True,
    ),
    Question(
        name="REDIS_URL",
        where="Redis or Valkey; it needs no backup",
        suggestion="redis://127.0.0.1:6379/0",
    ),
    Question(
        name="S3_ENDPOINT",
        where="The S3 server that keeps the photos",
        suggestion="http://127.0.0.1:8333",
    ),
    Question(name="S3_ACCESS_KEY", where="The access key of the S3 server", is_secret=True),
    Question(name="S3_SECRET_KEY", where="The secret key of the S3 server", is_secret=True),
    Question(
        name="STRIPE_SECRET_KEY",
        where="Stripe's dashboard, Developers, API keys: the secret key. sk_test_... takes no real money",
        is_secret=True,
    ),
    Question(
        name="STRIPE_WEBHOOK_SECRET",
        where="Stripe's dashboard, Developers, Webhooks: add an endpoint for {webhooks}/stripe, and copy its signing"
        " secret",
        is_secret=True,
    ),
    Question(
        name="REPLICATE_API_TOKEN",
        where="replicate.com, your account, API tokens",
        is_secret=True,
    ),
    Question(
        name="REPLICATE_WEBHOOK_SECRET",
        where="replicate.com, your account, Webhooks: the signing key",
        is_secret=True,
    ),
    Question(
        name="SENDGRID_API_KEY",
        where="SendGrid, Settings, API Keys: a key that may send mail and read sender authentication and mail settings",
        is_secret=True,
    ),
    Question(
        name="SENDGRID_WEBHOOK_PUBLIC_KEY",
        where="SendGrid, Settings, Mail Settings, Event Webhooks: add one for {webhooks}/sendgrid with all events of"
        " delivery, enable its signature, and copy the verification key",
    ),
    Question(
        name="SENDER_ADDRESS",
        where="The address that mails come from; SendGrid must have verified it or, better, authenticated its domain",
    ),
)

#: Settings that only have to be random.
GENERATED = ("WORKER_SECRET_KEY", "LINK_SIGNING_KEY")


def problem_with(name: str, answer: str) -> str | None:
    """What is wrong with an answer; None if it fits."""
    field = Settings.model_fields[name.lower()]
    fields: dict[str, Any] = {name.lower(): (field.annotation, field)}
    one: type[BaseModel] = create_model("OneSetting", **fields)
    try:
        one.model_validate({name.lower(): answer})
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return problems(details, {name.lower(): field})[0]
    return None


def webhook_base(known: Mapping[str, str]) -> str:
    """Where providers reach the shop, as far as that is known."""
    address = known.get("WEBHOOK_URL") or known.get("PUBLIC_URL") or "PUBLIC_URL"
    return f"{address.rstrip('/')}/api/webhooks"
