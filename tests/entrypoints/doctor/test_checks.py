"""Findings that a sandbox cannot have, on facts made up."""

import errno
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from domain.order.values import Variant
from domain.ports.backups import BackupFailedError
from domain.ports.errors import UnavailableError
from entrypoints.bootstrap.diagnosis import (
    ArchivingFacts,
    BucketFacts,
    CertificateError,
    Diagnosis,
    EventWebhook,
    LifecycleRule,
    ModelFacts,
    PublicAnswer,
    SenderDomain,
    ServerFacts,
    WebhookEndpoint,
    fingerprint_of,
)
from entrypoints.doctor import examination
from entrypoints.doctor.checks import (
    backups,
    database,
    machine,
    public_address,
    replicate,
    sender_domain,
    sendgrid,
    settings,
    storage,
    stripe,
    versions,
)
from entrypoints.doctor.findings import Check, Finding, warning
from entrypoints.process_connections import process_connections
from entrypoints.settings import Settings

URL = "https://shop.example/api/webhooks/stripe"
HOOK = "https://shop.example/api/webhooks/sendgrid"
SETTINGS = Settings.model_construct(
    sender_address="photos@shop.example",
    public_url="https://shop.example",
    stripe_secret_key=SecretStr("sk_live_1"),
    sendgrid_webhook_public_key="the key",
)
ENDPOINT = WebhookEndpoint(
    endpoint_id="we_1",
    url=URL,
    is_enabled=True,
    missing_events=[],
    api_version=None,
    is_of_old_version=False,
)
WEBHOOK = EventWebhook(url=HOOK, is_enabled=True, missing_events=[], public_key="the key")
BUCKET = BucketFacts(
    keeps_first_write=True,
    reads_ranges=True,
    is_public=False,
    is_locked=False,
    deletes_versions=True,
    deletes=[],
)
SERVER = ServerFacts(
    major_version=17, encoding="UTF8", is_durable=True, connections=100, now=datetime.now(UTC)
)
ARCHIVING = ArchivingFacts(
    role="restoreclick",
    cluster="7000000000000000001",
    may_replicate=True,
    accepts_replication=True,
    archives=True,
    archive_timeout_seconds=30,
    sees_files=True,
    is_failing=False,
)
MODEL = ModelFacts(is_official=True, inputs={"input_image": {}, "output_format": {}, "seed": {}}, required=[])
DOMAIN = SenderDomain(domain="shop.example", is_valid=True, return_path=None, signing_keys=[])


def found(module: Any, **readers: Any) -> list[str]:
    """The codes that the checks of a subject find."""
    parts = {"settings": SETTINGS, "stripe_webhook_url": URL, "sendgrid_webhook_url": HOOK, **readers}
    diagnosis = cast("Diagnosis", SimpleNamespace(**parts))
    findings: list[Finding] = []
    for check in module.checks(diagnosis):
        try:
            findings += check.look()
        except AttributeError:
            continue  # it looks at another part
    return [finding.code for finding in findings]


def answering(**answers: object) -> SimpleNamespace:
    """A reader whose methods return these answers."""
    return SimpleNamespace(**{name: _returning(answer) for name, answer in answers.items()})


def _returning(answer: object) -> Callable[..., object]:
    def method(*_: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return method


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, []),
        ({"keeps_first_write": False}, ["storage_overwrites"]),
        ({"reads_ranges": False}, ["storage_without_ranges"]),
        ({"is_public": True}, ["bucket_public"]),
        ({"is_locked": True}, ["bucket_locked"]),
        ({"deletes_versions": False}, ["versions_undeletable"]),
    ],
)
def test_what_a_storage_must_not_do(facts: Mapping[str, Any], codes: list[str]) -> None:
    bucket = answering(exists=True, describe=replace(BUCKET, **facts))
    assert found(storage, bucket=bucket) == codes


@pytest.mark.parametrize(
    ("certificate", "codes"),
    [
        (datetime.now(UTC) + timedelta(days=60), []),
        (datetime.now(UTC) + timedelta(days=3), ["certificate_expires"]),
        (CertificateError("shop.example", "certificate has expired"), ["certificate_invalid"]),
        (None, []),
    ],
)
def test_certificates(certificate: object, codes: list[str]) -> None:
    assert found(public_address, public=answering(certificate_expires_at=certificate)) == codes


@pytest.mark.parametrize(
    ("endpoints", "codes"),
    [
        ([ENDPOINT], []),
        ([ENDPOINT, replace(ENDPOINT, endpoint_id="we_2")], ["stripe_endpoint_twice"]),
        ([ENDPOINT, replace(ENDPOINT, url="https://another.example/hook", is_enabled=False)], []),
        ([replace(ENDPOINT, url=f"{URL}/")], []),
    ],
)
def test_endpoints_at_stripe(endpoints: Sequence[WebhookEndpoint], codes: list[str]) -> None:
    assert found(stripe, stripe=answering(webhook_endpoints=endpoints)) == codes


@pytest.mark.parametrize(
    ("configured", "codes"),
    [(["whsec_new"], []), (["whsec_new", "whsec_old"], []), (["whsec_old"], ["stripe_secret_differs"])],
)
def test_another_secret_than_the_created_endpoints_is_found(
    configured: Sequence[str], codes: list[str]
) -> None:
    secrets = tuple(SecretStr(each) for each in configured)
    settings = SETTINGS.model_copy(update={"stripe_webhook_secret": secrets})
    made = replace(ENDPOINT, secret_fingerprint=fingerprint_of("whsec_new"))
    assert found(stripe, stripe=answering(webhook_endpoints=[made]), settings=settings) == codes
    assert found(stripe, stripe=answering(webhook_endpoints=[ENDPOINT]), settings=settings) == []


@pytest.mark.parametrize(
    ("webhooks", "codes"),
    [
        ([WEBHOOK], []),
        ([replace(WEBHOOK, public_key="another")], ["sendgrid_key_differs"]),
        ([WEBHOOK, replace(WEBHOOK, url="https://another.example", public_key="")], []),
    ],
)
def test_event_webhooks_at_sendgrid(webhooks: Sequence[EventWebhook], codes: list[str]) -> None:
    assert found(sendgrid, sendgrid=answering(event_webhooks=webhooks)) == codes


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, []),
        ({"encoding": "SQL_ASCII"}, ["database_encoding"]),
        ({"connections": 20}, ["database_connections_few"]),
        ({"is_durable": False}, ["database_not_durable"]),
    ],
)
def test_what_a_database_must_be(facts: Mapping[str, Any], codes: list[str]) -> None:
    assert found(database, server_facts=lambda: replace(SERVER, **facts)) == codes


@pytest.mark.parametrize(
    ("sessions", "key", "codes"),
    [
        ({"restoreclick 0.2.0 worker": 3}, None, []),
        ({"restoreclick 0.2.0 serve": 3}, None, ["worker_missing"]),
        ({}, (SecretStr("k" * 32),), ["worker_missing"]),
    ],
)
def test_a_shop_without_a_worker_is_found(sessions: Mapping[str, int], key: Any, codes: list[str]) -> None:
    settings = SETTINGS.model_copy(update={"link_signing_key": key})
    assert found(database, sessions=lambda: sessions, settings=settings) == codes


def test_the_connections_of_a_process_are_what_the_document_says() -> None:
    beside = process_connections(0)
    text = (Path(__file__).parents[3] / "docs/scale.md").read_text()
    assert (
        f"4 x WORKER_THREADS + {beside} connections, {process_connections(SETTINGS.worker_threads)} by"
        in text
    )


@pytest.mark.parametrize(("has_free_space", "codes"), [(True, []), (False, ["database_full"])])
def test_a_database_whose_disk_is_full_is_found(has_free_space: bool, codes: list[str]) -> None:  # noqa: FBT001
    assert found(database, has_free_space=lambda: has_free_space) == codes


@pytest.mark.parametrize(("is_behind", "codes"), [(False, []), (True, ["database_behind_log"])])
def test_a_database_behind_its_log_is_found(is_behind: bool, codes: list[str]) -> None:  # noqa: FBT001
    assert found(database, is_behind_log=lambda: is_behind) == codes


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"brand_directory": Path("/nonexist")}, ["brand_unusable"]),
        ({"owner_language": "kl"}, []),
        ({"owner_language": "kl", "owner_email": "owner@shop.example"}, ["owner_language_unknown"]),
        ({"owner_language": "de-AT", "owner_email": "owner@shop.example"}, []),
    ],
)
def test_settings_that_only_a_start_or_a_letter_would_show(
    changes: Mapping[str, Any], codes: list[str]
) -> None:
    fitting = {
        "link_signing_key": (SecretStr("k" * 32),),
        "worker_secret_key": SecretStr("w" * 32),
        "stripe_webhook_secret": (SecretStr("whsec_1"),),
        "replicate_api_token": SecretStr("r8_1"),
        "sendgrid_api_key": SecretStr("SG.1"),
        "stripe_secret_key": SecretStr("sk_test_1"),
    }
    assert found(settings, settings=SETTINGS.model_copy(update={**fitting, **changes})) == codes


DETAIL = "The database is older than the shop's log."


@pytest.mark.parametrize(
    ("content", "named", "unnamed"),
    [
        (json.dumps({"request_id": "0193", "detail": DETAIL}).encode(), DETAIL, "proxy"),
        (b"<h1>502 Bad Gateway</h1>", "correct the proxy", "API itself"),
    ],
)
def test_a_test_event_that_the_api_itself_cannot_take_is_not_blamed_on_the_proxy(
    content: bytes, named: str, unnamed: str
) -> None:
    answer = PublicAnswer(status=503, location=None, content=content)
    parts: dict[str, Any] = {
        "settings": SETTINGS.model_copy(update={"stripe_webhook_secret": (SecretStr("whsec_1"),)}),
        "webhooks": SimpleNamespace(request=lambda *_, **__: answer),
        "stripe_webhook_url": URL,
    }
    *_, test_event = public_address.checks(cast("Diagnosis", SimpleNamespace(**parts, public=None)))
    [finding] = test_event.look()
    assert finding.code == "stripe_test_event_lost"
    assert named in finding.sentence
    assert unnamed not in finding.sentence


def test_an_outage_is_reported_by_the_subject_that_is_off_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def off() -> Sequence[Finding]:
        raise UnavailableError("PostgreSQL", "refused")

    def well() -> Iterator[Finding]:
        yield warning("python_untested", "Use another Python.")

    subjects = {
        "versions": [
            Check(subject="versions", look=well),
            Check(subject="versions", look=off, needs=["database"]),
        ],
        "database": [
            Check(subject="database", look=off),
            Check(subject="database", look=off, needs=["database"]),
        ],
        "backups": [Check(subject="backups", look=off)],
    }
    modules = [SimpleNamespace(checks=lambda _, each=each: each) for each in subjects.values()]
    monkeypatch.setattr(examination, "SUBJECTS", modules)
    results = {each.subject: each for each in examination.examine(cast("Diagnosis", None))}
    codes = {name: [finding.code for finding in each.findings] for name, each in results.items()}
    assert codes == {
        "versions": ["python_untested"],
        "database": ["database_unavailable"],
        "backups": ["backups_unavailable"],  # it does not say that it needs the database
    }
    assert results["versions"].unexamined_without == ("database",)
    assert results["database"].unexamined_without == ()


@pytest.mark.parametrize(
    ("major", "codes"), [(15, []), (18, []), (14, ["postgresql_untested"]), (19, ["postgresql_untested"])]
)
def test_versions_of_postgresql(major: int, codes: list[str]) -> None:
    assert found(versions, server_facts=lambda: replace(SERVER, major_version=major)) == codes


def test_a_newer_python_and_an_older_library_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "NEWEST_PYTHON", (3, 10))
    monkeypatch.setattr(
        versions, "requires", lambda _: ["stripe>=999", "nothing-of-this-name>=1", 'odd; extra == "x"']
    )
    assert found(versions) == ["python_untested", "library_unfit", "library_unfit"]


def test_a_required_input_that_is_not_given_is_found() -> None:
    reader = answering(model=replace(MODEL, required=["input_image", "prompt"]))
    models = {Variant.FIRST: SETTINGS.replicate_model}
    assert found(replicate, replicate=reader, models=models) == ["model_input_lacking"]


@pytest.mark.parametrize(
    ("records", "codes"),
    [
        (
            {"shop.example": ["v=spf1 -all"], "s1._domainkey.shop.example": ["p=1"]},
            ["dkim_missing", "dmarc_missing"],
        ),
        (
            {
                "shop.example": ["v=spf1 a", "v=spf1 b"],
                "s1._domainkey.shop.example": ["k=rsa; p=1"],
                "s2._domainkey.shop.example": ["k=rsa; p=2"],
                "_dmarc.shop.example": ["V=DMARC1; p=none"],
            },
            ["spf_twice"],
        ),
    ],
)
def test_records_of_the_sender(records: Mapping[str, Sequence[str]], codes: list[str]) -> None:
    dns = SimpleNamespace(texts=lambda name: records.get(name, []))
    assert found(sender_domain, dns=dns, sendgrid=answering(domains=[DOMAIN])) == codes


def examined_backups(**parts: Any) -> list[str]:
    """What is found of backups, with parts that differ from usual."""
    settings = SETTINGS.model_copy(
        update={"backup_key": SecretStr("k" * 32), "backup_s3_bucket": "copies", **parts.pop("settings", {})}
    )
    usual = {
        "backup_bucket": answering(exists=True, describe=BUCKET),
        "archiving_facts": lambda: ARCHIVING,
        "unopened_backup": lambda: None,
        "unopened_log_file": lambda _: None,
        "program_major_version": lambda _: SERVER.major_version,
        "server_facts": lambda: SERVER,
    }
    return found(backups, **{**usual, "settings": settings, **parts})


def test_a_shop_without_backups_is_found_unless_it_is_a_sandbox() -> None:
    assert examined_backups() == []
    assert examined_backups(settings={"backup_key": None}) == ["backups_off"]
    sandbox = {"backup_key": None, "sandbox_mailbox_url": "http://127.0.0.1:1"}
    assert examined_backups(settings=sandbox) == []


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({"keeps_first_write": False}, ["backup_storage_overwrites"]),
        ({"is_public": True}, ["backup_bucket_public"]),
        ({"deletes": [LifecycleRule(rule_id="tidy", prefix="")]}, ["lifecycle_deletes_backups"]),
    ],
)
def test_what_the_storage_of_backups_must_not_do(facts: Mapping[str, Any], codes: list[str]) -> None:
    bucket = answering(exists=True, describe=replace(BUCKET, **facts))
    assert examined_backups(backup_bucket=bucket) == codes
    of_the_photos = {"backup_s3_bucket": None}
    assert examined_backups(backup_bucket=bucket, settings=of_the_photos) == []


def test_a_key_that_opens_neither_backup_nor_log_is_found() -> None:
    wrong: dict[str, Any] = {"unopened_backup": lambda: "20261130T120000Z-physical-1"}
    assert examined_backups(**wrong) == ["backup_key_differs"]
    assert examined_backups(**wrong, settings={"backup_s3_bucket": None}) == ["backup_key_differs"]
    assert examined_backups(unopened_log_file=lambda cluster: f"log of {cluster}") == [
        "backup_log_key_differs"
    ]
    logical = {"backup_kind": "logical"}
    assert examined_backups(unopened_log_file=lambda _: "log", settings=logical) == []


def test_a_folder_that_workers_cannot_archive_from_is_found(tmp_path: Path) -> None:
    assert examined_backups(settings={"backup_wal_directory": tmp_path}) == []
    missing = {"backup_wal_directory": tmp_path / "nonexist"}
    assert examined_backups(settings=missing) == ["backup_wal_directory_missing"]


@pytest.mark.parametrize("refused", [os.R_OK, os.W_OK, os.X_OK])
def test_a_folder_of_the_log_that_the_workers_may_not_clear_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & refused)  # who tests as root may do all
    assert examined_backups(settings={"backup_wal_directory": tmp_path}) == ["backup_wal_directory_locked"]


def test_a_machine_without_a_folder_for_temporary_files_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", full)
    assert "temporary_folder_unusable" in found(machine)


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        (
            {"may_replicate": False, "accepts_replication": False},
            ["backup_role_without_replication"],
        ),
        ({"accepts_replication": False}, ["backup_connection_refused"]),
        ({"archives": False, "archive_timeout_seconds": 0}, ["log_not_archived"]),
        ({"archive_timeout_seconds": 0}, ["log_archived_late"]),
        ({"archive_timeout_seconds": 3600}, ["log_archived_late"]),
        ({"is_failing": True}, ["log_archiving_fails"]),
        ({"sees_files": False}, ["log_files_not_visible"]),
    ],
)
def test_what_physical_backups_need_of_the_server(facts: Mapping[str, Any], codes: list[str]) -> None:
    parts: dict[str, Any] = {"archiving_facts": lambda: replace(ARCHIVING, **facts)}
    assert examined_backups(**parts) == codes
    assert examined_backups(**parts, settings={"backup_kind": "logical"}) == []


def test_programs_that_are_missing_or_of_another_version_are_found() -> None:
    def missing(name: str) -> int:
        raise BackupFailedError(name, "it is not on the PATH")

    assert examined_backups(program_major_version=missing) == ["backup_program_missing"]
    assert examined_backups(program_major_version=lambda _: 15) == ["backup_program_version"]
    with_drills = {"backup_drill_interval_hours": 168}
    assert examined_backups(program_major_version=missing, settings=with_drills) == (
        ["backup_program_missing"] * 5
    )
