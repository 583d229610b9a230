"""Chapter 2 over HTTP: ask for the page where the photos are paid."""

import re
from uuid import UUID

import msgspec
from anyio import to_thread
from litestar import post
from litestar.params import JSONBody

from domain.model.values import UploadSessionId
from entrypoints.bootstrap.shop import Shop
from entrypoints.http import upload_views
from entrypoints.http.parameters import CheckoutThreads, TheShop

#: Enough to catch a slip of the finger; whether an address exists only a mail can tell.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LONGEST_EMAIL = 254


class CheckoutRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a customer may say about a checkout. A price is not among it: it is refused, not ignored."""

    session_id: UUID
    email: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no address; the message does not repeat it."""
        if self.email is not None and (
            len(self.email) > _LONGEST_EMAIL or _EMAIL.fullmatch(self.email) is None
        ):
            raise ValueError("email is not an e-mail address, so correct it or leave it out")


@post("/api/checkout-sessions")
async def open_checkout(
    shop: TheShop, checkout_threads: CheckoutThreads, data: JSONBody[CheckoutRequest]
) -> upload_views.CheckoutView:
    """Quote the session's photos and open the provider's page; asking again gives the same page."""
    return await to_thread.run_sync(_open, shop, data, limiter=checkout_threads)


def _open(shop: Shop, data: CheckoutRequest) -> upload_views.CheckoutView:
    session_id = UploadSessionId(data.session_id)
    checkout = shop.checking_out.open(session_id, email=data.email)
    photos = len(shop.uploading.find(session_id).photos)
    view = upload_views.opened_checkout(checkout, photos)
    if view is None:
        raise AssertionError("A checkout that was opened has its page.")
    return view
