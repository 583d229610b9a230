"""The forms on the page of an order."""

from typing import Any
from uuid import UUID

from anyio import to_thread
from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from domain.order.errors import AskedTooOftenError, CorrectionRefusedError
from domain.order.values import OrderId
from domain.ports.clock import Clock
from domain.use_cases.queries import Queries
from domain.use_cases.support.email_correction import (
    AddressKnownError,
    AddressTakenError,
    EmailCorrection,
    NoAddressError,
)
from entrypoints.bootstrap.wording import CORRECTED_BY_CUSTOMER
from entrypoints.http.dependencies import Given
from entrypoints.http.errors import UnknownOrderError
from entrypoints.http.pages import html_pages, status_pages
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


def order_page(
    queries: Queries, clock: Clock, order_id: OrderId, visit: Visit, *, problem: str | None = None
) -> Response[Any]:
    """The page of an order; raises UnknownOrderError.

    ``problem`` is the phrase of why its address was not corrected.
    """
    details = queries.details(order_id)
    if not details.order.version:
        raise UnknownOrderError(order_id)
    names = queries.file_names(order_id)
    email = details.customer.email if details.customer is not None else None
    progress = status_pages.Progress(
        now=clock.now(), usual_turnaround=queries.usual_turnaround(), email=email, problem=problem
    )
    return status_pages.of_order(details.order, names, visit, progress)


@post(
    "/api/restoration/status/{order:uuid}/address",
    exception_handlers={Exception: html_pages.explain},
    include_in_schema=False,
)
async def correct_address(
    email_correction: Given[EmailCorrection],
    queries: Given[Queries],
    clock: Given[Clock],
    request: AnyRequest,
    order: FromPath[UUID],
) -> Response[Any]:
    """Correct a mistyped address before the result, within limits."""
    await whole_body(request)
    form, order_id = await request.form(), OrderId(order)
    typed = form.get("email")
    email = typed.strip() if isinstance(typed, str) else ""

    def correct() -> Response[Any]:
        if not queries.order(order_id).version:
            raise UnknownOrderError(order_id)
        try:
            if "\0" in email:
                raise NoAddressError
            email_correction.correct_by_customer(
                order_id, email, note=CORRECTED_BY_CUSTOMER, correlation_id=request_id_of(request.scope)
            )
        except tuple(_REFUSALS) as error:
            return order_page(queries, clock, order_id, visit_of(request), problem=_REFUSALS[type(error)])
        return Redirect(f"../{order_id}", status_code=303, headers={"Cache-Control": "private, no-store"})

    return await to_thread.run_sync(correct)
