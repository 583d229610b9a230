"""The shop's configuration as one value, grouped by subject."""

from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo

from domain.order.limits import Limits
from domain.pricing import PriceList
from domain.referral_program import ReferralTerms

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE


@dataclass(frozen=True, kw_only=True)
class ShopUrls:
    """The shop's addresses; names in braces are filled in."""

    public: str  # for customers, without a slash at the end
    status: str  # of an {order}
    photos: str  # behind a download link's {token}
    prediction_webhook: str  # for an {attempt} at an image
    success: str  # redirect after payment of an {upload_session}
    cancel: str  # redirect after a cancelled checkout


@dataclass(frozen=True, kw_only=True)
class UploadPolicy:
    """Limits of uploads and of storage."""

    max_photos: int = 200  # in one upload session
    max_photo_bytes: int = 50 * MEBIBYTE
    max_stored_bytes: int | None = None  # of photos, results and archives; None: unlimited


@dataclass(frozen=True, kw_only=True)
class VisitorQuotas:
    """Hourly rate limits for anonymous visitors, per client and in total."""

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
    """Time limits of payments, and what their page asks for."""

    checkout_lifetime: timedelta = timedelta(hours=1)  # the provider accepts 30 minutes to 24 hours
    unmatched_wait: timedelta = timedelta(days=7)  # before a payment without an order is refunded
    asks_for_phone: bool = False


@dataclass(frozen=True, kw_only=True)
class PredictionPolicy:
    """Rate and concurrency limits of predictions."""

    max_running: int = 20  # at the provider at a time, for all workers together
    max_per_minute: int = 300  # half of the provider's rate limit
    deadline: timedelta = timedelta(minutes=30)  # the provider's own limit for one run


@dataclass(frozen=True, kw_only=True)
class DeliveryPolicy:
    """E-mail and download links: waits, sizes and lifetimes."""

    email_retry: timedelta = timedelta(seconds=60)  # the first wait after an e-mail that failed
    max_email_bytes: int = 20_000_000  # encoded; a larger archive is linked, not attached
    link_lifetime: timedelta = timedelta(days=30)
    link_reminder: timedelta = timedelta(days=3)  # before an unused link expires; zero: never
    redo_within: timedelta = timedelta(days=14)  # after the results were first sent; zero: never


@dataclass(frozen=True, kw_only=True)
class RetentionPolicy:
    """How long data is kept after its last use."""

    photos: timedelta = timedelta(days=90)  # at least as long as a link is valid
    uploads: timedelta = timedelta(days=7)  # that led to no order
    records: timedelta = timedelta(days=90)  # closed reactions and handled webhook events


@dataclass(frozen=True, kw_only=True)
class OwnerPolicy:
    """Letters to the shop's owner."""

    email: str | None = None  # None: no letters
    locale: str = "en-GB"
    letter_hour: int = 7  # of the morning letter
    time_zone: tzinfo = UTC


@dataclass(frozen=True, kw_only=True)
class WorkPolicy:
    """When a lease, a message or a webhook counts as lost."""

    lease: timedelta = timedelta(seconds=30)  # renewed while a call runs; the delay after a crash
    resend_after: timedelta = timedelta(seconds=10)  # an unclaimed message counts as lost after this
    reconcile_grace: timedelta = timedelta(hours=1)  # younger records may be incomplete
    makes_backups: bool = False
    backup_interval: timedelta = timedelta(days=1)  # an older newest backup is reported
    needs_archived_log: bool = False  # its absence is reported
    drill_interval: timedelta | None = None  # None: whenever staff make one


@dataclass(frozen=True, kw_only=True)
class ShopPolicy:
    """All policies, read once from the settings."""

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
    owner: OwnerPolicy = field(default_factory=OwnerPolicy)
    work: WorkPolicy = field(default_factory=WorkPolicy)
