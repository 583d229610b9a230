"""What the page of an upload session shows."""

from dataclasses import replace
from typing import Any

from litestar import Response

from domain.ports.upload_sessions import UploadSession, UploadStatus
from domain.use_cases.shop_policy import MEBIBYTE, ShopPolicy
from entrypoints.http.pages.html_pages import page, script_texts
from entrypoints.http.pages.kept_refusals import SentForm
from entrypoints.http.pages.payment_forms import PaymentForm
from entrypoints.http.pages.site import Visit

#: How soon the page reloads while a payment is expected, and while a bank takes days.
REFRESH_SECONDS = {UploadStatus.CHECKOUT: 5, UploadStatus.PENDING: 60}


def upload_page(
    session: UploadSession,
    policy: ShopPolicy,
    visit: Visit,
    *,
    sent: SentForm | None = None,
    form: PaymentForm | None = None,
    problem: str | None = None,
    status: int = 200,
) -> Response[Any]:
    """The photos of an unpaid session, with price and payment form.

    ``problem`` is the phrase of what is wrong with the payment ``form``, ``sent`` what became of a form with photos.
    """
    sent = sent or SentForm()
    photos, is_open = session.photos, session.status is UploadStatus.OPEN
    checkout = session.checkout if session.status is not UploadStatus.OPEN else None
    total = policy.prices.quote(len(photos)) if photos else None
    if checkout is not None:
        total = checkout.quoted
    discount = checkout.spending.discount if checkout and checkout.spending else None
    return page(
        "upload",
        visit,
        status=status,
        refresh_seconds=REFRESH_SECONDS.get(session.status),
        has_payment=True,
        texts=script_texts(visit, "upload_script") if is_open or checkout else None,
        session_id=session.session_id,
        upload_status=session.status if photos or not is_open else "empty",
        is_open=is_open,
        has_expired=session.status is UploadStatus.EXPIRED,
        photos=photos,
        unit_price=replace(total, amount=total.amount // len(photos)) if total and photos else None,
        total=total,
        discount=discount,
        due=replace(total, amount=total.amount - discount.amount) if total and discount else total,
        checkout_url=checkout.url if checkout and session.status is UploadStatus.CHECKOUT else None,
        refusals=[
            (each.file_name, each.sentence(visit.localization))
            for each in sent.refusals
            if not each.is_duplicate
        ],
        unnamed=sent.unnamed,
        duplicates=[
            (each.file_name, each.sentence(visit.localization)) for each in sent.refusals if each.is_duplicate
        ],
        form=form or PaymentForm(),
        problem=problem,
        is_cut_off=sent.is_cut_off,
        takes_codes=policy.referral_terms.takes_referrals,
        max_photos=policy.uploads.max_photos,
        max_photo_mebibytes=policy.uploads.max_photo_bytes // MEBIBYTE,
    )
