"""`restoreclick doctor` finds each misconfiguration that is planted, and no other."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx2
import psycopg
import pytest
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
from psycopg import sql

from adapters.dns_records import DnsRecords
from adapters.postgres.shop_facts import PostgresShopFacts
from domain.use_cases.recovery.log_heads import LogHeads
from entrypoints.bootstrap import diagnosis
from entrypoints.doctor import examination
from entrypoints.doctor.checks import clocks, database
from sandbox.demo.local_shop import LocalShop
from tests.entrypoints.support.shell import Answer, Shell
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

#: A name for this machine that does not look like it.
PUBLIC_NAME = "shop.test"

REAL_ESRGAN = "nightmareai/real-esrgan"


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A healthy shop, and ways to harm it until the test ends."""

    shop: RunningShop
    storage: Minio
    shell: Shell
    monkeypatch: pytest.MonkeyPatch
    stack: ExitStack
    env_path: Path

    def examined(self, *options: str) -> Answer:
        """The command's answer."""
        return self.shell("doctor", "--env-file", str(self.env_path), *options)

    def codes(self) -> dict[str, str]:
        """The codes that are found, with their sentences."""
        document = json.loads(self.examined("--json").out)
        return {finding["code"]: finding["sentence"] for finding in document["findings"]}

    def sets(self, **settings: str) -> None:
        for name, value in settings.items():
            self.monkeypatch.setenv(name, value)

    def unsets(self, name: str) -> None:
        self.monkeypatch.delenv(name)

    def turns(self, twin: str, **knobs: object) -> None:
        """Change a twin's settings until the end."""
        url = f"{self.shop.shop.addresses[twin]}/_twin/settings"
        before = httpx2.get(url).json()
        self.stack.callback(self.shop.turn, twin, **{name: before[name] for name in knobs})
        self.shop.turn(twin, **knobs)

    def alters_database(self, setting: str, value: str) -> None:
        """Change a setting of the shop's database until the end."""
        url = self.shop.shop.environment["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            name = sql.Identifier(connection.info.dbname)
            altered = sql.SQL("ALTER DATABASE {} SET {} = {}").format(name, sql.Identifier(setting), value)
            connection.execute(altered)
            reset = sql.SQL("ALTER DATABASE {} RESET {}").format(name, sql.Identifier(setting)).as_string()
        self.stack.callback(self._execute, f"SET default_transaction_read_only = off; {reset}")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.shop.shop.environment["DATABASE_URL"], autocommit=True) as connection:
            for each in statement.split("; "):
                connection.execute(each.encode())

    def empty_database(self) -> str:
        """The URL of a database without a schema."""
        name = f"empty_{time.monotonic_ns()}"
        self._execute(f"CREATE DATABASE {name}")
        self.stack.callback(self._execute, f"DROP DATABASE {name} WITH (FORCE)")
        url = self.shop.shop.environment["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            return url.replace(f"/{connection.info.dbname}", f"/{name}")

    def proxy(self, answer: Callable[[BaseHTTPRequestHandler, str], None]) -> str:
        """The address of a proxy in front of the shop."""
        return self.stack.enter_context(proxy(self.shop.shop.url, answer))


@contextmanager
def proxy(behind: str, answer: Callable[[BaseHTTPRequestHandler, str], None]) -> Iterator[str]:
    """A proxy that answers each request by a function."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_expect_100(self) -> bool:
            return True  # the answer says all

        def do_GET(self) -> None:
            with suppress(BrokenPipeError):  # the caller has seen enough
                answer(self, behind)

        do_POST = do_GET  # noqa: N815 -- the library's name

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def passes_on(request: BaseHTTPRequestHandler, behind: str) -> None:
    """Pass a request on, without saying whose it is."""
    body = (
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if request.command == "POST"
        else b""
    )
    kept = {"Authorization", "Content-Type", "Stripe-Signature"}
    headers = {name: value for name, value in request.headers.items() if name in kept}
    found = httpx2.request(request.command, f"{behind}{request.path}", content=body, headers=headers)
    replies(request, found.status_code, found.content)


def replies(request: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
    request.close_connection = True


@pytest.fixture(scope="module")
def healthy_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """A shop of its own: others have lost webhooks."""
    with (
        LocalShop(tmp_path_factory.mktemp("doctor") / "shop", workers=1) as shop,
        RunningShop(shop) as running,
    ):
        yield running


@pytest.fixture
def running_shop(healthy_shop: RunningShop) -> RunningShop:
    return healthy_shop


@pytest.fixture
def patient(
    running_shop: RunningShop,
    storage: Minio,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Iterator[Patient]:
    for name, value in running_shop.shop.environment.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        yield Patient(
            shop=running_shop,
            storage=storage,
            shell=Shell(capsys),
            monkeypatch=monkeypatch,
            stack=stack,
            env_path=tmp_path / ".env",
        )


def test_nothing_is_found_in_a_healthy_shop(patient: Patient) -> None:
    answer = patient.examined()
    assert answer.status == 0, answer.out
    assert "Nothing is wrong." in answer.out
    document = json.loads(patient.examined("--json").out)
    assert document["is_healthy"]
    assert len(document["subjects"]) == 13


def _wrong_clock(patient: Patient) -> None:
    patient.monkeypatch.setattr(clocks, "now", lambda: datetime.now(UTC) + timedelta(minutes=2))


def _lifecycle(patient: Patient) -> None:
    bucket = patient.shop.shop.environment["S3_BUCKET"]
    rule = Rule(ENABLED, Filter(prefix="uploads/"), rule_id="tidy", expiration=Expiration(days=30))
    patient.storage.set_bucket_lifecycle(bucket, LifecycleConfig([rule]))
    patient.stack.callback(patient.storage.delete_bucket_lifecycle, bucket)


def _other_name(patient: Patient, port: str) -> None:
    """Reach this machine by a name that looks like another's."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str | bytes | None, *rest: Any, **named: Any) -> Any:
        return resolve("127.0.0.1" if host in {PUBLIC_NAME, PUBLIC_NAME.encode()} else host, *rest, **named)

    patient.monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    patient.monkeypatch.setenv("NO_PROXY", f"{PUBLIC_NAME},127.0.0.1")
    patient.sets(PUBLIC_URL=f"http://{PUBLIC_NAME}:{port}")


def _port(url: str) -> str:
    return url.rpartition(":")[2]


def _undelivered(patient: Patient, photo: Path = Path(__file__).parent / "harvest-1926.jpg") -> None:
    """A payment whose webhook event Stripe cannot deliver; the shop looks itself."""
    patient.shop.misbehave("stripe", {"on": "webhook:checkout.session.completed", "do": "never"})
    customer = patient.shop.customer()
    customer.open_session()
    customer.send(photo, photo.name)
    customer.pay(customer.ask_for_checkout()["url"])
    patient.stack.callback(_deliver, f"{patient.shop.shop.addresses['stripe']}/_twin")


def _deliver(twin: str) -> None:
    """Have the twin deliver what it kept back."""

    def states() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for webhook in httpx2.get(f"{twin}/ledger").json()["webhooks"]:
            found.setdefault(webhook["event_id"], set()).add(webhook["state"])
        return found

    kept_back = [event_id for event_id, known in states().items() if "delivered" not in known]
    for event_id in kept_back:
        httpx2.post(f"{twin}/webhooks/{event_id}/deliver").raise_for_status()
    eventually(lambda: all("delivered" in states()[event_id] for event_id in kept_back), "the delivery")


def _impatient(patient: Patient) -> None:
    patient.monkeypatch.setattr(diagnosis, "TIMEOUT_SECONDS", 0.5)
    patient.sets(DNS_SERVER="127.0.0.1:9")


#: The code of each finding, and how it is planted.
PLANTED: dict[str, Callable[[Patient], object]] = {
    "setting_wrong": lambda p: p.unsets("STRIPE_WEBHOOK_SECRET"),
    "link_signing_key_missing": lambda p: p.unsets("LINK_SIGNING_KEY"),
    "keys_shared": lambda p: p.sets(LINK_SIGNING_KEY=p.shop.shop.environment["WORKER_SECRET_KEY"]),
    "stripe_secret_key_form": lambda p: p.sets(STRIPE_SECRET_KEY="pk_test_published"),
    "replicate_api_token_form": lambda p: p.sets(REPLICATE_API_TOKEN="sk_of_another"),
    "sendgrid_api_key_form": lambda p: p.sets(SENDGRID_API_KEY="api-key-of-another"),
    "stripe_webhook_secret_form": lambda p: p.sets(STRIPE_WEBHOOK_SECRET="we_the_endpoints_id"),
    "public_url_without_tls": lambda p: _other_name(p, _port(p.shop.shop.url)),
    "stripe_live_on_loopback": lambda p: p.sets(STRIPE_SECRET_KEY="sk_live_of_the_shop"),
    "sandbox_with_live_key": lambda p: p.sets(STRIPE_SECRET_KEY="sk_live_of_the_shop"),
    "stripe_api_base_changed": lambda p: p.sets(STRIPE_SECRET_KEY="sk_live_of_the_shop"),
    "disk_full": lambda p: p.sets(MAX_PHOTO_MEBIBYTES="100000000"),
    "memory_small": lambda p: p.sets(DECODER_MEMORY_MEBIBYTES="65536", DECODER_PROCESSES="8"),
    "clock_off": _wrong_clock,
    "database_unavailable": lambda p: p.sets(DATABASE_URL=p.empty_database()),
    "database_not_durable": lambda p: p.alters_database("synchronous_commit", "off"),
    "database_full": lambda p: p.monkeypatch.setattr(PostgresShopFacts, "has_free_space", lambda _: False),
    "database_connections_few": lambda p: p.sets(WORKER_THREADS="1000"),
    "redis_unavailable": lambda p: p.sets(REDIS_URL="redis://127.0.0.1:9/0"),
    "bucket_missing": lambda p: p.sets(S3_BUCKET="nobodys-photos"),
    "backups_off": lambda p: p.unsets("SANDBOX_MAILBOX_URL"),
    "backup_bucket_missing": lambda p: p.sets(BACKUP_KEY="k" * 32, BACKUP_S3_BUCKET="nobodys-backups"),
    "backups_unavailable": lambda p: p.sets(
        BACKUP_KEY="k" * 32, BACKUP_S3_BUCKET="backups", BACKUP_S3_SECRET_KEY="not-the-secret-key"
    ),
    "backup_program_missing": lambda p: p.sets(BACKUP_KEY="k" * 32, POSTGRESQL_PROGRAMS="/nonexistent"),
    "log_not_archived": lambda p: p.sets(BACKUP_KEY="k" * 32),
    "storage_unavailable": lambda p: p.sets(S3_SECRET_KEY="not-the-secret-key"),
    "lifecycle_deletes_photos": _lifecycle,
    "stripe_unavailable": lambda p: p.sets(STRIPE_SECRET_KEY="sk_test_revoked"),
    "stripe_cannot_charge": lambda p: p.turns("stripe", charges_enabled=False),
    "stripe_no_payouts": lambda p: p.turns("stripe", payouts_enabled=False),
    "stripe_test_mode": lambda p: _other_name(p, _port(p.shop.shop.url)),
    "stripe_endpoint_missing": lambda p: p.turns(
        "stripe", webhook_url="https://old.example/api/webhooks/stripe"
    ),
    "stripe_endpoint_disabled": lambda p: p.turns("stripe", endpoint_status="disabled"),
    "stripe_events_missing": lambda p: p.turns("stripe", enabled_events=["checkout.session.completed"]),
    "stripe_version_old": lambda p: p.turns("stripe", endpoint_api_version="2023-10-16"),
    "stripe_test_event_refused": lambda p: p.sets(STRIPE_WEBHOOK_SECRET="whsec_of_another_endpoint"),
    "stripe_events_undelivered": _undelivered,
    "replicate_unavailable": lambda p: p.sets(REPLICATE_API_TOKEN="r8_revoked"),
    "replicate_secret_differs": lambda p: p.sets(REPLICATE_WEBHOOK_SECRET="whsec_b2YgYW5vdGhlciBhY2NvdW50"),
    "model_unknown": lambda p: p.sets(REPLICATE_MODEL="flux-kontext-apps/restore-imgae"),
    "model_without_version": lambda p: p.sets(REPLICATE_ENLARGE_MODEL=REAL_ESRGAN),
    "model_input_unknown": lambda p: p.sets(REPLICATE_INPUT_NAME="picture"),
    "model_input_value": lambda p: p.sets(REPLICATE_EXTRA_INPUT='{"output_format": "webp"}'),
    "sendgrid_unavailable": lambda p: p.sets(SENDGRID_API_KEY="SG.revoked"),
    "sendgrid_cannot_send": lambda p: p.turns("sendgrid", scopes=["user.webhooks.event.settings.read"]),
    "sender_unverified": lambda p: p.sets(SENDER_ADDRESS="photos@elsewhere.example"),
    "sender_domain_unauthenticated": lambda p: p.turns(
        "sendgrid", authenticated_domains=[], verified_senders=["photos@restoreclick.example"]
    ),
    "sendgrid_webhook_missing": lambda p: p.turns("sendgrid", webhook_url="https://old.example/hook"),
    "sendgrid_webhook_disabled": lambda p: p.turns("sendgrid", webhook_enabled=False),
    "sendgrid_webhook_unsigned": lambda p: p.turns("sendgrid", webhook_signed=False),
    "sendgrid_events_missing": lambda p: p.turns("sendgrid", webhook_events=["delivered", "open"]),
    "spf_missing": lambda p: p.turns("sendgrid", missing_dns=["spf"]),
    "dkim_missing": lambda p: p.turns("sendgrid", missing_dns=["dkim"]),
    "dmarc_missing": lambda p: p.turns("sendgrid", missing_dns=["dmarc"]),
    "dns_unavailable": _impatient,
    "public_url_unavailable": lambda p: p.sets(PUBLIC_URL="http://127.0.0.1:9"),
    "public_url_wrong": lambda p: p.sets(PUBLIC_URL=p.proxy(lambda request, _: replies(request, 502))),
    "public_url_redirects": lambda p: p.sets(
        PUBLIC_URL=p.proxy(lambda request, _: replies(request, 301, Location="https://www.shop.example/"))
    ),
    "proxy_refuses_photos": lambda p: p.sets(PUBLIC_URL=p.proxy(lambda request, _: replies(request, 413))),
    "client_address_forged": lambda p: _other_name(p, _port(p.shop.shop.url)),
    "proxy_untrusted": lambda p: _other_name(p, _port(p.proxy(passes_on))),
    "database_behind_log": lambda p: p.monkeypatch.setattr(LogHeads, "lacks", lambda *_: True),
    "brand_unusable": lambda p: p.sets(BRAND_DIRECTORY="/nonexist"),
    "worker_missing": lambda p: p.monkeypatch.setattr(database, "SESSION_PREFIX", "another program "),
    "link_key_differs": lambda p: p.sets(LINK_SIGNING_KEY="another key for links that the API lacks"),
    "worker_key_differs": lambda p: p.sets(WORKER_SECRET_KEY="another key of a scheduler, never set"),
}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(code, marks=() if position % 6 == 0 else pytest.mark.slow)
        for position, code in enumerate(PLANTED)
    ],
)
def test_a_planted_misconfiguration_is_found(patient: Patient, code: str) -> None:
    PLANTED[code](patient)
    found = patient.codes()
    assert code in found, found
    assert found[code].endswith(".")


def test_warnings_alone_end_with_another_status_than_errors(patient: Patient) -> None:
    patient.turns("sendgrid", missing_dns=["dmarc"])
    answer = patient.examined()
    assert answer.status == 1
    assert "1 finding to mend." in answer.out
    patient.turns("sendgrid", missing_dns=["dkim", "dmarc"])
    assert patient.examined().status == 2


def test_a_check_that_never_ends_is_a_finding(patient: Patient) -> None:
    ended = Event()
    patient.stack.callback(ended.set)
    patient.monkeypatch.setattr(examination, "CHECK_SECONDS", 0.2)
    patient.monkeypatch.setattr(DnsRecords, "texts", lambda *_: ended.wait(60) and [])
    assert "dns_timeout" in patient.codes()


def test_an_api_that_does_not_run_is_one_finding(patient: Patient) -> None:
    patient.sets(PUBLIC_URL="http://127.0.0.1:9")
    patient.turns("stripe", webhook_url="http://127.0.0.1:9/api/webhooks/stripe")
    patient.turns("sendgrid", webhook_url="http://127.0.0.1:9/api/webhooks/sendgrid")
    found = patient.codes()
    assert list(found) == ["public_url_unavailable"]
    assert "start `restoreclick serve`" in found["public_url_unavailable"]


def test_a_database_that_is_off_is_one_finding(patient: Patient) -> None:
    patient.sets(DATABASE_URL="postgresql://127.0.0.1:9/none")
    assert list(patient.codes()) == ["database_unavailable"]
    printed = patient.examined().out
    assert printed.count("check DATABASE_URL") == 1
    assert "not examined: see database" in printed


def test_secrets_are_in_no_finding(patient: Patient) -> None:
    """Whatever is wrong: here every provider refuses."""
    for secret in ("STRIPE_SECRET_KEY", "REPLICATE_API_TOKEN", "SENDGRID_API_KEY", "S3_SECRET_KEY"):
        patient.sets(**{secret: "canary-of-the-secrets"})
    answer = patient.examined()
    assert answer.status == 2
    assert "canary" not in answer.out + answer.err


def test_a_missing_bucket_is_created_on_request(patient: Patient) -> None:
    bucket = f"photos-{time.monotonic_ns()}"
    patient.sets(S3_BUCKET=bucket)
    refused = patient.examined("--fix")
    assert (refused.status, "--yes" in refused.err) == (2, True)
    assert f"The storage has no bucket {bucket}" in refused.out
    assert not patient.storage.bucket_exists(bucket)
    fixed = patient.examined("--fix", "--yes")
    assert fixed.status == 0, fixed.out
    assert f"Created the bucket {bucket}." in fixed.err
    assert patient.storage.bucket_exists(bucket)
    patient.storage.remove_bucket(bucket)


def test_a_missing_webhook_endpoint_is_created_and_its_secret_is_kept(patient: Patient) -> None:
    """One of the last tests: what is created at the provider stays."""
    patient.turns("stripe", webhook_url="https://old.example/api/webhooks/stripe")
    patient.env_path.write_text("# my shop\nSTRIPE_WEBHOOK_SECRET=whsec_of_the_old_one\nPRICE=untouched\n")
    fixed = patient.examined("--fix", "--yes")
    lines = patient.env_path.read_text().splitlines()
    assert (lines[0], lines[2]) == ("# my shop", "PRICE=untouched")
    secret = lines[1].removeprefix("STRIPE_WEBHOOK_SECRET=")
    assert secret.startswith("whsec_")
    assert secret != "whsec_of_the_old_one"
    assert secret not in fixed.out + fixed.err
    assert patient.env_path.stat().st_mode & 0o777 == 0o600
    assert "STRIPE_WEBHOOK_SECRET in" in fixed.out
    found = patient.codes()
    assert "stripe_endpoint_missing" not in found
    assert "stripe_events_missing" not in found
    assert "stripe_secret_differs" not in found
    patient.sets(STRIPE_WEBHOOK_SECRET="whsec_of_the_old_one")
    assert "stripe_secret_differs" in patient.codes()


def test_a_secret_that_is_only_printed_has_to_be_adopted(patient: Patient) -> None:
    hook = f"https://{time.monotonic_ns()}.shop.example"
    patient.sets(WEBHOOK_URL=hook)
    fixed = patient.examined("--fix", "--yes")
    assert fixed.status == 2
    assert "STRIPE_WEBHOOK_SECRET=whsec_" in fixed.err
    assert "STRIPE_WEBHOOK_SECRET has to be replaced by the value above" in fixed.out
