"""The browser that paid, which alone may correct the address.

The address of an order's page is in every e-mail about it, so it proves too little. The id of the upload session is in
none: a browser that opens its page after the payment keeps it in a cookie.
"""

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.response import Redirect

from domain.ports.upload_sessions import UploadSession
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.http.pages.site import Site
from entrypoints.http.request_bodies import AnyRequest

SESSION_COOKIE = "paid_session"
_DAY_SECONDS = 24 * 3600


def redirect_to_order(session: UploadSession, policy: ShopPolicy, site: Site) -> Response[Any]:
    """Redirect from a paid session to its order; keep the session."""
    headers = {
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept",
        "Set-Cookie": site.cookie(SESSION_COOKIE, str(session.session_id), _DAY_SECONDS),
    }
    address = policy.urls.status.replace("{order}", str(session.order_id))
    return Redirect(address, status_code=303, headers=headers)


def paid_session_of(request: AnyRequest) -> UUID | None:
    """The session that this browser paid last, as far as it says."""
    try:
        return UUID(request.cookies.get(SESSION_COOKIE, ""))
    except ValueError:
        return None
