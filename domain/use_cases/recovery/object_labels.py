"""What objects tell of themselves, so that an order can be rebuilt from the storage alone."""

from datetime import datetime

from domain.order.order import Order
from domain.order.values import DownloadLinkId, ImageId

#: The customer's name of a photo, as long as a header can hold: a character takes up to twelve bytes in it.
FILE_NAME = "file-name"
LONGEST_FILE_NAME = 100

WIDTH, HEIGHT = "width", "height"
IMAGE_ID = "image-id"
ORDER_NUMBER = "order-number"
LINK_ID = "link-id"
EXPIRES_AT = "expires-at"


def photo_labels(file_name: str, width: int, height: int) -> dict[str, str]:
    """Of an upload, and of the original that is copied from it."""
    return {FILE_NAME: file_name[:LONGEST_FILE_NAME], WIDTH: str(width), HEIGHT: str(height)}


def result_labels(order: Order, image_id: ImageId, width: int, height: int) -> dict[str, str]:
    """Of a restored photo."""
    number = order.payment.order_number if order.payment is not None else ""
    return {IMAGE_ID: str(image_id), ORDER_NUMBER: number, WIDTH: str(width), HEIGHT: str(height)}


def archive_labels(link_id: DownloadLinkId, expires_at: datetime) -> dict[str, str]:
    """Of an archive: the link that was minted with it."""
    return {LINK_ID: str(link_id), EXPIRES_AT: expires_at.isoformat()}
