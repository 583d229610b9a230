"""The page of an upload session, and its forms.

The session's id in the address is the capability: a client that has it may add and remove photos and pay.
"""

from contextlib import aclosing
from functools import partial
from typing import Any
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from domain.order.errors import ShopError
from domain.order.values import PhotoId, UploadSessionId
from domain.ports.scratch_files import ScratchFiles
from domain.ports.upload_sessions import UploadSession, UploadStatus
from domain.use_cases.checkout.checkout import CheckoutFixedError, NothingToPayError, PriceChangedError
from domain.use_cases.checkout.photo_removal import CheckoutOpeningError, PhotoRemoval
from domain.use_cases.checkout.referrals_and_points import (
    NoPointsError,
    NoReferralsError,
    OwnReferralCodeError,
    UnknownPointsCodeError,
    UnknownReferralCodeError,
)
from domain.use_cases.checkout.uploads import UploadService
from domain.use_cases.checkout.visitor_limits import VisitorLimits
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.http import problem_details
from entrypoints.http.checkouts import Checkouts
from entrypoints.http.client_address import client_key
from entrypoints.http.dependencies import Given, first_language
from entrypoints.http.errors import BodyCutError, BodyTooSlowError, MalformedError
from entrypoints.http.get_routes import get
from entrypoints.http.pages import html_pages, kept_refusals
from entrypoints.http.pages.kept_refusals import SentForm
from entrypoints.http.pages.paying_browser import redirect_to_order
from entrypoints.http.pages.payment_forms import (
    InvalidPaymentFormError,
    PaymentForm,
    keep_form,
    kept_form,
    read_payment_form,
)
from entrypoints.http.pages.photo_refusals import Refusal, add_file
from entrypoints.http.pages.shop_pages import home_page
from entrypoints.http.pages.site import Site, Visit, visit_of
from entrypoints.http.pages.upload_view import upload_page
from entrypoints.http.photo_forms import files_of
from entrypoints.http.request_bodies import AnyRequest

#: What a customer can mend on the page itself.
_MENDABLE = (
    CheckoutFixedError,
    CheckoutOpeningError,
    NoPointsError,
    NoReferralsError,
    NothingToPayError,
    OwnReferralCodeError,
    PriceChangedError,
    UnknownPointsCodeError,
    UnknownReferralCodeError,
)

#: What ends a form before its last photo.
_CUT_OFF = (BodyCutError, BodyTooSlowError, MalformedError)

_page = partial(get, include_in_schema=False, exception_handlers={Exception: html_pages.explain})
_form = partial(
    post, include_in_schema=False, exception_handlers={Exception: html_pages.explain}, status_code=303
)


@_page("/uploads/{session:uuid}", sync_to_thread=True)
def show_upload(
    upload_service: Given[UploadService],
    policy: Given[ShopPolicy],
    request: AnyRequest,
    session: FromPath[UUID],
) -> Response[Any]:
    """Show the photos and their price; redirect once the order exists."""
    return shown(upload_service.find(UploadSessionId(session)), policy, request)


def shown(session: UploadSession, policy: ShopPolicy, request: AnyRequest) -> Response[Any]:
    """The page of a session, or a redirect to its order."""
    visit = visit_of(request)
    if session.status is UploadStatus.PAID:
        return redirect_to_order(session, policy, visit.site)
    sent = kept_refusals.kept_by(request, visit.localization)
    answer = upload_page(session, policy, visit, form=kept_form(request), sent=sent)
    if not sent.is_plain:
        kept_refusals.forget(answer, session.session_id, visit.site)
    return answer


@_form("/uploads", request_max_body_size=None)
async def send_first_photos(
    visitor_limits: Given[VisitorLimits],
    upload_service: Given[UploadService],
    policy: Given[ShopPolicy],
    scratch: Given[ScratchFiles],
    upload_threads: Given[CapacityLimiter],
    request: AnyRequest,
) -> Response[Any]:
    """Open a session with the photos of the home page's form."""
    session_id: UploadSessionId | None = None

    def open_session() -> UploadSessionId:
        upload_service.check()
        visitor_limits.open_session(client_key(request))
        return upload_service.open().session_id

    refusals: list[Refusal] = []
    try:
        async with aclosing(_files(request, policy, scratch, upload_threads)) as files:
            async for file in files:
                if session_id is None:
                    session_id = await to_thread.run_sync(open_session)
                    await _count(visitor_limits, policy, request)
                refusals += await add_file(upload_service, session_id, file, upload_threads)
    except _CUT_OFF as error:
        if session_id is None:
            raise
        # Only this answer can tell the session's address, and what arrived is in it.
        problem = problem_details.problem_of(error)
        problem_details.note(request, problem, error)
        sent = SentForm(refusals=refusals, is_cut_off=True)
        if html_pages.is_html_preferred(request):
            return _after_sending(request, session_id, sent)
        session = await to_thread.run_sync(upload_service.find, session_id)
        return upload_page(session, policy, visit_of(request), sent=sent, status=problem.kind.status)
    if session_id is None:
        return home_page(visit_of(request), policy, problem="home.nothing_chosen")
    return _after_sending(request, session_id, SentForm(refusals=refusals))


@_form("/uploads/{session:uuid}/photos", request_max_body_size=None)
async def send_more_photos(
    visitor_limits: Given[VisitorLimits],
    upload_service: Given[UploadService],
    policy: Given[ShopPolicy],
    scratch: Given[ScratchFiles],
    upload_threads: Given[CapacityLimiter],
    request: AnyRequest,
    session: FromPath[UUID],
) -> Response[Any]:
    """Add photos to an open session."""
    session_id = UploadSessionId(session)
    await to_thread.run_sync(upload_service.check_can_add, session_id)
    await _count(visitor_limits, policy, request)
    refusals: list[Refusal] = []
    async with aclosing(_files(request, policy, scratch, upload_threads)) as files:
        async for file in files:
            refusals += await add_file(upload_service, session_id, file, upload_threads)
    return _after_sending(request, session_id, SentForm(refusals=refusals))


@_form("/uploads/{session:uuid}/photos/{photo:uuid}/remove")
async def remove_from_page(
    photo_removal: Given[PhotoRemoval],
    checkout_threads: Given[CapacityLimiter],
    request: AnyRequest,
    session: FromPath[UUID],
    photo: FromPath[UUID],
) -> Response[Any]:
    """Remove a photo from an unpaid session; expire its open checkout page."""
    session_id = UploadSessionId(session)
    await to_thread.run_sync(photo_removal.remove, session_id, PhotoId(photo), limiter=checkout_threads)
    return _redirect(_address(request, session_id))


@_form("/uploads/{session:uuid}/change")
async def change_photos(
    photo_removal: Given[PhotoRemoval],
    checkout_threads: Given[CapacityLimiter],
    request: AnyRequest,
    session: FromPath[UUID],
) -> Response[Any]:
    """Leave an unpaid checkout in order to change the photos."""
    session_id = UploadSessionId(session)
    await to_thread.run_sync(photo_removal.reopen, session_id, limiter=checkout_threads)
    return _redirect(_address(request, session_id))


@_form("/uploads/{session:uuid}/pay")
async def pay(
    checkouts: Given[Checkouts],
    upload_service: Given[UploadService],
    policy: Given[ShopPolicy],
    checkout_threads: Given[CapacityLimiter],
    request: AnyRequest,
    session: FromPath[UUID],
) -> Response[Any]:
    """Open the payment provider's page for the photos and redirect to it."""
    session_id, visit = UploadSessionId(session), visit_of(request)
    form = await read_payment_form(request)
    spoken = visit.localization
    locale = first_language(request.headers.get("accept-language", "")) if spoken.is_fallback else spoken.tag

    def open_page() -> Response[Any]:
        seen = upload_service.find(session_id)
        if seen.status not in {UploadStatus.OPEN, UploadStatus.CHECKOUT}:
            return _redirect(_address(request, session_id))  # that page shows what became of it
        try:
            form.check()
            checkout = checkouts.open(
                request,
                session_id,
                email=form.email,
                locale=locale,
                codes=form.codes,
                shown_amount=form.amount,
            )
        except InvalidPaymentFormError as error:
            return upload_page(seen, policy, visit, form=form, problem=error.phrase, status=422)
        except _MENDABLE as error:
            return _asked_again(error, upload_service.find(session_id), policy, visit, form)
        if checkout.url is None:
            raise AssertionError("A checkout that was opened has its page.")
        answer = _redirect(checkout.url)
        answer.headers["Set-Cookie"] = keep_form(form, session_id, visit.site)
        return answer

    return await to_thread.run_sync(open_page, limiter=checkout_threads)


@_page([f"/uploads/{{session:uuid}}/{form}" for form in ("pay", "photos", "change")], sync_to_thread=False)
def reload_form(request: AnyRequest, session: FromPath[UUID]) -> Response[Any]:
    """Return a browser that loads a form's address to its page."""
    return _redirect(_address(request, UploadSessionId(session)))


@_page("/uploads/{session:uuid}/photos/{photo:uuid}/remove", sync_to_thread=False)
def reload_removal(request: AnyRequest, session: FromPath[UUID], photo: FromPath[UUID]) -> Response[Any]:
    """Return a browser that loads a removal's address to the page."""
    del photo
    return _redirect(_address(request, UploadSessionId(session)))


@_page("/uploads", sync_to_thread=False)
def reload_first_form(request: AnyRequest) -> Response[Any]:
    """Return a browser that loads the first form's address to it."""
    return _redirect(Site.of(request.app.state).address("/#start"))


def _asked_again(
    error: ShopError, session: UploadSession, policy: ShopPolicy, visit: Visit, form: PaymentForm
) -> Response[Any]:
    kind = problem_details.problem_of(error).kind
    phrase = f"problem.{kind.name.replace('-', '_')}"
    return upload_page(session, policy, visit, form=form, problem=phrase, status=kind.status)


def _files(request: AnyRequest, policy: ShopPolicy, scratch: ScratchFiles, limiter: CapacityLimiter) -> Any:
    return files_of(
        request,
        scratch,
        limit_bytes=policy.uploads.max_photo_bytes,
        max_files=policy.uploads.max_photos,
        limiter=limiter,
    )


async def _count(visitor_limits: VisitorLimits, policy: ShopPolicy, request: AnyRequest) -> None:
    """Count a form's bytes before they are read."""
    size_bytes = request.content_length or policy.uploads.max_photo_bytes
    await to_thread.run_sync(visitor_limits.receive_photo, client_key(request), size_bytes)


def _after_sending(request: AnyRequest, session_id: UploadSessionId, sent: SentForm) -> Response[Any]:
    """Redirect to the session's page, which tells what was not added."""
    answer = _redirect(_address(request, session_id))
    if not sent.is_plain:
        answer.headers["Set-Cookie"] = kept_refusals.keep(sent, session_id, Site.of(request.app.state))
    return answer


def _address(request: AnyRequest, session_id: UploadSessionId) -> str:
    return Site.of(request.app.state).address(f"/uploads/{session_id}")


def _redirect(address: str) -> Response[Any]:
    return Redirect(
        address,
        status_code=303,
        headers={"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "Vary": "Accept"},
    )
