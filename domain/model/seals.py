"""What only this shop can have made: download tokens and the marks on webhook addresses.

Both are HMAC-SHA256 under WORKER_SECRET_KEY, so they need not be stored: whoever holds the key can make them again,
and the books keep a token's SHA-256 only.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from domain.model.values import DownloadLinkId, ImageId, OrderId, Sha256


class Sealer:
    """Makes and checks seals under one secret key."""

    def __init__(self, secret_key: bytes) -> None:
        self._secret_key = secret_key

    def download_token(self, link_id: DownloadLinkId) -> str:
        """The token of a download link: 43 characters that fit in a URL and tell nothing."""
        return self._seal("download", link_id)

    def restoration_mark(self, order_id: OrderId, image_id: ImageId, attempt: int) -> str:
        """The mark on the address a restorer posts to: it proves that this shop asked for this attempt."""
        return self._seal("restoration", order_id, image_id, attempt)

    def is_restoration_mark(self, mark: str, order_id: OrderId, image_id: ImageId, attempt: int) -> bool:
        """Whether the mark is ours, compared in constant time."""
        expected = self.restoration_mark(order_id, image_id, attempt)
        return hmac.compare_digest(mark.encode(), expected.encode())

    def _seal(self, *parts: object) -> str:
        message = ":".join(str(part) for part in parts).encode()
        digest = hmac.new(self._secret_key, message, hashlib.sha256).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def sha256_of(content: str | bytes) -> Sha256:
    """The fingerprint the books keep in place of a token or a message."""
    raw = content.encode() if isinstance(content, str) else content
    return Sha256(hashlib.sha256(raw).hexdigest())
