"""Webhooks about payments, handled together.

Payments take turns for the day's order numbers until their transaction is on disk. Those that arrive meanwhile are
recorded by the next transaction all at once, with as many statements as a single one.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from anyio import CapacityLimiter, to_thread

from domain.use_cases.payments.payment_events import Handled
from domain.use_cases.payments.payment_webhook import PaymentWebhook, ReceivedWebhook, independent
from domain.use_cases.recovery.log_heads import LogHeads

#: How many payments one transaction records. With more, the first would wait for the last.
BATCH_WEBHOOKS = 16


class _Waiting(NamedTuple):
    received: ReceivedWebhook
    answer: asyncio.Future[Handled]


class PaymentBatches:
    """Handle payment webhooks of one event loop, a batch at a time."""

    def __init__(
        self, payment_webhook: Callable[[], PaymentWebhook], log_heads: Callable[[], LogHeads]
    ) -> None:
        self._payment_webhook = payment_webhook
        self._log_heads = log_heads
        self._thread = CapacityLimiter(1)
        self._waiting: list[_Waiting] = []
        self._worker: asyncio.Task[None] | None = None

    async def handle(self, received: ReceivedWebhook) -> Handled:
        """Do as ``PaymentWebhook.handle`` does, once ``LogHeads.check`` allows it."""
        waiting = _Waiting(received, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await waiting.answer

    async def _work(self) -> None:
        batch: list[_Waiting] = []
        try:
            while self._waiting:
                batch = self._take()
                outcomes = await to_thread.run_sync(
                    self._handle, [each.received for each in batch], limiter=self._thread
                )
                for each, outcome in zip(batch, outcomes, strict=True):
                    _answer(each.answer, outcome)
        except BaseException as error:  # noqa: BLE001 -- the process ends, and no request may wait for ever
            for each in (*batch, *self._waiting):
                _answer(each.answer, error)
            self._waiting.clear()
        finally:
            self._worker = None

    def _take(self) -> list[_Waiting]:
        """Remove the next batch from what waits."""
        chosen = set(independent([each.received for each in self._waiting], BATCH_WEBHOOKS))
        batch = [each for position, each in enumerate(self._waiting) if position in chosen]
        self._waiting = [each for position, each in enumerate(self._waiting) if position not in chosen]
        return batch

    def _handle(self, batch: Sequence[ReceivedWebhook]) -> Sequence[Handled | Exception]:
        """Handle a batch; if that fails, each of its webhooks alone."""
        try:
            self._log_heads().check()
            return self._payment_webhook().handle_paid(batch)
        except Exception as error:  # noqa: BLE001 -- each request raises its own
            if len(batch) == 1:
                return [error]
        return [outcome for received in batch for outcome in self._handle([received])]


def _answer(waiting: asyncio.Future[Handled], outcome: Handled | BaseException) -> None:
    if waiting.done():  # the client is gone
        return
    if isinstance(outcome, BaseException):
        waiting.set_exception(outcome)
    else:
        waiting.set_result(outcome)
