"""Signed tokens: download, webhook, payment, object and points tokens.

All are HMAC-SHA256 under the shop's secret key, so they are not stored: they can be computed again with it. Of a
download token, the database stores only the SHA-256.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from domain.order.values import (
    CustomerId,
    DownloadLinkId,
    ImageId,
    ObjectKey,
    OrderId,
    Sha256,
    UploadSessionId,
)
from domain.referral_program import PROOF_LENGTH, spoken


class TokenSigner:
    """Creates and verifies tokens under one secret key."""

    def __init__(self, secret_key: bytes) -> None:
        self._secret_key = secret_key

    def download_token(self, link_id: DownloadLinkId) -> str:
        """The token of a download link: 43 URL-safe, opaque characters."""
        return self._sign("download", link_id)

    def prediction_token(self, order_id: OrderId, image_id: ImageId, attempt: int) -> str:
        """The token in a webhook address: this shop started this attempt's prediction."""
        return self._sign("restoration", order_id, image_id, attempt)

    def is_prediction_token(self, token: str, order_id: OrderId, image_id: ImageId, attempt: int) -> bool:
        """Whether the token is valid, compared in constant time."""
        expected = self.prediction_token(order_id, image_id, attempt)
        return hmac.compare_digest(token.encode(), expected.encode())

    def payment_token(self, upload_session_id: UploadSessionId, order_id: OrderId) -> str:
        """The token in a payment's metadata: this shop opened its checkout."""
        return self._sign("payment", upload_session_id, order_id)

    def is_payment_token(
        self, payment_token: str, upload_session_id: UploadSessionId, order_id: OrderId
    ) -> bool:
        """Whether the token is valid, compared in constant time."""
        return _is_same(payment_token, self.payment_token(upload_session_id, order_id))

    def shop_name(self) -> str:
        """This shop's identifier in a shared bucket; reveals nothing of the key."""
        return self._sign("shop")[:16]

    def object_token(self, key: ObjectKey, labels: Mapping[str, str]) -> str:
        """The token in an object's metadata: this shop wrote its labels."""
        return self._sign("object", key, *(f"{name}={labels[name]}" for name in sorted(labels)))

    def is_object_token(self, token: str, key: ObjectKey, labels: Mapping[str, str]) -> bool:
        """Whether the token is valid, compared in constant time."""
        return _is_same(token, self.object_token(key, labels))

    def points_token(self, customer_id: CustomerId) -> str:
        """The secret part of a points code; only the customer receives it."""
        return spoken(self._digest("points", customer_id), PROOF_LENGTH)

    def is_points_token(self, proof: str, customer_id: CustomerId) -> bool:
        """Whether the token is this customer's, compared in constant time."""
        return hmac.compare_digest(proof.encode(), self.points_token(customer_id).encode())

    def _sign(self, *parts: object) -> str:
        return urlsafe_b64encode(self._digest(*parts)).rstrip(b"=").decode()

    def _digest(self, *parts: object) -> bytes:
        message = ":".join(str(part) for part in parts).encode()
        return hmac.new(self._secret_key, message, hashlib.sha256).digest()


def _is_same(given: str, expected: str) -> bool:
    """Compare in constant time.

    A token that a provider returned may contain characters that have no encoding.
    """
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def sha256_of(content: str | bytes) -> Sha256:
    """The checksum that is stored instead of a token or message."""
    raw = content.encode() if isinstance(content, str) else content
    return Sha256(hashlib.sha256(raw).hexdigest())
