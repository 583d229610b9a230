"""What the owner of a shop decides: prices, patience and limits."""

from dataclasses import dataclass, field
from datetime import timedelta

from domain.order.limits import Limits
from domain.order.reactions import Pace
from domain.pricing import PriceList
from domain.referral_program import ReferralTerms

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE


@dataclass(frozen=True, kw_only=True)
class VisitorQuotas:
    """What strangers may ask for within an hour, by client and in total."""

    sessions_by_client: int = 60
    sessions: int = 3000
    mebibytes_by_client: int = 10_000
    mebibytes: int = 200_000
    checkouts_by_client: int = 120
    checkouts: int = 6000
    code_guesses_by_client: int = 20
    code_guesses: int = 500


@dataclass(frozen=True, kw_only=True)
class ShopPolicy:
    """The owner's decisions, read once from the settings."""

    prices: PriceList
    public_url: str  # where customers reach the shop, without a slash at the end
    webhook_url: str  # where providers reach it
    success_url: str  # where a customer lands after paying; {upload_session} is filled in
    cancel_url: str  # where a customer lands who did not pay
    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=Pace)
    referral_terms: ReferralTerms = field(default_factory=ReferralTerms)
    max_photos: int = 200  # in one upload session
    max_photo_bytes: int = 50 * MEBIBYTE
    visitor_quotas: VisitorQuotas = field(default_factory=VisitorQuotas)
    max_stored_bytes: int | None = None  # of photos, results and archives; none: unbounded
    checkout_lifetime: timedelta = timedelta(hours=1)  # Stripe takes 30 minutes to 24 hours
    max_running_predictions: int = 20  # at the provider at a time, whatever the number of workers
    max_predictions_per_minute: int = 300  # half of what the provider takes
    restoration_deadline: timedelta = timedelta(minutes=30)  # the provider's own limit for one run
    email_retry: timedelta = timedelta(seconds=60)
    max_mail_bytes: int = 20_000_000  # as it travels; the archive is attached while the mail stays under it
    download_lifetime: timedelta = timedelta(days=30)
    link_reminder: timedelta = timedelta(days=3)  # before a link ends that nobody has used; zero: never
    redo_within: timedelta = timedelta(
        days=14
    )  # after the results were first sent; zero: customers cannot ask
    photo_retention: timedelta = timedelta(days=90)  # at least as long as a link is good
    unmatched_payment_wait: timedelta = timedelta(days=7)  # before money without an order goes back
    cleanup_retention: timedelta = timedelta(days=7)
    record_retention: timedelta = timedelta(days=90)  # of closed work and of messages that were handled
    reconcile_grace: timedelta = timedelta(hours=1)  # what is younger may still be on its way
    lease: timedelta = timedelta(seconds=30)  # renewed while work goes on, so this is how long a crash costs
    resend_after: timedelta = timedelta(seconds=10)  # when a message that nobody took counts as lost
