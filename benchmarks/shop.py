"""A shop on real servers with instant twins, and the timed operations."""

import hashlib
import hmac
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Self
from uuid import UUID, uuid4

import httpx2
import psycopg
from PIL import Image

from domain.order import events as e
from domain.order.values import (
    Money,
    NoteId,
    ObjectKey,
    OrderId,
    PhotoId,
    Sha256,
    StoredObject,
    UploadSessionId,
)
from domain.ports.upload_sessions import Checkout, UploadedPhoto, UploadSession, UploadStatus
from domain.pricing import PriceList
from domain.use_cases.order_command_handler import Cause, OrderCommandHandler
from domain.use_cases.restoration.prediction_limits import PredictionLimiter
from domain.use_cases.shop_policy import ShopPolicy, ShopUrls
from entrypoints.bootstrap.database import open_unit_of_work, upgrade
from entrypoints.settings import DatabaseSettings
from sandbox.environment import Sandbox
from sandbox.ports import listening_socket
from sandbox.processes import Process

PRICE = Money(amount=490, currency="EUR")
NOTHING = Money(amount=0, currency="EUR")
READY_SECONDS = 30
MAIL_SECONDS = 30


class BenchmarkShop:
    """The sandbox, the API and an optional worker, in separate processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            socket = self._stack.enter_context(listening_socket())
            self._url = f"http://127.0.0.1:{socket.getsockname()[1]}"
            sandbox = self._stack.enter_context(Sandbox(self._folder, self._url))
            self._environment = sandbox.environment
            self._twins = sandbox.addresses
            self._database_url = sandbox.environment["DATABASE_URL"]
            settings = DatabaseSettings.model_validate({"database_url": self._database_url})
            upgrade(settings)
            self._unit_of_work = self._stack.enter_context(open_unit_of_work(settings))
            self._customer = self._stack.enter_context(httpx2.Client(timeout=30, follow_redirects=True))
            self._customer.put(
                f"{self._twins['replicate']}/_twin/settings", json={"engine": "copy"}
            ).raise_for_status()
            self._start("serve", "--fd", str(socket.fileno()), fds=[socket.fileno()])
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start_worker(self) -> None:
        """Start one worker; before that, no reaction is performed."""
        self._start("worker")

    def bare_insert(self) -> Callable[[], object]:
        """Insert and commit a row of 400 bytes, on its own connection."""
        connection = self._stack.enter_context(psycopg.connect(self._database_url, autocommit=True))
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, body text)")
        body = "x" * 400
        return lambda: connection.execute("INSERT INTO bare (body) VALUES (%s)", (body,))

    def append(self) -> Callable[[], object]:
        """Append one event to an order that has up to about thirty."""
        order_id = self._pay_directly()
        command_handler = OrderCommandHandler(
            unit_of_work=self._unit_of_work,
            queue=_NoQueue(),
            prediction_limiter=PredictionLimiter(
                unit_of_work=self._unit_of_work, queue=_NoQueue(), clock=_Clock(), policy=_policy(self._url)
            ),
            clock=_Clock(),
            ids=_Ids(),
            policy=_policy(self._url),
        )
        rounds = 0

        def record() -> None:
            nonlocal order_id, rounds
            rounds += 1
            if rounds % 30 == 0:
                order_id = self._pay_directly()
            note = e.NoteAdded(note_id=NoteId(uuid4()))
            cause = Cause(name="benchmark", key=str(note.note_id), actor="benchmark", correlation_id=uuid4())
            command_handler.handle(order_id, [note], cause)

        return record

    def webhook(self, rounds: int) -> Callable[[], object]:
        """Post a payment webhook event for a new session; await its 200."""
        webhook_events = iter([self._webhook_event(self._quote_directly()) for _ in range(rounds)])
        return lambda: self._post_webhook(next(webhook_events))

    def payment_to_mail(self, rounds: int) -> Callable[[], object]:
        """One order of one photo, from payment to the result e-mail."""
        pages = iter(list(self._checkout_pages(rounds)))
        return lambda: self._pay_and_wait(*next(pages))

    def _checkout_pages(self, rounds: int) -> Iterator[tuple[str, str]]:
        picture = BytesIO()
        Image.effect_noise((640, 480), 40).convert("RGB").save(picture, "JPEG")
        for number in range(rounds):
            session = self._json("POST", "/api/uploads")["session_id"]
            self._json(
                "POST",
                f"/api/uploads/{session}/photos?filename=picnic.jpg",
                content=picture.getvalue(),
                headers={"Content-Type": "image/jpeg"},
            )
            page = self._json("POST", "/api/checkout-sessions", json={"session_id": session})
            yield page["url"], f"customer-{number}@mail.example"

    def _pay_and_wait(self, page: str, address: str) -> None:
        # The landing page is the shop's own and not measured.
        self._customer.post(
            page, data={"action": "pay", "email": address, "name": "Ada"}, follow_redirects=False
        )
        deadline = time.monotonic() + MAIL_SECONDS
        mailbox = f"{self._twins['sendgrid']}/_twin/mailbox"
        while time.monotonic() < deadline:
            mails = self._customer.get(mailbox, params={"to": address}).json()
            if len(mails) >= len(("confirmation", "result")):
                return
        raise TimeoutError(f"The result mail did not come within {MAIL_SECONDS} seconds.")

    def _json(self, method: str, path: str, **arguments: object) -> dict[str, str]:
        answer = self._customer.request(method, self._url + path, **arguments)  # type: ignore[arg-type]
        answer.raise_for_status()
        found: dict[str, str] = answer.json()
        return found

    def _quote_directly(self) -> UploadSession:
        """A session with a quoted photo, written directly to the database."""
        now = datetime.now(UTC)
        session = UploadSession(
            session_id=UploadSessionId(uuid4()),
            order_id=OrderId(uuid4()),
            status=UploadStatus.OPEN,
            opened_at=now,
        )
        photo = UploadedPhoto(
            photo_id=PhotoId(uuid4()),
            file_name="picnic.jpg",
            upload=StoredObject(
                key=ObjectKey(f"uploads/temp/{session.session_id}/picnic"),
                sha256=Sha256("0" * 64),
                size_bytes=1,
                media_type="image/jpeg",
            ),
            width=640,
            height=480,
        )
        checkout = Checkout(
            attempt=1,
            quoted=PRICE,
            reserved_at=now,
            expires_at=now + timedelta(hours=1),
            checkout_session_id=f"cs_{session.session_id.hex}",
            url="https://checkout.example",
        )
        with self._unit_of_work.transaction() as transaction:
            transaction.upload_sessions.open(session)
            transaction.upload_sessions.add_photo(session.session_id, photo)
            transaction.upload_sessions.set_checkout(session.session_id, checkout)
        return session

    def _webhook_event(self, session: UploadSession) -> bytes:
        now = int(time.time())
        checkout = {
            "id": f"cs_{session.session_id.hex}",
            "object": "checkout.session",
            "amount_total": PRICE.amount,
            "amount_subtotal": PRICE.amount,
            "currency": "eur",
            "payment_status": "paid",
            "status": "complete",
            "payment_intent": f"pi_{session.session_id.hex}",
            "customer_details": {"email": f"{session.session_id.hex}@mail.example", "name": "Ada"},
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "metadata": {
                "upload_session_id": str(session.session_id),
                "order_id": str(session.order_id),
            },
        }
        event = {
            "id": f"evt_{uuid4().hex}",
            "object": "event",
            "type": "checkout.session.completed",
            "created": now,
            "api_version": "2026-10-28.endive",
            "livemode": False,
            "pending_webhooks": 1,
            "data": {"object": checkout},
        }
        return json.dumps(event).encode()

    def _post_webhook(self, body: bytes) -> None:
        now = int(time.time())
        secret = self._environment["STRIPE_WEBHOOK_SECRET"].encode()
        signature = hmac.new(secret, f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        self._customer.post(
            f"{self._url}/api/webhooks/stripe",
            content=body,
            headers={"Stripe-Signature": f"t={now},v1={signature}", "Content-Type": "application/json"},
        ).raise_for_status()

    def _pay_directly(self) -> OrderId:
        session = self._quote_directly()
        self._post_webhook(self._webhook_event(session))
        return session.order_id

    def _start(self, *command: str, fds: list[int] | None = None) -> None:
        process = Process.start(
            command[0],
            [sys.executable, "-m", "entrypoints.cli", *command],
            log=self._folder / "logs" / f"{command[0]}.log",
            env=self._environment | {"PATH": "/usr/bin:/bin"},
            pass_fds=fds or [],
        )
        self._stack.enter_context(process)
        process.wait_for_line("{", READY_SECONDS)


class _NoQueue:
    def send(self, reactions: object) -> None:
        """Send nothing."""


class _Clock:
    def now(self) -> datetime:
        """The current moment."""
        return datetime.now(UTC)


class _Ids:
    def new(self) -> UUID:
        """A new id."""
        return uuid4()


def _policy(url: str) -> ShopPolicy:
    return ShopPolicy(
        prices=PriceList(currency="EUR", steps=((1, PRICE.amount),)),
        urls=ShopUrls(public=url, webhook=url, success=url, cancel=url),
    )
