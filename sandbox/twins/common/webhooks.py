"""Webhooks: delivered in the background, signed per attempt, retried until 2xx."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from sandbox.twins.common.faults import WEBHOOK_ACTIONS, FaultRules
from sandbox.twins.common.recorded_state import TwinState
from sandbox.twins.common.runtime_options import RuntimeOptions

#: Enough that one hanging receiver does not delay the others.
SENDING_THREADS = 4


@dataclass(frozen=True)
class Delivery:
    """One webhook delivery to one address."""

    id: int
    event_id: str
    type: str
    url: str
    body: bytes
    attempts: int


class WebhookSender:
    """Deliver webhooks at least once, in no guaranteed order, across restarts."""

    def __init__(
        self,
        ledger: TwinState,
        faults: FaultRules,
        settings: RuntimeOptions[Any],
        sign: Callable[[Delivery], Mapping[str, str]],
        is_repeated: Callable[[Delivery], bool] = lambda _: True,
    ) -> None:
        """Create a sender; `sign` returns the headers of one attempt.

        Deliveries for which `is_repeated` is False are attempted once.
        """
        self._ledger = ledger
        self._faults = faults
        self._settings = settings
        self._sign = sign
        self._is_repeated = is_repeated
        # Without redirects and proxies of the environment, like the providers.
        self._client = httpx2.Client(follow_redirects=False, trust_env=False)

    def start(self) -> None:
        """Start delivering, beginning with what a previous process left."""
        self._ledger.execute("UPDATE deliveries SET state = 'pending' WHERE state = 'sending'")
        for number in range(SENDING_THREADS):
            threading.Thread(target=self._deliver_forever, name=f"webhooks-{number}", daemon=True).start()

    def send(self, event_id: str, event_type: str, url: str, body: bytes) -> None:
        """Queue a webhook; it is sent only if the surrounding transaction commits."""
        fault = self._faults.take(f"webhook:{event_type}", WEBHOOK_ACTIONS)
        action = fault.do if fault else ""
        wait = fault.seconds if fault and action in {"late", "out_of_order"} else 0.0
        state = {"never": "suppressed", "out_of_order": "held"}.get(action, "pending")
        for _ in range(2 if action == "twice" else 1):
            self._queue((event_id, event_type, url, body), state, time.time() + wait)

    def deliver_again(self, event_id: str) -> bool:
        """Queue the event once more, due now; return False if unknown."""
        with self._ledger.transaction():
            rows = self._ledger.execute(
                "SELECT type, url, body FROM deliveries WHERE event_id = ? ORDER BY id DESC LIMIT 1",
                (event_id,),
            )
            for row in rows:
                self._queue((event_id, *row), "pending", time.time())
        return bool(rows)

    def was_delivered(self, event_id: str) -> bool:
        """Whether the event was delivered, or had no receiver."""
        rows = self._ledger.execute("SELECT state FROM deliveries WHERE event_id = ?", (event_id,))
        return not rows or any(row["state"] == "delivered" for row in rows)

    def _queue(self, message: tuple[object, ...], state: str, due_at: float) -> None:
        with self._ledger.changed:
            self._ledger.execute(
                "INSERT INTO deliveries (event_id, type, url, body, state, due_at) VALUES (?, ?, ?, ?, ?, ?)",
                (*message, state, due_at),
            )
            self._ledger.changed.notify_all()

    def _deliver_forever(self) -> None:
        while True:
            delivery = self._claim()
            status, error = self._attempt(delivery)
            self._note(delivery, status, error)

    def _claim(self) -> Delivery:
        with self._ledger.changed:
            while True:
                rows = self._ledger.execute(
                    "SELECT id, event_id, type, url, body, attempts, due_at FROM deliveries "
                    "WHERE state IN ('pending', 'held') ORDER BY due_at LIMIT 1"
                )
                wait = rows[0]["due_at"] - time.time() if rows else None
                if rows and wait is not None and wait <= 0:
                    fields = {name: rows[0][name] for name in rows[0].keys() if name != "due_at"}  # noqa: SIM118 (a Row iterates its values)
                    self._ledger.execute(
                        "UPDATE deliveries SET state = 'sending' WHERE id = ?", (fields["id"],)
                    )
                    return Delivery(**fields)
                self._ledger.changed.wait(wait)

    def _attempt(self, delivery: Delivery) -> tuple[int | None, str | None]:
        headers = {"Content-Type": "application/json", **self._sign(delivery)}
        timeout = self._settings.current.webhook_timeout_seconds
        try:
            answer = self._client.post(delivery.url, content=delivery.body, headers=headers, timeout=timeout)
        except httpx2.HTTPError as error:
            return None, repr(error)
        return answer.status_code, None

    def _note(self, delivery: Delivery, status: int | None, error: str | None) -> None:
        delays = self._settings.current.webhook_delays_seconds if self._is_repeated(delivery) else ()
        state, wait = "pending", 0.0
        if status is not None and httpx2.codes.is_success(status):
            state = "delivered"
        elif delivery.attempts < len(delays):
            wait = delays[delivery.attempts]
        else:
            state = "given_up"
        now = time.time()
        with self._ledger.transaction():
            self._ledger.execute(
                "INSERT INTO attempts (delivery_id, at, status, error) VALUES (?, ?, ?, ?)",
                (delivery.id, now, status, error),
            )
            self._ledger.execute(
                "UPDATE deliveries SET state = ?, due_at = ?, attempts = attempts + 1 WHERE id = ?",
                (state, now + wait, delivery.id),
            )
            # Deliveries held to arrive out of order have now been overtaken.
            self._ledger.execute(
                "UPDATE deliveries SET due_at = ? WHERE state = 'held' AND id < ?", (now, delivery.id)
            )
            self._ledger.changed.notify_all()
