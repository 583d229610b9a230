"""Facts of an e-mail, and a reader of the rendered one."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

from adapters.email_templates import TemplateEmailRenderer
from domain.order.values import EmailKind, OrderId, OrderNumber
from domain.ports.email import EmailFacts, RenderedEmail, ResultSize, Rewards
from tests.domain.support.event_builders import euros

WRITER = TemplateEmailRenderer()

STATUS_URL = "https://shop.example/orders/1"
DOWNLOAD_URL = "https://shop.example/api/download/token-1/photos"


def rewards(points: int, referral_code: str | None = "7QK2-M9XD") -> Rewards:
    return Rewards(
        referral_code=referral_code,
        referral_worth=euros(100),
        points=points,
        worth=euros(points),
        points_code="7QK2-M9XD-0123-4567-89AB-CDEF",
    )


SIZE = ResultSize(
    name="great-aunt-1931.jpg", width=1184, height=880, original_width=4000, original_height=3000
)


def facts(kind: EmailKind = EmailKind.RESULT, **changes: Any) -> EmailFacts:
    known: dict[str, Any] = {
        "kind": kind,
        "order_id": OrderId(UUID(int=1)),
        "order_number": OrderNumber("20260314-000001"),
        "customer_name": "Adele Brandt",
        "locale": "en-GB",
        "photos": 3,
        "restored": 3,
        "failed": 0,
        "paid": euros(1470),
        "refunded": euros(0),
        "status_url": STATUS_URL,
        "download_url": DOWNLOAD_URL,
        "expires_at": datetime(2026, 3, 21, 15, 9, tzinfo=UTC),
        "rewards": rewards(150),
    }
    return EmailFacts(**known | changes)


def write(*changes: Any, **more: Any) -> RenderedEmail:
    return WRITER.render(facts(*changes, **more))


def read(*changes: Any, **more: Any) -> str:
    """The plain text on one line, with ordinary spaces."""
    return " ".join(write(*changes, **more).text.split())


class Reader(HTMLParser):
    """The text in an e-mail's body, and the targets of its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.links: set[str | None] = set()
        self.tags: set[str] = set()
        self.feed(html.partition("<body")[2].partition(">")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.seen.append(" ")  # a tag ends a word
        self.links |= {value for name, value in attrs if name in {"href", "src"}}

    def handle_data(self, data: str) -> None:
        self.seen.append(data)

    @property
    def words(self) -> list[str]:
        return [word.rstrip(":") for word in "".join(self.seen).split()]
