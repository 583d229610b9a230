"""The conversion of settings into the shop's policy."""

from datetime import timedelta

from domain.order.limits import Limits
from domain.pricing import PriceList
from domain.referral_program import ReferralTerms
from domain.use_cases.shop_policy import (
    GIBIBYTE,
    MEBIBYTE,
    DeliveryPolicy,
    OwnerPolicy,
    PaymentPolicy,
    PredictionPolicy,
    RetentionPolicy,
    ShopPolicy,
    ShopUrls,
    UploadPolicy,
    VisitorQuotas,
    WorkPolicy,
)
from entrypoints.settings import Settings
from entrypoints.settings_types import time_zone_of

#: How often backups are expected that no worker makes: a timer or staff make them.
HOURS_BY_OTHERS = 24


def urls_of(
    public: str, *, webhook: str | None = None, success: str | None = None, cancel: str | None = None
) -> ShopUrls:
    """The shop's routes under its addresses, which end without a slash."""
    landing = f"{public}/api/uploads/{{upload_session}}"
    return ShopUrls(
        public=public,
        status=f"{public}/api/restoration/status/{{order}}",
        photos=f"{public}/api/download/{{token}}/photos",
        prediction_webhook=f"{webhook or public}/api/webhooks/replicate/{{attempt}}",
        success=success or landing,
        cancel=cancel or landing,
    )


def policy_from(settings: Settings) -> ShopPolicy:
    """The shop's policy as configured by the settings."""
    limit_gibibytes = settings.storage_limit_gibibytes
    return ShopPolicy(
        prices=PriceList(currency=settings.price_currency, steps=settings.price_per_photo),
        urls=urls_of(
            settings.public_url,
            webhook=settings.webhook_url,
            success=settings.checkout_success_url,
            cancel=settings.checkout_cancel_url,
        ),
        limits=_limits(settings),
        referral_terms=ReferralTerms(
            referral_points=settings.referral_points,
            point_value=settings.point_value,
            smallest_payment=settings.smallest_payment,
        ),
        uploads=UploadPolicy(
            max_photos=settings.max_photos_per_order,
            max_photo_bytes=settings.max_photo_mebibytes * MEBIBYTE,
            max_stored_bytes=limit_gibibytes * GIBIBYTE if limit_gibibytes else None,
        ),
        visitor_quotas=_visitor_quotas(settings),
        payments=PaymentPolicy(
            unmatched_wait=timedelta(days=settings.unmatched_payment_days),
            asks_for_phone=settings.ask_for_phone,
        ),
        predictions=PredictionPolicy(
            max_running=settings.max_running_predictions,
            max_per_minute=settings.max_predictions_per_minute,
            deadline=timedelta(seconds=settings.restoration_deadline_seconds),
        ),
        delivery=DeliveryPolicy(
            email_retry=timedelta(milliseconds=settings.email_retry_delay_ms),
            link_lifetime=timedelta(days=settings.download_link_days),
            link_reminder=timedelta(days=settings.link_reminder_days),
            redo_within=timedelta(days=settings.redo_days),
        ),
        retention=RetentionPolicy(
            photos=timedelta(days=settings.photo_retention_days),
            uploads=timedelta(days=settings.cleanup_retention_days),
            records=timedelta(days=settings.record_retention_days),
        ),
        owner=OwnerPolicy(
            email=settings.owner_email,
            locale=settings.owner_language,
            letter_hour=settings.owner_letter_hour,
            time_zone=time_zone_of(settings.shop_time_zone),
        ),
        work=WorkPolicy(
            lease=timedelta(seconds=settings.lease_seconds),
            resend_after=timedelta(seconds=settings.resend_after_seconds),
            reconcile_grace=timedelta(seconds=settings.reconcile_grace_seconds),
            makes_backups=settings.backup_key is not None,
            backup_interval=timedelta(hours=settings.backup_interval_hours or HOURS_BY_OTHERS),
            needs_archived_log=settings.backup_kind == "physical",
            drill_interval=timedelta(hours=settings.backup_drill_interval_hours) or None,
        ),
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_restoration_attempts=settings.max_restoration_attempts,
        enlarges_results=settings.replicate_enlarge_model is not None,
        has_second_model=settings.replicate_second_model is not None,
        restoration_poll=timedelta(seconds=settings.restoration_poll_seconds),
        restoration_retry=timedelta(seconds=settings.restoration_retry_seconds),
        email_confirmation=timedelta(seconds=settings.email_confirmation_seconds),
    )


def _visitor_quotas(settings: Settings) -> VisitorQuotas:
    return VisitorQuotas(
        sessions_by_client=settings.max_sessions_per_client,
        sessions=settings.max_sessions_per_hour,
        mebibytes_by_client=settings.max_mebibytes_per_client,
        mebibytes=settings.max_mebibytes_per_hour,
        checkouts_by_client=settings.max_checkouts_per_client,
        checkouts=settings.max_checkouts_per_hour,
        code_guesses_by_client=settings.max_code_guesses_per_client,
        code_guesses=settings.max_code_guesses_per_hour,
    )
