"""The page of an order, and the one that corrects its address."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from anyio import to_thread
from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from domain.order.customer_request_limits import may_correct_address
from domain.order.errors import AskedTooOftenError, CorrectionRefusedError
from domain.order.values import OrderId, UploadSessionId
from domain.ports.clock import Clock
from domain.ports.upload_sessions import UploadSession, UploadStatus
from domain.use_cases.checkout.uploads import UploadService
from domain.use_cases.queries import Queries
from domain.use_cases.shop_policy import ShopPolicy
from domain.use_cases.support.email_correction import (
    AddressKnownError,
    AddressTakenError,
    EmailCorrection,
    NoAddressError,
)
from entrypoints.bootstrap.wording import ANOTHERS_ADDRESS_GIVEN, CORRECTED_BY_CUSTOMER
from entrypoints.http.dependencies import Given
from entrypoints.http.errors import UnknownOrderError
from entrypoints.http.get_routes import get
from entrypoints.http.pages import html_pages, status_pages
from entrypoints.http.pages.paying_browser import paid_session_of
from entrypoints.http.pages.site import Visit, visit_of
from entrypoints.http.request_bodies import AnyRequest, whole_body
from entrypoints.http.request_logging import request_id_of

#: Why an address is not corrected, by the phrase that tells the customer.
_REFUSALS: dict[type[Exception], str] = {
    NoAddressError: "order_page.address_wrong",
    AddressKnownError: "order_page.address_known",
    AddressTakenError: "order_page.address_refused",
    CorrectionRefusedError: "order_page.address_refused",
    AskedTooOftenError: "order_page.address_refused",
}

_OF_SESSION = "/uploads/{session:uuid}/address"
_page: Mapping[str, Any] = {
    "include_in_schema": False,
    "exception_handlers": {Exception: html_pages.explain},
}


def order_page(queries: Queries, clock: Clock, order_id: OrderId, request: AnyRequest) -> Response[Any]:
    """The page of an order; raises UnknownOrderError."""
    details = queries.details(order_id)
    order = details.order
    if order.payment is None:
        raise UnknownOrderError(order_id)
    paid_session = paid_session_of(request)
    progress = status_pages.Progress(
        now=clock.now(),
        usual_turnaround=queries.usual_turnaround(),
        email=details.customer.email if details.customer is not None else None,
        paid_session=paid_session if paid_session == order.payment.upload_session_id else None,
    )
    return status_pages.of_order(order, queries.file_names(order_id), visit_of(request), progress)


@get(_OF_SESSION, **_page)
async def show_address(
    upload_service: Given[UploadService],
    queries: Given[Queries],
    policy: Given[ShopPolicy],
    request: AnyRequest,
    session: FromPath[UUID],
) -> Response[Any]:
    """Ask the browser that paid for the right address.

    The page does not reload by itself, so that nothing typed is lost.
    """

    def show() -> Response[Any]:
        seen, visit = upload_service.find(UploadSessionId(session)), visit_of(request)
        if seen.status is not UploadStatus.PAID or not may_correct_address(queries.order(seen.order_id)):
            return _redirect_from(seen, policy, visit)
        return _address_page(visit, seen)

    return await to_thread.run_sync(show)


@post(_OF_SESSION, status_code=303, **_page)
async def correct_address(
    email_correction: Given[EmailCorrection],
    upload_service: Given[UploadService],
    policy: Given[ShopPolicy],
    request: AnyRequest,
    session: FromPath[UUID],
) -> Response[Any]:
    """Correct a mistyped address before the result, within limits."""
    await whole_body(request)
    form = await request.form()
    typed = form.get("email")
    email = typed.strip() if isinstance(typed, str) else ""

    def correct() -> Response[Any]:
        seen, visit = upload_service.find(UploadSessionId(session)), visit_of(request)
        if seen.status is not UploadStatus.PAID:
            return _redirect_from(seen, policy, visit)
        try:
            if "\0" in email:
                raise NoAddressError
            email_correction.correct_by_customer(
                seen.order_id,
                email,
                note=CORRECTED_BY_CUSTOMER,
                note_if_taken=ANOTHERS_ADDRESS_GIVEN,
                correlation_id=request_id_of(request.scope),
            )
        except tuple(_REFUSALS) as error:
            return _address_page(visit, seen, problem=_REFUSALS[type(error)])
        return _redirect_from(seen, policy, visit)

    return await to_thread.run_sync(correct)


def _address_page(visit: Visit, session: UploadSession, *, problem: str | None = None) -> Response[Any]:
    return html_pages.page(
        "address",
        visit,
        status=422 if problem else 200,
        session_id=session.session_id,
        order_id=session.order_id,
        problem=problem,
    )


def _redirect_from(session: UploadSession, policy: ShopPolicy, visit: Visit) -> Response[Any]:
    """Redirect to the order, or to the session's page before the payment."""
    address = visit.site.address(f"/uploads/{session.session_id}")
    if session.status is UploadStatus.PAID:
        address = policy.urls.status.replace("{order}", str(session.order_id))
    headers = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
    return Redirect(address, status_code=303, headers=headers)
