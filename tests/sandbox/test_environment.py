"""The whole sandbox: start, settings, shutdown."""

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest
import redis
from minio import Minio

from sandbox.environment import DataFolderInUseError, Sandbox
from sandbox.processes import ProcessError
from tests.waiting import eventually

SHOP_URL = "http://127.0.0.1:4711"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world") / "data"


@pytest.fixture(scope="module")
def first_environment(data_dir: Path) -> dict[str, str]:
    """Return the settings of a sandbox that has ended."""
    with Sandbox(data_dir, SHOP_URL) as sandbox:
        return sandbox.environment


@pytest.fixture(scope="module")
def sandbox(data_dir: Path, first_environment: dict[str, str]) -> Iterator[Sandbox]:
    """Start a sandbox in a folder of an earlier one."""
    assert first_environment
    with Sandbox(data_dir, SHOP_URL) as sandbox:
        yield sandbox


def test_the_environment_names_all_that_the_shop_needs(sandbox: Sandbox) -> None:
    assert set(sandbox.environment) == {
        *("DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "WORKER_SECRET_KEY", "LINK_SIGNING_KEY", "DNS_SERVER"),
        *("S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_REGION", "S3_BUCKET"),
        *("STRIPE_API_BASE", "STRIPE_CHECKOUT_ORIGINS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"),
        *("REPLICATE_API_BASE", "REPLICATE_API_TOKEN", "REPLICATE_WEBHOOK_SECRET", "REPLICATE_OUTPUT_HOSTS"),
        *("REPLICATE_SECOND_MODEL", "REPLICATE_SECOND_INPUT_NAME"),
        *("SENDGRID_API_BASE", "SENDGRID_API_KEY", "SENDGRID_WEBHOOK_PUBLIC_KEY"),
        *("SANDBOX_MAILBOX_URL", "SENDER_ADDRESS", "NO_PROXY", "no_proxy"),
        *(
            f"MAX_{each}_PER_{span}"
            for each in ("SESSIONS", "MEBIBYTES", "CHECKOUTS")
            for span in ("CLIENT", "HOUR")
        ),
    }
    assert all(sandbox.environment.values())


def test_everything_named_in_the_environment_answers(sandbox: Sandbox) -> None:
    env = sandbox.environment
    psycopg.connect(env["DATABASE_URL"]).close()
    with redis.Redis.from_url(env["REDIS_URL"]) as broker:
        assert broker.ping()
    host = env["S3_ENDPOINT"].removeprefix("http://")
    storage = Minio(host, env["S3_ACCESS_KEY"], env["S3_SECRET_KEY"], secure=False, region=env["S3_REGION"])
    assert storage.bucket_exists(env["S3_BUCKET"])
    for twin in ("STRIPE", "REPLICATE", "SENDGRID"):
        assert httpx2.get(f"{env[f'{twin}_API_BASE']}/_twin/ledger", trust_env=False).is_success
    sandbox.check()


def test_the_twins_require_the_credentials(sandbox: Sandbox) -> None:
    env = sandbox.environment
    sessions = f"{env['STRIPE_API_BASE']}/v1/checkout/sessions"
    for key, status in ((env["STRIPE_SECRET_KEY"], 200), ("sk_test_guessed", 401)):
        answer = httpx2.get(sessions, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
        assert answer.status_code == status


def test_a_sandbox_started_again_is_the_same(sandbox: Sandbox, first_environment: dict[str, str]) -> None:
    assert sandbox.environment == first_environment


def test_credentials_can_be_read_by_their_owner_alone(sandbox: Sandbox, data_dir: Path) -> None:
    assert sandbox.environment["STRIPE_SECRET_KEY"] in (data_dir / "credentials.json").read_text()
    assert stat.S_IMODE((data_dir / "credentials.json").stat().st_mode) == 0o600


def test_a_data_folder_holds_one_sandbox_at_a_time(sandbox: Sandbox, data_dir: Path) -> None:
    with (
        pytest.raises(DataFolderInUseError, match=f"Process {os.getpid()} is using"),
        Sandbox(data_dir, SHOP_URL),
    ):
        pytest.fail("two in one folder")
    sandbox.check()


def test_two_sandboxes_run_side_by_side_and_report_a_dead_part(sandbox: Sandbox, tmp_path: Path) -> None:
    with Sandbox(tmp_path, SHOP_URL) as other:
        assert not set(other.addresses.values()) & set(sandbox.addresses.values())
        with redis.Redis.from_url(other.environment["REDIS_URL"]) as broker:
            os.kill(broker.info("server")["process_id"], signal.SIGKILL)
        eventually(lambda: _complains(other))
        sandbox.check()
    for url in other.addresses.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", httpx2.URL(url).port or 0), timeout=5)


def _complains(sandbox: Sandbox) -> bool:
    try:
        sandbox.check()
    except ProcessError as error:
        return "Valkey has ended unexpectedly (killed by SIGKILL)" in str(error)
    return False
