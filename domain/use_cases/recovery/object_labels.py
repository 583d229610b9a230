"""Labels of stored objects, from which an order can be rebuilt."""

from datetime import datetime

from domain.order.order import Order
from domain.order.values import DownloadLinkId, ImageId

#: The customer's name of a photo, limited to what fits a header: a character takes up to twelve bytes in it.
FILE_NAME = "file-name"
LONGEST_FILE_NAME = 100

WIDTH, HEIGHT = "width", "height"
IMAGE_ID = "image-id"
ORDER_NUMBER = "order-number"
LINK_ID = "link-id"
EXPIRES_AT = "expires-at"


def photo_labels(file_name: str, width: int, height: int) -> dict[str, str]:
    """Return the labels of an upload and of its original."""
    return {FILE_NAME: file_name[:LONGEST_FILE_NAME], WIDTH: str(width), HEIGHT: str(height)}


def result_labels(order: Order, image_id: ImageId, width: int, height: int) -> dict[str, str]:
    """Return the labels of a restored photo."""
    number = order.payment.order_number if order.payment is not None else ""
    return {IMAGE_ID: str(image_id), ORDER_NUMBER: number, WIDTH: str(width), HEIGHT: str(height)}


def archive_labels(link_id: DownloadLinkId, expires_at: datetime) -> dict[str, str]:
    """Return the labels of an archive and the link issued with it."""
    return {LINK_ID: str(link_id), EXPIRES_AT: expires_at.isoformat()}
