"""All settings that a shop requires, for providers that nothing asks."""

import base64

from cryptography.hazmat.primitives import serialization

from tests.entrypoints.support.http_fixtures import SENDGRID_KEY


def complete_settings() -> dict[str, str]:
    """The settings without the database's address."""
    public_key = SENDGRID_KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "S3_ENDPOINT": "http://127.0.0.1:9",
        "S3_ACCESS_KEY": "access-key",
        "S3_SECRET_KEY": "secret-key",
        "STRIPE_SECRET_KEY": "sk_test_shop",
        "STRIPE_WEBHOOK_SECRET": "whsec_shop",
        "REPLICATE_API_TOKEN": "r8_shop_of_the_test",
        "REPLICATE_WEBHOOK_SECRET": "whsec_dGhlIGRvb3J3YXk=",
        "SENDGRID_API_KEY": "SG.shop_of_the_test",
        "SENDGRID_WEBHOOK_PUBLIC_KEY": base64.b64encode(public_key).decode(),
        "SENDER_ADDRESS": "photos@shop.example",
        "WORKER_SECRET_KEY": "canary" * 8,
        "PUBLIC_URL": "https://shop.example",
    }
