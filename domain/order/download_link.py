"""A download link of an order."""

from dataclasses import dataclass
from datetime import datetime

from domain.order.values import DownloadLinkId, ImageId, Sha256, StoredObject


@dataclass(frozen=True, kw_only=True)
class DownloadLink:
    """A link to an archive.

    The token itself is stored nowhere: only the customer's mailbox has it.
    """

    link_id: DownloadLinkId
    archive: StoredObject
    token_sha256: Sha256
    expires_at: datetime
    edition: int = 1  # revision of the archive
    is_revoked: bool = False
    is_shared: bool = False  # made by the customer for others: it shows and saves, and requests nothing
    #: What was sent to any client, possibly a mail scanner; None is the archive.
    served: frozenset[ImageId | None] = frozenset()
    #: What the customer pressed the button for; None is the archive.
    fetched: frozenset[ImageId | None] = frozenset()
