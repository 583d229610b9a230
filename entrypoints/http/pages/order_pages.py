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
from domain.use_cases.queries import OrderDetails, Queries
from domain.use_cases.shop_policy import ShopPolicy
from domain.use_cases.support.customer_requests import CustomerRequests
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

#: The parameter of an order's page after a correction.
_CORRECTED = "corrected"
_OF_SESSION = "/uploads/{session:uuid}/address"
_page: Mapping[str, Any] = {
    "include_in_schema": False,
    "exception_handlers": {Exception: html_pages.explain},
}


def order_page(
    queries: Queries,
    customer_requests: CustomerRequests,
    clock: Clock,
    order_id: OrderId,
    request: AnyRequest,
) -> Response[Any]:
    """The page of an order; raises UnknownOrderError."""
    details = queries.details(order_id)
    order = details.order
    if order.payment is None:
        raise UnknownOrderError(order_id)
    paid_session = paid_session_of(request)
    is_paying = paid_session == order.payment.upload_session_id
    progress = status_pages.Progress(
        now=clock.now(),
        usual_turnaround=queries.usual_turnaround(),
        address=_address_for(request, queries, details),
        paid_session=paid_session if is_paying else None,
        is_corrected=is_paying and _CORRECTED in request.query_params,
        resend_wait=customer_requests.wait_before_resend(order_id),
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
        details = queries.details(seen.order_id)
        known, whole = _address_for(request, queries, details), _whole_address(request, queries, details)
        return _address_page(visit, seen, known=known, typed=whole)

    return await to_thread.run_sync(show)


@post(_OF_SESSION, status_code=303, **_page)
async def correct_address(
    email_correction: Given[EmailCorrection],
    upload_service: Given[UploadService],
    queries: Given[Queries],
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
            known = _address_for(request, queries, queries.details(seen.order_id))
            typed = email.replace("\0", "")
            return _address_page(visit, seen, known=known, typed=typed, problem=_REFUSALS[type(error)])
        return _redirect_from(seen, policy, visit, query=f"?{_CORRECTED}=1#address")

    return await to_thread.run_sync(correct)


def _address_for(request: AnyRequest, queries: Queries, details: OrderDetails) -> str | None:
    """The customer's address, masked for browsers that may not see the whole."""
    whole = _whole_address(request, queries, details)
    if whole is None and details.customer is not None:
        return status_pages.masked(details.customer.email)
    return whole


def _whole_address(request: AnyRequest, queries: Queries, details: OrderDetails) -> str | None:
    """The customer's address for the browser that paid, which typed it.

    Not for a customer with several orders: it may have been corrected for another one.
    """
    order, customer = details.order, details.customer
    if customer is None or order.payment is None:
        return None
    is_paying = paid_session_of(request) == order.payment.upload_session_id
    return customer.email if is_paying and queries.is_only_order(order) else None


def _address_page(
    visit: Visit,
    session: UploadSession,
    *,
    known: str | None,
    typed: str | None,
    problem: str | None = None,
) -> Response[Any]:
    return html_pages.page(
        "address",
        visit,
        status=422 if problem else 200,
        session_id=session.session_id,
        order_id=session.order_id,
        known=known,
        typed=typed,
        problem=problem,
        can_write=problem == "order_page.address_refused",
    )


def _redirect_from(
    session: UploadSession, policy: ShopPolicy, visit: Visit, query: str = ""
) -> Response[Any]:
    """Redirect to the order, or to the session's page before the payment."""
    address = visit.site.address(f"/uploads/{session.session_id}")
    if session.status is UploadStatus.PAID:
        address = policy.urls.status.replace("{order}", str(session.order_id)) + query
    headers = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
    return Redirect(address, status_code=303, headers=headers)
