"""Signed tokens: download, webhook, payment, object and points tokens.

All are HMAC-SHA256 under the shop's secret key, so they are not stored: they can be computed again with it. Of a
download token, the database stores only the SHA-256. While the key is rotated, tokens of the earlier keys stay valid.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence

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
    """Creates tokens under the first key, verifies them under all."""

    def __init__(self, secret_key: bytes, *earlier_keys: bytes) -> None:
        self._keys = (secret_key, *earlier_keys)

    def download_token(self, link_id: DownloadLinkId) -> str:
        """The token of a new download link: 43 URL-safe, opaque characters."""
        return self._sign("download", link_id)

    def issued_download_token(self, link_id: DownloadLinkId, token_sha256: Sha256) -> str:
        """The token of an existing link, as it was issued.

        If none of the keys is that one, the token under the first: the link does not open with it.
        """
        tokens = [_encoded(each) for each in self._digests("download", link_id)]
        return next((token for token in tokens if sha256_of(token) == token_sha256), tokens[0])

    def prediction_token(self, order_id: OrderId, image_id: ImageId, attempt: int) -> str:
        """The token in a webhook address: this shop started this attempt's prediction."""
        return self._sign("restoration", order_id, image_id, attempt)

    def is_prediction_token(self, token: str, order_id: OrderId, image_id: ImageId, attempt: int) -> bool:
        """Whether the token is valid, compared in constant time."""
        return self._is_signed(token, "restoration", order_id, image_id, attempt)

    def payment_token(self, upload_session_id: UploadSessionId, order_id: OrderId) -> str:
        """The token in a payment's metadata: this shop opened its checkout."""
        return self._sign("payment", upload_session_id, order_id)

    def is_payment_token(
        self, payment_token: str, upload_session_id: UploadSessionId, order_id: OrderId
    ) -> bool:
        """Whether the token is valid, compared in constant time."""
        return self._is_signed(payment_token, "payment", upload_session_id, order_id)

    def shop_names(self) -> tuple[str, ...]:
        """This shop's identifiers in a shared bucket, by key; they reveal none."""
        return tuple(_encoded(each)[:16] for each in self._digests("shop"))

    def object_token(self, key: ObjectKey, labels: Mapping[str, str]) -> str:
        """The token in an object's metadata: this shop wrote its labels."""
        return self._sign("object", key, *_sorted(labels))

    def is_object_token(self, token: str, key: ObjectKey, labels: Mapping[str, str]) -> bool:
        """Whether the token is valid, compared in constant time."""
        return self._is_signed(token, "object", key, *_sorted(labels))

    def points_token(self, customer_id: CustomerId) -> str:
        """The secret part of a points code; only the customer receives it."""
        return spoken(self._digests("points", customer_id)[0], PROOF_LENGTH)

    def is_points_token(self, proof: str, customer_id: CustomerId) -> bool:
        """Whether the token is this customer's, compared in constant time."""
        digests = self._digests("points", customer_id)
        return _is_any(proof, [spoken(each, PROOF_LENGTH) for each in digests])

    def _sign(self, *parts: object) -> str:
        return _encoded(self._digests(*parts)[0])

    def _is_signed(self, token: str, *parts: object) -> bool:
        return _is_any(token, [_encoded(each) for each in self._digests(*parts)])

    def _digests(self, *parts: object) -> list[bytes]:
        """The digest under each key, the signing one first."""
        message = ":".join(str(part) for part in parts).encode()
        return [hmac.new(key, message, hashlib.sha256).digest() for key in self._keys]


def _sorted(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}={labels[name]}" for name in sorted(labels)]


def _encoded(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _is_any(given: str, expected: Sequence[str]) -> bool:
    """Whether it is an expected token, compared in constant time."""
    return any(_is_same(given, each) for each in expected)


def _is_same(given: str, expected: str) -> bool:
    """Compare in constant time.

    A token that a provider returned may contain characters that have no encoding.
    """
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def sha256_of(content: str | bytes) -> Sha256:
    """The checksum that is stored instead of a token or message."""
    raw = content.encode() if isinstance(content, str) else content
    return Sha256(hashlib.sha256(raw).hexdigest())
