"""Customers who arrive at a rate, an open loop."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import httpx2

from benchmarks.visitors import Visitors

#: Customers at the same time. Beyond them arrivals wait, which their latency includes.
CUSTOMERS = 64
#: How long a customer repeats a request that a killed process cut off.
PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.2


@dataclass
class Visits:
    """What the customers of one step saw.

    Attributes:
        seconds: from the planned arrival to the payment, of each customer who paid.
        repeated: how many requests were repeated.
        failures: why customers left without an order.
    """

    seconds: list[float] = field(default_factory=list)
    repeated: int = 0
    failures: list[str] = field(default_factory=list)


class Arrivals:
    """Sends customers who each upload photos and pay."""

    def __init__(self, visitors: Visitors, photos: Sequence[bytes]) -> None:
        self._visitors = visitors
        self._photos = photos
        self._turn = threading.Lock()

    def at_rate(self, orders_per_second: float, seconds: float) -> Visits:
        """Send customers evenly for a while; return when the last has paid."""
        visits = Visits()
        began = time.monotonic()
        with ThreadPoolExecutor(CUSTOMERS) as customers:
            for number in count():
                due = began + number / orders_per_second
                if due >= began + seconds:
                    break
                time.sleep(max(0.0, due - time.monotonic()))
                customers.submit(self._visit, due, visits)
        return visits

    def _visit(self, due: float, visits: Visits) -> None:
        try:
            session = self._repeated(self._visitors.open_session, visits)
            for photo in self._photos:
                self._repeated(partial(self._visitors.upload, session, photo), visits)
            page = self._repeated(partial(self._visitors.payment_page, session), visits)
            self._repeated(partial(self._visitors.pay, page), visits)
        except httpx2.HTTPError as error:
            with self._turn:
                visits.failures.append(f"{type(error).__name__}: {error}")
        else:
            with self._turn:
                visits.seconds.append(time.monotonic() - due)

    def _repeated(self, request: Callable[[], Any], visits: Visits) -> Any:
        """Make a request; repeat it while the shop is unavailable."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return request()
            except httpx2.HTTPError as error:
                refused = isinstance(error, httpx2.HTTPStatusError) and not error.response.is_server_error
                if refused or time.monotonic() > deadline:
                    raise
            with self._turn:
                visits.repeated += 1
            time.sleep(PAUSE_SECONDS)
