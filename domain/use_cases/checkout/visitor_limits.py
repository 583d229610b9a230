"""Rate limits for anonymous visitors, per client and in total."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from domain.order.errors import ShopError
from domain.ports.clock import Clock
from domain.ports.rate_limiter import Quota, RateLimiter
from domain.ports.unit_of_work import HasUsageTotals, UnitOfWork
from domain.use_cases.shop_policy import MEBIBYTE, ShopPolicy

WINDOW = timedelta(hours=1)

#: The share of the storage limit above which no photo is accepted: paid orders need space for their results.
NEARLY_FULL = 0.95

#: How long a measurement of the stored bytes is reused: measuring reads several tables.
STORAGE_MEASURED_EVERY = timedelta(minutes=1)

#: When to retry if the storage is nearly full: cleanup runs every hour.
STORAGE_WAIT = timedelta(hours=1)


class TooManyRequestsError(ShopError):
    """A rate limit was exceeded; a retry can succeed after ``wait``."""

    _COUNTED: ClassVar[Mapping[str, str]] = {
        "sessions": "uploads",
        "mebibytes": "photos",
        "checkouts": "attempts to pay",
        "code_guesses": "codes that do not exist",
    }

    def __init__(self, quota: str, wait: timedelta) -> None:
        self.what = self._COUNTED[quota]
        self.wait = wait
        minutes = max(1, -(-wait // timedelta(minutes=1)))
        super().__init__(
            f"There were too many {self.what} within an hour: please try again in {minutes} minutes."
        )


class StorageNearlyFullError(ShopError):
    """The shop accepts no photos, because its storage is nearly full."""

    def __init__(self, wait: timedelta) -> None:
        self.wait = wait
        super().__init__(
            "We cannot accept photos at the moment, because we have too many. Please try again in an hour; "
            "the photos that you have sent are safe."
        )


@dataclass(frozen=True)
class _Bound:
    """A quota per client and one for all clients together."""

    name: str
    by_client: int
    in_total: int

    def client_quota(self) -> Quota:
        return Quota(name=self.name, amount=self.by_client, window=WINDOW)

    def total_quota(self) -> Quota:
        return Quota(name=self.name, amount=self.in_total, window=WINDOW)


class VisitorLimits:
    """Enforce the rate limits; each method raises TooManyRequestsError.

    A refused request does not count towards the total quota. ``client`` identifies a visitor's network address and is
    no personal data by itself.
    """

    def __init__(
        self,
        *,
        limiter: RateLimiter,
        unit_of_work: UnitOfWork[HasUsageTotals],
        clock: Clock,
        policy: ShopPolicy,
    ) -> None:
        quotas = policy.visitor_quotas
        self._limiter = limiter
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._max_stored_bytes = policy.uploads.max_stored_bytes
        self._stored: tuple[datetime, int] | None = None
        self._sessions = _Bound("sessions", quotas.sessions_by_client, quotas.sessions)
        self._mebibytes = _Bound("mebibytes", quotas.mebibytes_by_client, quotas.mebibytes)
        self._checkouts = _Bound("checkouts", quotas.checkouts_by_client, quotas.checkouts)
        self._guesses = _Bound("code_guesses", quotas.code_guesses_by_client, quotas.code_guesses)

    def open_session(self, client: str) -> None:
        """Count an upload session."""
        self._take(self._sessions, client)

    def receive_photo(self, client: str, size_bytes: int) -> None:
        """Count a photo or a piece before its bytes are received.

        An empty one counts like a small one. May raise StorageNearlyFullError.
        """
        if self._is_storage_nearly_full():
            raise StorageNearlyFullError(STORAGE_WAIT)
        self._take(self._mebibytes, client, max(1, -(-size_bytes // MEBIBYTE)))

    def open_checkout(self, client: str) -> None:
        """Count a request for a checkout."""
        self._take(self._checkouts, client)

    def check_code_guesses(self, client: str) -> None:
        """Refuse another code after too many that do not exist.

        The limit applies to the client and to all clients together.
        """
        wait = self._limiter.exceeded_for(self._guesses.client_quota(), client)
        if wait is None:
            window = self._window()
            with self._unit_of_work.transaction() as transaction:
                taken = transaction.usage_totals.taken(self._guesses.total_quota(), window)
            wait = self._until_next(window) if taken >= self._guesses.in_total else None
        if wait is not None:
            raise TooManyRequestsError(self._guesses.name, wait)

    def count_code_guess(self, client: str) -> None:
        """Count a code that does not exist."""
        self._limiter.take(self._guesses.client_quota(), client)
        with self._unit_of_work.transaction() as transaction:
            transaction.usage_totals.take(self._guesses.total_quota(), self._window())

    def forget_past(self) -> None:
        """Delete the counts of windows that are over."""
        with self._unit_of_work.transaction() as transaction:
            transaction.usage_totals.forget(self._window() - WINDOW)

    def _take(self, bound: _Bound, client: str, amount: int = 1) -> None:
        wait = self._limiter.take(bound.client_quota(), client, amount)
        if wait is None:
            window = self._window()
            with self._unit_of_work.transaction() as transaction:
                is_taken = transaction.usage_totals.take(bound.total_quota(), window, amount)
            wait = None if is_taken else self._until_next(window)
        if wait is not None:
            raise TooManyRequestsError(bound.name, wait)

    def _is_storage_nearly_full(self) -> bool:
        if self._max_stored_bytes is None:
            return False
        now = self._clock.now()
        if self._stored is None or now - self._stored[0] >= STORAGE_MEASURED_EVERY:
            with self._unit_of_work.transaction() as transaction:
                self._stored = (now, transaction.usage_totals.stored_bytes())
        return self._stored[1] > NEARLY_FULL * self._max_stored_bytes

    def _window(self) -> datetime:
        return self._clock.now().replace(minute=0, second=0, microsecond=0)

    def _until_next(self, window: datetime) -> timedelta:
        return window + WINDOW - self._clock.now()
