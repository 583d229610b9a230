"""The shop's settings, read once from the environment.

All missing or malformed settings are reported at once, each with its description, before a process starts. Secrets are
never shown. ``.env.example`` is generated from this module.
"""

from pathlib import Path

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from domain.pricing import PriceList
from entrypoints.backup_settings import BackupSettings
from entrypoints.database_setting import DESCRIPTION
from entrypoints.settings_errors import SettingsError
from entrypoints.settings_problems import problems
from entrypoints.settings_types import (
    NO_CURRENCY,
    Address,
    Costs,
    Count,
    CountOrNone,
    DatabaseUrl,
    Days,
    DaysOrNone,
    Hosts,
    Hours,
    Inputs,
    LandingPage,
    LinkKeys,
    LongSecret,
    Model,
    Origins,
    Proxies,
    PublicKey,
    RedisUrl,
    Seconds,
    SecondsOrNone,
    Secret,
    Secrets,
    ServerAddress,
    SigningKey,
    Steps,
    TimeZone,
)


class Settings(BackupSettings):
    """All settings; operators read the descriptions."""

    database_url: DatabaseUrl = Field(repr=False, description=DESCRIPTION)
    redis_url: RedisUrl = Field(description="Redis or Valkey; it only wakes the workers, so it may be lost")

    stripe_secret_key: Secret = Field(description="Stripe's API key (sk_...)")
    stripe_webhook_secret: Secrets = Field(
        description="the signing secret of Stripe's webhook (whsec_...); two with a comma while it is rotated"
    )
    stripe_api_base: Address = Field("https://api.stripe.com", description="where Stripe's API answers")
    stripe_checkout_origins: Hosts = Field(
        ("https://checkout.stripe.com",),
        description="where Stripe's payment pages are; a custom domain of yours, if Stripe has one for you",
    )

    replicate_api_token: Secret = Field(description="Replicate's API token (r8_...)")
    replicate_webhook_secret: SigningKey = Field(
        description="the signing key of Replicate's webhooks (whsec_...)"
    )
    replicate_api_base: Address = Field(
        "https://api.replicate.com", description="where Replicate's API answers"
    )
    replicate_model: Model = Field(
        "flux-kontext-apps/restore-image",
        description="the model that restores, as OWNER/NAME or OWNER/NAME:VERSION",
    )
    replicate_input_name: str = Field("input_image", description="the model's name for the picture it takes")
    replicate_extra_input: Inputs = Field(
        default={"output_format": "png"}, description="further inputs of the model, as a JSON object"
    )
    replicate_second_model: Model | None = Field(
        None, description="a second model, for photos the first refuses and for customers who ask again"
    )
    replicate_second_input_name: str | None = Field(
        None, validate_default=True, description="the second model's name for the picture it takes"
    )
    replicate_second_extra_input: Inputs = Field(
        default={}, description="further inputs of the second model, as a JSON object"
    )
    replicate_redo_extra_input: Inputs = Field(
        default={"seed": 1},
        description="without a second model: what the first is given in addition when a customer asks again",
    )
    replicate_enlarge_model: Model | None = Field(
        None,
        description="a model that enlarges results smaller than their originals, e.g. nightmareai/real-esrgan",
    )
    replicate_enlarge_input_name: str = Field(
        "image", description="the enlarging model's name for the picture it takes"
    )
    replicate_enlarge_extra_input: Inputs = Field(
        default={"scale": 4}, description="further inputs of the enlarging model, as a JSON object"
    )
    replicate_cost_per_prediction: Costs = Field(
        default={},
        description='US dollars of a successful prediction by model, for the metrics: {"OWNER/NAME": 0.04}',
    )
    replicate_output_hosts: Hosts = Field(
        ("replicate.delivery", "*.replicate.delivery"),
        description="the only hosts that restored pictures are fetched from",
    )

    sendgrid_api_key: Secret = Field(description="SendGrid's API key (SG....)")
    sendgrid_webhook_public_key: PublicKey = Field(
        description="the verification key of SendGrid's signed event webhook"
    )
    sendgrid_api_base: Address = Field("https://api.sendgrid.com", description="where SendGrid's API answers")
    sender_address: str = Field(
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="the address mails come from; SendGrid must have verified it",
    )
    sender_name: str = Field("RestoreClick", description="the name mails come from")

    shop_name: str | None = Field(
        None, max_length=80, description="the name on the shop's pages; SENDER_NAME if it is left out"
    )
    brand_directory: Path | None = Field(
        None,
        description="a folder with the shop's own logo, colours and legal pages; docs/operations.md describes it",
    )
    sandbox_mailbox_url: Address | None = Field(
        None, description="set by the sandbox only: pages say that nothing is real, and link to this mailbox"
    )

    owner_email: str | None = Field(
        None,
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="where the shop writes to its owner: at once what cannot wait, and a letter every morning",
    )
    owner_language: str = Field(
        "en-GB",
        pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z]{2})?$",
        description="the language of these letters, and the region of their dates: en-GB, en-US, de-DE...",
    )
    owner_letter_hour: int = Field(
        7, ge=0, le=23, description="the hour of the morning letter, in SHOP_TIME_ZONE"
    )
    shop_time_zone: TimeZone = Field(
        "UTC", description="the shop's time zone for letters to its owner, as in Europe/Berlin"
    )

    worker_secret_key: LongSecret = Field(
        description="the key of the worker endpoints, /api/workers/...; 32 secret characters or more"
    )
    link_signing_key: LinkKeys | None = Field(
        None,
        description="signs download links and webhook addresses; 32 secret characters or more, earlier keys after a "
        "comma. Without it WORKER_SECRET_KEY signs them, and the worker endpoints are off",
    )
    public_url: Address = Field(description="where customers reach this shop")
    webhook_url: Address | None = Field(
        None, description="where providers reach this shop, if not under PUBLIC_URL"
    )
    checkout_success_url: LandingPage | None = Field(
        None, description="where customers land who paid; {upload_session} is filled in"
    )
    checkout_cancel_url: LandingPage | None = Field(
        None, description="where customers land who did not pay; {upload_session} is filled in"
    )

    price_currency: str = Field(
        "EUR", pattern="^[A-Z]{3}$", description="the ISO currency of the prices, as in EUR"
    )
    price_per_photo: Steps = Field(
        ((1, 490), (10, 390)),
        description="minor units for each photo, by how many are ordered: FROM_COUNT:UNITS, with commas",
        validate_default=True,
    )
    smallest_payment: Count = Field(
        50, description="minor units below which Stripe takes no payment in this currency; free is free"
    )
    ask_for_phone: bool = Field(
        default=False, description="whether Stripe's payment page asks customers for a phone number"
    )
    referral_points: CountOrNone = Field(
        100,
        description="points for a friend's first order, to them and to who recommended the shop; 0 for none",
    )
    point_value: Count = Field(1, description="minor units that a point takes off a price")

    max_restoration_attempts: Count = Field(3, description="attempts before a photo counts as not restorable")
    max_running_predictions: Count = Field(
        20, description="how many predictions run at Replicate at a time, whatever the number of workers"
    )
    max_predictions_per_minute: Count = Field(
        300, description="how many predictions are begun within any minute; Replicate takes 600 of an account"
    )
    restoration_poll_seconds: Seconds = Field(
        60, description="how often to look after a prediction by ourselves"
    )
    restoration_deadline_seconds: Seconds = Field(1800, description="when a prediction is cancelled")
    restoration_retry_seconds: Seconds = Field(5, description="the wait before a second attempt; it doubles")
    email_retry_delay_ms: Count = Field(
        60_000, description="the wait before a mail is tried again; it doubles"
    )
    email_confirmation_seconds: Seconds = Field(
        600,
        description="how long to wait for a webhook about a mail whose reply was lost, before its one resend",
    )
    download_link_days: Days = Field(30, description="how long a download link is good")
    link_reminder_days: DaysOrNone = Field(
        3,
        validate_default=True,
        description="how long before a link ends its customer is reminded who has fetched nothing; 0 for never",
    )
    redo_days: DaysOrNone = Field(
        14,
        description="how long customers may ask for another attempt at a photo, once each; 0 for not at all",
    )
    photo_retention_days: Days = Field(
        90,
        validate_default=True,
        description="how long the photos of a finished order are kept; at least DOWNLOAD_LINK_DAYS",
    )
    unmatched_payment_days: Days = Field(
        7, description="how long a payment without an order waits for a person before it is refunded"
    )
    record_retention_days: int = Field(
        90,
        ge=45,
        description="how long closed work and handled webhooks are kept; providers send again for up to 30 days",
    )
    cleanup_retention_days: Days = Field(7, description="how long unpaid photos are kept")
    max_photos_per_order: Count = Field(200, description="how many photos one order may hold")
    max_photo_mebibytes: Count = Field(50, description="how large one photo may be")

    max_sessions_per_client: Count = Field(
        60, description="how many upload sessions one client may open within an hour"
    )
    max_sessions_per_hour: Count = Field(3000, description="how many all clients together may open")
    max_mebibytes_per_client: Count = Field(
        10_000, description="how many mebibytes of photos one client may send within an hour"
    )
    max_mebibytes_per_hour: Count = Field(200_000, description="how many all clients together may send")
    max_checkouts_per_client: Count = Field(
        120, description="how often one client may ask for a checkout within an hour"
    )
    max_checkouts_per_hour: Count = Field(6000, description="how often all clients together may ask for one")
    max_code_guesses_per_client: Count = Field(
        20, description="how many codes that do not exist one client may try within an hour"
    )
    max_code_guesses_per_hour: Count = Field(500, description="how many all clients together may try")
    storage_limit_gibibytes: Count | None = Field(
        None,
        description="the size of the storage; when 95 % of it are used, no photo is accepted until some are deleted",
    )

    trusted_proxies: Proxies = Field(
        ("127.0.0.1", "::1"),
        description="addresses or networks of the proxies whose X-Forwarded-For is believed: 10.0.0.7,172.16.0.0/12",
    )
    cors_origins: Origins = Field(
        (),
        description="web sites whose scripts may use the API: https://photos.example,https://app.example",
    )
    dns_server: ServerAddress | None = Field(
        None,
        description="the DNS server that `restoreclick doctor` asks about the sender's domain, as ADDRESS or"
        " ADDRESS:PORT; the machine's own if it is left out",
    )
    http_host: str = Field("127.0.0.1", description="the address `restoreclick serve` listens on")
    http_port: int = Field(8000, ge=0, le=65535, description="its port")
    # Together fewer than UPLOAD_THREADS, so that one of those is free to refuse an upload when all decoders are busy.
    decoder_processes: int = Field(
        2, ge=1, le=8, description="how many pictures each process of the shop decodes at a time, 1 to 8"
    )
    decoder_queue: int = Field(
        16, ge=0, le=20, description="how many pictures may wait for that, 0 to 20; further uploads get 503"
    )
    decoder_queue_seconds: float = Field(
        60, ge=1, le=600, description="how long a picture waits for a decoder before its upload gets 503"
    )
    decoder_memory_mebibytes: int = Field(
        1536, ge=1024, le=65_536, description="address space of one decoder; large photos take 800 MiB of it"
    )
    decoder_cpu_seconds: float = Field(
        20,
        ge=5,
        le=600,
        description="CPU for a look into a picture; to convert it takes up to three times as much",
    )
    decoder_wall_seconds: float = Field(
        60,
        ge=5,
        le=3600,
        validate_default=True,
        description="how long such a look may last; at least DECODER_CPU_SECONDS",
    )
    worker_threads: Count = Field(
        4, description="how many reactions one worker does at a time in each of its four queues"
    )
    lease_seconds: Seconds = Field(30, description="how long a crashed worker's reaction stays its own")
    resend_after_seconds: Seconds = Field(10, description="when an unanswered wake-up is sent again")
    sweep_interval_ms: Count = Field(1000, description="how often to look for work that is due")
    housekeeping_interval_seconds: Seconds = Field(3600, description="how often to tidy up")
    reconcile_interval_hours: Hours = Field(
        24, description="how often the log is compared with the providers and repaired; 0 for never"
    )
    reconcile_grace_seconds: SecondsOrNone = Field(
        3600, description="how old something has to be before it counts as missing, and not as on its way"
    )
    metrics_host: str = Field(
        "127.0.0.1", description="the address at which a process serves its metrics; no customer may reach it"
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="its port, another for each process of a machine; 0 for a free one, empty for no metrics",
    )
    traces_endpoint: Address | None = Field(
        None,
        description="where traces are posted as OTLP, as in http://127.0.0.1:4318/v1/traces; needs the extra telemetry",
    )
    log_level: str = Field(
        "INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="the lowest level to log: DEBUG, INFO, WARNING or ERROR",
    )

    @field_validator("replicate_second_input_name", "replicate_second_extra_input")
    @classmethod
    def _belongs_to_a_second_model(cls, value: object, info: ValidationInfo) -> object:
        """Refuse a second model's inputs without the model, and the reverse.

        A model without an input name cannot be given an image.
        """
        model = info.data.get("replicate_second_model", ...)
        if model is None and value:
            raise ValueError("there is no REPLICATE_SECOND_MODEL")
        if isinstance(model, str) and value is None:
            raise ValueError("REPLICATE_SECOND_MODEL needs it")
        return value

    @field_validator("price_per_photo")
    @classmethod
    def _can_be_paid(cls, steps: Steps, read: ValidationInfo) -> Steps:
        """Refuse a price that the currency cannot express; raises ValueError."""
        return PriceList(currency=read.data.get("price_currency", NO_CURRENCY), steps=steps).steps

    @field_validator("link_reminder_days")
    @classmethod
    def _leaves_time_to_use_the_link(cls, days: int, read: ValidationInfo) -> int:
        if days >= read.data.get("download_link_days", days + 1):
            raise ValueError("it is not less than DOWNLOAD_LINK_DAYS: the reminder would come with the link")
        return days

    @field_validator("decoder_wall_seconds")
    @classmethod
    def _leaves_time_for_the_cpu(cls, seconds: float, read: ValidationInfo) -> float:
        if seconds < read.data.get("decoder_cpu_seconds", seconds):
            raise ValueError("it is less than DECODER_CPU_SECONDS, which could never be used up")
        return seconds

    @field_validator("photo_retention_days")
    @classmethod
    def _outlives_links(cls, days: int, read: ValidationInfo) -> int:
        if days < read.data.get("download_link_days", days):
            raise ValueError("it is less than DOWNLOAD_LINK_DAYS: links would outlive what they lead to")
        return days


def read_settings(file: Path | None = None) -> Settings:
    """The settings from the environment, and from a file of NAME=value lines.

    Raises SettingsError, which names everything that is wrong with them.
    """
    try:
        return Settings(_env_file=file)  # type: ignore[call-arg]  # the environment has them
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise SettingsError(problems(details, Settings.model_fields)) from None
