"""Setup asks for each required setting, checks answers, and keeps the file."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from entrypoints.cli.setup.interview import Interview, known_settings
from entrypoints.cli.setup.looking_up import LOOK_UPS
from entrypoints.cli.setup.questions import GENERATED, QUESTIONS, problem_with, webhook_base
from entrypoints.cli.support import env_file
from entrypoints.settings import Settings
from tests.entrypoints.cli.complete_settings import complete_settings
from tests.entrypoints.support.shell import Terminal


def test_every_required_setting_is_asked_for_or_made_up() -> None:
    required = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    assert required <= {question.name for question in QUESTIONS} | set(GENERATED)


def test_questions_and_look_ups_are_about_settings() -> None:
    names = {name.upper() for name in Settings.model_fields}
    assert {question.name for question in QUESTIONS} | set(GENERATED) | set(LOOK_UPS) <= names


def test_secrets_are_typed_unseen() -> None:
    hidden = {question.name for question in QUESTIONS if question.is_secret}
    secrets = {
        name.upper() for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)
    }
    assert {question.name for question in QUESTIONS} & secrets <= hidden
    assert "DATABASE_URL" in hidden


@pytest.mark.parametrize(
    ("name", "answer", "problem"),
    [
        ("PUBLIC_URL", "photos.example", "PUBLIC_URL is malformed"),
        ("DATABASE_URL", "mysql://localhost/shop", "DATABASE_URL is malformed"),
        ("STRIPE_SECRET_KEY", "short", "it has fewer than 8 characters"),
        ("REPLICATE_WEBHOOK_SECRET", "whsec_!!!!!!", "it is not base64 after whsec_"),
        ("SENDGRID_WEBHOOK_PUBLIC_KEY", "no key", "it is no such key"),
        ("SENDER_ADDRESS", "photos", "it has another form"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_the_reason(name: str, answer: str, problem: str) -> None:
    refused = problem_with(name, answer)
    assert refused is not None
    assert problem in refused
    assert "canary" not in (problem_with(name, "canary") or "")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("PUBLIC_URL", "https://photos.example"),
        ("REDIS_URL", "redis://127.0.0.1:6379/0"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_new_secret,whsec_old_secret"),
        ("LINK_SIGNING_KEY", "k" * 32),
        ("SENDER_ADDRESS", "photos@shop.example"),
    ],
)
def test_an_answer_that_fits_is_accepted(name: str, answer: str) -> None:
    assert problem_with(name, answer) is None


def test_webhook_addresses_are_shown_as_far_as_they_are_known() -> None:
    assert webhook_base({}) == "PUBLIC_URL/api/webhooks"
    assert webhook_base({"PUBLIC_URL": "https://a.example/"}) == "https://a.example/api/webhooks"
    assert webhook_base({"PUBLIC_URL": "https://a.example", "WEBHOOK_URL": "https://b.example"}) == (
        "https://b.example/api/webhooks"
    )


def test_a_file_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "# my shop\n\nSENDER_NAME='Ada & Co'\n# REDIS_URL=\nexport S3_BUCKET=photos\nS3_REGION=\n"
    )
    path.chmod(0o644)
    env_file.update(
        path, {"REDIS_URL": "redis://localhost", "S3_REGION": "eu", "PRICE": "1:490", "S3_BUCKET": "b"}
    )
    assert path.read_text() == (
        "# my shop\n\nSENDER_NAME='Ada & Co'\nREDIS_URL=redis://localhost\nS3_BUCKET=b\nS3_REGION=eu\nPRICE=1:490\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "two words",
        "a$b",
        'a"b',
        "it's",
        'it\'s "$HOME" `x` \\n',
        "a#b",
        "{'json': 1}",
        "ü",
        "=",
        "a=b",
    ],
)
def test_a_value_is_read_as_it_was_written(tmp_path: Path, value: str) -> None:
    path = tmp_path / ".env"
    env_file.update(path, {"FIRST": "1", "VALUE": value, "LAST": "2"})
    assert env_file.read(path) == {"FIRST": "1", "VALUE": value, "LAST": "2"}


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text("S3_BUCKET=of-the-file\nS3_REGION=of-the-file\nOTHER=ignored\n")
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("S3_BUCKET", "of-the-environment")
    monkeypatch.setenv("REDIS_URL", "")
    assert known_settings(path) == {"S3_BUCKET": "of-the-environment", "S3_REGION": "of-the-file"}
    assert known_settings(tmp_path / "none") == {"S3_BUCKET": "of-the-environment"}


@pytest.fixture
def known() -> dict[str, str]:
    """Every setting that is asked for."""
    return {**complete_settings(), "DATABASE_URL": "postgresql://shop@localhost/shop"}


@pytest.mark.parametrize(("answer", "has_key"), [("y", True), ("n", False)])
def test_a_key_of_backups_is_made_on_request(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    known: Mapping[str, str],
    *,
    has_key: bool,
) -> None:
    monkeypatch.delenv("BACKUP_KEY", raising=False)
    monkeypatch.delenv("SANDBOX_MAILBOX_URL", raising=False)
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
    path = tmp_path / ".env"
    Interview(Console(), path).hold()
    key = env_file.read(path).get("BACKUP_KEY", "")
    assert bool(key) is has_key
    printed = capsys.readouterr().out
    assert ("Keep a copy of it elsewhere" in printed) is has_key
    assert not key or (len(key) == 64 and key not in printed)


def test_a_sandbox_is_not_asked_for_backups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: Mapping[str, str]
) -> None:
    for name, value in {**known, "SANDBOX_MAILBOX_URL": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin", Terminal())
    Interview(Console(), tmp_path / ".env").hold()
    assert not (tmp_path / ".env").exists()
