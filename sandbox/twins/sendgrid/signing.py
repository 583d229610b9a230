"""Signatures of the event webhook, with an elliptic key per account."""

import base64
import time
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.twins.common import Delivery, TwinState

_KEY = "event-webhook-key"


class EventSigner:
    """Sign with a key that is created once and stored."""

    def __init__(self, ledger: TwinState) -> None:
        stored = ledger.get_blob(_KEY)
        if stored is None:
            self._key = ec.generate_private_key(ec.SECP256R1())
            ledger.put_blob(_KEY, _pem(self._key))
        else:
            loaded = serialization.load_pem_private_key(stored, password=None)
            if not isinstance(loaded, ec.EllipticCurvePrivateKey):
                raise TypeError("The stored webhook key is not an elliptic one; use a new folder.")
            self._key = loaded

    @property
    def public_key(self) -> str:
        """Return the public key in SendGrid's format: base64 of DER."""
        encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return base64.b64encode(self._key.public_key().public_bytes(encoding, form)).decode()

    def headers(self, delivery: Delivery, *, is_signed: bool = True) -> Mapping[str, str]:
        """Sign one attempt: ECDSA with SHA-256 over timestamp and body."""
        if not is_signed:
            return {"User-Agent": "SendGrid Event API"}
        timestamp = str(int(time.time()))
        signature = self._key.sign(timestamp.encode() + delivery.body, ec.ECDSA(hashes.SHA256()))
        return {
            "User-Agent": "SendGrid Event API",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
