"""What the owner of a shop decides: one value, grouped by subject."""

from dataclasses import dataclass, field
from datetime import timedelta

from domain.order.limits import Limits
from domain.pricing import PriceList
from domain.referral_program import ReferralTerms

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE


@dataclass(frozen=True, kw_only=True)
class ShopUrls:
    """The shop's addresses, without a slash at the end."""

    public: str  # where customers reach the shop
    webhook: str  # where providers reach it
    success: str  # where a customer lands after paying; {upload_session} is filled in
    cancel: str  # where a customer lands who did not pay


@dataclass(frozen=True, kw_only=True)
class UploadPolicy:
    """What may be uploaded and stored."""

    max_photos: int = 200  # in one upload session
    max_photo_bytes: int = 50 * MEBIBYTE
    max_stored_bytes: int | None = None  # of photos, results and archives; none: unbounded


@dataclass(frozen=True, kw_only=True)
class VisitorQuotas:
    """What strangers may request within an hour, by client and in total."""

    sessions_by_client: int = 60
    sessions: int = 3000
    mebibytes_by_client: int = 10_000
    mebibytes: int = 200_000
    checkouts_by_client: int = 120
    checkouts: int = 6000
    code_guesses_by_client: int = 20
    code_guesses: int = 500


@dataclass(frozen=True, kw_only=True)
class PaymentPolicy:
    """How long payments may take, and wait."""

    checkout_lifetime: timedelta = timedelta(hours=1)  # Stripe takes 30 minutes to 24 hours
    unmatched_wait: timedelta = timedelta(days=7)  # before a payment without an order is refunded


@dataclass(frozen=True, kw_only=True)
class PredictionPolicy:
    """How much the restorer is asked for."""

    max_running: int = 20  # at the provider at a time, whatever the number of workers
    max_per_minute: int = 300  # half of what the provider takes
    deadline: timedelta = timedelta(minutes=30)  # the provider's own limit for one run


@dataclass(frozen=True, kw_only=True)
class DeliveryPolicy:
    """How results reach the customer, and for how long."""

    email_retry: timedelta = timedelta(seconds=60)  # the first wait after an e-mail that failed
    max_email_bytes: int = (
        20_000_000  # as it travels; the archive is attached while the e-mail stays under it
    )
    link_lifetime: timedelta = timedelta(days=30)
    link_reminder: timedelta = timedelta(days=3)  # before an unused link expires; zero: never
    redo_within: timedelta = timedelta(days=14)  # after the results were first sent; zero: never


@dataclass(frozen=True, kw_only=True)
class RetentionPolicy:
    """How long things are kept that are needed no more."""

    photos: timedelta = timedelta(days=90)  # at least as long as a link is valid
    uploads: timedelta = timedelta(days=7)  # of which no order came
    records: timedelta = timedelta(days=90)  # of closed reactions and of webhook events that were handled


@dataclass(frozen=True, kw_only=True)
class WorkPolicy:
    """When work of a worker, a message or a provider counts as lost."""

    lease: timedelta = timedelta(seconds=30)  # renewed while work goes on: what a crash costs
    resend_after: timedelta = timedelta(seconds=10)  # when an unclaimed message counts as lost
    reconcile_grace: timedelta = timedelta(hours=1)  # what is younger may still be on its way


@dataclass(frozen=True, kw_only=True)
class ShopPolicy:
    """The owner's decisions, read once from the settings."""

    prices: PriceList
    urls: ShopUrls
    limits: Limits = field(default_factory=Limits)
    referral_terms: ReferralTerms = field(default_factory=ReferralTerms)
    uploads: UploadPolicy = field(default_factory=UploadPolicy)
    visitor_quotas: VisitorQuotas = field(default_factory=VisitorQuotas)
    payments: PaymentPolicy = field(default_factory=PaymentPolicy)
    predictions: PredictionPolicy = field(default_factory=PredictionPolicy)
    delivery: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    work: WorkPolicy = field(default_factory=WorkPolicy)
