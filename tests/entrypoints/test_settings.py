"""Settings: all errors are reported at once, and secrets never shown."""

import re
from datetime import timedelta

import pytest

from adapters.images.decoder_pool import DecoderLimits
from domain.order.values import Variant
from entrypoints.bootstrap.adapters import decoder_limits_from, model_inputs_from
from entrypoints.bootstrap.policy import policy_from
from entrypoints.http.dependencies import UPLOAD_THREADS
from entrypoints.settings import Settings, read_settings
from entrypoints.settings_errors import SettingsError
from entrypoints.settings_example import example

PUBLIC_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPL1IuL8oAaLLAfpA15NcW6hT1Z"
    "2q2OXQFhJjIk0VUisco0AOCaIyXfw+Opz12nXMWG66AOPpyhJ7dzBzNHNNNw=="
)

COMPLETE = {
    "DATABASE_URL": "postgresql://shop:hush@localhost/shop",
    "REDIS_URL": "redis://localhost:6379/0",
    "S3_ENDPOINT": "http://localhost:8333",
    "S3_ACCESS_KEY": "an-access-key",
    "S3_SECRET_KEY": "canary-s3-secret",
    "STRIPE_SECRET_KEY": "sk_test_canary",
    "STRIPE_WEBHOOK_SECRET": "whsec_canary",
    "REPLICATE_API_TOKEN": "r8_canary_token",
    "REPLICATE_WEBHOOK_SECRET": "whsec_Y2FuYXJ5LXJlcGxpY2F0ZQ==",
    "SENDGRID_API_KEY": "SG.canary",
    "SENDGRID_WEBHOOK_PUBLIC_KEY": PUBLIC_KEY,
    "SENDER_ADDRESS": "photos@shop.example",
    "WORKER_SECRET_KEY": "canary" * 8,
    "PUBLIC_URL": "https://shop.example/",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_complete_environment_is_read_with_the_documented_defaults(environment: pytest.MonkeyPatch) -> None:
    del environment
    settings = read_settings()
    assert settings.cleanup_retention_days == 7
    assert settings.max_restoration_attempts == 3
    assert settings.email_retry_delay_ms == 60_000
    assert settings.public_url == "https://shop.example"


def test_everything_missing_is_named_at_once_with_what_it_is_for(environment: pytest.MonkeyPatch) -> None:
    for name in COMPLETE:
        environment.delenv(name)
    with pytest.raises(SettingsError) as refusal:
        read_settings()
    for name in COMPLETE:
        description = Settings.model_fields[name.lower()].description
        assert f"{name} is missing: {description}." in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "malformed"),
    [
        ("REPLICATE_WEBHOOK_SECRET", "whsec_!!!!!!"),
        ("SENDGRID_WEBHOOK_PUBLIC_KEY", "k" * 124),
        ("CORS_ORIGINS", "photos.example"),
        ("CORS_ORIGINS", "https://photos.example/"),
        ("CORS_ORIGINS", "https://photos.example,https://photos.example/shop"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "ftp://photos.example"),
        ("SENDGRID_WEBHOOK_PUBLIC_KEY", "!" * 124),
        ("REPLICATE_EXTRA_INPUT", '{"sizes": [1, 2]}'),
        ("RESTORATION_POLL_SECONDS", "0"),
        ("RESTORATION_POLL_SECONDS", "a minute"),
        ("MAX_RESTORATION_ATTEMPTS", "three"),
        ("REDO_DAYS", "10000000000"),
        ("PHOTO_RETENTION_DAYS", "10000000000"),
        ("UNMATCHED_PAYMENT_DAYS", "10000000000"),
        ("RECONCILE_GRACE_SECONDS", "inf"),
        ("RECONCILE_INTERVAL_HOURS", "nan"),
        ("LEASE_SECONDS", "inf"),
        ("REFERRAL_POINTS", "100000000000000000000"),
        ("CHECKOUT_SUCCESS_URL", "nonsense"),
        ("CHECKOUT_CANCEL_URL", "{upload_session}"),
        ("DATABASE_URL", "mysql://localhost/shop"),
        ("DATABASE_URL", "postgresql://shop:hush@localhost:port/shop"),
        ("REDIS_URL", "localhost"),
        ("S3_ENDPOINT", "localhost:8333"),
        ("WORKER_SECRET_KEY", "short"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_one_aaaa,whsec_two_aaaa,whsec_three_aaaa"),
        ("PRICE_PER_PHOTO", "490"),
        ("PRICE_PER_PHOTO", "2:490"),
        ("PRICE_CURRENCY", "euro"),
        ("REPLICATE_MODEL", "restore-image"),
        ("REPLICATE_EXTRA_INPUT", "output_format=png"),
        ("REPLICATE_SECOND_MODEL", "gfpgan"),
        ("REPLICATE_SECOND_INPUT_NAME", "img"),
        ("REPLICATE_SECOND_EXTRA_INPUT", '{"scale": 2}'),
        ("REPLICATE_REDO_EXTRA_INPUT", "seed=1"),
        ("MAX_RESTORATION_ATTEMPTS", "0"),
        ("HTTP_PORT", "70000"),
        ("SENDER_ADDRESS", "photos"),
        ("PHOTO_RETENTION_DAYS", "29"),
        ("LINK_REMINDER_DAYS", "30"),
        ("DECODER_PROCESSES", "9"),
        ("DECODER_QUEUE", "-1"),
        ("DECODER_MEMORY_MEBIBYTES", "100"),
        ("DECODER_CPU_SECONDS", "0"),
        ("DECODER_WALL_SECONDS", "19"),
        ("DECODER_QUEUE_SECONDS", "0"),
        ("REDO_DAYS", "-1"),
    ],
)
def test_a_malformed_setting_is_named(environment: pytest.MonkeyPatch, name: str, malformed: str) -> None:
    environment.setenv(name, malformed)
    with pytest.raises(SettingsError, match=f"{name} is malformed") as refusal:
        read_settings()
    (problem,) = refusal.value.problems
    assert not re.search(r"Input|Value|[Ss]tring|pattern|valid|items|\^", problem.partition(")")[0])


@pytest.mark.parametrize(
    ("name", "malformed", "complaint"),
    [
        ("LINK_SIGNING_KEY", ",", "it is empty"),
        ("LINK_SIGNING_KEY", "short", "it has fewer than 32 characters"),
        ("BACKUP_KIND", "whole", "it has to be 'physical' or 'logical'"),
        (
            "PUBLIC_URL",
            "photos.example",
            "write an address with http:// or https://, as in https://photos.example",
        ),
        ("PUBLIC_URL", "ftp://photos.example", "as in https://photos.example"),
        ("S3_ENDPOINT", "s3.example:8333", "as in https://photos.example"),
        ("CHECKOUT_SUCCESS_URL", "nonsense", "as in https://photos.example"),
        ("REDIS_URL", "somewhere", "as in redis://127.0.0.1:6379/0"),
    ],
)
def test_a_complaint_says_which_form_is_right(
    environment: pytest.MonkeyPatch, name: str, malformed: str, complaint: str
) -> None:
    environment.setenv(name, malformed)
    with pytest.raises(SettingsError) as refusal:
        read_settings()
    (problem,) = refusal.value.problems
    assert complaint in problem


def test_a_second_model_needs_its_name_for_the_picture(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REPLICATE_SECOND_MODEL", "tencentarc/gfpgan")
    with pytest.raises(SettingsError) as refusal:
        read_settings()
    (problem,) = refusal.value.problems
    assert problem.startswith("REPLICATE_SECOND_INPUT_NAME is malformed (REPLICATE_SECOND_MODEL needs it)")


def test_a_second_model_has_inputs_of_its_own(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REPLICATE_SECOND_MODEL", "tencentarc/gfpgan")
    environment.setenv("REPLICATE_SECOND_INPUT_NAME", "img")
    environment.setenv("REPLICATE_SECOND_EXTRA_INPUT", '{"scale": 2}')
    settings = read_settings()
    second = model_inputs_from(settings)[Variant.SECOND]
    assert (second.model, second.input_name) == ("tencentarc/gfpgan", "img")
    assert second.extra_input == {"scale": 2}
    assert policy_from(settings).limits.has_second_model


def test_without_a_second_model_the_first_is_asked_in_another_way(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("REPLICATE_REDO_EXTRA_INPUT", '{"seed": 5}')
    settings = read_settings()
    first, second = model_inputs_from(settings)[Variant.FIRST], model_inputs_from(settings)[Variant.SECOND]
    assert (second.model, second.input_name) == (first.model, first.input_name)
    assert (first.extra_input, second.extra_input) == (
        {"output_format": "png"},
        {"output_format": "png", "seed": 5},
    )
    assert not policy_from(settings).limits.has_second_model


def test_a_link_may_not_outlive_the_photos(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DOWNLOAD_LINK_DAYS", "91")
    with pytest.raises(SettingsError, match=r"PHOTO_RETENTION_DAYS is malformed \(it is less than DOWNLOAD"):
        read_settings()
    environment.setenv("PHOTO_RETENTION_DAYS", "91")
    assert policy_from(read_settings()).retention.photos == timedelta(days=91)


def test_a_reminder_follows_its_link_and_requests_and_reminders_are_optional(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("DOWNLOAD_LINK_DAYS", "3")
    with pytest.raises(
        SettingsError, match=r"LINK_REMINDER_DAYS is malformed \(it is not less than DOWNLOAD"
    ):
        read_settings()
    environment.setenv("LINK_REMINDER_DAYS", "0")
    environment.setenv("REDO_DAYS", "0")
    policy = policy_from(read_settings())
    assert (policy.delivery.link_reminder, policy.delivery.redo_within) == (timedelta(0), timedelta(0))


def test_a_setting_that_is_empty_is_missing(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STRIPE_SECRET_KEY", "")
    with pytest.raises(SettingsError, match="STRIPE_SECRET_KEY is missing: Stripe's API key"):
        read_settings()


@pytest.mark.parametrize(
    "database_url", ["postgres//shop:canary@localhost", "postgresql://shop:canary/1@localhost/shop"]
)
def test_a_malformed_secret_is_not_repeated_in_the_message(
    environment: pytest.MonkeyPatch, database_url: str
) -> None:
    environment.setenv("WORKER_SECRET_KEY", "canary")
    environment.setenv("DATABASE_URL", database_url)
    environment.setenv("REPLICATE_WEBHOOK_SECRET", "whsec_canary!")
    environment.setenv("SENDGRID_WEBHOOK_PUBLIC_KEY", "canary" * 20)
    with pytest.raises(SettingsError) as refusal:
        read_settings()
    assert "canary" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_secrets_do_not_show_when_settings_are_printed(environment: pytest.MonkeyPatch) -> None:
    del environment
    assert "canary" not in repr(read_settings())


def test_two_webhook_secrets_are_accepted_while_one_is_rotated(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STRIPE_WEBHOOK_SECRET", "whsec_old_one, whsec_new_one")
    secrets = [secret.get_secret_value() for secret in read_settings().stripe_webhook_secret]
    assert secrets == ["whsec_old_one", "whsec_new_one"]


def test_prices_come_from_the_settings(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PRICE_PER_PHOTO", "1:500,5:400")
    environment.setenv("PRICE_CURRENCY", "USD")
    prices = policy_from(read_settings()).prices
    assert str(prices.quote(4)) == "20.00 USD"
    assert str(prices.quote(5)) == "20.00 USD"


def test_providers_reach_the_shop_under_an_address_of_their_own_if_there_is_one(
    environment: pytest.MonkeyPatch,
) -> None:
    assert policy_from(read_settings()).urls.prediction_webhook.startswith("https://shop.example/")
    environment.setenv("WEBHOOK_URL", "https://hooks.shop.example/")
    assert policy_from(read_settings()).urls.prediction_webhook.startswith("https://hooks.shop.example/")


def test_the_example_holds_every_setting_and_no_other() -> None:
    named = re.findall(r"^(?:# )?([A-Z0-9_]+)=", example(), flags=re.MULTILINE)
    assert named == [name.upper() for name in Settings.model_fields]


def test_what_the_example_shows_as_defaults_are_the_defaults(environment: pytest.MonkeyPatch) -> None:
    before = read_settings()
    for name, value in re.findall(r"^# ([A-Z0-9_]+)=(.+)$", example(), flags=re.MULTILINE):
        environment.setenv(name, value)
    assert read_settings() == before


def test_a_price_that_its_currency_does_not_have_is_refused_at_the_start(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("PRICE_CURRENCY", "KWD")
    environment.setenv("PRICE_PER_PHOTO", "1:1235")
    with pytest.raises(SettingsError, match="write 1230 or 1240 for 1235"):
        read_settings()
    environment.setenv("PRICE_PER_PHOTO", "1:1230")
    assert read_settings().price_per_photo == ((1, 1230),)


def test_the_default_price_is_refused_in_a_currency_that_does_not_have_it(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("PRICE_CURRENCY", "ISK")
    with pytest.raises(SettingsError, match="PRICE_PER_PHOTO"):
        read_settings()


def test_the_decoders_limits_are_settings_and_keep_an_upload_thread_free(
    environment: pytest.MonkeyPatch,
) -> None:
    assert decoder_limits_from(read_settings()) == DecoderLimits()
    for name, value in {
        "DECODER_PROCESSES": "8",
        "DECODER_QUEUE": "20",
        "DECODER_CPU_SECONDS": "10",
        "DECODER_WALL_SECONDS": "15",
    }.items():
        environment.setenv(name, value)
    limits = decoder_limits_from(read_settings())
    assert limits.cpu_seconds * limits.wall_seconds_per_cpu_second == 15
    assert limits.processes + limits.waiting < UPLOAD_THREADS


@pytest.mark.parametrize(("hours", "expected"), [("6", 6), ("0", 24)])
def test_backups_that_no_worker_makes_are_expected_once_a_day(
    environment: pytest.MonkeyPatch, hours: str, expected: int
) -> None:
    environment.setenv("BACKUP_KEY", "canary-backup-key-" * 3)
    environment.setenv("BACKUP_INTERVAL_HOURS", hours)
    work = policy_from(read_settings()).work
    assert (work.makes_backups, work.backup_interval) == (True, timedelta(hours=expected))
    assert work.needs_archived_log
    environment.setenv("BACKUP_KIND", "logical")
    assert not policy_from(read_settings()).work.needs_archived_log
